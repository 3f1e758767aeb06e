package engine

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"imapilot/engine/config"
	"imapilot/engine/imapsession"
)

const (
	// mostLoggedIn is how many logins begin ahead: no more than the engine makes at once
	// on one host.
	mostLoggedIn = 4
	// loggedInFor is how long a login is kept for whoever asks for it: a connection on
	// which nothing happens ends sooner or later, and not always by word.
	loggedInFor = 10 * time.Second
)

// Ahead is logins that begin before there is an engine: while its rules are compiled and
// its journal is opened, the servers are at work. Each is good for one connection. nil has
// none, and Options.Ahead takes it.
type Ahead struct {
	cancel context.CancelFunc
	mu     sync.Mutex
	made   map[string]chan entered // by account; each gives one
}

// entered is a login, or why there is none.
type entered struct {
	session *imapsession.Session
	shown   credential
	err     error
}

// LogInAhead begins to log in to the account of a name, or where it is empty to the first
// four. Of the configuration it needs accounts and hosts alone, and copies them. It leaves
// out accounts with OAuth2, those whose password a program tells, and hosts with
// logins_per_minute. Close ends what nobody asked for.
func LogInAhead(ctx context.Context, cfg *config.Config, name string, o Options) *Ahead {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(ctx)
	h := &Ahead{cancel: cancel, made: map[string]chan entered{}}
	for _, acc := range cfg.Accounts {
		if name != "" && acc.Name != name || waitsForTheEngine(cfg, acc) || len(h.made) == mostLoggedIn {
			continue
		}
		made := make(chan entered, 1)
		h.made[acc.Name] = made
		a := &account{engine: &Engine{opts: o, log: o.Logger}, cfg: acc, log: o.Logger.With("account", acc.Name)}
		go func() { give(ctx, made, a.enter(ctx)) }()
	}
	return h
}

// waitsForTheEngine reports whether a login takes what the engine alone has, its turn or a
// token of our own, or a program that tells the password: it may ask somebody, who is to
// be asked once it is certain that there is something to do.
func waitsForTheEngine(cfg *config.Config, acc config.Account) bool {
	return acc.OAuth2 != nil || acc.Password.IsTold() || acc.Token.IsTold() || slices.ContainsFunc(cfg.Hosts, func(h config.Host) bool {
		return h.LoginsPerMinute > 0 && h.Name == strings.ToLower(acc.Host)
	})
}

func (a *account) enter(ctx context.Context) entered {
	s, shown, err := a.login(ctx)
	return entered{s, shown, err}
}

// give offers a login until it is too old, or ctx ends.
func give(ctx context.Context, made chan entered, in entered) {
	made <- in
	close(made) // it gives one
	ctx, cancel := context.WithTimeout(ctx, loggedInFor)
	context.AfterFunc(ctx, func() {
		cancel()
		(<-made).close()
	})
}

func (in entered) close() {
	if in.session != nil {
		_ = in.session.Close() // nothing was done there
	}
}

// take waits for the login to an account that began ahead. It reports false where there is
// none, or none any more.
func (h *Ahead) take(ctx context.Context, acc config.Account) (entered, bool) {
	made := h.of(acc.Name)
	if made == nil {
		return entered{}, false
	}
	select {
	case in, came := <-made:
		return in, came
	case <-ctx.Done():
		go func() { (<-made).close() }() // at the latest when all ends
		err := &imapsession.Error{Op: "CONNECT", Subject: acc.Host, Class: imapsession.Connection, Err: context.Cause(ctx)}
		return entered{err: err}, true
	}
}

// of returns where the login to an account comes from, nil from the second time on.
func (h *Ahead) of(name string) chan entered {
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	made := h.made[name]
	delete(h.made, name)
	return made
}

// Close ends the connections that nobody asked for. nil has none.
func (h *Ahead) Close() {
	if h != nil {
		h.cancel()
	}
}
