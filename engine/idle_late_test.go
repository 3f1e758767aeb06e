package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"imapilot/engine/enginetest/imaptest"
)

// lateNews is a server that tells of news in an IDLE only when that ends.
func lateNews() func(line string) string {
	held := ""
	return func(line string) string {
		switch {
		case strings.HasPrefix(line, "I"), strings.HasPrefix(line, "T"): // a tagged end
			line, held = held+line, ""
		case strings.HasSuffix(line, " EXISTS\r\n") || strings.HasSuffix(line, " RECENT\r\n"):
			line, held = "", held+line
		}
		return line
	}
}

// News that comes at the end of an IDLE, behind whose DONE a SELECT went out, is news: the
// server is not taken for one that announces nothing.
func TestNewsAtTheEndOfAnIdle(t *testing.T) {
	watched(t, imaptest.Options{}, "connections: 1\nwatch: [INBOX]", "", nil, func(b answered) {
		b.alter(lateNews())
		for i := range 4 {
			b.pass(time.Until(nextControl(b)) - 20*time.Second)
			b.into("INBOX", fmt.Sprint("m", i))
			b.pass(40 * time.Second)
			b.wantFiled(i + 1)
		}
		b.wantFallback()
	})
}

// So it is where another mailbox is selected next.
func TestNewsBeforeAnotherMailbox(t *testing.T) {
	watched(t, imaptest.Options{}, "connections: 1", "", nil, func(b answered) {
		b.alter(lateNews())
		b.pass(30 * time.Second)
		b.into("Lists/a", "the sweep finds it")
		b.into("INBOX", "this is told late")
		b.pass(70 * time.Second)
		b.wantFiled(2)
		b.pass(5 * time.Minute)
		b.wantFallback()
	})
}

// Mail that comes into the mailbox that is idled in while another one is selected is found
// when it is selected again.
func TestMailWhileAnotherMailboxIsSelected(t *testing.T) {
	watched(t, imaptest.Options{}, "connections: 1", "", nil, func(b answered) {
		once := false
		b.alter(func(line string) string {
			if strings.Contains(line, " FETCH (") && !once { // of the message in Lists/a
				once = true
				b.into("INBOX", "meanwhile")
			}
			return line
		})
		b.pass(30 * time.Second)
		b.into("Lists/a", "the sweep finds it")
		b.pass(70 * time.Second)
		b.wantFiled(2)
		b.wantFallback()
	})
}

// Where the work connection idles itself, the looks at everything keep no step with mail
// that comes by the clock: just before one, a good server has not announced it yet.
func TestLooksKeepNoStep(t *testing.T) {
	watched(t, imaptest.Options{}, "connections: 1\nwatch: [INBOX]", "", nil, func(b answered) {
		b.pass(45 * time.Minute)
		at := b.times(`LIST "" "*" RETURN (SUBSCRIBED`)
		steps := map[time.Duration]bool{}
		for i := 2; i < len(at); i++ { // the first is that of the login
			step := at[i].Sub(at[i-1])
			if steps[step] = true; step < 5*time.Minute || step > 5*time.Minute+10*time.Second {
				t.Errorf("a look after %v", step)
			}
		}
		if len(at) < 8 || len(steps) < 4 {
			t.Errorf("%d looks, %d steps", len(at), len(steps))
		}
	})
}
