package smtp

import (
	"context"
	"net"
	"time"
)

const (
	// ConnectTimeout is how long connecting may take, with the handshake of
	// implicit TLS.
	ConnectTimeout = 30 * time.Second
	// Timeout is how long an attempt may take, from connecting to the answer.
	// It is shorter than the ten minutes that RFC 5321 section 4.5.3.2.6 gives
	// a server after the last line: who answers later than that has the
	// message twice, under one Message-ID.
	Timeout = 5 * time.Minute
	// quitTimeout is how long the server has for its good-bye, which changes
	// nothing any more.
	quitTimeout = 5 * time.Second
)

// Client hands in messages. It is safe for concurrent use.
type Client struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// NewClient makes a client that dials.
func NewClient() *Client {
	return &Client{dial: (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext}
}

// Send makes one attempt to hand in a message: a header, an empty line and a
// body, in lines that end with CRLF and have at most 998 octets before that, the
// last one too, and without NUL. [Forward] and [Reply] build such messages. It
// goes to all recipients or, where the server refuses one of them, to none.
//
// A message with octets over 127 goes to a server that offers 8BITMIME, and
// addresses with such a local part to one with SMTPUTF8; elsewhere Send fails
// (RFC 6152 section 3 and RFC 6531 section 3.3 leave that or a conversion,
// where others send the octets all the same and trust to luck).
func (c *Client) Send(ctx context.Context, s Server, e Envelope, message []byte) Result {
	t, err := newTransaction(s, e, message)
	if err != nil {
		return Result{Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	conn, err := c.connect(ctx, s)
	if err == nil {
		defer conn.Close()
		err = t.run(ctx, conn)
	}
	return t.result(ctx, err)
}
