# When pipelines run, and which window each firing is about.
$ leat next
! error: no pipeline files in $TMP/project
!   hint: put one into pipelines/NAME.yaml, or ask about a text: leat next --cron "15 6 * * *"
[4]
$ mkdir pipelines; cat > pipelines/sales_daily.yaml <<'Y'
> pipeline: sales_daily
> schedule:
>   every: day at 06:15
>   timezone: Europe/Berlin
> steps:
>   hello: {shell: echo}
> Y
$ leat next sales_daily -n 3 --from 2027-03-27
Sat 2027-03-27 06:15 CET   window 2027-03-26
Sun 2027-03-28 06:15 CEST  window 2027-03-27
Mon 2027-03-29 06:15 CEST  window 2027-03-28   23 hours long: clocks go forward Sunday 02:00
$ leat next sales_daily -n 2 --from 2027-10-31
Sun 2027-10-31 06:15 CET  window 2027-10-30
Mon 2027-11-01 06:15 CET  window 2027-10-31   25 hours long: clocks go back Sunday 03:00
$ leat next sales_daily -n 1 --from 2027-03-29 --tz UTC
Mon 2027-03-29 04:15 UTC  window 2027-03-27 23:00 → 2027-03-28 22:00   23 hours long: clocks go forward Sunday 02:00
$ leat next sales_daily -n 1 --from 2027-03-29 --json
{
  "schema": "leat.next/1",
  "generated_at": ".*", (re)
  "items": [
    {
      "pipeline": "sales_daily",
      "schedule": "main",
      "fire_at": "2027-03-29T04:15:00Z",
      "due_at": "2027-03-29T04:15:00Z",
      "local": "2027-03-29T06:15:00+02:00",
      "timezone": "Europe/Berlin",
      "window": {
        "start": "2027-03-27T23:00:00Z",
        "end": "2027-03-28T22:00:00Z"
      },
      "note": "23 hours long: clocks go forward Sunday 02:00"
    }
  ]
}
# Several schedules, a calendar, a start; a cron text that falls into the gap; datasets.
$ cat > leat.yaml <<'Y'
> leat: 1
> calendars: {holidays: [2027-03-26, 2027-03-29]}
> Y
$ cat > pipelines/more.yaml <<'Y'
> pipeline: more
> schedule:
>   - {name: night, cron: "30 2 * * *", timezone: Europe/Berlin}
>   - {name: week, every: weekday at 08:00, timezone: Europe/Berlin, calendar: holidays}
>   - {name: later, every: month on 1 at 00:00, timezone: Europe/Berlin, start: 2030-01-01}
>   - {name: data, after: {all: [raw.orders, raw.items], same: day}}
> steps:
>   hello: {shell: echo}
> Y
$ leat next more -n 6 --from 2027-03-26
night  Fri 2027-03-26 02:30 CET   window 2027-03-25 02:30 → 2027-03-26 02:30
night  Sat 2027-03-27 02:30 CET   window 2027-03-26 02:30 → 2027-03-27 02:30
night  Sun 2027-03-28 03:00 CEST  window 2027-03-27 02:30 → 2027-03-28 03:00
night  Mon 2027-03-29 02:30 CEST  window 2027-03-28 03:00 → 2027-03-29 02:30   23h30m long: clocks go forward Sunday 02:00
night  Tue 2027-03-30 02:30 CEST  window 2027-03-29 02:30 → 2027-03-30 02:30
week   Tue 2027-03-30 08:00 CEST  window 2027-03-25 00:00 → 2027-03-30 00:00   119 hours long: clocks go forward Sunday 02:00
! more runs when raw.orders and raw.items have a new version for the same day
$ leat next more -n 3 --from 2027-03-27 --explain
more night  at 02:30 every day  (Europe/Berlin)  covers previous firing
more week  at 08:00 on Monday to Friday; not on days of holidays  (Europe/Berlin)  covers days since previous firing
more later  at 00:00 on day 1 of the month  (Europe/Berlin)  covers previous month
night  Sat 2027-03-27 02:30 CET   window 2027-03-26 02:30 → 2027-03-27 02:30
night  Sun 2027-03-28 03:00 CEST  window 2027-03-27 02:30 → 2027-03-28 03:00
  2027-03-28 has 23 hours: 02:00 to 03:00 does not exist; the run of 02:30 is at 03:00
night  Mon 2027-03-29 02:30 CEST  window 2027-03-28 03:00 → 2027-03-29 02:30   23h30m long: clocks go forward Sunday 02:00
! more runs when raw.orders and raw.items have a new version for the same day
$ leat next -n 4 --from 2027-03-29
more         night  Mon 2027-03-29 02:30 CEST  window 2027-03-28 03:00 → 2027-03-29 02:30   23h30m long: clocks go forward Sunday 02:00
sales_daily         Mon 2027-03-29 06:15 CEST  window 2027-03-28                            23 hours long: clocks go forward Sunday 02:00
more         night  Tue 2027-03-30 02:30 CEST  window 2027-03-29 02:30 → 2027-03-30 02:30
sales_daily         Tue 2027-03-30 06:15 CEST  window 2027-03-29
! more runs when raw.orders and raw.items have a new version for the same day
$ cat > pipelines/never.yaml <<'Y'
> pipeline: never
> steps:
>   hello: {shell: echo}
> Y
$ leat next never
! never has no schedule
$ leat next sales_dialy
! error: no pipeline is called `sales_dialy` in $TMP/project
!   hint: did you mean `sales_daily`?
[4]
$ echo 'pipeline: broken' > pipelines/broken.yaml; leat next -n 1 --from 2027-03-29
more  night  Mon 2027-03-29 02:30 CEST  window 2027-03-28 03:00 → 2027-03-29 02:30   23h30m long: clocks go forward Sunday 02:00
! pipelines/broken.yaml:1:1: the pipeline file needs `steps` (add `steps: {hello: {shell: echo hello}}`)
! more runs when raw.orders and raw.items have a new version for the same day
$ leat next broken
! error: pipelines/broken.yaml:1:1: the pipeline file needs `steps` (add `steps: {hello: {shell: echo hello}}`)
!   hint: see what is wrong: leat validate
[3]
# The last complete window is what a run without one is about.
$ cat > pipelines/hourly.yaml <<'Y'
> pipeline: hourly
> schedule: {cron: "0 * * * *", timezone: UTC, end: 2020-01-01T05:00:00Z}
> steps:
>   hello: {exec: [echo, "${window.start}"]}
> Y
$ leat run hourly -q; leat runs hourly --plain | cut -f 2,3,4
hourly	2020-01-01 04:00 → 2020-01-01 05:00	ok
$ cat > pipelines/future.yaml <<'Y'
> pipeline: future
> schedule: {cron: "0 * * * *", timezone: UTC, start: 2190-01-01}
> steps:
>   hello: {exec: [echo, "${window.start}"]}
> Y
$ leat run future
! error: future uses window.*, and no window was given: its schedule has no complete one yet
!   hint: leat run future --window yesterday
[2]
# Its file is broken: what was served last goes on.
$ printf 'pipeline: yearly\nschedule: {cron: "0 6 1 1 *", timezone: Europe/Berlin}\nsteps:\n  a: {shell: "true"}\n' > pipelines/yearly.yaml; leat serve --once > /dev/null 2>&1
$ echo '  b: {shel: "true"}' >> pipelines/yearly.yaml; leat next yearly 2>&1 | sed 's/at [A-Z].. 20..-01-01 06:00/at T/'
yearly is broken; by the definition served last it fires next at T CET
error: pipelines/yearly.yaml:5:7: unknown key `shel` in step `b` (did you mean `shell`?)
  hint: see what is wrong: leat validate
