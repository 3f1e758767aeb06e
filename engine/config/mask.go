package config

import (
	"regexp"
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

// maskURLs hides the user, the password and the query of the URLs on a line:
// services put their keys there.
func maskURLs(line string) string {
	return regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.-]*://[^\s"']+`).ReplaceAllStringFunc(line, func(url string) string {
		scheme, rest, _ := strings.Cut(url, "://")
		host, path, deep := rest, "", false
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			host, path, deep = rest[:i], rest[i:], true
		}
		if at := strings.LastIndexByte(host, '@'); at >= 0 {
			host = stars(host[:at]) + host[at:]
		}
		if q := strings.IndexAny(path, "?#"); deep && q >= 0 {
			path = path[:q+1] + stars(path[q+1:])
		}
		return scheme + "://" + host + path
	})
}

func stars(s string) string { return strings.Repeat("*", len([]rune(s))) }

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
