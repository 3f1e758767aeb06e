package engine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"imapilot/engine/journal"
)

// NoticeKind says in one word what needs a person.
type NoticeKind string

// The kinds of notices.
const (
	// NoticeParked: the server refuses the login of an account.
	NoticeParked NoticeKind = "account_parked"
	// NoticeFenced: another process has taken over an account.
	NoticeFenced NoticeKind = "account_fenced"
	// NoticeStale: mailboxes of an account are not alive.
	NoticeStale NoticeKind = "mailbox_stale"
	// NoticeRuleError: a rule cannot be worked out for some messages.
	NoticeRuleError NoticeKind = "rule_error"
	// NoticeRuleHeld: messages of a rule are held, and wait for confirm.
	NoticeRuleHeld NoticeKind = "rule_held"
	// NoticeEndpoint: an endpoint takes no calls.
	NoticeEndpoint NoticeKind = "endpoint_dead"
)

// NoticeKinds lists every kind.
func NoticeKinds() []NoticeKind {
	return []NoticeKind{NoticeParked, NoticeFenced, NoticeStale, NoticeRuleError, NoticeRuleHeld, NoticeEndpoint}
}

// Notice is a condition that needs a person.
type Notice struct {
	Kind    NoticeKind `json:"kind"`
	Account string     `json:"account"`
	// Rule or Endpoint is what it is about, where it is about one; Mailbox is the worst
	// of those that it is about.
	Mailbox  string    `json:"mailbox,omitempty"`
	Rule     string    `json:"rule,omitempty"`
	Endpoint string    `json:"endpoint,omitempty"`
	Since    time.Time `json:"since"`
	Text     string    `json:"text"`
}

// noticeKey tells conditions of one account apart: there is one notice for each.
type noticeKey struct {
	kind           NoticeKind
	rule, endpoint string
}

func (n Notice) key() noticeKey { return noticeKey{n.Kind, n.Rule, n.Endpoint} }

// In the history a notice is an event of its kind, and the end of it one with this
// behind it.
const overSuffix = "_over"

// event is what the journal keeps of a notice. An endpoint stands at the begin of the
// text, for events have no other place for it.
func (n Notice) event(over bool) journal.Event {
	e := journal.Event{Kind: string(n.Kind), Rule: n.Rule, Mailbox: n.Mailbox, Text: n.line()}
	if over {
		e.Kind += overSuffix
	}
	return e
}

// line says a notice by itself.
func (n Notice) line() string {
	if n.Endpoint == "" {
		return n.Text
	}
	return "endpoint " + strconv.Quote(n.Endpoint) + ": " + n.Text
}

// noticeOf is the notice of an event, and whether it has ended; false for other events.
func noticeOf(e journal.Event) (n Notice, over, ok bool) {
	kind, over := strings.CutSuffix(e.Kind, overSuffix)
	if !slices.Contains(NoticeKinds(), NoticeKind(kind)) {
		return Notice{}, false, false
	}
	n = Notice{Kind: NoticeKind(kind), Account: e.Account, Mailbox: e.Mailbox, Rule: e.Rule, Since: e.At, Text: e.Text}
	if rest, found := strings.CutPrefix(e.Text, "endpoint "); found && n.Kind == NoticeEndpoint {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return Notice{}, false, false
		}
		n.Endpoint, _ = strconv.Unquote(quoted) // it is a quoted prefix
		n.Text = strings.TrimPrefix(rest[len(quoted):], ": ")
	}
	return n, over, true
}

// activeOf are the notices that had not ended after some events, oldest first.
func activeOf(events []journal.Event) map[noticeKey]*standing {
	out := map[noticeKey]*standing{}
	for _, e := range events {
		n, over, ok := noticeOf(e)
		switch {
		case !ok:
		case over:
			delete(out, n.key())
		default:
			out[n.key()] = &standing{Notice: n}
		}
	}
	return out
}

const (
	// errorsLast is for how long a rule that could not be worked out counts as stopped.
	errorsLast = time.Hour
	// deadAfter is for how long an endpoint takes no calls before that is told.
	deadAfter = 10 * time.Minute
	// settled is for how long a condition must be away before it counts as over: what
	// comes and goes is told once.
	settled = 5 * time.Minute
)

// sight is what can be seen of an account: what is wrong, and what is certainly not. Of
// what is neither nothing is known, as of a login that is not tried again yet.
type sight struct {
	wrong []Notice
	// clear reports whether a notice is certainly over.
	clear func(Notice) bool
}

// evidence is what an account knows when it is looked at.
type evidence struct {
	status AccountStatus
	// hasRule tells whether a rule is in force, endpoints what is known of each outlet
	// in force.
	hasRule   func(name string) bool
	endpoints map[string]outletState
	// held counts the messages that are held, by rule, with the reason of one.
	held map[string]heldOf
}

type heldOf struct {
	messages int
	reason   string
}

// outletState is what is known of an endpoint.
type outletState struct {
	deadSince time.Time // zero: it is not known to be dead
	why       string
	took      bool // since it was dead, or since the start, it took a call
}

// see works out the sight of an account.
func see(x evidence, now time.Time) sight {
	s := sight{wrong: slices.Concat(wrongAccount(x.status), wrongRules(x, now), wrongEndpoints(x, now))}
	for i := range s.wrong {
		s.wrong[i].Account, s.wrong[i].Since = x.status.Name, now
	}
	s.clear = func(n Notice) bool { return x.isClear(n, now) }
	return s
}

func wrongAccount(s AccountStatus) []Notice {
	var red []Trouble
	for _, t := range s.Troubles {
		switch t.Kind {
		case TroubleParked:
			return []Notice{{Kind: NoticeParked, Text: "account " + s.Name + " is parked: " + t.Text}}
		case TroubleFenced:
			return []Notice{{Kind: NoticeFenced, Text: "account " + s.Name + ": " + t.Text}}
		case TroubleStale, TroubleFailing:
			red = append(red, t)
		}
	}
	if len(red) == 0 {
		return nil
	}
	worst := slices.MaxFunc(red, func(a, b Trouble) int { return int(a.For - b.For) })
	text := worst.Where() + " is not alive: " + worst.Text
	if more := len(red) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more mailboxes)", more)
	}
	return []Notice{{Kind: NoticeStale, Mailbox: worst.Mailbox, Text: text}}
}

func wrongRules(x evidence, now time.Time) (out []Notice) {
	for _, e := range x.status.RuleErrors {
		if now.Sub(e.At) < errorsLast && x.hasRule(e.Rule) {
			out = append(out, Notice{Kind: NoticeRuleError, Rule: e.Rule,
				Text: fmt.Sprintf("rule %q cannot be worked out for some messages, and does nothing to them: %s", e.Rule, e.Last)})
		}
	}
	for rule, h := range x.held {
		out = append(out, Notice{Kind: NoticeRuleHeld, Rule: rule,
			Text: fmt.Sprintf("rule %q: messages are held and wait for you (%s); 'imapilot history --held' shows them, 'imapilot confirm' lets them go", rule, h.reason)})
	}
	return out
}

func wrongEndpoints(x evidence, now time.Time) (out []Notice) {
	for name, o := range x.endpoints {
		if !o.deadSince.IsZero() && now.Sub(o.deadSince) >= deadAfter {
			out = append(out, Notice{Kind: NoticeEndpoint, Endpoint: name, Text: "it takes no calls: " + o.why})
		}
	}
	return out
}

func (x evidence) isClear(n Notice, now time.Time) bool {
	s := x.status
	switch n.Kind {
	case NoticeParked, NoticeFenced:
		return s.State == Watching
	case NoticeStale:
		return s.State == Watching && !s.CaughtUp.IsZero() && len(s.Troubles) == 0
	case NoticeRuleError:
		// Only time tells, for as long as no such message comes.
		return !x.hasRule(n.Rule) || now.Sub(s.began) >= errorsLast
	case NoticeRuleHeld:
		return true // the journal was asked
	case NoticeEndpoint:
		o, configured := x.endpoints[n.Endpoint]
		return !configured || o.deadSince.IsZero() && o.took
	}
	return true
}

// standing is a notice that was told.
type standing struct {
	Notice
	// clearSince is since when it is certainly over, zero if it is not.
	clearSince time.Time
}

// change is what is to be told.
type change struct {
	Notice
	over bool
}

// compare works out what is new of a sight and what is over, beside the notices that
// stand; it marks in those since when they are clear.
func compare(active map[noticeKey]*standing, s sight, now time.Time) (out []change) {
	wrong := map[noticeKey]bool{}
	for _, n := range s.wrong {
		wrong[n.key()] = true
		if _, told := active[n.key()]; !told {
			out = append(out, change{Notice: n})
		}
	}
	for key, st := range active {
		switch {
		case wrong[key] || !s.clear(st.Notice):
			st.clearSince = time.Time{}
		case st.clearSince.IsZero():
			st.clearSince = now
		case now.Sub(st.clearSince) >= settled:
			out = append(out, change{st.Notice, true})
		}
	}
	slices.SortFunc(out, func(a, b change) int {
		return strings.Compare(string(a.Kind)+a.Rule+a.Endpoint, string(b.Kind)+b.Rule+b.Endpoint)
	})
	return out
}
