package config

import (
	"regexp"
	"slices"
	"strings"
)

// maskSecret hides what follows the key of a secret on a line, so that a
// diagnostic can be shown and logged. Columns stay where they are.
func maskSecret(line string) string {
	line = maskURLs(line)
	at := secretAt(line)
	if at < 0 {
		return line
	}
	return line[:at] + stars(line[at:])
}

// maskURLs hides the user, the password and the query of the URLs on a line, and a
// long word at the end of the path: services put their keys there. What could be a password is hidden whatever
// stands in it, for a URL that is shown here may well be malformed.
func maskURLs(line string) string {
	line = maskGroup(line, regexp.MustCompile(`://([^"']*)@`))
	line = maskGroup(line, regexp.MustCompile(`://[^\s"'?#]*/([\w-]{16,})/?(?:[\s"'?#,}\]]|$)`))
	return maskGroup(line, regexp.MustCompile(`://[^\s"'?#]*[?#]([^\s"']*)`))
}

// maskGroup hides what the first group of a pattern stands for.
func maskGroup(line string, pattern *regexp.Regexp) string {
	found := pattern.FindAllStringSubmatchIndex(line, -1)
	for _, at := range slices.Backward(found) {
		line = line[:at[2]] + stars(line[at[2]:at[3]]) + line[at[3]:]
	}
	return line
}

func stars(s string) string { return strings.Repeat("*", len([]rune(s))) }

// secretAt is where a secret begins that is written out, -1 if there is none:
// {file: PATH} and the like only say where it is.
func secretAt(line string) int {
	found := regexp.MustCompile(`(?i)(?:\b|_)(?:pas\w*|pwd|secret\w*|token|token_key)["']?\s*:\s*`).FindStringIndex(line)
	if found == nil || found[1] >= len(line) || strings.ContainsAny(line[found[1]:found[1]+1], "{#&*!|>") {
		return -1
	}
	return found[1]
}

// secretWords are the texts by which a hint could show the secret.
func secretWords(line string) []string {
	at := secretAt(line)
	if at < 0 {
		return nil
	}
	return strings.Fields(strings.Trim(line[at:], `"' `))
}
