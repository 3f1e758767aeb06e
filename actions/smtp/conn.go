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

// limitedConn is a connection with an end to what is read.
type limitedConn struct {
	net.Conn
	left int
}

func (c *limitedConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTalk
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// connect returns a connection, secured where TLS is implicit.
func (c *Client) connect(ctx context.Context, s Server) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, ConnectTimeout)
	defer cancel()
	raw, err := c.dial(ctx, "tcp", s.address())
	if err != nil {
		return nil, inTime(ctx, ConnectTimeout, err)
	}
	conn := &limitedConn{Conn: raw, left: maxTalk}
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
