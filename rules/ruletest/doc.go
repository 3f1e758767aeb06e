// Package ruletest runs the tests that users write beside their rules: a
// message, what is given, and the actions that are wanted.
//
// A test of a rule judges that rule alone. A test of the whole walk judges what
// all rules together do with the message: its actions in the order in which
// they would be applied, without those that another rule supersedes and without
// those of rules in dry run.
//
// What a test cannot decide fails as "not covered": it never passes by default.
//
// # Limits
//
// A message file is at most 64 MiB. Of a message's text rules see as much as
// the configuration lets them see of real mail.
package ruletest
