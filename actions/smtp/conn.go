package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// maxTalk is how many octets a server may send in one connection, certificates
// included. Nothing else limits the lines of an answer.
const maxTalk = 256 << 10

var errTalk = errors.New("the server talks without end")

// limitedConn is a connection with a last deadline, which can be brought forward
// and not put off, and an end to what is read. go-smtp takes its own deadlines
// away between two commands.
type limitedConn struct {
	net.Conn
	until time.Time
	left  int
}

func (c *limitedConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTalk
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

func (c *limitedConn) SetDeadline(t time.Time) error {
	if t.IsZero() || t.After(c.until) {
		t = c.until
	}
	return c.Conn.SetDeadline(t)
}

// connect returns a connection, secured where TLS is implicit. The context has
// the deadline that the connection keeps.
func (c *Client) connect(ctx context.Context, s Server) (net.Conn, error) {
	until, _ := ctx.Deadline()
	ctx, cancel := context.WithTimeout(ctx, ConnectTimeout)
	defer cancel()
	raw, err := c.dial(ctx, "tcp", s.address())
	if err != nil {
		return nil, inTime(ctx, ConnectTimeout, err)
	}
	conn := &limitedConn{Conn: raw, until: until, left: maxTalk}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		raw.Close()
		return nil, err
	}
	if s.TLS != "" && s.TLS != TLSImplicit {
		return conn, nil
	}
	secured := tls.Client(conn, s.tls())
	if err := secured.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, inTime(ctx, ConnectTimeout, err)
	}
	return secured, nil
}

// inTime says in words that it was a context or a deadline that ended a
// connection.
func inTime(ctx context.Context, within time.Duration, err error) error {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("no answer within %v", within)
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return err
}
