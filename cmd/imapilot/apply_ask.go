package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// maxQuestions is how often a question is asked whose answers cannot be used.
const maxQuestions = 3

// question asks whether a plan is to be applied. The answer is y, n or nothing,
// or a number that raises the limit of each rule.
type question struct {
	in  *bufio.Reader
	out io.Writer
}

// ask returns whether to go on, and the new limit of this run, 0 for that of the
// rules.
func (q question) ask(p *planned) (agreed bool, most int) {
	for range maxQuestions {
		fmt.Fprint(q.out, questionText(p))
		line, err := q.in.ReadString('\n')
		if err != nil {
			fmt.Fprintln(q.out)
		}
		switch answer := strings.ToLower(strings.TrimSpace(line)); {
		case answer == "" || answer == "n" || answer == "no":
			return false, 0
		case (answer == "y" || answer == "yes") && p.report.Acted > 0:
			return true, 0
		default:
			n, why := readAnswer(p, answer)
			if why == "" {
				return true, n
			}
			fmt.Fprintln(q.out, why)
		}
		if err != nil {
			return false, 0
		}
	}
	return false, 0
}

// readAnswer reads a number, or says why it cannot be taken. One that is lower
// than what was shown would hold back what nobody was told of.
func readAnswer(p *planned, answer string) (n int, why string) {
	n, ok := readMax(answer)
	if !ok {
		return 0, "That is neither y nor n nor a number."
	}
	if rule, took := p.tally.most(); n < took {
		return 0, fmt.Sprintf("Rule %q acts on %s already; say %d or more, or n and then use --max.", visible(rule), count(took, "message"), took)
	}
	return n, ""
}

func questionText(p *planned) string {
	switch held := p.report.Held > 0; {
	case held && p.report.Acted == 0:
		return fmt.Sprintf("A limit holds all of it. Raise it, for this run? [N, or a number, as %d] ", p.tally.enough())
	case held:
		return fmt.Sprintf("Apply this to %s? [y/N, or a number to raise the limit] ", count(p.report.Acted, "message"))
	}
	return fmt.Sprintf("Apply this to %s? [y/N] ", count(p.report.Acted, "message"))
}
