package main

import (
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"imapilot/engine/enginetest/imaptest"
)

// TestDoctor holds the page that doctor prints of Dovecot and of Cyrus: it is golden
// but for times, addresses and fingerprints, and tells no secret.
func TestDoctor(t *testing.T) {
	for name, start := range map[string]func(testing.TB, imaptest.Options) *imaptest.Server{"dovecot": imaptest.Dovecot, "cyrus": imaptest.Cyrus} {
		t.Run(name, func(t *testing.T) {
			golden := filepath.Join(must[string](t)(os.Getwd()), "testdata", "doctor", name+".txt")
			srv := start(t, imaptest.Options{TLS: true, Quota: 1 << 20}).As(t, "annabel")
			srv.Append(t, "INBOX", nil, time.Now().Add(-3*time.Hour), []byte("Subject: secret-subject\r\nMessage-ID: <1@test>\r\n\r\nHello.\r\n"))
			srv.Append(t, "Secret-Project", nil, time.Now(), []byte("Subject: two\r\n\r\nHello.\r\n"))
			before := fmt.Sprint(srv.Messages(t, "INBOX"))
			doctorFolder(t, srv, "watch: [INBOX, Secret-Project, 'Nowhere/*']")
			out, code := said(t, "doctor")
			if code != exitOK {
				t.Errorf("exit code %d", code)
			}
			compareDoctor(t, golden, masked(out))
			for _, line := range strings.Split(out, "\n") {
				if n := utf8.RuneCountInString(line); n > screenWidth && strings.Contains(strings.TrimSpace(line), " ") {
					t.Errorf("%d columns: %s", n, line)
				}
			}
			for _, secret := range []string{srv.Username, srv.Password, "secret-subject", "Secret-Project"} {
				if regexp.MustCompile(`\b` + secret + `\b`).MatchString(out) {
					t.Errorf("%q is told in\n%s", secret, out)
				}
			}
			if after := fmt.Sprint(srv.Messages(t, "INBOX")); after != before {
				t.Errorf("it changed INBOX: %s, before %s", after, before)
			}
			told := examined{}
			text, _ := said(t, "doctor home --json")
			if err := json.Unmarshal([]byte(text), &told); err != nil || told.Messages != 2 || told.ClockAhead == nil || len(told.Strategies) == 0 {
				t.Errorf("%v: %s", err, text)
			}
		})
	}
}

// TestDoctorWhereNothingIs: what can be found out is told, and the exit code says that
// the login failed.
func TestDoctorWhereNothingIs(t *testing.T) {
	srv := imaptest.Dovecot(t, imaptest.Options{TLS: true})
	doctorFolder(t, srv, "")
	t.Run("wrong password", func(t *testing.T) {
		out, code := said(t, "doctor -c wrong.yaml")
		if code != exitFailure || !strings.Contains(out, "TLS 1.3") || !strings.Contains(out, "AUTHENTICATIONFAILED") || !strings.Contains(out, "app password") || strings.Contains(out, "wrong-secret") {
			t.Errorf("exit code %d\n%s", code, out)
		}
	})
	t.Run("certificate", func(t *testing.T) {
		out, code := said(t, "doctor -c untrusted.yaml")
		if code != exitFailure || !strings.Contains(out, "it is not trusted") || !strings.Contains(out, "tls: {mode: implicit, pin: '") {
			t.Errorf("exit code %d\n%s", code, out)
		}
		lines, _ := said(t, "doctor --fix -c untrusted.yaml")
		pin := regexp.MustCompile(`tls: \{.*\}`).FindString(lines)
		writeFile(t, "pinned.yaml", strings.Replace(readText(t, "untrusted.yaml"), "tls: implicit", pin, 1))
		if out, code := said(t, "doctor -c pinned.yaml"); code != exitOK {
			t.Errorf("with the line that was suggested: exit code %d\n%s", code, out)
		}
	})
	t.Run("another certificate", func(t *testing.T) {
		writeFile(t, "other.yaml", strings.Replace(readText(t, "untrusted.yaml"), "tls: implicit", "tls: {mode: implicit, pin: '"+strings.Repeat("AB", 32)+"'}", 1))
		out, code := said(t, "doctor -c other.yaml")
		if code != exitFailure || !strings.Contains(out, "put its fingerprint into pin:") {
			t.Errorf("exit code %d\n%s", code, out)
		}
	})
	t.Run("no TLS there", func(t *testing.T) {
		_, port := srv.Addr()
		writeFile(t, "clear.yaml", fmt.Sprintf("accounts:\n  home: {host: 127.0.0.1, port: %d, username: me, password: secret}\nrules: []\n", port))
		out, code := said(t, "doctor -c clear.yaml")
		if code != exitFailure || !strings.Contains(out, "try tls: starttls") {
			t.Errorf("exit code %d\n%s", code, out)
		}
	})
	t.Run("no such host", func(t *testing.T) {
		writeFile(t, "lost.yaml", "accounts:\n  home: {host: "+strings.Repeat("a", 64)+".invalid, username: me, password: secret, tls: none}\nrules: []\n") // no name server is asked
		out, code := said(t, "doctor -c lost.yaml")
		if code != exitFailure || !strings.Contains(out, "is host: spelled right") || strings.Contains(out, "Suggestions") {
			t.Errorf("exit code %d\n%s", code, out)
		}
	})
	t.Run("nobody listens", func(t *testing.T) {
		listener := must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
		port := listener.Addr().(*net.TCPAddr).Port
		listener.Close()
		writeFile(t, "closed.yaml", fmt.Sprintf("accounts:\n  home: {host: 127.0.0.1, port: %d, username: me, password: secret}\nrules: []\n", port))
		out, code := said(t, "doctor -c closed.yaml")
		if code != exitFailure || !strings.Contains(out, "refused") || !strings.Contains(out, "look at host: and port:") {
			t.Errorf("exit code %d\n%s", code, out)
		}
	})
	t.Run("which account", func(t *testing.T) {
		if out, code := said(t, "doctor nobody"); code != exitUsage || !strings.Contains(out, "nobody") {
			t.Errorf("exit code %d\n%s", code, out)
		}
	})
}

// doctorFolder holds configurations of a server with TLS: one that is right, one with a
// wrong password, and one that trusts nobody.
func doctorFolder(t *testing.T, srv *imaptest.Server, account string) {
	t.Helper()
	planFolder(t, "")
	conn := must[*tls.Conn](t)(tls.Dial("tcp", srv.TLSAddr, &tls.Config{RootCAs: srv.Roots}))
	defer conn.Close()
	writeFile(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: conn.ConnectionState().PeerCertificates[0].Raw})))
	host, port, _ := strings.Cut(srv.TLSAddr, ":")
	right := fmt.Sprintf("accounts:\n  home:\n    host: %s\n    port: %s\n    tls: {mode: implicit, ca: ca.pem}\n    username: %s\n    password: '%s'\n    %s\nrules: []\n",
		host, port, srv.Username, srv.Password, account)
	writeFile(t, "imapilot.yaml", right)
	writeFile(t, "wrong.yaml", strings.Replace(right, "'"+srv.Password+"'", "wrong-secret", 1))
	writeFile(t, "untrusted.yaml", strings.Replace(right, "tls: {mode: implicit, ca: ca.pem}", "tls: implicit", 1))
}

func readText(t *testing.T, name string) string {
	return string(must[[]byte](t)(os.ReadFile(name)))
}

// masked is a page without what differs from run to run.
func masked(page string) string {
	for pattern, with := range map[string]string{
		`127\.0\.0\.1:\d+`:                   "ADDRESS",
		`port \d+`:                           "port PORT",
		`[0-9.]+ ms`:                         "TIME",
		`([0-9A-F]{2}:){31}[0-9A-F]{2}`:      "FINGERPRINT",
		`valid until \S+ \(\d+ days? left\)`: "valid until DATE (DAYS left)",
		`imapilot \S+ examines`:              "imapilot VERSION examines",
		`(Cyrus IMAP|Dovecot)\S* [0-9]\S*`:   "$1 VERSION",
		`greeting .*`:                        "greeting        TEXT",
	} {
		page = regexp.MustCompile(pattern).ReplaceAllString(page, with)
	}
	return page
}

func compareDoctor(t *testing.T, golden, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || string(want) != got {
		t.Errorf("%v; with -update it is made anew\n%s", err, got)
	}
}

// must makes a test fail on an error, and gives the value.
func must[V any](t *testing.T) func(V, error) V {
	return func(v V, err error) V {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
