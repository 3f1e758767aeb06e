package journal

import "strings"

// SpelledAs reports whether a user who types a mailbox's name may mean the one
// that a server calls so: "/" stands between levels where the server has ".",
// INBOX is spelled in any case (RFC 9051 section 5.1), and the prefix "INBOX."
// that some servers give to every personal mailbox may be left out. One of another
// account is typed as ShowTarget shows it.
func SpelledAs(server, typed string) bool {
	if IsAbroad(server) {
		return ShowTarget(server) == typed
	}
	slashed := strings.ReplaceAll(server, ".", "/")
	return server == typed || strings.EqualFold(server, "INBOX") && strings.EqualFold(typed, "INBOX") ||
		slashed == typed || slashed == "INBOX/"+typed
}
