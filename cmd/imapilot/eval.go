package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"imapilot/engine/config"
	"imapilot/rules"
)

func (a *app) evalCommand() *cobra.Command {
	var g given
	cmd := &cobra.Command{
		Use: "eval EXPRESSION FILE.eml ...", Short: "Work out an expression for a message",
		Long: `eval works out one expression of the rule language for messages in files ("-" is
the standard input), and shows its value, its type, and what it came from. It is
for trying a condition before it becomes a rule.

With a configuration, its define:, lists:, accounts and time zone can be used.
It needs none: without one there are no lists and no own addresses, and the time
zone is UTC.

Exit codes: 0 it was worked out, also when its value is an error; 2 the command
line, or the expression, is wrong; 3 a message cannot be read.

--json prints a list with an element for each message:
  message, type (a condition, a text, a number, ...), shown (for people)
  value          true, a text, a number, a list; a duration is in seconds;
                 absent where it could not be worked out
  error, not_known
  condition      of a condition, as 'imapilot explain --json' has it
  values         of all else what it was worked out from: {text, value}`,
		Example: `  imapilot eval 'from.domain' letter.eml
  imapilot eval 'has(subject, "invoice") and not seen' --flags seen letter.eml`,
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0:
				return usagef("say which expression, and for which message: imapilot eval 'from.domain' letter.eml")
			case len(args) == 1:
				return usagef("say for which message: imapilot eval '%s' letter.eml (- reads it from the standard input)", visible(args[0]))
			}
			return a.eval(args[0], args[1:], g)
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return fieldNames(), cobra.ShellCompDirectiveNoFileComp
			}
			return []cobra.Completion{"eml"}, cobra.ShellCompDirectiveFilterFileExt
		},
	}
	g.add(a, cmd)
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
	return cmd
}

// fieldNames offers what an expression can begin with.
func fieldNames() []cobra.Completion {
	var out []cobra.Completion
	for _, f := range rules.Fields() {
		out = append(out, cobra.CompletionWithDesc(f.Name, f.Doc))
	}
	return out
}

// loadIfAny reads the configuration, and does without where none was named and
// none is there.
func (a *app) loadIfAny() (*config.Config, error) {
	named := a.config != "" || os.Getenv("IMAPILOT_CONFIG") != ""
	if _, err := os.Stat(a.configPath()); !named && errors.Is(err, fs.ErrNotExist) {
		return &config.Config{Location: time.UTC}, nil
	}
	return a.load(false)
}

// evaluated is an expression for one message.
type evaluated struct {
	name string
	in   rules.Input
	rules.Evaluated
}

func (a *app) eval(expression string, files []string, g given) error {
	cfg, err := a.loadIfAny()
	if err != nil {
		return err
	}
	var all []evaluated
	var bad error
	errs := a.readMessages(files, func(name string, raw []byte) {
		if bad != nil {
			return // and it would be the same of every message
		}
		in, err := g.input(cfg, raw)
		if err != nil {
			bad = err
			return
		}
		value, problems := rules.Eval(cfg.Source, rules.Text{Value: expression}, in)
		if len(all) > 0 {
			problems = nil // they are the same for every message
		}
		if a.printProblems(expression, problems) {
			bad = usagef("the expression cannot be used")
			return
		}
		all = append(all, evaluated{name, in, value})
	})
	if bad != nil {
		return bad
	}
	if a.json {
		return errors.Join(append(errs, a.printJSON(evaluatedJSON(all)))...)
	}
	for i, e := range all {
		s := a.screen()
		if i > 0 {
			s.gap()
		}
		s.evaluated(e, cfg)
		fmt.Fprint(a.out, s.b.String())
	}
	return errors.Join(errs...)
}

// printProblems shows what is wrong with an expression as check would, and
// reports whether it cannot be used.
func (a *app) printProblems(expression string, problems []rules.Problem) bool {
	var diags []config.Diagnostic
	for _, p := range problems {
		line, column, source := lineAt(expression, p.Offset)
		diags = append(diags, config.Diagnostic{
			File: "expression", Line: line, Column: column, Length: p.Length, Severity: p.Severity,
			Message: p.Message, Hint: p.Hint, Source: source,
		})
	}
	for _, d := range diags {
		fmt.Fprintln(a.err, diagnostic(d, color(a.err)))
	}
	return config.HasErrors(diags)
}

// lineAt finds the line that holds a character, and counts from 1.
func lineAt(text string, offset int) (line, column int, source string) {
	before := []rune(text)
	before = before[:min(len(before), offset)]
	head := string(before)
	line = 1 + strings.Count(head, "\n")
	column = 1 + len([]rune(head[strings.LastIndexByte(head, '\n')+1:]))
	return line, column, strings.Split(text, "\n")[line-1]
}

// evaluated shows a value, and how it came about.
func (s *screen) evaluated(e evaluated, cfg *config.Config) {
	value := e.Shown
	switch {
	case e.Err != nil:
		value = "an error: " + e.Err.Error()
	case e.Value == nil:
		value = "not known"
	}
	s.line(visible(e.name)+": ", bold, value)
	s.line("  this is ", plain, e.Type)
	t := s.tree(explained{in: e.in, cfg: cfg})
	if e.Condition != nil {
		t.part(e.Condition, 0)
		return
	}
	if e.Value == nil && e.Err == nil {
		s.line("  ", plain, t.unknown(e.Missing))
	}
	for _, v := range e.Values {
		if text := t.value(v); text != "" {
			s.line("  ", plain, text)
		}
	}
}

// valueOf is a value as JSON has it. What is folded of an address is for rules
// only.
func valueOf(v any) any {
	switch v := v.(type) {
	case time.Duration:
		return v.Seconds()
	case map[string]string:
		out := map[string]any{}
		for key, value := range v {
			if !strings.HasSuffix(key, "~") {
				out[key] = value
			}
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			if !strings.HasSuffix(key, "~") {
				out[key] = valueOf(value)
			}
		}
		return out
	case []map[string]string:
		return valuesFrom(v)
	case []map[string]any:
		return valuesFrom(v)
	case []any:
		return valuesFrom(v)
	default:
		return v
	}
}

func valuesFrom[T any](list []T) []any {
	out := []any{}
	for _, v := range list {
		out = append(out, valueOf(v))
	}
	return out
}

func evaluatedJSON(all []evaluated) any {
	type element struct {
		Message   string      `json:"message"`
		Type      string      `json:"type"`
		Value     any         `json:"value,omitempty"`
		Shown     string      `json:"shown,omitempty"`
		Error     string      `json:"error,omitempty"`
		NotKnown  []string    `json:"not_known,omitempty"`
		Condition *partJSON   `json:"condition,omitempty"`
		Values    []valueJSON `json:"values,omitempty"`
	}
	out := []element{}
	for _, e := range all {
		one := element{Message: e.name, Type: e.Type, Value: valueOf(e.Value), Shown: e.Shown, NotKnown: notKnown(e.Missing), Values: valuesOf(e.Values)}
		if e.Err != nil {
			one.Error = e.Err.Error()
		}
		if e.Condition != nil {
			one.Condition = partOf(e.Condition)
		}
		out = append(out, one)
	}
	return out
}
