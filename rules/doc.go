// Package rules parses, type-checks and analyses the user's rules and decides
// from what is known of a message which actions follow.
//
// It is pure: no I/O, no clock, no goroutine. The engine hands in the facts of
// a message and the time; [Ruleset.Evaluate] gives back a Decision whose plan
// can print itself.
//
// Start with [Compile], then [Ruleset.Evaluate].
//
// # The language
//
// A condition is an expression over the facts of [Fields] with the functions
// of [Functions]. Texts compare as mail does: ==, !=, <, in, contains,
// startsWith, endsWith, has, glob and in_list do not regard case (simple
// Unicode folding); matches is RE2 as it stands and takes (?i). Calendar words
// use the location of the source. A fact that a message lacks is an empty text
// or list, never nil.
//
// Everything that could fail, or grow, while a message is looked at is refused
// when the rules are loaded, as far as that can be known: indexes, patterns
// that are not written out, ranges, variables, division by zero. What is left
// (a text of more than 1 MiB, lists of more than 100,000 elements) makes the
// condition an error: such a rule takes no action, and says so; with stop it
// stops the walk, for it might have kept the message from the rules below.
//
// # How a condition is worked out
//
// A condition is an and/or/not skeleton over leaves, with four values: true,
// false, unknown (a fact was not fetched) and error. One side that is false
// decides an and, one that is true an or, whatever the other is and in any
// order. Each distinct leaf is evaluated once a message, and each fact is read
// when the first leaf asks for it.
//
// # Names from mail
//
// A value of ${} in the name of a mailbox fills one level of the hierarchy: "/",
// ".", "\", "%", "*", control, format and bidirectional characters become "_",
// and it is cut at 64 characters. A name that begins with a value is never
// INBOX and never a role. A value that is empty fails the rule for that
// message. In a flag, whatever is no character of an atom becomes "_", so that
// no value can be a system flag.
package rules
