package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/imapsession"
	"imapilot/engine/oauth"
)

// loginFlags are the flags of login.
type loginFlags struct {
	status       bool
	refreshToken string // a file, "-" for the standard input
}

func (a *app) loginCommand() *cobra.Command {
	var f loginFlags
	cmd := &cobra.Command{
		Use: "login ACCOUNT", Short: "Get an OAuth2 token for an account, and store it",
		Long: `login asks you to agree in a browser, which may be on any device, and waits. It
tries the token on the mail server and stores it, encrypted with token_key,
beside the state file. The daemon keeps it fresh from then on; one that runs
takes it up within a minute.

--status shows what is stored: no token is shown, and nobody is asked. It exits 1
where there is none, or one that cannot be read.`,
		Args:              cobra.MaximumNArgs(1),
		RunE:              func(cmd *cobra.Command, args []string) error { return a.login(cmd.Context(), args, f) },
		ValidArgsFunction: a.completeAccount,
	}
	cmd.Flags().BoolVar(&f.status, "status", false, "show which tokens are stored, and until when they last")
	cmd.Flags().StringVar(&f.refreshToken, "refresh-token-file", "", "take a refresh token that you have already from this file, - for the standard input")
	cmd.Flags().BoolVar(&a.json, "json", false, "print --status as JSON")
	return cmd
}

func (a *app) logoutCommand() *cobra.Command {
	return &cobra.Command{
		Use: "logout ACCOUNT", Short: "Forget the stored OAuth2 token of an account",
		Long: `logout removes the stored token. The provider is not told: take your consent back
on its pages if the token may be in wrong hands. The daemon stops at its next
login to the account.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, acc, err := a.tokenAccount(args)
			if err != nil {
				return err
			}
			was, err := engine.Tokens(acc).Forget(cmd.Context())
			if err == nil {
				fmt.Fprintln(a.out, map[bool]string{true: "The token is removed.", false: "There was no token."}[was])
			}
			return err
		},
		ValidArgsFunction: a.completeAccount,
	}
}

func (a *app) login(parent context.Context, args []string, f loginFlags) error {
	if f.status {
		return a.loginStatus(parent, args)
	}
	if a.json {
		return usagef("--json is for --status: 'imapilot login --status --json'")
	}
	cfg, acc, err := a.tokenAccount(args)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	defer stop()
	keeper := engine.Tokens(acc)
	if err := keeper.Check(ctx); err != nil { // before anybody is sent to a browser
		return accountError(acc, err)
	}
	grant, err := a.authorize(ctx, cfg, acc, keeper.Client(), f)
	if err == nil {
		err = a.store(ctx, acc, keeper, grant)
	}
	if ctx.Err() != nil && parent.Err() == nil {
		return errors.New("interrupted; no token was stored")
	}
	return err
}

func accountError(acc config.Account, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("account %q: %w", acc.Name, err)
}

// tokenAccount finds the account that is named, or the only one, which has oauth2:.
func (a *app) tokenAccount(args []string) (*config.Config, config.Account, error) {
	cfg, err := a.load(false)
	if err != nil {
		return nil, config.Account{}, err
	}
	if len(args) == 0 {
		return nil, config.Account{}, usagef("name the account%s", choice("", accountNames(cfg), "'imapilot login --status' lists them"))
	}
	for _, acc := range cfg.Accounts {
		switch {
		case acc.Name != args[0]:
		case acc.OAuth2 == nil:
			return nil, acc, fmt.Errorf("account %q has no oauth2:, and needs no login; give it oauth2: {provider: microsoft, client_id: ID} in the place of its password if the server wants tokens", acc.Name)
		default:
			return cfg, acc, nil
		}
	}
	return nil, config.Account{}, noAccount(cfg, args[0])
}

// authorize gets a grant in the way that there is for the account.
func (a *app) authorize(ctx context.Context, cfg *config.Config, acc config.Account, client *oauth.Client, f loginFlags) (oauth.Grant, error) {
	var g oauth.Grant
	var err error
	switch {
	case f.refreshToken != "":
		g, err = a.byRefreshToken(ctx, client, f.refreshToken)
	case acc.OAuth2.DeviceEndpoint != "":
		g, err = a.byDevice(ctx, cfg, client)
	case acc.OAuth2.AuthorizationEndpoint != "":
		g, err = a.byAddress(ctx, client)
	default:
		err = errors.New("oauth2: has neither device_endpoint nor authorization_endpoint, so that only --refresh-token-file can be used")
	}
	return g, accountError(acc, err)
}

// byDevice shows a code, and waits until it was entered somewhere.
func (a *app) byDevice(ctx context.Context, cfg *config.Config, client *oauth.Client) (oauth.Grant, error) {
	d, err := client.Device(ctx)
	if err != nil {
		return oauth.Grant{}, err
	}
	fmt.Fprintf(a.out, `Open this page in a browser, on any device:

  %s

and enter the code

  %s

Waiting until %s; Ctrl-C gives up.
`, visible(d.URI), visible(d.UserCode), d.Ends.In(cfg.Location).Format("15:04:05"))
	return d.Wait(ctx)
}

// byAddress shows a page, and asks for the address that comes of it.
func (a *app) byAddress(ctx context.Context, client *oauth.Client) (oauth.Grant, error) {
	code, err := client.Code(ctx)
	if err != nil {
		return oauth.Grant{}, err
	}
	fmt.Fprintf(a.out, `Open this page in a browser, on any device, and agree:

  %s

The browser then says that it cannot open a page at 127.0.0.1. That is as it
should be: copy the whole address of that page, and paste it here.

Address: `, visible(code.URL))
	pasted, err := a.line(ctx)
	fmt.Fprintln(a.out)
	if err != nil {
		return oauth.Grant{}, err
	}
	return code.Finish(ctx, pasted)
}

// maxLine is how long a line may be that is pasted.
const maxLine = 16 << 10

// line reads one line, until ctx is done.
func (a *app) line(ctx context.Context) (string, error) {
	type read struct {
		text string
		err  error
	}
	got := make(chan read, 1)
	go func() { // a terminal cannot be told to stop reading; the process ends soon
		text, err := bufio.NewReader(io.LimitReader(a.in, maxLine)).ReadString('\n')
		got <- read{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case r := <-got:
		if r.text == "" && r.err != nil {
			return "", fmt.Errorf("no address was given: %w", r.err)
		}
		return r.text, nil
	}
}

// byRefreshToken uses a refresh token that another program got.
func (a *app) byRefreshToken(ctx context.Context, client *oauth.Client, path string) (oauth.Grant, error) {
	in := a.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return oauth.Grant{}, err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxLine+1))
	if err != nil {
		return oauth.Grant{}, err
	}
	token := strings.TrimSpace(string(text))
	if token == "" || len(text) > maxLine || strings.ContainsAny(token, " \t\r\n") {
		return oauth.Grant{}, errors.New("the file does not hold one refresh token and nothing else")
	}
	return client.Refresh(ctx, oauth.Grant{Refresh: token})
}

// store tries a grant on the mail server, and stores it. One that the server refuses is
// not worth it; one that it could not be asked about is.
func (a *app) store(ctx context.Context, acc config.Account, keeper *oauth.Keeper, grant oauth.Grant) error {
	mechanism, tried := engine.TryToken(ctx, acc, grant.Access)
	var e *imapsession.Error
	if errors.As(tried, &e) && e.Class == imapsession.Auth {
		return accountError(acc, fmt.Errorf("the provider gave a token, and %s does not take it; nothing was stored: %w\nDid you log in as %s there? Is IMAP allowed in the account? Do scopes: name it?", acc.Host, tried, acc.Username))
	}
	if err := keeper.Accept(ctx, grant); err != nil {
		return accountError(acc, err)
	}
	if tried != nil {
		return accountError(acc, fmt.Errorf("the token is stored, but could not be tried: %w", tried))
	}
	fmt.Fprintf(a.out, "%s takes the token, by %s. It is stored, and renewed by itself.\n", acc.Host, mechanism)
	return nil
}

// loginStatus shows what is stored.
func (a *app) loginStatus(ctx context.Context, args []string) error {
	cfg, err := a.load(false)
	if err != nil {
		return err
	}
	if len(args) == 1 && !hasAccount(cfg, args[0]) {
		return noAccount(cfg, args[0])
	}
	all := []oauth.Status{}
	for _, acc := range cfg.Accounts {
		if acc.OAuth2 != nil && (len(args) == 0 || acc.Name == args[0]) {
			all = append(all, engine.Tokens(acc).Status(ctx))
		}
	}
	if a.json {
		err = a.printJSON(all)
	} else {
		a.printTokens(all, cfg.Location)
	}
	if err == nil && slices.ContainsFunc(all, func(st oauth.Status) bool { return st.Problem != "" }) {
		err = errProblems
	}
	return err
}

func (a *app) printTokens(all []oauth.Status, zone *time.Location) {
	if len(all) == 0 {
		fmt.Fprintln(a.out, "No account has oauth2:, and none needs a login.")
	}
	s := a.screen()
	for _, st := range all {
		s.line(st.Account+": ", bold, st.Provider)
		if st.Problem != "" {
			s.line("  ", plain, st.Problem)
			continue
		}
		s.line("  granted:    ", plain, st.Granted.In(zone).Format(time.DateTime))
		s.line("  last token: ", plain, st.Renewed.In(zone).Format(time.DateTime)+", "+lasts(st.Expiry, zone))
		s.line("  scopes:     ", plain, strings.Join(st.Scopes, " "))
	}
	fmt.Fprint(a.out, s.b.String())
}

func lasts(expiry time.Time, zone *time.Location) string {
	switch {
	case expiry.IsZero():
		return "until the mail server refuses it"
	case expiry.Before(time.Now()):
		return "which is over: the next login renews it"
	}
	return "until " + expiry.In(zone).Format(time.DateTime)
}
