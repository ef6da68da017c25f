# When any schedule fires; `--from` is the first instant looked at.
$ leat next --cron "15 6 * * *" --tz Europe/Berlin --from 2026-11-19T06:15 -n 3
Thu 2026-11-19 06:15:00 CET
Fri 2026-11-20 06:15:00 CET
Sat 2026-11-21 06:15:00 CET
$ leat next --cron "15 6 * * MON-FRI" --from 2026-11-19 -n 2 --explain
at 06:15 on Monday to Friday  (UTC)
Thu 2026-11-19 06:15:00 UTC
Fri 2026-11-20 06:15:00 UTC
$ leat next --every "month on last at 06:15" --tz Europe/Berlin --from 2026-11-19 -n 2 --explain
at 06:15 on the last day of the month  (Europe/Berlin)
Mon 2026-11-30 06:15:00 CET
Thu 2026-12-31 06:15:00 CET
$ leat next --every "90 minutes" --from 2026-11-19 -n 2 --explain
every 1h30m of elapsed time, counted from 1970-01-01T00:00:00Z  (UTC)
Thu 2026-11-19 00:00:00 UTC
Thu 2026-11-19 01:30:00 UTC
$ leat next --cron "TZ=Asia/Tokyo 0 9 * * *" --from 2026-11-19 -n 1
Thu 2026-11-19 09:00:00 JST
$ leat next --cron "H H(0-5) * * *" --seed sales/0 --from 2026-11-19 -n 2
Thu 2026-11-19 01:37:00 UTC
Fri 2026-11-20 01:37:00 UTC
# The clock jumps over a run, or repeats it.
$ leat next --cron "30 2 * * *" --tz Europe/Berlin --from 2027-03-27 -n 3 --explain
at 02:30 every day  (Europe/Berlin)
Sat 2027-03-27 02:30:00 CET
Sun 2027-03-28 03:00:00 CEST
  2027-03-28 has 23 hours: 02:00 to 03:00 does not exist; the run of 02:30 is at 03:00
Mon 2027-03-29 02:30:00 CEST
$ leat next --cron "*/30 2 * * *" --tz Europe/Berlin --from 2027-03-28 -n 2 --explain
at 02:00 and 02:30 every day  (Europe/Berlin)
Sun 2027-03-28 03:00:00 CEST
  2027-03-28 has 23 hours: 02:00 to 03:00 does not exist; the runs of 02:00 to 02:30 are one at 03:00
Mon 2027-03-29 02:00:00 CEST
$ leat next --cron "30 * * * *" --tz Europe/Berlin --from 2027-03-28T01:00 -n 2 --explain
at minute 30 of every hour  (Europe/Berlin)
Sun 2027-03-28 01:30:00 CET
Sun 2027-03-28 03:30:00 CEST
  2027-03-28 has 23 hours: 02:00 to 03:00 does not exist; the run of 02:30 is left out
$ leat next --cron "30 2 * * *" --tz Europe/Berlin --from 2027-10-31 -n 2 --explain
at 02:30 every day  (Europe/Berlin)
Sun 2027-10-31 02:30:00 CEST
Mon 2027-11-01 02:30:00 CET
  2027-10-31 has 25 hours: 02:00 to 03:00 comes twice; the run of 02:30 is in the first pass only
$ leat next --cron "*/30 2 * * *" --tz Europe/Berlin --from 2027-10-31T02:30 -n 4 --explain
at 02:00 and 02:30 every day  (Europe/Berlin)
Sun 2027-10-31 02:30:00 CEST
Sun 2027-10-31 02:00:00 CET
  2027-10-31 has 25 hours: 02:00 to 03:00 comes twice; the runs of 02:00 to 02:30 are in both passes
Sun 2027-10-31 02:30:00 CET
Mon 2027-11-01 02:00:00 CET
$ leat next --cron "15 6 * * *" --tz Europe/Berlin --from 2027-10-31 -n 1 --explain
at 06:15 every day  (Europe/Berlin)
Sun 2027-10-31 06:15:00 CET
  2027-10-31 has 25 hours: 02:00 to 03:00 comes twice
$ leat next --cron "0 12 * * 5" --tz Pacific/Apia --from 2011-12-25 -n 1 --explain
at 12:00 on Friday  (Pacific/Apia)
Sat 2011-12-31 00:00:00 +14
  2011-12-31: 2011-12-30 00:00 to 2011-12-31 00:00 does not exist; the run of 12:00 is at 00:00
$ leat next --cron "15 6 * * *" --tz Europe/Berlin --from 2027-10-31 -n 1 --explain --json
{
  "schema": "leat.next/1",
  "generated_at": ".*", (re)
  "items": [
    {
      "fire_at": "2027-10-31T05:15:00Z",
      "local": "2027-10-31T06:15:00+01:00",
      "timezone": "Europe/Berlin",
      "cron": "15 6 * * *",
      "clock_changes": [
        "2027-10-31 has 25 hours: 02:00 to 03:00 comes twice"
      ]
    }
  ]
}
# The end of time.
$ leat next --cron "0 0 6 1 1 * 2199" --from 2026-11-19 -n 2
Tue 2199-01-01 06:00:00 UTC
! nothing more: schedules end with the year 2199
# What is wrong, or may not be meant.
$ leat next --cron "0 24 * * MON"
! error[E0308]: hour goes from 0 to 23, not 24
!  --> --cron:1:3
!   |
! 1 | 0 24 * * MON
!   |   ^^
!   |
!   = help: midnight is hour 0
!
! 1 error in --cron.
[3]
$ leat next --cron "0 6 * * MONDAY"
! error[E0307]: `MONDAY` cannot be the day of week
!  --> --cron:1:9
!   |
! 1 | 0 6 * * MONDAY
!   |         ^^^^^^ did you mean `MON`?
!
! 1 error in --cron.
[3]
$ leat next --cron "0 6 31 2 *"
! error[E0310]: no date from 1970 to 2199 matches the day fields
!  --> --cron:1:5
!   |
! 1 | 0 6 31 2 *
!   |     ^^^^^^
!   |
!   = help: the last day of any month is `L`
!
! 1 error in --cron.
[3]
$ leat next --cron "@reboot"
! error[E0311]: `@reboot` is an event: it has no times
!  --> --cron:1:1
!   |
! 1 | @reboot
!   | ^^^^^^^
!   |
!   = help: let what starts the machine call `leat run`
!
! 1 error in --cron.
[3]
$ leat next --cron "H 6 * * *"
! error[E0307]: `H` needs a seed: the name of the pipeline that it is of
!  --> --cron:1:1
!   |
! 1 | H 6 * * *
!   | ^
!   |
!   = help: add `--seed PIPELINE/0`
!
! 1 error in --cron.
[3]
$ leat next --every "day at 6:15"
! error[E0301]: `6:15` is not a time of day
!  --> --every:1:8
!   |
! 1 | day at 6:15
!   |        ^^^^ write hours and minutes with two digits each: `06:15`
!
! 1 error in --every.
[3]
$ leat next --cron "0 6 13 * FRI" --from 2026-11-01 -n 2
Fri 2026-11-06 06:00:00 UTC
Fri 2026-11-13 06:00:00 UTC
! warning[W0302]: either of the day fields is enough
!  --> --cron:1:5
!   |
! 1 | 0 6 13 * FRI
!   |     ^^^^^^^^
!   |
!   = help: for both to match write `13 * +FRI`
!
! 1 warning in --cron.
$ leat next --cron "0 6 * * *" --tz Berlin
! error: unknown time zone `Berlin`
!   hint: did you mean `Europe/Berlin`?
[2]
$ leat next --cron "TZ=Asia/Tokyo 0 6 * * *" --tz Europe/Berlin
! error: the cron text says Asia/Tokyo and --tz says Europe/Berlin
!   hint: leave one of them out
[2]
$ leat next --cron "0 6 * * *" --every "day at 06:00"
! error: --cron and --every are two schedules
!   hint: leave one of them out
[2]
$ leat next sales --cron "0 6 * * *"
! error: a pipeline has its own schedule: leave out --cron
[2]
$ leat next --cron "0 6 * * *" -n 0
! error: --limit takes a whole number from 1 on, not `0`
[2]
$ leat next --cron "0 6 * * *" -n 1000000
! error: -n is 100000 at most
[2]
