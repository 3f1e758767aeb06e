package imapsession_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

// inTheAir runs a test against a server that follows a script once INBOX is selected,
// and hands the test what was written.
func inTheAir(t *testing.T, script func(c *imaptest.Script, w *writes), run func(t *testing.T, s *imapsession.Session)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &writes{}
		srv := imaptest.Scripted(t, func(c *imaptest.Script) {
			c.Login(everything)
			c.Select()
			script(c, w)
		})
		o := scriptedOptions(srv)
		o.DialContext = w.dial(o.DialContext)
		s := must[*imapsession.Session](t)(imapsession.Dial(t.Context(), o))
		defer srv.Wait()
		defer s.Close()
		must[imapsession.Selected](t)(s.Select(t.Context(), "INBOX"))
		run(t, s)
	})
}

func (w *writes) has(command string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.all, func(sent string) bool { return strings.HasPrefix(sent, command) })
}

func fetchAhead(t *testing.T, s *imapsession.Session, uid imap.UID) *imapsession.Fetching {
	return s.FetchHeadersAhead(t.Context(), imap.UIDSetNum(uid), []string{"From"})
}

func moveAhead(ctx context.Context, s *imapsession.Session, uid imap.UID) *imapsession.Changing {
	return s.ChangeAhead(ctx, []imapsession.Change{{Verb: "MOVE", UIDs: imap.UIDSetNum(uid), Target: "A"}})
}

const (
	fetchedOne = `* 1 FETCH (UID 1 FLAGS () INTERNALDATE " 1-Jan-2026 00:00:00 +0000" RFC822.SIZE 9 BODY[HEADER.FIELDS (From)] "")`
	fetchedTwo = `* 2 FETCH (UID 2 FLAGS () INTERNALDATE " 1-Jan-2026 00:00:00 +0000" RFC822.SIZE 9 BODY[HEADER.FIELDS (From)] "")`
	movedThree = ` OK [COPYUID 7 3 30] moved`
)

func wantFetched(t *testing.T, f *imapsession.Fetching, uid imap.UID) {
	t.Helper()
	if got, err := f.Wait(t.Context()); err != nil || len(got) != 1 || got[0].UID != uid {
		t.Errorf("of %d: %+v, %v", uid, got, err)
	}
}

// While the server is at work on one flight it has the next at hand, and each gets its
// own answers, whichever is waited for first.
func TestTheNextFlightIsAtHand(t *testing.T) {
	inTheAir(t, func(c *imaptest.Script, _ *writes) {
		first, second := c.Expect("UID FETCH 1"), c.Expect("UID FETCH 2")
		c.Send(fetchedOne, first+" OK", fetchedTwo, second+" OK")
		first, second = c.Expect("UID FETCH 1"), c.Expect("UID MOVE 3")
		c.Send(fetchedOne, first+" OK", second+movedThree)
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		one, two := fetchAhead(t, s, 1), fetchAhead(t, s, 2)
		wantFetched(t, one, 1)
		wantFetched(t, two, 2)
		again, moved := fetchAhead(t, s, 1), moveAhead(t.Context(), s, 3)
		if got := moved.Wait(t.Context()); got[0].Err != nil || got[0].Pairs[3] != 30 {
			t.Errorf("%+v", got)
		}
		wantFetched(t, again, 1)
	})
}

// A fourth flight waits until the first has landed.
func TestFewFlightsInTheAir(t *testing.T) {
	inTheAir(t, func(c *imaptest.Script, w *writes) {
		first, second, third := c.Expect("UID FETCH 1"), c.Expect("UID FETCH 2"), c.Expect("UID FETCH 1")
		time.Sleep(time.Second)
		if w.has("UID MOVE") {
			t.Error("the fourth was sent before the first was answered")
		}
		c.Send(fetchedOne, first+" OK")
		fourth := c.Expect("UID MOVE 3")
		c.Send(fetchedTwo, second+" OK", fetchedOne, third+" OK", fourth+movedThree)
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		one, two, three, four := fetchAhead(t, s, 1), fetchAhead(t, s, 2), fetchAhead(t, s, 1), moveAhead(t.Context(), s, 3)
		wantFetched(t, one, 1)
		wantFetched(t, two, 2)
		wantFetched(t, three, 1)
		if got := four.Wait(t.Context()); got[0].Err != nil {
			t.Error(got[0].Err)
		}
	})
}

// Any other command goes out behind all that is in the air, which has landed with it.
func TestACommandBehindFlights(t *testing.T) {
	inTheAir(t, func(c *imaptest.Script, _ *writes) {
		first, second, third := c.Expect("UID FETCH 1"), c.Expect("UID MOVE 3"), c.Expect("NOOP")
		c.Send(fetchedOne, first+" OK", second+" NO [OVERQUOTA] full", third+" OK")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		one, three := fetchAhead(t, s, 1), moveAhead(t.Context(), s, 3)
		if err := s.Noop(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantFetched(t, one, 1)
		var e *imapsession.Error
		if got := three.Wait(t.Context()); !errors.As(got[0].Err, &e) || e.Code != "OVERQUOTA" {
			t.Errorf("%+v", got)
		}
	})
}

// What was answered before the connection ended counts; of the rest nobody knows.
func TestTheConnectionEndsBetweenFlights(t *testing.T) {
	for name, end := range map[string]func(c *imaptest.Script){
		"it is cut":        func(*imaptest.Script) {},
		"the server hangs": func(c *imaptest.Script) { c.Drain() },
	} {
		t.Run(name, func(t *testing.T) {
			inTheAir(t, func(c *imaptest.Script, _ *writes) {
				first := c.Expect("UID FETCH 1")
				c.Expect("UID MOVE 3")
				c.Send(fetchedOne, first+" OK")
				end(c)
			}, func(t *testing.T, s *imapsession.Session) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				one, three := fetchAhead(t, s, 1), moveAhead(ctx, s, 3)
				wantFetched(t, one, 1)
				time.Sleep(time.Second) // only the second is in the air
				var e *imapsession.Error
				if got := three.Wait(t.Context()); !errors.As(got[0].Err, &e) || e.Class != imapsession.Connection || !e.Unknown || ctx.Err() != nil {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

// The context of any flight ends the connection, as long as the flight has not landed.
func TestTheContextOfTheSecondFlight(t *testing.T) {
	inTheAir(t, func(c *imaptest.Script, _ *writes) {
		c.Expect("UID FETCH 1")
		c.Expect("UID MOVE 3")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		ctx, cancel := context.WithCancel(t.Context())
		one, three := fetchAhead(t, s, 1), moveAhead(ctx, s, 3)
		time.AfterFunc(time.Second, cancel)
		if _, err := one.Wait(t.Context()); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if got := three.Wait(t.Context()); !errors.Is(got[0].Err, context.Canceled) {
			t.Errorf("%+v", got)
		}
	})
}

// The time of a flight begins when the server comes to it, and not while it is busy with
// the one before.
func TestSlowFlights(t *testing.T) {
	inTheAir(t, func(c *imaptest.Script, _ *writes) {
		busy := func() {
			for range 12 {
				time.Sleep(30 * time.Second)
				c.Send("* OK still at it")
			}
		}
		first := c.Expect("UID FETCH 1")
		next := make(chan string, 2) // a socket has room for the next commands
		go func() { next <- c.Expect("UID MOVE 3"); next <- c.Expect("NOOP") }()
		busy()
		c.Send(fetchedOne, first+" OK")
		busy()
		c.Send(<-next + movedThree)
		busy()
		c.Send(<-next + " OK")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		one, three := fetchAhead(t, s, 1), moveAhead(t.Context(), s, 3)
		if err := s.Noop(t.Context()); err != nil {
			t.Error(err)
		}
		wantFetched(t, one, 1)
		if got := three.Wait(t.Context()); got[0].Err != nil {
			t.Error(got[0].Err)
		}
	})
}

// A server may read nothing while it is at work: what is large waits until it is not.
func TestALargeFlightIsNotSentBesideAnother(t *testing.T) {
	const commands = 8
	changes := manyMoves(1_000_000, commands)
	inTheAir(t, func(c *imaptest.Script, w *writes) {
		first := c.Expect("UID FETCH 1")
		time.Sleep(time.Second)
		if w.has("UID MOVE") {
			t.Error("it was sent before the first was answered")
		}
		c.Send(fetchedOne, first+" OK")
		var tags []string
		for range commands {
			tags = append(tags, c.Expect("UID MOVE"))
		}
		for _, tag := range tags {
			c.Send(tag + " OK")
		}
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		one, large := fetchAhead(t, s, 1), s.ChangeAhead(t.Context(), changes)
		wantFetched(t, one, 1)
		for _, got := range large.Wait(t.Context()) {
			if got.Err != nil {
				t.Error(got.Err)
			}
		}
	})
}

// What is sent beside the first flight counts together.
func TestFlightsTogetherAreNotLarge(t *testing.T) {
	inTheAir(t, func(c *imaptest.Script, w *writes) {
		tags := []string{c.Expect("UID FETCH 1")}
		for range 3 {
			tags = append(tags, c.Expect("UID MOVE 1"))
		}
		time.Sleep(time.Second)
		if w.has("UID MOVE 2") {
			t.Error("it was sent before the first was answered")
		}
		c.Send(fetchedOne, tags[0]+" OK")
		for range 3 {
			tags = append(tags, c.Expect("UID MOVE 2"))
		}
		for _, tag := range tags[1:] {
			c.Send(tag + " OK")
		}
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		one, two, three := fetchAhead(t, s, 1), s.ChangeAhead(t.Context(), manyMoves(1_000_000, 3)), s.ChangeAhead(t.Context(), manyMoves(2_000_000, 3))
		wantFetched(t, one, 1)
		for _, got := range append(two.Wait(t.Context()), three.Wait(t.Context())...) {
			if got.Err != nil {
				t.Error(got.Err)
			}
		}
	})
}

// manyMoves are commands of about 6,400 octets each.
func manyMoves(from imap.UID, commands int) (out []imapsession.Change) {
	for i := range imap.UID(commands) {
		var uids imap.UIDSet
		for k := range imap.UID(800) {
			uids.AddNum(from + 10_000*i + 2*k) // no two of them make a range
		}
		out = append(out, imapsession.Change{Verb: "MOVE", UIDs: uids, Target: "A"})
	}
	return out
}
