package config

import (
	"regexp"
	"strings"
)

// maskSecret hides what follows the key of a secret on a line, so that a
// diagnostic can be shown and logged. Columns stay where they are.
func maskSecret(line string) string {
	at := secretAt(line)
	if at < 0 {
		return line
	}
	return line[:at] + strings.Repeat("*", len([]rune(line[at:])))
}

// secretAt is where a secret begins that is written out, -1 if there is none:
// {file: PATH} and the like only say where it is.
func secretAt(line string) int {
	found := regexp.MustCompile(`(?i)\b(?:pas\w*|pwd|secret\w*|token)["']?\s*:\s*`).FindStringIndex(line)
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
