package imapsession_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/imapsession"
)

// TestClockSkew finds out how wrong a server's clock is, by searches that go by it.
func TestClockSkew(t *testing.T) {
	for _, skew := range []time.Duration{0, 7 * time.Second, -7 * time.Second, 11 * time.Hour, -47 * time.Hour} {
		for _, age := range []time.Duration{3 * time.Second, 40 * time.Hour, 9000 * time.Hour} {
			if age+skew < time.Second {
				continue // from the future, for that server: see TestClockSkewUnknown
			}
			clocked(t, skew, age, func(got time.Duration, err error) {
				if err != nil || (got-skew).Abs() > time.Second {
					t.Errorf("%v of a message %v old: %v, want %v", err, age, got, skew)
				}
			})
		}
	}
}

// TestClockSkewUnknown: a clock that is wrong by more than two days is told to be
// nonsense, and none is made up.
func TestClockSkewUnknown(t *testing.T) {
	for _, skew := range []time.Duration{100 * time.Hour, -100 * time.Hour} {
		clocked(t, skew, 200*time.Hour, func(got time.Duration, err error) {
			if !errors.Is(err, imapsession.ErrFarClock) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
	scripted(t, everything, func(c *imaptest.Script) { c.Drain() }, func(t *testing.T, s *imapsession.Session) {
		if got, err := s.ClockSkew(t.Context(), 5, time.Now()); !errors.Is(err, imapsession.ErrNoClock) {
			t.Errorf("%v, %v", got, err)
		}
	})
}

// clocked asks a server whose clock is wrong, by a message that is so old.
func clocked(t *testing.T, skew, age time.Duration, check func(time.Duration, error)) {
	t.Helper()
	scripted(t, "WITHIN", func(c *imaptest.Script) {
		received := time.Now().Add(-age)
		for {
			tag, line, ok := c.Read()
			if !ok {
				return
			}
			var uid, seconds int64
			if _, err := fmt.Sscanf(line, "UID SEARCH UID %d YOUNGER %d", &uid, &seconds); err != nil || seconds < 1 {
				c.Send(tag + " BAD what?")
				continue
			}
			found := ""
			if time.Now().Add(skew).Sub(received) <= time.Duration(seconds)*time.Second {
				found = " 5"
			}
			c.Send("* SEARCH"+found, tag+" OK done")
		}
	}, func(t *testing.T, s *imapsession.Session) {
		check(s.ClockSkew(t.Context(), 5, time.Now().Add(-age)))
	})
}

// TestQuotas reads what servers say, and what they should not.
func TestQuotas(t *testing.T) {
	scripted(t, "QUOTA", func(c *imaptest.Script) {
		c.Answer("GETQUOTAROOT INBOX", `* QUOTAROOT INBOX "" "x"`, `* QUOTA "" (STORAGE 10 512 MESSAGE 3 1000)`, `* QUOTA {2}`, `a) (STORAGE x 1)`, "OK done")
		c.Drain()
	}, func(t *testing.T, s *imapsession.Session) {
		quotas := must[[]imapsession.Quota](t)(s.Quotas(t.Context(), "INBOX"))
		if want := []imapsession.Quota{{"", "STORAGE", 10, 512}, {"", "MESSAGE", 3, 1000}}; !slices.Equal(quotas, want) {
			t.Errorf("%v, want %v", quotas, want)
		}
	})
}
