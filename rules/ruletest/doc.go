// Package ruletest runs the tests that users write beside their rules: a
// message, what is given, and the actions that are wanted.
//
// A test of a rule judges that rule alone. What it cannot decide fails as "not
// covered"; it never passes by default.
package ruletest
