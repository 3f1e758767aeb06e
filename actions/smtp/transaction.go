package smtp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// The steps of a transaction, as errors name them.
const (
	stepConnect  = "connecting to the mail server"
	stepLogin    = "AUTH"
	stepMail     = "MAIL"
	stepRcpt     = "RCPT"
	stepData     = "DATA"
	stepResponse = "the answer to the message"
)

// transaction is one attempt.
type transaction struct {
	server  Server
	paths   []string // the reverse-path and the recipients
	message []byte
	// step is what is being done.
	step string
	// sent is set when the last line may have gone out.
	sent bool
}

func newTransaction(s Server, e Envelope, message []byte) (*transaction, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	paths, err := e.check(s)
	if err != nil {
		return nil, err
	}
	// A bare CR or LF before or behind a dot ends the message for some servers
	// and not for others: what follows would be commands of whoever wrote it.
	text, ok := canonical(message)
	if !ok || !bytes.Equal(text, message) || !bytes.HasSuffix(text, []byte("\r\n")) {
		return nil, errors.New("the message has a line without CRLF or over 998 octets, or a NUL")
	}
	return &transaction{server: s, paths: paths, message: message, step: stepConnect}, nil
}

// run hands in the message over a connection, which is closed when the context
// ends: go-smtp knows no context, and gives each answer a time of its own.
func (t *transaction) run(ctx context.Context, conn net.Conn) error {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	client, err := t.greet(conn)
	if err != nil {
		return err
	}
	if err := t.login(client, conn); err != nil {
		return err
	}
	if err := t.fits(client); err != nil {
		return err
	}
	if err := t.send(client); err != nil {
		return err
	}
	client.CommandTimeout = quitTimeout
	_ = client.Quit() // the server has the message, whatever it says now
	return nil
}

// greet brings a connection to where the client may log in. go-smtp begins anew
// after STARTTLS: what came before is thrown away, and the extensions are asked
// for again.
func (t *transaction) greet(conn net.Conn) (*smtp.Client, error) {
	if t.server.TLS != TLSStartTLS {
		client := smtp.NewClient(conn)
		return client, client.Hello(literal(conn.LocalAddr()))
	}
	client, err := smtp.NewClientStartTLS(conn, t.server.tls())
	if err != nil {
		return nil, err
	}
	return client, client.Hello(literal(conn.LocalAddr()))
}

// login authenticates. The password goes over TLS, or to this machine: it is the
// address of the connection that is judged, not the name.
func (t *transaction) login(client *smtp.Client, conn net.Conn) error {
	if t.server.Username == "" {
		return nil
	}
	t.step = stepLogin
	if t.server.TLS == TLSNone && !isLoopback(conn.RemoteAddr()) {
		return localError{fmt.Errorf("%w: without TLS a password is sent to a loopback address only", ErrLogin)}
	}
	switch s := t.server; {
	case client.SupportsAuth(sasl.Plain):
		return client.Auth(sasl.NewPlainClient("", s.Username, s.Password))
	case client.SupportsAuth(sasl.Login):
		return client.Auth(sasl.NewLoginClient(s.Username, s.Password))
	}
	return localError{fmt.Errorf("%w: it offers neither PLAIN nor LOGIN", ErrLogin)}
}

func isLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// fits holds the message against what the server offers.
func (t *transaction) fits(client *smtp.Client) error {
	t.step = stepMail
	if size, ok := client.MaxMessageSize(); ok && size > 0 && len(t.message) > size {
		return localError{fmt.Errorf("the message has %d bytes and the server takes %d", len(t.message), size)}
	}
	if ok, _ := client.Extension("8BITMIME"); !ok && eightBit(t.message) {
		return localError{ErrEightBit}
	}
	if ok, _ := client.Extension("SMTPUTF8"); !ok && t.utf8() {
		return localError{errors.New("the server takes no addresses beyond ASCII (SMTPUTF8)")}
	}
	return nil
}

// utf8 reports whether an address, and with it the header, needs SMTPUTF8.
func (t *transaction) utf8() bool {
	for _, path := range t.paths {
		if !isASCII(path) {
			return true
		}
	}
	return false
}

// send makes the mail transaction (RFC 5321 section 3.3).
func (t *transaction) send(client *smtp.Client) error {
	t.step = stepMail
	options := smtp.MailOptions{Size: int64(len(t.message)), UTF8: t.utf8()}
	if err := client.Mail(t.paths[0], &options); err != nil {
		return err
	}
	t.step = stepRcpt
	for _, to := range t.paths[1:] {
		if err := client.Rcpt(to, nil); err != nil {
			return err
		}
	}
	t.step = stepData
	data, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := data.Write(t.message); err != nil {
		return err
	}
	t.step, t.sent = stepResponse, true
	_, err = data.CloseWithResponse()
	return err
}

// literal names this machine as RFC 5321 section 4.1.4 allows one that has no
// name: by the address of the connection.
func literal(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	switch {
	case !ok:
		return "[127.0.0.1]"
	case tcp.IP.To4() != nil:
		return "[" + tcp.IP.To4().String() + "]"
	}
	return "[IPv6:" + tcp.IP.String() + "]"
}
