package imaptest

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// Tokens is a piece of Dovecot's configuration, for Options.Config, that has it take
// OAuth2 tokens by the mechanisms, and ask about them at the address of an introspection
// endpoint (RFC 7662). Passwords are taken by PLAIN.
func Tokens(t testing.TB, introspection string, mechanisms ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "oauth2.conf")
	write(t, path, "introspection_mode = get\nintrospection_url = "+introspection+
		"?token=\nusername_attribute = username\nactive_attribute = active\nactive_value = true\n")
	return fmt.Sprintf("auth_mechanisms = plain %[1]s\nauth_failure_delay = 0\npassdb {\n  driver = oauth2\n  mechanisms = %[1]s\n  args = %[2]s\n}\n",
		strings.ToLower(strings.Join(mechanisms, " ")), path)
}
