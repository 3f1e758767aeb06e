package engine

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"imapilot/actions/webhook"
	"imapilot/actions/webhook/preset"
	"imapilot/engine/config"
)

// Caller makes the calls of one endpoint.
type Caller struct {
	endpoint webhook.Endpoint
	template []webhook.Piece // of its URL, nil where that holds no expression
	preset   string
	settings preset.Settings
}

// NewCaller reads the secrets and the certificates of an endpoint. Its errors show
// none of them.
func NewCaller(ctx context.Context, w config.Webhook) (*Caller, error) {
	c := &Caller{preset: w.Preset, template: w.Template(), endpoint: webhook.Endpoint{URL: w.URL, Method: w.Method, ContentType: w.ContentType}}
	if w.Public {
		c.endpoint.Egress = webhook.Public
	}
	token, err := read(ctx, w.Token)
	if err != nil {
		return nil, fmt.Errorf("the token: %w", err)
	}
	c.settings = preset.Settings{URL: w.URL, To: w.To, Token: token}
	return c, errors.Join(c.sign(ctx, w), c.dress(ctx, w), c.secure(w))
}

func read(ctx context.Context, s config.Secret) (string, error) {
	if s.IsZero() {
		return "", nil
	}
	return s.Read(ctx)
}

func (c *Caller) sign(ctx context.Context, w config.Webhook) error {
	for _, s := range w.Secrets {
		secret, err := s.Read(ctx)
		if err != nil {
			return fmt.Errorf("a secret: %w", err)
		}
		c.endpoint.Secrets = append(c.endpoint.Secrets, []byte(secret))
	}
	return nil
}

// dress reads the headers.
func (c *Caller) dress(ctx context.Context, w config.Webhook) error {
	for _, h := range w.Headers {
		value, err := h.Value.Read(ctx)
		if err != nil {
			return fmt.Errorf("the header %s: %w", h.Name, err)
		}
		if c.endpoint.Headers == nil {
			c.endpoint.Headers = map[string]string{}
		}
		c.endpoint.Headers[h.Name] = value
	}
	return nil
}

// secure reads the certificates.
func (c *Caller) secure(w config.Webhook) (err error) {
	if c.endpoint.RootCAs, err = rootsOf(w.CA); err != nil || w.Certificate == "" {
		return err
	}
	pair, err := tls.LoadX509KeyPair(w.Certificate, w.Key)
	c.endpoint.Certificate = &pair
	return err
}

// rootsOf reads a PEM file with authorities; it gives nil, which are the system's,
// for no file.
func rootsOf(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no PEM certificate", file)
	}
	return pool, nil
}

// Request is the call for a document: where it goes, and what is sent. values are
// those of the expressions in the URL, by their texts. A preset makes the call of
// its service from the document.
func (c *Caller) Request(payload []byte, values map[string]string) (webhook.Endpoint, []byte, error) {
	if c.preset == "" {
		to := c.endpoint
		var err error
		if c.template != nil {
			to.URL, err = fillURL(c.template, values)
		}
		return to, payload, err
	}
	note, err := noteOf(payload)
	if err != nil {
		return webhook.Endpoint{}, nil, fmt.Errorf("the document cannot be read: %w", err)
	}
	call, err := preset.Make(c.preset, c.settings, note)
	return call.Over(c.endpoint), call.Body, err
}

// sendsDocument reports whether documents are sent as they are.
func (c *Caller) sendsDocument() bool { return c.preset == "" }

// errURLValues is why a call can never be made: its values make no URL.
var errURLValues = errors.New("the values that were recorded for the URL of the webhook make none")

// fillURL gives a URL its values. They were recorded with the call: it is made with
// what the message said then, wherever the message is now.
func fillURL(template []webhook.Piece, values map[string]string) (string, error) {
	out := slices.Clone(template)
	for i, p := range out {
		if !p.Value {
			continue
		}
		value, ok := values[p.Text]
		if !ok {
			return "", fmt.Errorf("the URL of the webhook has ${%s} now, and had it not when this call was recorded: "+
				"it can be made when url: does without it again, and a replay does not help", p.Text)
		}
		out[i].Text = value
	}
	filled, err := webhook.FillURL(out...)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errURLValues, err)
	}
	return filled, nil
}

// noteOf is what a document tells people: the title and the body of a message, or a
// line for each message of a digest.
func noteOf(payload []byte) (preset.Note, error) {
	var digest webhook.Digest
	if err := json.Unmarshal(payload, &digest); err != nil {
		return preset.Note{}, err
	}
	if digest.Messages == nil {
		var m webhook.Message
		err := json.Unmarshal(payload, &m)
		return preset.Note{Title: m.Title, Body: m.Body, Message: m}, err
	}
	note := preset.Note{Title: fmt.Sprintf("%d messages", len(digest.Messages))}
	if len(digest.Messages) == 1 {
		note, err := noteOf(digest.Messages[0])
		note.Message.ID = digest.ID
		return note, err
	}
	var lines []string
	for _, one := range digest.Messages {
		var m webhook.Message
		if err := json.Unmarshal(one, &m); err != nil {
			return note, err
		}
		lines = append(lines, lineOf(m))
		note.Message = m
	}
	note.Body, note.Message.ID = strings.Join(lines, "\n"), digest.ID
	return note, nil
}

// lineOf is what a digest says of one message.
func lineOf(m webhook.Message) string {
	if m.Title != "" {
		return m.Title
	}
	from := "unknown sender"
	for _, a := range m.From {
		from = cmp.Or(a.Name, a.Address)
		break
	}
	return from + ": " + m.Subject
}

// Settle completes what came of a call with what the service of a preset says of
// when to come again.
func (c *Caller) Settle(r webhook.Result) webhook.Result {
	if c.preset != "" {
		r.RetryAfter = preset.Wait(r)
	}
	return r
}

// caller reads what an endpoint needs from the configuration in force.
func (o *outbox) caller(ctx context.Context, name string) (*Caller, error) {
	all := o.endpoints()
	i := slices.IndexFunc(all, func(w config.Webhook) bool { return w.Name == name })
	if i < 0 {
		return nil, errors.New("webhooks: has no endpoint " + name + " any more")
	}
	return NewCaller(ctx, all[i])
}
