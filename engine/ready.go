package engine

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"imapilot/engine/config"
)

// Seconds is a time span that is a number of seconds in JSON.
type Seconds time.Duration

// MarshalJSON writes seconds, to the thousandth.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return json.Marshal(float64(time.Duration(s).Round(time.Millisecond).Milliseconds()) / 1000)
}

// UnmarshalJSON reads seconds.
func (s *Seconds) UnmarshalJSON(text []byte) error {
	var f float64
	err := json.Unmarshal(text, &f)
	*s = Seconds(f * float64(time.Second))
	return err
}

// TroubleKind says in one word why a mailbox or an account is not ready.
type TroubleKind string

// The kinds of trouble, the worst first.
const (
	// TroubleFenced: another process has the account.
	TroubleFenced TroubleKind = "fenced"
	// TroubleStopped: nothing runs for the account.
	TroubleStopped TroubleKind = "stopped"
	// TroubleParked: the server refuses the login.
	TroubleParked TroubleKind = "parked"
	// TroubleStale: the server has proved nothing for longer than the bound.
	TroubleStale TroubleKind = "stale"
	// TroubleFailing: the mailbox could not be scanned for longer than the bound.
	TroubleFailing TroubleKind = "failing"
	// TroubleStarting: not every mailbox has been looked at yet.
	TroubleStarting TroubleKind = "starting"
)

// TroubleKinds lists them, the worst first.
func TroubleKinds() []TroubleKind {
	return []TroubleKind{TroubleFenced, TroubleStopped, TroubleParked, TroubleStale, TroubleFailing, TroubleStarting}
}

// Trouble is one reason why the daemon is not ready.
type Trouble struct {
	Account string `json:"account"`
	// Mailbox is "" where it is the account as a whole.
	Mailbox string      `json:"mailbox,omitempty"`
	Kind    TroubleKind `json:"kind"`
	// For is how long it has lasted.
	For Seconds `json:"for_seconds"`
	// Text says what is wrong, and what to do where there is something to do.
	Text string `json:"text"`
}

// Where names what has the trouble: "home" or "home/INBOX".
func (t Trouble) Where() string {
	if t.Mailbox == "" {
		return t.Account
	}
	return t.Account + "/" + t.Mailbox
}

const (
	// leastBound is the shortest bound that is derived: a half-open connection is
	// noticed when the DONE that ends an IDLE of 5 minutes is not answered for 30 s.
	leastBound = 6 * time.Minute
	// boundMargin is what a bound has beyond the rhythm of the proofs, so that a slow
	// answer is not taken for none.
	boundMargin = time.Minute
	// longestIdle is when an IDLE is renewed at the latest, whatever idle says.
	longestIdle = 25 * time.Minute
)

// staleBound is for how long the server may prove nothing of a mailbox. Unless the
// configuration says it, that is a minute longer than the slower of the two rhythms at
// which the account proves it, and at least six.
func staleBound(cfg config.Account) time.Duration {
	if cfg.StaleAfter > 0 {
		return cfg.StaleAfter
	}
	return max(leastBound, max(min(cfg.Idle, longestIdle), cfg.Poll)+boundMargin)
}

// judge works out what follows from the times of a mailbox and the bound of its
// account. announced is since when it is known to hold something that was not looked
// at, zero for not at all. Times are compared by the monotonic clock that they carry,
// so that setting the clock makes nothing stale.
func (m *MailboxStatus) judge(now time.Time, bound time.Duration, announced time.Time) {
	from := m.LastProof
	if from.IsZero() {
		from = m.known
	}
	m.Silent, m.Bound = Seconds(max(0, now.Sub(from))), Seconds(bound)
	m.Stale = time.Duration(m.Silent) > bound
	m.Lag = 0
	for _, at := range []time.Time{announced, m.Since} {
		if !at.IsZero() {
			m.Lag = max(m.Lag, Seconds(now.Sub(at)))
		}
	}
}

// troubles are why an account is not ready. An account that cannot work has one, which
// stands for all of its mailboxes.
func troubles(s AccountStatus, cfg config.Account, now time.Time) []Trouble {
	whole := func(kind TroubleKind, text string) []Trouble {
		return []Trouble{{Account: s.Name, Kind: kind, For: Seconds(now.Sub(s.since)), Text: text}}
	}
	switch s.State {
	case Fenced:
		return whole(TroubleFenced, "another process has taken over this account")
	case Stopped:
		return whole(TroubleStopped, "nothing runs for this account any more")
	case Parked:
		return whole(TroubleParked, withError("the server refuses the login", strings.TrimRight(s.Error, "."))+"; "+wayOut(cfg))
	}
	var out []Trouble
	for _, m := range s.Mailboxes {
		if t, bad := m.trouble(s, now); bad {
			out = append(out, t)
		}
	}
	switch {
	case len(out) > 0:
	case s.CaughtUp.IsZero():
		out = starting(s, cfg, now)
	case len(s.Mailboxes) == 0:
		out = unwatched(s, cfg, now)
	}
	return out
}

// unwatched is the trouble of an account that watches no mailbox now, and whose server
// proves nothing: another one may be there by now. The server is asked at the rhythms that
// the bound is derived from, whatever the configuration says of mailboxes.
func unwatched(s AccountStatus, cfg config.Account, now time.Time) []Trouble {
	bound := cfg.StaleAfter
	cfg.StaleAfter = 0
	bound = max(bound, staleBound(cfg))
	silent := now.Sub(s.LastProof)
	if silent <= bound {
		return nil
	}
	return []Trouble{{Account: s.Name, Kind: TroubleStale, For: Seconds(silent), Text: withError(
		fmt.Sprintf("no mailbox is watched, and the server has proved nothing for %s, and may for %s", Shortly(silent), Shortly(bound)), s.Error)}}
}

// wayOut is what ends the parking of an account. Of a stored token the next one is
// noticed by itself.
func wayOut(cfg config.Account) string {
	if cfg.OAuth2 != nil {
		return fmt.Sprintf("it goes on within a minute after 'imapilot login %s'", cfg.Name)
	}
	return "correct the credentials and run 'imapilot reload'"
}

func (m MailboxStatus) trouble(s AccountStatus, now time.Time) (Trouble, bool) {
	t := Trouble{Account: s.Name, Mailbox: m.Name}
	switch {
	case m.Stale:
		t.Kind, t.For = TroubleStale, m.Silent
		t.Text = withError(fmt.Sprintf("the server has proved nothing for %s, and may for %s", shortly(m.Silent), shortly(m.Bound)), cmp.Or(m.Error, s.Error))
	case m.Error != "" && now.Sub(m.Since) > time.Duration(m.Bound):
		t.Kind, t.For = TroubleFailing, Seconds(now.Sub(m.Since))
		t.Text = fmt.Sprintf("it could not be scanned for %s: %s", shortly(t.For), m.Error)
	}
	return t, t.Kind != ""
}

// starting is the trouble of an account that has not looked at all of its mailboxes
// since this process began, stale where that takes too long.
func starting(s AccountStatus, cfg config.Account, now time.Time) []Trouble {
	t := Trouble{Account: s.Name, Kind: TroubleStarting, For: Seconds(now.Sub(s.began)), Text: withError("its mailboxes were not looked at yet", s.Error)}
	if len(s.Mailboxes) == 0 && time.Duration(t.For) > staleBound(cfg) {
		t.Kind = TroubleStale
		t.Text = withError(fmt.Sprintf("no mailbox could be looked at for %s", shortly(t.For)), s.Error)
	}
	return []Trouble{t}
}

func withError(text, err string) string {
	if err == "" {
		return text
	}
	return text + "; last error: " + err
}

func shortly(s Seconds) string { return Shortly(time.Duration(s)) }

// Shortly writes a time span as people do, without fractions of a second: "7m30s", "2h".
func Shortly(d time.Duration) string {
	text := d.Truncate(time.Second).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// worstFirst sorts troubles by kind, and then the longest first.
func worstFirst(out []Trouble) []Trouble {
	kinds := TroubleKinds()
	slices.SortStableFunc(out, func(a, b Trouble) int {
		return cmp.Or(cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)), cmp.Compare(b.For, a.For))
	})
	return out
}

// Troubles are why the daemon is not ready, the worst first; none when it is. It asks
// neither the journal nor any loop, so that it answers whatever else hangs.
func (e *Engine) Troubles() []Trouble {
	var out []Trouble
	room := make([]MailboxStatus, 0, 16)
	for _, name := range *e.accountNames.Load() {
		s := e.liveInto(name, room)
		out, room = append(out, s.Troubles...), s.Mailboxes
	}
	return worstFirst(out)
}

// Live is what every account of the configuration is doing, as [Engine.Status] has it
// without what only the journal knows. It waits for nothing.
func (e *Engine) Live() []AccountStatus {
	var out []AccountStatus
	for _, name := range *e.accountNames.Load() {
		out = append(out, e.liveInto(name, nil))
	}
	return out
}

// liveInto is what one account is doing, with its mailboxes in the room that is given.
func (e *Engine) liveInto(name string, room []MailboxStatus) AccountStatus {
	if a := e.owners.of(name); a != nil {
		return a.reportInto(room)
	}
	return AccountStatus{Name: name, State: Connecting, Mailboxes: room[:0], Troubles: []Trouble{{
		Account: name, Kind: TroubleStarting, Text: "it was not begun yet"}}}
}
