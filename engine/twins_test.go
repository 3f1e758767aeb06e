package engine_test

import (
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
)

// Where there is no MOVE, the copy that a rule made of one message is no proof that
// another, which looks the same, was moved there.
func TestATwinsCopyProvesNoMove(t *testing.T) {
	const rules = "rules:\n  - {name: m, if: 'flagged', then: [{move: News}]}\n  - {name: c, if: 'not flagged', then: [{copy: News}]}\n"
	nothing := func(line string) answer {
		if strings.HasPrefix(line, "UID COPY 1 ") {
			return say("OK done") // and nothing was copied
		}
		return answer{}
	}
	answering(t, imaptest.Options{NoMove: true, NoIdle: true}, "poll: 10m", rules, nothing, func(b answered) {
		at := time.Now()
		for _, flags := range [][]imap.Flag{{imap.FlagFlagged}, nil} {
			if _, err := b.srv.Mem.Append("INBOX", flags, at, message("twin", "a@news.example")); err != nil {
				t.Fatal(err)
			}
		}
		b.pass(15 * time.Minute)
		b.want("News", "twin")
		b.want("INBOX", "twin", "twin")
	})
}
