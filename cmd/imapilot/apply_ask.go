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
// or, where a limit holds something, a number that is the limit of each rule.
type question struct {
	in  *bufio.Reader
	out io.Writer
}

// ask returns whether to go on, and the new limit of this run, 0 for that of the
// rules.
func (q question) ask(p *planned) (agreed bool, most int) {
	if p.report.Held > 0 {
		fmt.Fprint(q.out, numberText(p))
	}
	for range maxQuestions {
		fmt.Fprint(q.out, questionText(p))
		line, err := q.in.ReadString('\n')
		if err != nil {
			fmt.Fprintln(q.out)
		}
		switch answer := strings.ToLower(strings.TrimSpace(line)); {
		case answer == "" || answer == "n" || answer == "no":
			return false, 0
		case (answer == "y" || answer == "yes") && takesYes(p):
			return true, 0
		default:
			n, why := readAnswer(p, answer)
			if why == "" {
				return true, n
			}
			fmt.Fprint(q.out, wrapped(why))
		}
		if err != nil {
			return false, 0
		}
	}
	return false, 0
}

// takesYes reports whether there is something to do without a higher limit.
func takesYes(p *planned) bool { return p.report.Acted+p.report.Unfinished > 0 }

// readAnswer reads a number, or says why it cannot be taken. One that is lower
// than what was shown would hold back what nobody was told of; and where nothing
// is held, it may stand for a number of messages, which no answer can choose.
func readAnswer(p *planned, answer string) (n int, why string) {
	n, ok := readMax(answer)
	switch {
	case p.report.Held == 0 && ok:
		return 0, "No limit holds anything here, so a number says nothing: answer y or n."
	case p.report.Held == 0:
		return 0, "That is neither y nor n."
	case !ok && takesYes(p):
		return 0, "That is neither y nor n nor a number."
	case !ok:
		return 0, "That is neither n nor a number."
	}
	if rule, took := p.tally.most(); n < took {
		return 0, fmt.Sprintf("Rule %q acts on %s already; say %d or more, or n and then use --max.", visible(rule), count(took, "message"), took)
	}
	return n, ""
}

// numberText says what a number does.
func numberText(p *planned) string {
	return wrapped(fmt.Sprintf("A number is for this run the most messages that each rule may move or expunge; with %d nothing is held.", p.tally.enough()))
}

// wrapped breaks a text into lines.
func wrapped(text string) string {
	s := screen{width: screenWidth}
	s.line("", plain, text)
	return s.b.String()
}

func questionText(p *planned) string {
	acted := count(p.report.Acted, "message")
	switch held := p.report.Held > 0; {
	case held && !takesYes(p):
		return "A limit holds all of it. Apply it with another? [N or a number] "
	case p.report.Acted == 0 && held:
		return fmt.Sprintf("Finish what was recorded for %s? [y/N or a number] ", count(p.report.Unfinished, "message"))
	case p.report.Acted == 0:
		return fmt.Sprintf("Finish what was recorded for %s? [y/N] ", count(p.report.Unfinished, "message"))
	case held:
		return fmt.Sprintf("Apply this to %s? [y/N or a number] ", acted)
	}
	return fmt.Sprintf("Apply this to %s? [y/N] ", acted)
}
