package rules

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"imapilot/actions"
)

// The limits of the program of exec.
const (
	maxElements  = 32     // the program and its arguments
	maxVariables = 16     // of its environment
	maxElement   = 4000   // octets of one of them
	maxCommand   = 32_000 // octets of all of them
)

// command is what an exec is run with. The first arguments of the action are the
// program and its own, the last ones the values of these variables.
type command struct {
	names   []string
	stdin   string
	timeout time.Duration
}

// checkCommand checks the program of an exec, and adds the values of its variables to
// the arguments.
func (b *builder) checkCommand(a ActionSource, d *draftAction) {
	if d.kind.Spec().Arg != actions.ArgCommand {
		return
	}
	b.checkAllowed(a)
	b.checkProgram(a.Args[0])
	for i, arg := range a.Args {
		b.checkElement(arg)
		if i > 0 {
			b.checkOption(a.Args[:i], d.args[i])
			b.checkShell(a.Args[:i], d.args[i])
		}
	}
	if len(a.Env) > maxVariables {
		b.problem(a.Kind.Pos, Error, fmt.Sprintf("env: has more than %d variables", maxVariables), "the document on the standard input says everything of the message")
		return
	}
	d.command.timeout = a.Timeout
	b.checkStdin(a.Stdin, d)
	for _, v := range a.Env {
		b.checkVariable(v)
		b.checkElement(v.Value)
		d.command.names = append(d.command.names, v.Name.Value)
		d.args = append(d.args, b.checkArgument(v.Value))
	}
}

// checkAllowed holds that what leaves the mailbox is asked for once more, where no
// rule that somebody sent along can say it.
func (b *builder) checkAllowed(a ActionSource) {
	if kind := a.Kind.Value; !slices.Contains(b.src.Allowed, kind) {
		b.problem(a.Kind.Pos, Error, fmt.Sprintf("%s is off", kind), fmt.Sprintf("write allow: [%s] at the top level of the configuration, if mail may start this", kind))
	}
}

func (b *builder) checkProgram(arg Text) {
	switch {
	case strings.Contains(arg.Value, "${"):
		b.problem(arg.Pos, Error, "the program cannot hold ${}", "a message must not choose what is run")
	case !filepath.IsAbs(arg.Value):
		b.problem(arg.Pos, Error, fmt.Sprintf("the program %q has no absolute path", arg.Value), "as in /usr/local/bin/notify; no shell looks for it")
	}
}

// checkElement checks what stands in an element literally.
func (b *builder) checkElement(arg Text) {
	switch {
	case len(arg.Value) > maxElement:
		b.problem(arg.Pos, Error, fmt.Sprintf("this is longer than %d octets", maxElement), "put it into a file")
	case strings.ContainsRune(arg.Value, 0):
		b.problem(arg.Pos, Error, "this holds a NUL character, which no program can be given", "")
	}
}

// checkOption refuses an argument that a message could make an option: one that
// begins with its text, where the program still looks for options.
func (b *builder) checkOption(before []Text, arg draftArgument) {
	begin := ""
	if len(arg.segments) > 0 && !arg.segments[0].isExpr {
		begin = arg.segments[0].literal
	}
	_, whole := literalOf(arg.segments)
	if whole || strings.Trim(begin, "-") != "" || slices.Contains(texts(before), "--") {
		return
	}
	b.problem(arg.text.Pos, Error, "a message can make this argument an option of the program, by a text that begins with a dash",
		"write -- as an argument before it, which ends the options of most programs, or --option=${...} in one piece")
}

// checkShell refuses to put what a message says into what a shell runs.
func (b *builder) checkShell(before []Text, arg draftArgument) {
	last := before[len(before)-1].Value
	script := len(last) > 1 && last[0] == '-' && last[1] != '-' && strings.HasSuffix(last, "c")
	if _, whole := literalOf(arg.segments); whole || !script || !slices.Contains(shells(), path.Base(before[0].Value)) {
		return
	}
	b.problem(arg.text.Pos, Error, "a shell would run what the message says here",
		`hand it over as an argument: [/bin/sh, -c, 'notify "$1"', --, '${subject}']`)
}

func shells() []string { return []string{"sh", "ash", "bash", "dash", "ksh", "mksh", "zsh", "fish"} }

func (b *builder) checkStdin(what Text, d *draftAction) {
	switch what.Value {
	case "", "document":
	case actions.StdinRaw:
		d.command.stdin = actions.StdinRaw
		d.message.wantsWhole()
	default:
		b.problem(what.Pos, Error, fmt.Sprintf("there is no %q to give a program", what.Value), "write raw for the message as it is, or document, the default")
	}
}

// checkVariable checks the name of a variable.
func (b *builder) checkVariable(v Variable) {
	name := v.Name.Value
	switch {
	case !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(name) || len(name) > 100:
		b.problem(v.Name.Pos, Error, fmt.Sprintf("%q cannot be the name of a variable", name), "use letters, digits and _, as in SUBJECT")
	case strings.HasPrefix(name, "IMAPILOT_"):
		b.problem(v.Name.Pos, Error, fmt.Sprintf("%s is imapilot's own", name), "name it otherwise")
	case strings.Contains(v.Value.Value, "${") && steers(name):
		b.problem(v.Name.Pos, Error, fmt.Sprintf("%s cannot hold ${}", name), "a message must not choose what is run")
	}
}

// steers reports whether a variable tells programs what to run.
func steers(name string) bool {
	return strings.HasPrefix(name, "LD_") || strings.HasPrefix(name, "DYLD_") ||
		slices.Contains([]string{"PATH", "HOME", "IFS", "ENV", "BASH_ENV", "SHELL", "EDITOR", "PAGER", "PYTHONPATH", "PERL5LIB", "RUBYLIB", "NODE_OPTIONS"}, name)
}

// printed is what the hash of a rule has of it, beside the arguments.
func (c command) printed() []string {
	var out []string
	if len(c.names) > 0 {
		out = append(append(out, "env"), c.names...)
	}
	if c.stdin != "" {
		out = append(out, "stdin", c.stdin)
	}
	return out
}

// fill works out what a program is run with: each argument and each variable has at
// most maxElement octets, and all together have maxCommand, for which values from the
// message are cut.
func (c command) fill(r *run, args []template) (*actions.Command, error) {
	for most := maxElement; ; most /= 2 {
		out, size := &actions.Command{Stdin: c.stdin, Timeout: c.timeout}, 0
		for i, t := range args {
			text, err := t.element(r, most)
			if err != nil {
				return nil, err
			}
			size += len(text)
			if v := i - (len(args) - len(c.names)); v >= 0 {
				out.Env = append(out.Env, c.names[v]+"="+text)
			} else {
				out.Argv = append(out.Argv, text)
			}
		}
		if size <= maxCommand {
			return out, nil
		}
		if most == 0 {
			return nil, errLargeCommand
		}
	}
}

var errLargeCommand = fmt.Errorf("the program has more than %d octets of arguments", maxCommand)

// element gives an argument of a program. Its values have no control characters and
// at most so many octets.
func (t template) element(r *run, most int) (string, error) {
	out, err := t.fill(r, func(value string, _ bool) (string, error) {
		return cutText(strings.Map(withoutControl, strings.ToValidUTF8(value, "\uFFFD")), most), nil
	})
	return cutText(out, maxElement), err
}

func withoutControl(c rune) rune {
	if unicode.IsControl(c) {
		return -1
	}
	return c
}
