package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The limits of the URL of a webhook.
const (
	maxURLExpressions = 20
	maxURLValue       = 1000 // octets of one value
)

// Piece is a part of a text that holds ${expressions}: literal text, or the text of
// an expression.
type Piece struct {
	Text         string
	IsExpression bool
}

// Pieces cuts a text at its ${expressions}; "$${" stands for "${". It does not look
// at what the expressions say, and fails where one is never closed.
func Pieces(text string) ([]Piece, error) {
	segments, _, bad := split(text)
	if bad != nil {
		return nil, errors.New(bad.message)
	}
	out := make([]Piece, len(segments))
	for i, s := range segments {
		out[i] = Piece{Text: s.literal, IsExpression: s.isExpr}
		if s.isExpr {
			out[i].Text = s.text
		}
	}
	return out, nil
}

// checkURLs checks the expressions in the URLs of webhooks, once for all rules that
// call them.
func (b *builder) checkURLs() {
	for _, u := range b.src.URLs {
		var distinct []draftArgument
		for _, s := range b.checkArgument(u.URL).segments {
			known := slices.ContainsFunc(distinct, func(d draftArgument) bool { return d.segments[0].text == s.text })
			if s.isExpr && !known {
				distinct = append(distinct, draftArgument{text: u.URL, segments: []segment{s}})
			}
		}
		if len(distinct) > maxURLExpressions {
			b.problem(u.URL.Pos, Error, fmt.Sprintf("the URL holds more than %d expressions", maxURLExpressions), "the JSON document that is sent there says the rest")
		}
		b.urls[u.Endpoint] = distinct
	}
}

// addURL adds the expressions of a webhook's URL to the arguments of an action that
// calls it.
func (b *builder) addURL(d *draftAction, a ActionSource) {
	if len(a.Args) != 1 {
		return
	}
	for _, arg := range b.urls[a.Args[0].Value] {
		d.args = append(d.args, arg)
		d.message.url = append(d.message.url, len(d.args)-1)
	}
}

// fillURL works out the values of a URL, by the text of their expressions. What is
// escaped in it is up to the one who makes the URL.
func (m message) fillURL(r *run, args []template) (map[string]string, error) {
	if len(m.url) == 0 {
		return nil, nil
	}
	out := make(map[string]string, len(m.url))
	for _, at := range m.url {
		value, err := args[at].fill(r, func(value string, _ bool) (string, error) { return strings.ToValidUTF8(value, "\uFFFD"), nil })
		if err != nil {
			return nil, fmt.Errorf("the URL of the webhook: %w", err)
		}
		out[args[at].parts[0].program.text] = cutText(value, maxURLValue)
	}
	return out, nil
}
