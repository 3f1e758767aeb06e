package engine

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"imapilot/engine/config"
	"imapilot/engine/imapsession"
	"imapilot/engine/oauth"
)

// tokenSkew is how much later than the server's our clock may be where a token ends.
const tokenSkew = time.Minute

// keepers are the keepers of OAuth2 tokens, by account. All connections of an account
// share one.
type keepers struct {
	mu sync.Mutex
	of map[string]keeping
}

type keeping struct {
	cfg    config.OAuth2
	keeper *oauth.Keeper
}

// keeper returns that of an account. Where its settings changed it is another one: what
// the old one could not write is lost, which is the error.
func (k *keepers) keeper(cfg config.Account) (*oauth.Keeper, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	old, ok := k.of[cfg.Name]
	if ok && reflect.DeepEqual(old.cfg, *cfg.OAuth2) {
		return old.keeper, nil
	}
	var err error
	if ok {
		err = old.keeper.Close()
	}
	if k.of == nil {
		k.of = map[string]keeping{}
	}
	next := keeping{*cfg.OAuth2, Tokens(cfg)}
	k.of[cfg.Name] = next
	return next.keeper, err
}

// Tokens keeps the OAuth2 tokens of an account that has some.
func Tokens(cfg config.Account) *oauth.Keeper {
	o := cfg.OAuth2
	s := oauth.Settings{Folder: o.Folder, Key: o.Key.Read, Client: oauth.Client{
		Account: cfg.Name, DeviceEndpoint: o.DeviceEndpoint, AuthorizationEndpoint: o.AuthorizationEndpoint, TokenEndpoint: o.TokenEndpoint,
		ID: o.ClientID, Scopes: o.Scopes,
	}}
	if !o.ClientSecret.IsZero() {
		s.Client.Secret = o.ClientSecret.Read
	}
	return oauth.NewKeeper(s)
}

// TryToken logs in to the mail server of an account with an access token, and out
// again. It returns by which mechanism.
func TryToken(ctx context.Context, cfg config.Account, access string) (mechanism string, err error) {
	a := &account{engine: &Engine{}, cfg: cfg, log: slog.New(slog.DiscardHandler)}
	s, err := a.dialWith(ctx, access)
	if err != nil {
		return "", err
	}
	return s.Mechanism(), s.Logout(ctx)
}

// credential is what a login showed.
type credential struct {
	// mark is that of the password, or of the stored grant.
	mark [32]byte
	// expires is when the token ends, zero if that is not known.
	expires time.Time
}

// prepareToken gets a token of our own.
func (a *account) prepareToken(ctx context.Context) (showing, credential, error) {
	keeper, err := a.engine.keepers.keeper(a.cfg)
	if err != nil {
		return nil, credential{}, a.tokenError(err)
	}
	t, what, err := a.token(ctx, keeper)
	if err != nil {
		return nil, what, err
	}
	return func(ctx context.Context) (*imapsession.Session, credential, error) {
		return a.loginByToken(ctx, keeper, t, what)
	}, what, nil
}

func (a *account) token(ctx context.Context, keeper *oauth.Keeper) (oauth.Token, credential, error) {
	t, err := keeper.Token(ctx)
	mark, markErr := keeper.Seen(ctx)
	what := credential{mark, t.Expiry}
	if err = errors.Join(err, markErr); err != nil {
		return t, what, a.tokenError(err)
	}
	return t, what, nil
}

// loginByToken opens one connection with a token of our own. One that the server does
// not take, though it should last, is renewed and shown once more; what comes of that
// counts.
func (a *account) loginByToken(ctx context.Context, keeper *oauth.Keeper, t oauth.Token, what credential) (*imapsession.Session, credential, error) {
	for again := true; ; {
		s, err := a.dialWith(ctx, t.Access)
		if !isRefusedToken(err) {
			return s, what, err
		}
		another, refusedErr := keeper.Refused(ctx, t)
		if !again || !another || refusedErr != nil {
			return s, what, err
		}
		a.log.Info("the server does not take the token; it is renewed", "error", err)
		again = false
		if t, what, err = a.token(ctx, keeper); err != nil {
			return nil, what, err
		}
	}
}

func isRefusedToken(err error) bool {
	var e *imapsession.Error
	return errors.As(err, &e) && e.Class == imapsession.Auth && e.Op == "AUTHENTICATE"
}

// tokenError is an error of the keeper as one of a login.
func (a *account) tokenError(err error) error {
	e := &imapsession.Error{Op: "TOKEN", Subject: a.cfg.Name, Class: imapsession.TryAgain, Err: err}
	var o *oauth.Error
	if !errors.As(err, &o) {
		return e
	}
	if e.RetryAfter = o.RetryAfter; o.Host != "" {
		e.Subject = o.Host
	}
	switch o.Kind {
	case oauth.Ended, oauth.Denied, oauth.TooLate:
		e.Class = imapsession.Auth
	case oauth.Config:
		e.Class = imapsession.Config
	}
	return e
}

// isEnded reports whether there is no grant any more, so that no try can help before
// somebody logs in.
func isEnded(err error) bool {
	var o *oauth.Error
	return errors.As(err, &o) && o.Kind == oauth.Ended
}

// ended is how a connection ended. A server that says of a token that it is not valid,
// when its time is up, refuses nobody: the next token is another one.
func (s credential) ended(err error, now time.Time) error {
	var e *imapsession.Error
	if s.expires.IsZero() || now.Before(s.expires.Add(-tokenSkew)) || !errors.As(err, &e) || e.Class != imapsession.Auth {
		return err
	}
	over := *e
	over.Class = imapsession.Connection
	return &over
}
