// Package exec runs a program of the user's for one message.
//
//	c := exec.Command{Argv: []string{"/usr/local/bin/notify", "--", subject}, Env: env, Dir: dir, Stdin: document}
//	r := c.Run(ctx) // r.Err is nil where the program ended with 0
//
// The caller keeps what is owed and counts the attempts; this package keeps nothing.
//
// What it promises:
//
//   - No shell is involved: each element of Argv is one argument, whatever it holds.
//   - The program gets the environment in Env and nothing else of this process: no
//     variable, no file but its standard input and output.
//   - Exit code 0 is success. 75 (EX_TEMPFAIL of sysexits.h), the end of its time, a
//     signal, and a program that cannot be started are temporary: another attempt may
//     succeed. Every other code is final.
//   - It ends. The program has Timeout, at most [MaxTimeout]; it, and everything in its
//     process group, is asked to end by SIGTERM when that is over or ctx is done, and
//     ended by SIGKILL [KillAfter] later. What it leaves behind in its group when it
//     ends by itself is ended, too. A process that made a session of its own is not
//     found: it goes on, and is not waited for. Where there are no process groups, only
//     the program itself is ended.
//   - All has a limit: what it prints [MaxOutput], beyond which it is ended and has
//     failed for good, and what is kept of that 512 octets, safe on a terminal.
//
// Where to look: command.go runs the program, output.go keeps what it prints,
// group_unix.go and group_other.go end it.
package exec
