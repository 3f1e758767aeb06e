package journal

import "strings"

// between stands in a target between the account and the mailbox. No account and no
// mailbox has it in its name: both are free of control characters.
const between = "\t"

// Abroad is the target of a step, or of a pause, that is a mailbox of another
// account, in the configuration's spelling. It equals the name of no mailbox of the
// account whose step it is.
func Abroad(account, mailbox string) string { return account + between + mailbox }

// SplitAbroad reports whether a target is a mailbox of another account, and of which.
func SplitAbroad(target string) (account, mailbox string, ok bool) {
	return strings.Cut(target, between)
}

// IsAbroad reports whether a target is a mailbox of another account.
func IsAbroad(target string) bool { return strings.Contains(target, between) }

// ShowTarget gives a target as people see it: "work: Archive" is in another account.
func ShowTarget(target string) string { return strings.Replace(target, between, ": ", 1) }
