// Package schedule reads the times at which a rule runs.
//
// [Parse] takes five cron fields or a descriptor (@daily, @every 10m) and
// refuses what would never run or would run in another time zone than the
// configuration's.
package schedule
