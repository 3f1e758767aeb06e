// Package config reads the YAML configuration strictly and returns every
// problem of it at once, each with file, line, column, the line itself, a
// caret and a hint.
//
// [Load] is the one loader: check, test, run and reload all use it, so what
// check accepts is what the daemon runs.
package config
