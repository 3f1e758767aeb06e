package main

import (
	"slices"
	"time"

	"imapilot/actions"
	"imapilot/rules"
	"imapilot/rules/facts"
)

// messageJSON is what explain prints of one message as JSON; --help lists its
// keys, which stay.
type messageJSON struct {
	Message  string        `json:"message,omitempty"`
	Account  string        `json:"account"`
	Mailbox  string        `json:"mailbox"`
	UID      uint32        `json:"uid,omitempty"`
	From     string        `json:"from"`
	Subject  string        `json:"subject"`
	Received time.Time     `json:"received"`
	Now      time.Time     `json:"now"`
	Flags    []string      `json:"flags"`
	Size     int64         `json:"size"`
	Fetched  []fetchedJSON `json:"fetched,omitempty"`
	// Actions are in the order of apply.
	Actions   []actionJSON `json:"actions"`
	NotDone   []actionJSON `json:"not_done"`
	DryRun    []actionJSON `json:"dry_run"`
	StoppedBy string       `json:"stopped_by,omitempty"`
	Undecided bool         `json:"undecided"`
	LeftOut   []string     `json:"left_out"`
	Rules     []ruleJSON   `json:"rules"`
}

type fetchedJSON struct {
	What   string `json:"what"`
	Octets int    `json:"octets,omitempty"`
}

type actionJSON struct {
	Action       string `json:"action"`
	Rule         string `json:"rule"`
	SupersededBy string `json:"superseded_by,omitempty"`
}

type ruleJSON struct {
	Name      string       `json:"name"`
	Result    string       `json:"result"`
	Reason    string       `json:"reason,omitempty"`
	Error     string       `json:"error,omitempty"`
	Stop      bool         `json:"stop"`
	DryRun    bool         `json:"dry_run"`
	Condition *partJSON    `json:"condition,omitempty"`
	Actions   []actionJSON `json:"actions"`
}

// partJSON is a part of a condition.
type partJSON struct {
	Text     string      `json:"text"`
	Kind     string      `json:"kind,omitempty"`
	Value    string      `json:"value"`
	Decided  bool        `json:"decided"`
	Error    string      `json:"error,omitempty"`
	NotKnown []string    `json:"not_known,omitempty"`
	Values   []valueJSON `json:"values,omitempty"`
	Parts    []*partJSON `json:"parts,omitempty"`
}

type valueJSON struct {
	Text  string `json:"text"`
	Value string `json:"value"`
}

func (e explained) json(f explainFlags) messageJSON {
	m, d := e.in.Message, e.x.Decision
	out := messageJSON{
		Message: e.name, Account: e.in.Account, Mailbox: e.in.Mailbox.Name, Subject: m.Header.Subject(),
		Received: m.Received, Now: e.in.Now, Flags: []string{}, Size: m.Size,
		Actions: []actionJSON{}, NotDone: []actionJSON{}, DryRun: []actionJSON{},
		StoppedBy: d.StoppedBy, Undecided: !d.Missing.IsZero(), LeftOut: []string{}, Rules: []ruleJSON{},
	}
	if e.name == "" {
		out.UID = uint32(m.UID)
	}
	if list := m.Header.Addresses("From"); len(list) > 0 {
		out.From = list[0].Address
	}
	for _, flag := range m.Flags {
		out.Flags = append(out.Flags, string(flag))
	}
	for _, stage := range e.fetched {
		out.Fetched = append(out.Fetched, fetchedJSON{stageName(stage.Stage), stage.Octets})
	}
	if !out.Undecided {
		out.plans(d)
	}
	for _, r := range e.walk.leftOut {
		out.LeftOut = append(out.LeftOut, r.Name)
	}
	for _, r := range e.x.Rules {
		if f.rule == "" || f.rule == r.Rule.Name {
			out.Rules = append(out.Rules, e.ruleJSON(r))
		}
	}
	return out
}

// plans fills in what happens. While something is missing that cannot be told.
func (out *messageJSON) plans(d rules.Decision) {
	out.Actions, out.DryRun = actionsJSON(d.Plan.Effective()), actionsJSON(d.Dry.Effective())
	out.NotDone = actionsJSON(slices.DeleteFunc(slices.Concat(d.Plan.Items, d.Dry.Items), func(i actions.Item) bool { return i.SupersededBy == "" }))
}

func actionsJSON(items []actions.Item) []actionJSON {
	out := []actionJSON{}
	for _, i := range items {
		out = append(out, actionJSON{i.Action.String(), i.Rule, i.SupersededBy})
	}
	return out
}

func (e explained) ruleJSON(r rules.RuleExplanation) ruleJSON {
	out := ruleJSON{Name: r.Rule.Name, Result: resultOf(r), Stop: r.Rule.Stop, DryRun: r.Rule.DryRun, Actions: actionsJSON(r.Items)}
	if out.Result == resultNotAsked {
		out.Reason = notAsked(e, r)
	}
	if r.Verdict.Err != nil {
		out.Error = r.Verdict.Err.Error()
	}
	if r.Condition != nil {
		out.Condition = partOf(r.Condition)
	}
	return out
}

func partOf(p *rules.Part) *partJSON {
	out := &partJSON{
		Text: p.Text, Value: p.Truth.String(), Decided: p.Decisive, NotKnown: notKnown(p.Missing),
		Kind: map[string]string{"and": "all", "or": "any", "not": "not", "define": "define"}[p.Operator], Values: valuesOf(p.Values),
	}
	if p.Err != nil {
		out.Error = p.Err.Error()
	}
	for _, side := range p.Parts {
		out.Parts = append(out.Parts, partOf(side))
	}
	return out
}

func valuesOf(list []rules.Value) []valueJSON {
	var out []valueJSON
	for _, v := range list {
		if !isMissing(v) {
			out = append(out, valueJSON(v))
		}
	}
	return out
}

// notKnown names what something waits for: "journal", "header", "gmail", "structure",
// "text", "html" and "report".
func notKnown(n rules.Needs) []string {
	var out []string
	if n.History {
		out = append(out, "journal")
	}
	if n.WholeHeader || len(n.HeaderFields) > 0 {
		out = append(out, "header")
	}
	if n.Gmail {
		out = append(out, "gmail")
	}
	if n.Structure {
		out = append(out, "structure")
	}
	for _, c := range n.Contents {
		out = append(out, map[facts.Content]string{facts.TextContent: "text", facts.HTMLContent: "html", facts.ReportContent: "report"}[c])
	}
	return out
}
