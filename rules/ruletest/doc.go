// Package ruletest runs the tests that users write beside their rules: a
// message, what is given, and the actions that are wanted.
//
// A test of a rule judges that rule alone, whatever asks it. A test of the whole
// walk judges what the rules that are asked on arrival together do with the
// message: its actions in the order in which they would be applied, without
// those that another rule supersedes and without those of rules in dry run. A
// rule on a clock or on flags is no part of that walk.
//
// What a test cannot decide fails as "not covered": it never passes by default.
//
// # Limits
//
// A message file is at most 64 MiB. Of a message's text rules see as much as
// the configuration lets them see of real mail.
package ruletest
