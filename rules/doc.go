// Package rules parses, type-checks and analyses the user's rules and decides
// from what is known of a message which actions follow.
//
// It is pure: no I/O, no clock, no goroutine. The engine hands in the facts of
// a message and the time; [Ruleset.Evaluate] gives back a Decision whose plan
// can print itself.
//
// Start with [Compile], then [Ruleset.Evaluate].
package rules
