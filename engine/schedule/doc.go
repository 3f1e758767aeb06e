// Package schedule is the clock of rules that run at set times: it says when a
// rule runs next and which runs were due. It reads no clock, starts no goroutine
// and waits for nothing; the times are handed in.
//
// # Syntax
//
// An expression that [Parse] takes has five fields, apart by spaces:
//
//	field          values
//	minute         0-59
//	hour           0-23
//	day of month   1-31
//	month          1-12 or jan-dec
//	day of week    0-6 or sun-sat, 0 is Sunday
//
//	in a field     means
//	*  or  ?       every value
//	5              that value
//	8-18           the range, both ends included
//	*/15           every 15th value, from the lowest on
//	8-18/2         every second value of the range
//	8/2            every second value from 8 to the highest
//	1,15,20-25     any of these
//
// A day must match both day fields where one of them holds *, and either of them
// where both are restricted: "0 3 1 * mon" runs on the first of the month and on
// Mondays. A step above 1 restricts, so */2 is no *, but */1 is.
//
//	instead of five fields   means
//	@hourly                  0 * * * *
//	@daily, @midnight        0 0 * * *
//	@weekly                  0 0 * * 0
//	@monthly                 0 0 1 * *
//	@yearly, @annually       0 0 1 1 *
//	@every 90m               90 minutes after the last time (1m to 8784h)
//
// Some expressions to start with:
//
//	0 3 * * *           at 03:00 every day
//	*/15 8-18 * * 1-5   every 15 minutes from 08:00 to 18:45, Monday to Friday
//	0 9 1 jan,jul *     at 09:00 on 1 January and 1 July
//	0 0 29 2 *          at 00:00 on 29 February, so in leap years
//
// # When the clocks change
//
// The fields are those of a clock on the wall in the schedule's time zone. What
// happens when that clock is put forward (its readings have a gap) or back (they
// overlap) is told by the hour field:
//
//   - Fixed hours (numbers, lists, ranges, also with a step) mean times of the
//     day. Each runs once on each day that matches. A time in the gap runs when
//     the gap ends: 02:30 runs at 03:00 where the clock jumps from 02:00 to
//     03:00, and several in one gap run once there together. A time in the
//     overlap runs when the clock first shows it. A day that the calendar of the
//     zone left out altogether has no runs (Samoa had no 30 December 2011).
//     Where a gap ends at midnight, the run falls on the next day's 00:00.
//   - Hours with * or */n, also within a list, mean a rhythm. It runs at every
//     instant at which the clock shows a time that matches: "0 * * * *" in both
//     hours of an overlap, and what is in the gap does not run.
//
// Minutes never decide: "*/30 2 * * *" has fixed hours. [Parse] refuses a time
// zone inside an expression, for all rules follow the configuration's, and an
// expression that never runs, such as 30 February.
//
// @every is elapsed time: it follows no clock on the wall and no time zone.
package schedule
