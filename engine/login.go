package engine

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"

	"imapilot/engine/imapsession"
)

// readSecret reads what the account shows: its token, its password, or neither where it
// has a certificate alone.
func (a *account) readSecret(ctx context.Context) (string, error) {
	switch {
	case !a.cfg.Token.IsZero():
		return a.cfg.Token.Read(ctx)
	case a.cfg.Password.IsZero() && a.cfg.Certificate != "":
		return "", nil
	}
	return a.cfg.Password.Read(ctx)
}

// dial opens one connection for watching, and notes what it showed.
func (a *account) dial(ctx context.Context, b *attempts) (*imapsession.Session, error) {
	s, what, err := a.login(ctx)
	b.secret = what
	return s, err
}

// login opens one connection, with the secret read anew each time so that a
// changed one is taken up.
func (a *account) login(ctx context.Context) (*imapsession.Session, credential, error) {
	return a.loginOf(ctx, new(heartbeat))
}

// loginOf is login for a loop: that it waits for its turn, for as long as the line is, is
// no standstill of it. What is shown is got between turn and login, so that who gives no
// token, or a program that hangs, holds no place of those who have theirs.
func (a *account) loginOf(ctx context.Context, loop *heartbeat) (*imapsession.Session, credential, error) {
	line := &a.engine.logins
	if err := a.inLine(loop, func() error { return line.queue(ctx, a.cfg.Host, &a.queued) }); err != nil {
		return nil, credential{}, err
	}
	if in, ok := a.engine.opts.Ahead.take(ctx, a.cfg); ok {
		a.state.loggedIn(in.err)
		return in.session, in.shown, in.err
	}
	show, what, err := a.prepare(ctx)
	if err != nil {
		return nil, what, err
	}
	var leave func(answered bool)
	err = a.inLine(loop, func() (err error) { leave, err = line.enter(ctx, a.cfg.Host, &a.queued); return err })
	if err != nil {
		return nil, what, err
	}
	s, what, err := show(ctx)
	leave(!isClass(err, imapsession.Connection))
	return s, what, err
}

func (a *account) inLine(loop *heartbeat, wait func() error) error {
	loop.beat(never)
	defer loop.beat(0)
	if err := wait(); err != nil {
		return &imapsession.Error{Op: "CONNECT", Subject: a.cfg.Host, Class: imapsession.Connection, Err: err}
	}
	return nil
}

// showing opens one connection with what was prepared.
type showing func(context.Context) (*imapsession.Session, credential, error)

// prepare gets what there is to show.
func (a *account) prepare(ctx context.Context) (showing, credential, error) {
	if a.cfg.OAuth2 != nil {
		return a.prepareToken(ctx)
	}
	secret, err := a.readSecret(ctx)
	if err != nil {
		return nil, credential{}, &imapsession.Error{Op: "LOGIN", Subject: a.cfg.Host, Class: imapsession.Config, Err: err}
	}
	what := credential{mark: sha256.Sum256([]byte(secret))}
	return func(ctx context.Context) (*imapsession.Session, credential, error) {
		s, err := a.dialWith(ctx, secret)
		return s, what, err
	}, what, nil
}

// dialWith opens one connection that shows a secret.
func (a *account) dialWith(ctx context.Context, secret string) (*imapsession.Session, error) {
	o, err := a.sessionOptions(secret)
	if err != nil {
		return nil, &imapsession.Error{Op: "TLS", Subject: a.cfg.Host, Class: imapsession.Config, Err: err}
	}
	s, err := imapsession.Dial(ctx, o)
	a.state.loggedIn(err)
	return s, err
}

// sessionOptions says how to connect and what to show.
func (a *account) sessionOptions(secret string) (imapsession.Options, error) {
	o := imapsession.Options{
		Account: a.cfg.Name, Host: a.cfg.Host, Port: a.cfg.Port, TLS: string(a.cfg.TLS), Pin: a.cfg.Pin,
		Username: a.cfg.Username, Mechanism: a.cfg.Mechanism,
		DialContext: a.engine.opts.DialContext, Without: a.fallbacks.names(),
		Buffers: &a.engine.buffers,
		Logger:  a.engine.log, // it names the account itself
		Trace:   a.trace,
	}
	if a.cfg.Token.IsZero() && a.cfg.OAuth2 == nil {
		o.Password = secret
	} else {
		o.Token = func(context.Context) (string, error) { return secret, nil }
	}
	var err error
	if a.cfg.Certificate != "" {
		o.Certificate, err = certificateOf(a.cfg.Certificate, a.cfg.CertificateKey)
	}
	roots, rootsErr := a.engine.authorities.of(a.cfg.CA)
	o.Roots = roots
	return o, errors.Join(err, rootsErr)
}

// certificateOf reads the certificate of the client, anew at each login: it expires.
func certificateOf(certificate, key string) (*tls.Certificate, error) {
	c, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("the client certificate cannot be used: %w", err)
	}
	return &c, nil
}
