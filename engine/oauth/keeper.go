package oauth

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/gofrs/flock"
)

// maxJitter is by how much earlier than others one keeper may renew a token, lockWait how
// long it waits for another process that renews it: longer than a request takes.
const (
	maxJitter = time.Minute
	lockWait  = requestTime + 10*time.Second
)

// Settings of a keeper.
type Settings struct {
	Client Client
	// Folder is where grants are stored, and Key reads the key that they are encrypted
	// with.
	Folder string
	Key    func(context.Context) (string, error)
	// LockWait is how long another process is waited for; 40 s.
	LockWait time.Duration
	// Transport makes the requests; nil is HTTP.
	Transport http.RoundTripper
}

// Keeper has the grant of one account. All goroutines and processes may ask theirs at
// once: one request is made.
type Keeper struct {
	client   Client
	store    store
	lockWait time.Duration
	jitter   time.Duration
	turn     chan struct{} // holds a token while nobody works on what is below

	seen    mark // of the file, as this keeper read or wrote it last
	refused mark // of an access token that a mail server did not take
	unsaved *Grant
	held    *flock.Flock // while unsaved is set
}

// Token is an access token.
type Token struct {
	Access string
	// Expiry is when it ends, zero if the server did not say.
	Expiry time.Time
	// Renewed is set when it was got just now.
	Renewed bool
}

// NewKeeper makes a keeper. It reads nothing.
func NewKeeper(s Settings) *Keeper {
	k := &Keeper{
		client: s.Client, store: store{s.Folder, s.Client.Account, s.Key}, lockWait: s.LockWait, jitter: rand.N(maxJitter),
		turn: make(chan struct{}, 1),
	}
	if k.lockWait == 0 {
		k.lockWait = lockWait
	}
	if s.Transport != nil {
		k.client.Transport = s.Transport
	}
	k.turn <- struct{}{}
	return k
}

// Client asks the authorization server of the keeper.
func (k *Keeper) Client() *Client {
	c := k.client
	return &c
}

// enter waits for a turn, which leave ends.
func (k *Keeper) enter(ctx context.Context) error {
	select {
	case <-k.turn:
		return nil
	case <-ctx.Done():
		return &Error{Account: k.client.Account, Err: ctx.Err()}
	}
}

func (k *Keeper) leave() { k.turn <- struct{}{} }

// Token returns an access token that can be used for a while yet, and renews it first
// where it cannot. What it returns is on the disk.
func (k *Keeper) Token(ctx context.Context) (Token, error) {
	if err := k.enter(ctx); err != nil {
		return Token{}, err
	}
	defer k.leave()
	if k.unsaved == nil {
		g, err := k.load(ctx)
		if err != nil {
			return Token{}, err
		}
		if k.usable(g) {
			return Token{Access: g.Access, Expiry: g.Expiry}, nil
		}
	}
	return k.renew(ctx)
}

func (k *Keeper) usable(g Grant) bool {
	return g.lasts(time.Now(), k.jitter) && markOf(g.Access) != k.refused
}

// load reads the grant, which must be one for this client: another authorization server
// does not see its refresh token.
func (k *Keeper) load(ctx context.Context) (Grant, error) {
	g, seen, err := k.store.load(ctx)
	k.seen = seen
	c := &k.client
	switch {
	case errors.Is(err, errNoGrant):
		return Grant{}, &Error{Account: c.Account, Host: hostOf(c.TokenEndpoint), Kind: Ended, Err: errors.New("nobody has logged in yet"), Advice: c.loginAgain()}
	case err != nil:
		return Grant{}, err
	case g.TokenEndpoint != c.TokenEndpoint || g.ClientID != c.ID:
		return Grant{}, &Error{Account: c.Account, Host: hostOf(c.TokenEndpoint), Kind: Ended,
			Err: errors.New("the stored token is of another provider or client_id than the account now has"), Advice: c.loginAgain()}
	}
	return g, nil
}

// renew gets a new access token, unless another process did meanwhile.
func (k *Keeper) renew(ctx context.Context) (Token, error) {
	if err := k.lock(ctx); err != nil {
		return Token{}, err
	}
	defer k.unlock()
	if k.unsaved != nil {
		if err := k.save(ctx); err != nil {
			return Token{}, err
		}
	}
	g, err := k.load(ctx)
	if err != nil {
		return Token{}, err
	}
	if k.usable(g) {
		return Token{Access: g.Access, Expiry: g.Expiry}, nil
	}
	fresh, err := k.client.Refresh(ctx, g)
	if err != nil {
		return k.spare(g, err)
	}
	// From here on the old refresh token may be worth nothing: nobody may read it again.
	k.unsaved = &fresh
	if err := k.save(ctx); err != nil {
		return Token{}, err
	}
	return Token{Access: fresh.Access, Expiry: fresh.Expiry, Renewed: true}, nil
}

// spare returns the token that is there where renewing it failed for now, if there is
// some time left of it: that is what it is renewed early for.
func (k *Keeper) spare(g Grant, err error) (Token, error) {
	var e *Error
	if errors.As(err, &e) && e.Kind == Temporary && g.Access != "" && time.Now().Before(g.Expiry) && markOf(g.Access) != k.refused {
		return Token{Access: g.Access, Expiry: g.Expiry}, nil
	}
	return Token{}, err
}

// lock takes the lock, unless it was kept.
func (k *Keeper) lock(ctx context.Context) (err error) {
	if k.held == nil {
		k.held, err = k.store.lock(ctx, k.lockWait)
	}
	return err
}

// unlock gives it back, unless there is something that must be written first.
func (k *Keeper) unlock() {
	if k.unsaved == nil && k.held != nil {
		_ = k.held.Unlock() // the end of the process would do it, too
		k.held = nil
	}
}

// save writes what is not written yet. The caller has the lock.
func (k *Keeper) save(ctx context.Context) error {
	// An answer is written also when whoever asked has gone.
	seen, err := k.store.save(context.WithoutCancel(ctx), *k.unsaved)
	if err != nil {
		return &Error{Account: k.client.Account, Err: fmt.Errorf("the new token could not be stored, and is in the memory of this process alone: %w", err),
			Advice: "do not end this process: it tries again, and nothing is done before"}
	}
	k.seen, k.unsaved = seen, nil
	return nil
}

// Refused tells that a mail server did not take an access token. It reports whether
// Token has another one to offer.
func (k *Keeper) Refused(ctx context.Context, t Token) (bool, error) {
	if err := k.enter(ctx); err != nil {
		return false, err
	}
	defer k.leave()
	k.refused = markOf(t.Access)
	return !t.Renewed, nil
}

// Seen is a mark of the stored grant as this keeper read or wrote it last.
func (k *Keeper) Seen(ctx context.Context) ([32]byte, error) {
	if err := k.enter(ctx); err != nil {
		return mark{}, err
	}
	defer k.leave()
	return k.seen, nil
}

// Now is a mark of the stored grant as it is now: where it differs from what Seen
// returned, somebody stored another one.
func (k *Keeper) Now() ([32]byte, error) { return k.store.mark() }

// Check reports whether a grant could be stored: whether there is a key, and a folder
// that can be written.
func (k *Keeper) Check(ctx context.Context) error {
	if _, err := k.store.readKey(ctx); err != nil {
		return err
	}
	if err := k.store.makeFolder(); err != nil {
		return k.store.failure(Temporary, err, "")
	}
	return nil
}

// Accept stores a grant in the place of the one that was there.
func (k *Keeper) Accept(ctx context.Context, g Grant) error {
	return k.alone(ctx, func() error {
		seen, err := k.store.save(ctx, g)
		if err == nil {
			k.seen, k.unsaved = seen, nil
		}
		return err
	})
}

// Forget removes the stored grant. It reports whether there was one.
func (k *Keeper) Forget(ctx context.Context) (was bool, err error) {
	err = k.alone(ctx, func() error {
		err := k.store.remove()
		if errors.Is(err, errNoGrant) {
			return nil
		}
		was = err == nil
		return err
	})
	return was, err
}

// alone runs f while no process renews the token.
func (k *Keeper) alone(ctx context.Context, f func() error) error {
	if err := k.enter(ctx); err != nil {
		return err
	}
	defer k.leave()
	if err := k.lock(ctx); err != nil {
		return err
	}
	defer k.unlock()
	return f()
}

// Close gives up the lock. What is not written is lost then.
func (k *Keeper) Close() error {
	<-k.turn
	defer k.leave()
	lost := k.unsaved
	k.unsaved = nil
	k.unlock()
	if lost != nil {
		return &Error{Account: k.client.Account, Kind: Ended, Err: errors.New("the new token could not be stored, and is lost"), Advice: k.client.loginAgain()}
	}
	return nil
}

// Status is what may be said of a stored grant.
type Status struct {
	Account string `json:"account"`
	// Provider is the host of the token endpoint.
	Provider string    `json:"provider"`
	Granted  time.Time `json:"granted,omitzero"`
	// Renewed is when the access token was given, Expiry when it ends.
	Renewed time.Time `json:"renewed,omitzero"`
	Expiry  time.Time `json:"expiry,omitzero"`
	Scopes  []string  `json:"scopes,omitempty"`
	Problem string    `json:"problem,omitempty"`
}

// Status reports what is stored. It asks nobody.
func (k *Keeper) Status(ctx context.Context) Status {
	s := Status{Account: k.client.Account, Provider: hostOf(k.client.TokenEndpoint)}
	if err := k.enter(ctx); err != nil {
		s.Problem = err.Error()
		return s
	}
	defer k.leave()
	g, err := k.load(ctx)
	if err != nil {
		s.Problem = err.Error()
		return s
	}
	s.Granted, s.Renewed, s.Expiry, s.Scopes = g.Granted, g.Obtained, g.Expiry, g.Scopes
	return s
}
