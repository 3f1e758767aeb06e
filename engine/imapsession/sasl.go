package imapsession

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/emersion/go-sasl"
	"github.com/xdg-go/scram"
)

// The limits of what a server says during a login.
const (
	maxChallenges = 3        // of SCRAM: its first and its last message, and one to begin with
	maxChallenge  = 8 << 10  // octets of base64
	maxIterations = 1 << 20  // of SCRAM; more would be hours of computing for nothing
	maxToken      = 16 << 10 // octets
)

var (
	errProof      = errors.New("the server did not prove that it knows the password")
	errIterations = fmt.Errorf("the server asks for more than %d iterations of SCRAM", maxIterations)
)

// exchange is one login by a SASL mechanism.
type exchange struct {
	sasl.Client
	// proven reports whether the server said all that it has to; nil is always.
	proven func() bool
	// reason is what the server said of a token that it did not take, as JSON.
	reason string
	// failed is why the exchange was given up by us.
	failed error
}

// Next answers a challenge.
func (x *exchange) Next(challenge []byte) ([]byte, error) {
	answer, err := x.Client.Next(challenge)
	x.failed = err
	return answer, err
}

func (s *Session) exchange(mechanism string) (*exchange, error) {
	o := s.o
	switch mechanism {
	case External:
		return &exchange{Client: external{}}, nil
	case OAuthBearer:
		x := &exchange{}
		x.Client = &bearer{x, OAuthBearer, fmt.Sprintf("n,a=%s,\x01host=%s\x01port=%d\x01auth=Bearer %s\x01\x01", gs2Name(o.Username), o.Host, o.Port, o.token), []byte{1}}
		return x, nil
	case XOAuth2:
		x := &exchange{}
		x.Client = &bearer{x, XOAuth2, fmt.Sprintf("user=%s\x01auth=Bearer %s\x01\x01", o.Username, o.token), []byte{}}
		return x, nil
	case ScramSHA256:
		return newScram(o.Username, o.Password)
	case Login:
		return &exchange{Client: &loginMechanism{username: o.Username, password: o.Password}}, nil
	}
	return &exchange{Client: sasl.NewPlainClient("", o.Username, o.Password)}, nil
}

// response mends what imapclient answers to a challenge: an empty response is an empty
// line, and "=" only with the command itself (RFC 9051 section 6.2.2).
func (g *guard) response(p []byte) []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	if op := g.writing(); op != nil && op.command == "AUTHENTICATE" && string(p) == "=\r\n" {
		return p[1:]
	}
	return p
}

// challenge passes on a challenge of SASL: base64, and no more than any mechanism has.
func challenge(text, out []byte) ([]byte, error) {
	text = bytes.TrimSpace(text)
	if len(text) > maxChallenge {
		return out, fmt.Errorf("%w: a challenge of %d octets", errTooMuch, len(text))
	}
	if _, err := base64.StdEncoding.DecodeString(string(text)); err != nil {
		text = nil // "+ Ready for additional text" is what some say to mean nothing
	}
	return append(append(append(out, "+ "...), text...), "\r\n"...), nil
}

// gs2Name writes a name as RFC 5801 section 4 has it.
func gs2Name(s string) string { return strings.NewReplacer("=", "=3D", ",", "=2C").Replace(s) }

// external says nothing: the certificate says who it is.
type external struct{}

func (external) Start() (string, []byte, error) { return External, []byte{}, nil }
func (external) Next([]byte) ([]byte, error)    { return []byte{}, nil }

// bearer shows an OAuth2 token. A challenge after it is why it was not taken (RFC 7628
// section 3.2.2); an answer to that lets the server refuse.
type bearer struct {
	exchange *exchange
	name     string
	first    string
	after    []byte
}

func (b *bearer) Start() (string, []byte, error) { return b.name, []byte(b.first), nil }

func (b *bearer) Next(challenge []byte) ([]byte, error) {
	b.exchange.reason = printable(string(challenge))
	return b.after, nil
}

// loginMechanism answers two questions, whatever their words: servers ask in many.
type loginMechanism struct {
	username, password string
	asked              int
}

func (*loginMechanism) Start() (string, []byte, error) { return Login, nil, nil }

func (l *loginMechanism) Next([]byte) ([]byte, error) {
	l.asked++
	switch l.asked {
	case 1:
		return []byte(l.username), nil
	case 2:
		return []byte(l.password), nil
	}
	return nil, errors.New("the server asks for more than a name and a password")
}

// scramClient is SCRAM-SHA-256. The nonce is the library's, from crypto/rand.
type scramClient struct{ *scram.ClientConversation }

func newScram(username, password string) (*exchange, error) {
	c, err := scram.SHA256.NewClient(username, password, "")
	if err != nil {
		return nil, fmt.Errorf("SCRAM-SHA-256 cannot carry this user name or password: %w", err)
	}
	conversation := c.WithMinIterations(1).NewConversation()
	return &exchange{Client: scramClient{conversation}, proven: conversation.Valid}, nil
}

func (c scramClient) Start() (string, []byte, error) {
	first, err := c.Step("")
	return ScramSHA256, []byte(first), err
}

func (c scramClient) Next(challenge []byte) ([]byte, error) {
	if err := checkIterations(string(challenge)); err != nil {
		return nil, err
	}
	answer, err := c.Step(string(challenge))
	if err != nil {
		return nil, errProof
	}
	return []byte(answer), nil
}

// checkIterations refuses a first message of the server's that asks for years of
// computing (RFC 5802 section 5.1).
func checkIterations(challenge string) error {
	for attribute := range strings.SplitSeq(challenge, ",") {
		if text, ok := strings.CutPrefix(attribute, "i="); ok {
			if n, err := strconv.Atoi(text); err != nil || n > maxIterations {
				return errIterations
			}
		}
	}
	return nil
}
