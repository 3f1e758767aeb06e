// Package config reads the YAML configuration strictly and returns every
// problem of it at once, each with file, line, column, the line itself, a
// caret and a hint.
//
// [Load] is the one loader: check, test, run and reload all use it, so what
// check accepts is what the daemon runs. It reads no secret and logs in
// nowhere; of a secret it says whether its file is there and who may read it.
// A secret that is written into the file is masked in every diagnostic.
//
// # Files
//
// An include stands for the rules of its files at its place: rules that come
// after the include key in the text come after them. A pattern gives its files
// in the order of their names, and a file is read once. Paths are relative to
// the file that names them. Included files hold rules, retention, define, lists,
// webhooks, tests and include; the rest stands in the main file.
//
// A retention becomes a rule on a clock, behind the rules of its file wherever
// the key stands. One without a name is called after its mailbox when the names
// of all others are known.
//
// A list may stand in a file of its own, one value a line. Its values are read
// whenever the configuration is.
//
// # What follows from a mistake
//
// One mistake is one diagnostic. What could not be read is replaced by
// something that is like nothing else, so that the rest of a rule is still
// checked and no other rule is compared with it, and a name is not unknown
// when the part of the file that may define it could not be read.
//
// # Limits
//
// 64 files of 8 MiB, those of lists 10 MiB with 100,000 values of 1000 bytes,
// 10,000 rules, names of 200 bytes; see strictyaml for the shape of a file and
// package rules for that of a rule.
package config
