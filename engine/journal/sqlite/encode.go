package sqlite

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"imapilot/actions"
	"imapilot/engine/journal"
)

// encoder writes entries as encoding/json writes a [body], octet for octet, in a
// fraction of the time: a run records thousands of them. What is rare in an entry is
// left to encoding/json. It keeps its memory from one use to the next.
type encoder struct {
	out []byte
	err error // the first
}

// entry returns an entry and the names of its rules in JSON, which are good until the
// next use.
func (w *encoder) entry(e *journal.Entry) (text, rules jsonText, err error) {
	w.out, w.err = w.out[:0], nil
	w.body(e)
	end := len(w.out)
	list(w, rulesOf(e))
	return w.out[:end], w.out[end:], w.err
}

// value returns anything else in JSON.
func (w *encoder) value(v any) (string, error) {
	w.out, w.err = w.out[:0], nil
	w.any(v)
	return string(w.out), w.err
}

// body leaves out what the fields of a [body] hide.
func (w *encoder) body(e *journal.Entry) {
	w.out = append(w.out, '{')
	w.text("from", e.From)
	w.text("subject", e.Subject)
	names(w, "walk", e.Walk)
	w.text("occasion", e.Occasion)
	w.time("run", e.Run)
	w.number("undoes", e.Undoes)
	w.rare("undone_by", len(e.UndoneBy) > 0, e.UndoneBy)
	w.yes("of_copy", e.OfCopy)
	names(w, "flags", e.Flags)
	names(w, "labels", e.Labels)
	w.plan(&e.Plan)
	w.steps(e.Steps)
	w.text("reason", e.Reason)
	w.rare("errors", len(e.Errors) > 0, e.Errors)
	w.rare("skipped", len(e.Skipped) > 0, e.Skipped)
	w.number("tries", int64(e.Tries))
	w.time("next_try", e.NextTry)
	w.out = append(w.out, '}')
}

func (w *encoder) plan(p *actions.Plan) {
	w.key("plan")
	w.out = append(w.out, '{')
	for i := range p.Items {
		w.element("items", i)
		w.item(&p.Items[i])
	}
	w.end(len(p.Items))
	w.out = append(w.out, '}')
}

func (w *encoder) item(i *actions.Item) {
	w.asked(i.Action, i.Rule, i.Hash, i.Index)
	w.text("superseded_by", i.SupersededBy)
	w.out = append(w.out, '}')
}

func (w *encoder) steps(all []journal.Step) {
	for i := range all {
		w.element("steps", i)
		w.step(&all[i])
	}
	w.end(len(all))
}

func (w *encoder) step(s *journal.Step) {
	w.asked(s.Action, s.Rule, s.Hash, s.Index)
	w.text("target", s.Target)
	w.text("there", s.There)
	w.rare("adds", s.Adds != nil, s.Adds)
	w.text("delivery", s.Delivery)
	w.number("target_validity", int64(s.TargetValidity))
	w.number("target_next", int64(s.TargetNext))
	w.key("state")
	w.quote(string(s.State))
	w.yes("doubt", s.Doubt)
	w.number("target_uid", int64(s.TargetUID))
	w.time("at", s.At)
	w.text("error", s.Error)
	w.out = append(w.out, '}')
}

// asked is an action and what asked for it, with which an item and a step begin.
func (w *encoder) asked(a *actions.Action, rule, hash string, index int) {
	w.action(a)
	w.key("rule")
	w.quote(rule)
	w.text("hash", hash)
	w.key("index")
	w.out = strconv.AppendInt(w.out, int64(index), 10)
}

func (w *encoder) action(a *actions.Action) {
	w.key("action")
	if a == nil {
		w.out = append(w.out, "null"...)
		return
	}
	w.out = append(w.out, '{')
	w.key("kind")
	w.quote(string(a.Kind))
	names(w, "flags", a.Flags)
	names(w, "labels", a.Labels)
	w.text("mailbox", a.Mailbox)
	w.time("until", a.Until)
	w.text("account", a.Account)
	w.text("endpoint", a.Endpoint)
	w.text("when", a.When)
	w.text("title", a.Title)
	w.text("body", a.Body)
	w.rare("json", len(a.JSON) > 0, a.JSON)
	w.rare("url", len(a.URL) > 0, a.URL)
	names(w, "include", a.Include)
	w.number("raw_limit", int64(a.RawLimit))
	w.rare("command", a.Command != nil, a.Command)
	w.rare("save", a.Save != nil, a.Save)
	w.rare("letter", a.Letter != nil, a.Letter)
	w.rare("append", a.Append != nil, a.Append)
	w.out = append(w.out, '}')
}

// key begins a member of an object.
func (w *encoder) key(name string) {
	if w.out[len(w.out)-1] != '{' {
		w.out = append(w.out, ',')
	}
	w.out = append(append(append(w.out, '"'), name...), `":`...)
}

// element begins an object in the array of a member, which begins with the first.
func (w *encoder) element(name string, i int) {
	if i == 0 {
		w.key(name)
		w.out = append(w.out, '[')
	} else {
		w.out = append(w.out, ',')
	}
	w.out = append(w.out, '{')
}

// end ends the array of n elements.
func (w *encoder) end(n int) {
	if n > 0 {
		w.out = append(w.out, ']')
	}
}

// text, yes, number, time, names and rare write a member, unless it is empty.
func (w *encoder) text(name, s string) {
	if s != "" {
		w.key(name)
		w.quote(s)
	}
}

func (w *encoder) yes(name string, v bool) {
	if v {
		w.key(name)
		w.out = append(w.out, "true"...)
	}
}

func (w *encoder) number(name string, n int64) {
	if n != 0 {
		w.key(name)
		w.out = strconv.AppendInt(w.out, n, 10)
	}
}

func (w *encoder) time(name string, t time.Time) {
	if t.IsZero() {
		return
	}
	w.key(name)
	out, err := t.AppendText(append(w.out, '"'))
	if err != nil {
		w.fail(err)
		return
	}
	w.out = append(out, '"')
}

func names[S ~string](w *encoder, name string, all []S) {
	if len(all) > 0 {
		w.key(name)
		list(w, all)
	}
}

func (w *encoder) rare(name string, is bool, v any) {
	if is {
		w.key(name)
		w.any(v)
	}
}

func list[S ~string](w *encoder, all []S) {
	w.out = append(w.out, '[')
	for i, s := range all {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.quote(string(s))
	}
	w.out = append(w.out, ']')
}

// quote leaves a string to encoding/json in which there is something rare: a control
// character, or what is not UTF-8.
func (w *encoder) quote(s string) {
	begin, from := len(w.out), 0
	w.out = append(w.out, '"')
	for i, r := range s {
		switch {
		case r > '\\' && r < utf8.RuneSelf: // most of them
		case r < ' ' || r == utf8.RuneError || r == '\u2028' || r == '\u2029':
			w.out = w.out[:begin]
			w.any(s)
			return
		case r == '"' || r == '\\':
			w.out = append(append(w.out, s[from:i]...), '\\')
			from = i
		}
	}
	w.out = append(append(w.out, s[from:]...), '"')
}

// any leaves v to encoding/json. "<" is common in mail, and only we read it: it stays.
func (w *encoder) any(v any) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		w.fail(err)
		return
	}
	w.out = w.out[:len(w.out)-1] // the end of a line
}

// Write implements [io.Writer] for encoding/json.
func (w *encoder) Write(p []byte) (int, error) {
	w.out = append(w.out, p...)
	return len(p), nil
}

func (w *encoder) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}
