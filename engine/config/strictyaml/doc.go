// Package strictyaml reads one YAML file into a tree in which every rune of
// every value knows its place in the file.
//
// It reads the part of YAML that a configuration needs and reports the rest as
// problems: tags, anchors, aliases, merge keys, null values, complex keys and
// more than one document. What YAML does to people who write expressions in it
// ("\Seen", a value that starts with @ or with a quoted word, ${} in a flow
// collection) is recognised and reported with the one cure.
//
// A syntax error does not hide what else is wrong: the offending value, or if
// that is not clear the entry around it, is replaced by a [Bad] node, of which
// nothing more is said, and reading goes on.
//
// Every value is found again, rune by rune, in the text of the file. One that
// is not there as the parser read it is a problem: the parser is not trusted
// to read what was written.
//
// # Limits
//
// A file holds at most [MaxSize] bytes, a mapping at most [MaxKeys] keys, and
// collections nest at most [MaxDepth] deep. After 40 syntax errors,
// fewer in a large file, the rest is not looked at.
// Line ends are LF or CRLF; columns count runes, from 1.
package strictyaml
