package main

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"strings"

	"imapilot/engine/config"
	profiles "imapilot/engine/provider"
)

// keyPath is the file for the key that stored tokens are encrypted with.
func keyPath(output string) string {
	return strings.TrimSuffix(output, filepath.Ext(output)) + ".key"
}

// tokensFrom is the name in oauth2: of who gives these answers' account its tokens, ""
// where it logs in with a password. Addresses of a company do not tell that its server is
// Microsoft's, but the host does. A client id that would not be used is refused: who gives
// one does not expect to be asked for a password.
func (f initFlags) tokensFrom() (string, error) {
	name := providerOf(f.address).oauth2()
	if f.clientID == "" {
		if f.passwordFile != "" || f.passwordEnv != "" {
			name = ""
		}
		return name, nil
	}
	if name = cmp.Or(name, profiles.TokensOnly(f.host)); name == "" {
		return "", usagef("--client-id is for OAuth2, which init sets up for Microsoft alone (--host outlook.office365.com), and %s is to be used with a password: leave it out, and write oauth2: in the place of the password later, as the README has it", f.host)
	}
	return name, nil
}

// writeForTokens writes the configuration of an account that logs in by OAuth2, and a
// key. 'imapilot login' tests it.
func (a *app) writeForTokens(f initFlags, acc config.Account) error {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	if err := writeNew(keyPath(f.output), base64.StdEncoding.EncodeToString(key)+"\n"); err != nil {
		return err
	}
	shows := fmt.Sprintf("oauth2: {provider: %s, client_id: %s}", f.provider, quote(acc.OAuth2.ClientID))
	text := fmt.Sprintf(firstConfig, quote(acc.Host), acc.Port, string(acc.TLS), quote(acc.Username), shows)
	text = strings.Replace(text, "accounts:\n", "# What stored tokens are encrypted with.\ntoken_key: {file: "+quote(filepath.Base(keyPath(f.output)))+"}\n\naccounts:\n", 1)
	if err := writeNew(f.output, text); err != nil {
		return err
	}
	fmt.Fprintf(a.out, `
Written: %[1]s, with dry_run: true, so nothing is touched yet, and
%[2]s, a key that only you can read. Next:

  imapilot login -c %[1]s home   gets a token, and tries it
  imapilot plan -c %[1]s         says what it would do with the mail that is there
  imapilot run -c %[1]s          watches, and says what it would do with new mail
`, f.output, keyPath(f.output))
	return nil
}
