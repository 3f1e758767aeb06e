package ruletest

import (
	"strings"
	"unicode/utf8"

	"imapilot/actions"
)

// width is what is left of 80 columns by the indentation under a test's name.
const width = 74

// compared shows what was wanted above what came, so that the eye can compare
// them: on a line each where that fits, else one action a line.
func compared(want, got []actions.Action, because string) string {
	shown, reason := labelled("want: ", "got:  ", want, got, ", "), " ("+because+")"
	for _, line := range shown {
		if utf8.RuneCountInString(line) > width {
			shown = labelled("want: ", "got:  ", want, got, "\n      ")
			break
		}
	}
	last := shown[1][strings.LastIndexByte(shown[1], '\n')+1:]
	if utf8.RuneCountInString(last+reason) > width {
		reason = "\n" + strings.TrimSpace(reason)
	}
	return strings.Join(shown, "\n") + reason
}

func labelled(first, second string, want, got []actions.Action, between string) []string {
	return []string{first + list(want, between), second + list(got, between)}
}

func list(all []actions.Action, between string) string {
	if len(all) == 0 {
		return "keep"
	}
	parts := make([]string, len(all))
	for i, a := range all {
		parts[i] = a.String()
	}
	return strings.Join(parts, between)
}
