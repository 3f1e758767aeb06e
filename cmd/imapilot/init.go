package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"imapilot/engine"
	"imapilot/engine/config"
)

// initFlags are the answers that init would ask for.
type initFlags struct {
	address, host, username, tls      string
	passwordFile, passwordEnv, output string
	ca, clientID                      string
	port                              int
	yes                               bool

	provider string // that in oauth2:, which follows from them
}

func (a *app) initCommand() *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use: "init", Short: "Set up a first account and write a configuration to try",
		Long: `init asks for an address and a server, or takes them from flags, tests the login,
lists the mailboxes and writes a first configuration. It has dry_run: true, so
nothing is touched until you remove that line.`,
		Args: noInitArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.config != "" {
				return usagef("-c names a configuration to read, and init writes a new one: name it with -o %s", a.config)
			}
			return a.init(cmd.Context(), f)
		},
	}
	cmd.Flags().StringVar(&f.address, "address", "", "your mail address")
	cmd.Flags().StringVar(&f.host, "host", "", "the IMAP server (default: guessed from the address)")
	cmd.Flags().IntVar(&f.port, "port", 0, "its port (default 993, or 143 without implicit TLS)")
	cmd.Flags().StringVar(&f.tls, "tls", "implicit", "implicit, starttls or none")
	cmd.Flags().StringVar(&f.ca, "ca", "", "PEM file with the certificate authority of a private server, or its own certificate")
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "take what was guessed instead of asking")
	cmd.Flags().StringVar(&f.username, "username", "", "the login name (default: the address)")
	cmd.Flags().StringVar(&f.passwordFile, "password-file", "", "read the password from this file, now and later")
	cmd.Flags().StringVar(&f.passwordEnv, "password-env", "", "read the password from this environment variable, now and later")
	cmd.Flags().StringVar(&f.clientID, "client-id", "", "where the provider wants OAuth2: the id of the application that you registered with it")
	cmd.Flags().StringVarP(&f.output, "output", "o", "imapilot.yaml", "where to write the configuration")
	return cmd
}

// noInitArgs refuses arguments: the most likely one is the name of the file to write.
func noInitArgs(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usagef("init takes no arguments; the configuration that it writes is named with -o %s", args[0])
}

// check refuses, before anything is asked, what cannot end well.
func (f initFlags) check() error {
	if f.passwordFile != "" && f.passwordEnv != "" {
		return usagef("give the password by --password-file or by --password-env, not both")
	}
	if f.clientID != "" && f.passwordFile+f.passwordEnv != "" {
		return usagef("give --client-id, for a login by OAuth2, or a password by --password-file or --password-env, not both")
	}
	if f.port < 0 || f.port > 65535 {
		return usagef("--port is a number from 1 to 65535, not %d", f.port)
	}
	for _, path := range []string{f.output, passwordPath(f.output), keyPath(f.output)} {
		if _, err := os.Stat(path); err == nil {
			return fmt.Errorf("%s exists already; remove it, or write elsewhere with --output", path)
		}
	}
	_, err := os.Stat(filepath.Dir(f.output))
	return err
}

// passwordPath is the file for a password that was typed.
func passwordPath(output string) string {
	return strings.TrimSuffix(output, filepath.Ext(output)) + ".password"
}

func (a *app) init(ctx context.Context, f initFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	ask := asker{app: a, lines: bufio.NewReader(a.in), yes: f.yes}
	acc, err := ask.account(&f)
	if err != nil {
		return err
	}
	if acc.OAuth2 != nil {
		return a.writeForTokens(f, acc)
	}
	fmt.Fprintf(a.out, "Logging in to %s, port %d, as %s ...\n", acc.Host, acc.Port, acc.Username)
	list, err := engine.ListMailboxes(ctx, acc)
	if err != nil {
		return fmt.Errorf("that did not work: %w%s", err, initAdvice(f.address, acc, err))
	}
	fmt.Fprintf(a.out, "That works. %d mailboxes:\n\n", len(list))
	a.printMailboxes(list)
	if err := a.write(f, acc, ask.typed); err != nil {
		return err
	}
	if ask.typed != "" {
		fmt.Fprintf(a.out, "\nThe password is in %s, which only you can read.", passwordPath(f.output))
	}
	fmt.Fprintf(a.out, `
Written: %[1]s, with dry_run: true, so nothing is touched yet. Next:

  imapilot check -c %[1]s  says whether it is right
  imapilot plan -c %[1]s   says what it would do with the mail that is there
  imapilot run -c %[1]s    watches, and says what it would do with new mail

Then remove dry_run from %[1]s: 'imapilot run' acts on what arrives
from then on, and 'imapilot apply' on the mail that is there.
`, f.output)
	return nil
}

// asker asks for what the flags do not say.
type asker struct {
	app   *app
	lines *bufio.Reader
	yes   bool   // take presets
	typed string // a password that was typed, to be kept in a file
}

func (q *asker) account(f *initFlags) (config.Account, error) {
	var err error
	if f.address, err = q.ask("Mail address", f.address, ""); err != nil {
		return config.Account{}, err
	}
	p := providerOf(f.address)
	if p.needs != "" && f.host == "" {
		fmt.Fprintln(q.app.out, p.needs+".")
	}
	if f.host, err = q.ask("IMAP server", f.host, p.host); err != nil {
		return config.Account{}, err
	}
	if f.username == "" {
		f.username = f.address
	}
	mode := config.TLSMode(f.tls)
	if mode != config.TLSImplicit && mode != config.TLSStart && mode != config.TLSNone {
		return config.Account{}, usagef("--tls is implicit, starttls or none, not %q", f.tls)
	}
	if f.port == 0 {
		f.port = map[config.TLSMode]int{config.TLSImplicit: 993, config.TLSStart: 143, config.TLSNone: 143}[mode]
	}
	acc := config.Account{
		Name: "home", Host: f.host, Port: f.port, TLS: mode, Username: f.username,
		CA: f.ca, Watch: []string{"INBOX"}, Connections: 1, Idle: 5 * time.Minute, Poll: time.Minute,
	}
	if f.provider, err = f.tokensFrom(); err != nil {
		return config.Account{}, err
	}
	if f.provider != "" {
		f.clientID, err = q.ask("Client id of your application", f.clientID, "")
		acc.OAuth2 = &config.OAuth2{ClientID: f.clientID}
		return acc, err
	}
	acc.Password, err = q.password(*f)
	return acc, err
}

// ask returns the flag's value, or asks with a default.
func (q *asker) ask(what, flag, preset string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	if preset != "" && q.yes {
		return preset, nil
	}
	prompt := what
	if preset != "" {
		prompt += " [" + preset + "]"
	}
	fmt.Fprintf(q.app.out, "%s: ", prompt)
	line, err := q.lines.ReadString('\n')
	if err != nil {
		fmt.Fprintln(q.app.out)
	}
	if line = cmp.Or(strings.TrimSpace(line), preset); line == "" {
		return "", usagef("%s is needed; give it with a flag ('imapilot init --help')", strings.ToLower(what))
	}
	return line, nil
}

func (q *asker) password(f initFlags) (config.Secret, error) {
	switch {
	case f.passwordFile != "":
		raw, err := os.ReadFile(f.passwordFile)
		return config.LiteralSecret(strings.TrimRight(string(raw), "\r\n")), err
	case f.passwordEnv != "":
		v, ok := os.LookupEnv(f.passwordEnv)
		if !ok {
			return config.Secret{}, fmt.Errorf("the environment variable %s is not set", f.passwordEnv)
		}
		return config.LiteralSecret(v), nil
	}
	fmt.Fprint(q.app.out, "Password (not shown): ")
	defer fmt.Fprintln(q.app.out)
	var err error
	if in, ok := q.app.in.(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		var raw []byte
		raw, err = term.ReadPassword(int(in.Fd()))
		q.typed = string(raw)
	} else {
		q.typed, err = q.lines.ReadString('\n')
		q.typed = strings.TrimRight(q.typed, "\r\n")
	}
	if q.typed == "" {
		return config.Secret{}, errors.Join(errors.New("a password is needed"), err)
	}
	return config.LiteralSecret(q.typed), nil
}

// write writes the configuration, and a password that was typed into a file
// that only its owner may read.
func (a *app) write(f initFlags, acc config.Account, typed string) error {
	password := "{env: " + f.passwordEnv + "}"
	if f.passwordFile != "" {
		abs, err := filepath.Abs(f.passwordFile)
		if err != nil {
			return err
		}
		password = "{file: " + quote(abs) + "}"
	}
	if typed != "" {
		path := passwordPath(f.output)
		if err := writeNew(path, typed+"\n"); err != nil {
			return err
		}
		password = "{file: " + quote(filepath.Base(path)) + "}"
	}
	tls := string(acc.TLS)
	if acc.CA != "" {
		abs, err := filepath.Abs(acc.CA)
		if err != nil {
			return err
		}
		tls = fmt.Sprintf("{mode: %s, ca: %s}", acc.TLS, quote(abs))
	}
	return writeNew(f.output, fmt.Sprintf(firstConfig, quote(acc.Host), acc.Port, tls, quote(acc.Username), "password: "+password))
}

// writeNew writes a file that must not exist yet, for its owner alone.
func writeNew(path, text string) error {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = out.WriteString(text)
	return errors.Join(err, out.Close())
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

const firstConfig = `# imapilot's configuration. 'imapilot check' says whether it is right.

# Decide and record, but touch nothing. Remove this line when you like what
# 'imapilot run' says it would do.
dry_run: true

accounts:
  home:
    host: %s
    port: %d
    tls: %s
    username: %s
    %s
    watch: [INBOX]

rules:
  # Mailing lists into a mailbox each, by the name in their List-Id.
  - name: mailing lists
    if: list.id != ""
    then:
      - move: Lists/${list.name}

  # An example of a condition: who sent it, and what the subject says.
  - name: receipts
    if: has(subject, "invoice", "receipt", "order confirmation")
    then:
      - add_flags: [$Receipt]
`
