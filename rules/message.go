package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"imapilot/actions"
)

// The limits of what a webhook is sent with.
const (
	maxTitle    = 1000   // octets
	maxBody     = 8000   // octets
	maxJSON     = 20_000 // octets
	maxJSONText = 4000   // octets of one value from a message
	maxJSONDeep = 20     // levels
	maxMembers  = 1000   // of all objects and arrays of one document
)

// message is what a webhook is sent with. Its numbers are places in the arguments
// of the action, 0 for none: the first is the name of the endpoint.
type message struct {
	when        string
	title, body int
	document    *document
	// url are the expressions of the endpoint's URL.
	url []int
	// include and rawLimit are those of the action.
	include  []string
	rawLimit int
}

// document is a JSON value: an argument, something plain, an object or an array.
type document struct {
	arg     int
	plain   any
	names   []string // of an object's members
	values  []document
	isArray bool
}

func whenOf(a ActionSource) string {
	if a.When.Value == actions.WhenDone {
		return actions.WhenDone
	}
	return ""
}

// checkMessage checks the settings of a webhook, and adds its texts to the
// arguments.
func (b *builder) checkMessage(a ActionSource, d *draftAction) {
	if d.kind != actions.Webhook {
		return
	}
	d.message.when = whenOf(a)
	if v := a.When.Value; v != "" && v != "planned" && v != actions.WhenDone {
		b.problem(a.When.Pos, Error, fmt.Sprintf("when: is %q", v), "it is planned (with the decision, the default) or done (after all other actions on the message)")
	}
	d.message.title = b.addText(d, a.Title)
	d.message.body = b.addText(d, a.Body)
	if a.JSON != nil {
		b.checkJSON(a, d)
	}
	b.checkInclude(a, d)
	b.addURL(d, a)
}

func (b *builder) checkJSON(a ActionSource, d *draftAction) {
	if a.Title.Value != "" || a.Body.Value != "" {
		b.problem(a.Kind.Pos, Error, "json: stands beside title: or body:", "json: is all that is sent: put the texts into it")
	}
	if len(a.Args) == 1 && slices.Contains(b.src.Presets, a.Args[0].Value) {
		b.problem(a.Kind.Pos, Error, fmt.Sprintf("the webhook %q has a preset, which makes its own document", a.Args[0].Value), "use title: and body:")
	}
	b.checkMapWithValues(*a.JSON)
	if isMapText(*a.JSON) {
		doc := b.checkMap(*a.JSON.Text, d)
		d.message.document = &doc
		return
	}
	left := maxMembers
	doc := b.checkDocument(a.Kind.Pos, d, *a.JSON, maxJSONDeep, &left)
	d.message.document = &doc
}

// addText adds a text to the arguments of an action; it returns its place.
func (b *builder) addText(d *draftAction, text Text) int {
	if text.Value == "" {
		return 0
	}
	d.args = append(d.args, b.checkArgument(text))
	return len(d.args) - 1
}

func (b *builder) checkDocument(pos int, d *draftAction, src Document, deep int, left *int) document {
	if *left--; deep == 0 || *left < 0 {
		if *left == -1 || deep == 0 {
			b.problem(pos, Error, tooMuchJSON(), "")
		}
		return document{}
	}
	switch {
	case src.Text != nil:
		d.args = append(d.args, b.checkValue(*src.Text))
		return document{arg: len(d.args) - 1}
	case src.Members != nil:
		out := document{names: []string{}}
		for _, m := range src.Members {
			out.names = append(out.names, m.Name)
			out.values = append(out.values, b.checkDocument(pos, d, m.Value, deep-1, left))
		}
		return out
	case src.Items != nil:
		out := document{isArray: true}
		for _, item := range src.Items {
			out.values = append(out.values, b.checkDocument(pos, d, item, deep-1, left))
		}
		return out
	}
	return document{plain: src.Plain}
}

func tooMuchJSON() string {
	return fmt.Sprintf("json: has more than %d values, or more than %d levels", maxMembers, maxJSONDeep)
}

// checkValue is checkArgument for a text of a document: one that is a single
// expression may be of more types.
func (b *builder) checkValue(text Text) draftArgument {
	segments, offsets, bad := split(text.Value)
	if bad != nil || len(segments) != 1 || !segments[0].isExpr {
		return b.checkArgument(text)
	}
	d := draftArgument{text: text}
	s := &segments[0]
	s.expression = b.expression(s.text, text.Pos, offsets[0])
	if s.node == nil || !hasJSON(s.typ) && !b.checkPrintable(s.expression, text.Pos, offsets[0]) {
		return d
	}
	d.segments = segments
	return d
}

// hasJSON reports whether values of a type have one obvious form in JSON.
func hasJSON(t typ) bool {
	switch t.kind {
	case boolKind, textKind, numberKind, timeKind:
		return true
	case listKind:
		return hasJSON(typ{kind: t.elem})
	}
	return false
}

// printed is what the hash of a rule has of it, beside the arguments.
func (m message) printed() []string {
	if m.when == "" && m.title == 0 && m.body == 0 && m.document == nil && len(m.url)+len(m.include) == 0 {
		return nil
	}
	out := []string{"message", m.when, fmt.Sprint(m.title, m.body)}
	if m.document != nil {
		out = m.document.printed(out)
	}
	if len(m.url) > 0 {
		out = append(out, fmt.Sprint("url ", m.url))
	}
	if len(m.include) > 0 {
		out = append(append(out, "include", fmt.Sprint(m.rawLimit)), sortedSet(m.include)...)
	}
	return out
}

func (d document) printed(out []string) []string {
	out = append(out, fmt.Sprint("document ", d.arg, d.plain, d.isArray, len(d.values)))
	for i, v := range d.values {
		if d.names != nil {
			out = append(out, d.names[i])
		}
		out = v.printed(out)
	}
	return out
}

// fill works out what a webhook is sent with.
func (m message) fill(r *run, args []template, a *actions.Action) (err error) {
	a.When, a.Include, a.RawLimit = m.when, m.include, m.rawLimit
	if a.URL, err = m.fillURL(r, args); err != nil {
		return err
	}
	if m.title > 0 {
		if a.Title, err = args[m.title].line(r); err != nil {
			return err
		}
	}
	if m.body > 0 {
		if a.Body, err = args[m.body].fill(r, textOfBody); err != nil {
			return err
		}
		a.Body = cutText(a.Body, maxBody)
	}
	if m.document == nil {
		return nil
	}
	for most := maxJSONText; ; most /= 2 {
		value, err := m.document.value(r, args, most)
		if err != nil {
			return err
		}
		if a.JSON, err = marshalJSON(value); err != nil || len(a.JSON) <= maxJSON {
			return err
		}
		if most == 0 {
			return errLargeJSON
		}
	}
}

var errLargeJSON = errors.New("json: is longer than 20,000 octets")

// marshalJSON does not escape <, > and &: no receiver reads it as HTML.
func marshalJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// line gives a text of one line.
func (t template) line(r *run) (string, error) {
	out, err := t.fill(r, textOfBody)
	return cutText(strings.Join(strings.Fields(out), " "), maxTitle), err
}

// textOfBody makes a value fit for people: without control characters but the end
// of a line.
func textOfBody(value string, _ bool) (string, error) {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) && c != '\n' {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(strings.ReplaceAll(value, "\r\n", "\n"), "\uFFFD")), nil
}

// cutText cuts at most octets, between characters.
func cutText(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

// value is what a document is for the message of a run. Texts from the message
// have at most so many octets.
func (d document) value(r *run, args []template, most int) (any, error) {
	switch {
	case d.arg > 0:
		return args[d.arg].value(r, most)
	case d.names != nil:
		out := object{}
		for i, v := range d.values {
			value, err := v.value(r, args, most)
			if err != nil {
				return nil, err
			}
			out = append(out, member{d.names[i], value})
		}
		return out, nil
	case d.isArray:
		out := make([]any, 0, len(d.values))
		for _, v := range d.values {
			value, err := v.value(r, args, most)
			if err != nil {
				return nil, err
			}
			out = append(out, value)
		}
		return out, nil
	}
	return d.plain, nil
}

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON implements [json.Marshaler].
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := marshalJSON(m.name)
		if err != nil {
			return nil, err
		}
		value, err := marshalJSON(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// value is what an argument is in a document: the value of its only expression as
// it is, or a text.
func (t template) value(r *run, most int) (any, error) {
	if len(t.parts) != 1 || t.parts[0].program == nil {
		return t.fill(r, func(value string, first bool) (string, error) {
			text, err := textOfBody(value, first)
			return cutText(text, most), err
		})
	}
	p := t.parts[0].program
	value, truth, err := r.eval(p)
	switch {
	case truth == Unknown:
		return nil, fmt.Errorf("${%s} is not known of this message", p.text)
	case err != nil:
		return nil, fmt.Errorf("${%s}: %w", p.text, err)
	}
	return jsonOf(value, most), nil
}

// jsonOf gives a value of the language the form that it has in JSON.
func jsonOf(v any, most int) any {
	switch v := v.(type) {
	case string:
		text, _ := textOfBody(v, false) // it never fails
		return cutText(text, most)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return v
	case time.Time:
		return v.Format(time.RFC3339)
	case []string:
		return jsonList(v, most)
	case []any:
		return jsonList(v, most)
	}
	return v
}

func jsonList[T any](list []T, most int) []any {
	const longest = 100
	out := make([]any, 0, min(len(list), longest))
	for _, v := range list[:min(len(list), longest)] {
		out = append(out, jsonOf(any(v), most))
	}
	return out
}
