// Command bench measures imapilot against imapfilter, and both against the
// limit that the protocol sets: a client that knows the answers beforehand and
// only sends the commands, pipelined.
//
// Run it in the root of the repository (make bench):
//
//	go run ./engine/enginetest/bench [flags]
//
// It starts a Dovecot of its own on loopback, fills an INBOX, and lets every
// contender work on a fresh copy of it, one after the other, -runs times, of which
// imapfilter, the slow one, takes part in each fifth. The medians are printed, and with
// -markdown written as a table. A ratio is the median of that in each turn: the cores of a
// machine that others share may be half as fast from one second to the next, and in a turn
// they are that for both. A contender that leaves a wrong result behind is an error, not a
// number.
//
// What is equal for all:
//
//   - the messages: 1.2 kB each, spread evenly over 1,000 senders; rule i of N
//     is for sender i, odd rules move to the mailbox Bench/i, even ones add the
//     keyword $Benchi. So 50 rules touch 5 % of the messages, 500 rules 50 %.
//   - the mailbox: the mailboxes that the rules move to are made before. The
//     index caches are warm: the original was fetched and searched once, and a
//     copy is a copy of its indexes too. Each copy is a user of its own, whom the
//     server has not seen before.
//   - the server: Dovecot's files are in memory where there is room, and it does
//     not wait for disks. imapilot's journal is on the disk of the temporary
//     folder, and every commit is synced.
//
// The contenders are imapilot, in one process with a state file of its own;
// imapfilter in the two ways that its manual shows, a search on the server per
// rule, and patterns over the fields of one result, and in a third that is a
// program in Lua and no rules any more: a table of all senders; and the limit, which
// fetches what the rules see of each message, what has to be known of those on which they
// act, and sends the commands that follow. The others find nothing to do: imapilot with rules that are about nobody, and a
// bare FETCH of what such rules see. Both are measured twice: as
// whole processes, and from SELECT to the last message decided, which is what a
// daemon that runs takes for a pass.
//
// Wall time is from the start of the process to its end, the time of the CPU and
// the peak of its memory (RSS) are the process's own; the server's are not in
// them. A peak of about 12 MB or less is that of the process which measures.
//
// A machine with other work makes waiting longer, and whoever waits most loses
// most: the load is told when it is more than one.
package main
