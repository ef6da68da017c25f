-- The refined tables as one query over every file that ever came, with no pipeline at all: what the tests compare
-- refined.daily_delay, refined.route_delay and their twins by day with. $TABLE is put in by the script that runs it.
with input as (
    select distinct
           cast(try_cast(date as timestamp) as date) as flight_date,
           cast(try_cast(date as timestamp) as timestamptz) as departed_at,
           try_cast(delay as integer) as delay,
           try_cast(distance as integer) as distance,
           origin,
           destination
    from read_csv('landing/flights/*.csv', header = true, all_varchar = true)
), airports as (
    select iata, city from read_csv('landing/airports/*.csv', header = true, all_varchar = true)
), flights as (
    select * from input
    where departed_at is not null and delay is not null
      and delay between -180 and 2880 and distance > 0
      and origin in (select iata from airports) and destination in (select iata from airports)
), daily_delay as (
    select flight_date,
           count(*) as flights,
           round(avg(delay), 2) as mean_delay,
           count(*) filter (where delay > 15) as late,
           max(delay) as worst
    from flights
    group by flight_date
), route_delay as (
    select f.origin, o.city as origin_city, f.destination, d.city as destination_city,
           count(*) as flights,
           round(avg(f.delay), 2) as mean_delay
    from flights f
    join airports o on o.iata = f.origin
    join airports d on d.iata = f.destination
    group by all
), daily_delay_by_day as (
    from daily_delay
), route_delay_by_day as (
    select flight_date, origin, destination, count(*) as flights, round(avg(delay), 2) as mean_delay
    from flights
    group by all
)
select * from $TABLE order by all
