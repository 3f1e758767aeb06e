package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// job is one run of one contender.
type job struct {
	at    login
	rules int
	dir   string // a folder of its own, on a disk
}

// The contenders, by the names that -only takes.
const (
	imapilotName = "imapilot"
	searchName   = "search"
	matchName    = "match"
	tableName    = "table"
	limitName    = "limit"
	nothingName  = "nothing"
	fetchName    = "fetch"
	passName     = "pass"
	bareName     = "bare"
)

// contender is one way to get the work done.
type contender struct {
	name  string
	title string
	// acts is set when the rules are applied; otherwise all stays as it is.
	acts bool
	// inside is set when the program says itself how long it took: see tookWord.
	inside bool
	// command prepares a run and returns its command line.
	command func(b *benchmark, j job) ([]string, error)
}

// isSlow is said of imapfilter: see slowEvery.
func (c contender) isSlow() bool {
	return slices.Contains([]string{searchName, matchName, tableName}, c.name)
}

func contenders() []contender {
	return []contender{
		{limitName, "the limit: bare pipelined commands", true, false, limitCommand},
		{imapilotName, "imapilot", true, false, func(b *benchmark, j job) ([]string, error) { return imapilotCommand(b, j, address) }},
		{searchName, "imapfilter, a search per rule", true, false, func(b *benchmark, j job) ([]string, error) {
			return imapfilterCommand(j, b.shape.luaSearch(j.at, j.rules))
		}},
		{matchName, "imapfilter, patterns over one result", true, false, func(b *benchmark, j job) ([]string, error) {
			return imapfilterCommand(j, b.shape.luaMatch(j.at, j.rules))
		}},
		{tableName, "imapfilter, a table in Lua", true, false, func(b *benchmark, j job) ([]string, error) {
			return imapfilterCommand(j, b.shape.luaTable(j.at, j.rules))
		}},
		{fetchName, "nothing to do: the bare FETCH", false, false, fetchCommand},
		{nothingName, "nothing to do: imapilot", false, false, func(b *benchmark, j job) ([]string, error) { return imapilotCommand(b, j, nobody) }},
		{bareName, "a pass, nothing to do: the bare FETCH", false, true, fetchCommand},
		{passName, "a pass, nothing to do: imapilot", false, true, passCommand},
	}
}

func names() []string {
	var out []string
	for _, c := range contenders() {
		out = append(out, c.name)
	}
	return out
}

func imapilotCommand(b *benchmark, j job, from func(int) string) ([]string, error) {
	config := filepath.Join(j.dir, "imapilot.yaml")
	text := b.shape.yamlConfig(j.at, filepath.Join(j.dir, "imapilot.db"), j.rules, from)
	argv := []string{b.binary}
	for _, word := range b.flags.imapilot {
		argv = append(argv, strings.ReplaceAll(word, "{config}", config))
	}
	return argv, os.WriteFile(config, []byte(text), 0o600)
}

func imapfilterCommand(j job, lua string) ([]string, error) {
	config := filepath.Join(j.dir, "config.lua")
	return []string{"imapfilter", "-c", config}, os.WriteFile(config, []byte(lua), 0o600)
}

func limitCommand(b *benchmark, j job) ([]string, error) {
	return bareCommand(b, j, b.shape.plan(j.at, j.rules))
}

func fetchCommand(b *benchmark, j job) ([]string, error) {
	return bareCommand(b, j, b.shape.plan(j.at, 0))
}

// passCommand is the engine in a process of the benchmark's, which knows when the
// pass began and ended: a daemon makes its passes without starting first.
func passCommand(b *benchmark, j job) ([]string, error) {
	argv, err := imapilotCommand(b, j, nobody)
	return []string{b.self, asPass, argv[len(argv)-1]}, err
}

func bareCommand(b *benchmark, j job, p plan) ([]string, error) {
	file := filepath.Join(j.dir, "plan.json")
	text, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	return []string{b.self, asLimit, file}, os.WriteFile(file, text, 0o600)
}

// chosen are the contenders that -only names.
func (b *benchmark) chosen() []contender {
	return slices.DeleteFunc(contenders(), func(c contender) bool { return !slices.Contains(b.flags.only, c.name) })
}
