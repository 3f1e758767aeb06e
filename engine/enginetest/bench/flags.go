package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// flags are the command line, as doc.go and -help say.
type flags struct {
	messages, runs       int
	rules                []int
	only                 []string
	keep, million, check bool
	markdown, cpuProfile string
	store, binary        string
	imapilot             []string
}

// onePass makes imapilot act on the mail that is there, and end.
const onePass = "apply --yes --max 1000000 -c {config}"

// million is how many messages -million makes.
const million = 1_000_000

func parseFlags(args []string, stderr io.Writer) (flags, error) {
	var f flags
	var rules, only, command string
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.IntVar(&f.messages, "messages", 20_000, "how many messages INBOX holds")
	set.StringVar(&rules, "rules", "50,200,500", "how many rules, one benchmark each")
	set.IntVar(&f.runs, "runs", 25, "how often each contender runs, but imapfilter a fifth of that; the median counts")
	set.StringVar(&only, "only", "", "run only these contenders: "+strings.Join(names(), ","))
	set.BoolVar(&f.keep, "keep", false, "keep the temporary folder, and say where it is")
	set.BoolVar(&f.million, "million", false, "one pass of imapilot over 1,000,000 messages with 50 rules")
	set.BoolVar(&f.check, "check", false, "fail when a target is missed")
	set.StringVar(&f.markdown, "markdown", "", "write the table to this file too, as Markdown")
	set.StringVar(&f.cpuProfile, "cpuprofile", "", "instead of measuring, run imapilot's engine once in this process, write its CPU profile to this file, and count its commands")
	set.StringVar(&f.store, "store", "", "how Dovecot keeps mail: sdbox, maildir, or mdbox (default sdbox, with -million mdbox)")
	set.StringVar(&f.binary, "binary", "", "measure this imapilot instead of building one")
	set.StringVar(&command, "imapilot", onePass, "the command line of imapilot; {config} stands for its configuration")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	if set.NArg() > 0 {
		return f, fmt.Errorf("%q is no flag", set.Arg(0))
	}
	f.imapilot = strings.Fields(command)
	return f, errors.Join(f.scale(set), f.readRules(rules), f.readOnly(only), f.readStore())
}

// scale makes the benchmark the one of a million messages. What the command
// line says otherwise stays.
func (f *flags) scale(set *flag.FlagSet) error {
	if !f.million {
		return nil
	}
	for name, value := range map[string]string{"messages": strconv.Itoa(million), "rules": "50", "runs": "1", "only": "imapilot", "store": "mdbox"} {
		given := false
		set.Visit(func(g *flag.Flag) { given = given || g.Name == name })
		if given {
			continue
		}
		if err := set.Set(name, value); err != nil {
			return err
		}
	}
	return nil
}

func (f *flags) readRules(list string) error {
	for _, word := range strings.Split(list, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 || n > senders {
			return fmt.Errorf("-rules: %q is no number from 1 to %d", word, senders)
		}
		f.rules = append(f.rules, n)
	}
	if f.messages < senders || f.messages > million || f.runs < 1 || f.runs > 100 {
		return fmt.Errorf("-messages is from %d to %d, -runs from 1 to 100", senders, million)
	}
	return nil
}

func (f *flags) readOnly(list string) error {
	if list == "" {
		f.only = names()
		return nil
	}
	f.only = strings.Split(list, ",")
	for _, name := range f.only {
		if !slices.Contains(names(), name) {
			return fmt.Errorf("-only: %q is none of %s", name, strings.Join(names(), ", "))
		}
	}
	return nil
}

func (f *flags) readStore() error {
	if f.store == "" {
		f.store = "sdbox"
	}
	if !slices.Contains([]string{"sdbox", "maildir", "mdbox"}, f.store) {
		return fmt.Errorf("-store: %q is none of sdbox, maildir, mdbox", f.store)
	}
	return nil
}
