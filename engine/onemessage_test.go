package engine

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
)

const letter = "From: ann@example.org\r\nTo: me@example.org\r\nSubject: Parcel\r\nMessage-ID: <1@example.org>\r\n" +
	"Content-Type: text/plain\r\n\r\nThe tracking number is 4711.\r\n"

// oneConfig has a rule for each of the conditions, which a bar separates; "!" at
// the end of one means that the rule stops.
func oneConfig(t *testing.T, srv *imaptest.Server, conditions string) *config.Config {
	t.Helper()
	host, port := srv.Addr()
	path := filepath.Join(t.TempDir(), "imapilot.yaml")
	text := fmt.Sprintf("accounts:\n  home: {host: %s, port: %d, tls: none, username: '%s', password: '%s'}\nrules:\n",
		host, port, srv.Username, srv.Password)
	for i, condition := range strings.Split(conditions, " | ") {
		condition, stop := strings.CutSuffix(condition, " !")
		text += fmt.Sprintf("  - {name: r%d, if: '%s', then: [{add_flags: [$R%d]}], stop: %t}\n", i, condition, i, stop)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, diags := config.Load(path)
	if cfg == nil {
		t.Fatal(diags)
	}
	return cfg
}

// TestFetchOne: what is fetched is what the rules depend on, and nothing
// changes.
func TestFetchOne(t *testing.T) {
	for kind, start := range map[string]func(testing.TB, imaptest.Options) *imaptest.Server{"memory": imaptest.Memory, "dovecot": imaptest.Dovecot} {
		t.Run(kind, func(t *testing.T) {
			srv := start(t, imaptest.Options{})
			uid := srv.Append(t, "INBOX", nil, time.Now(), []byte(letter))
			for _, tt := range []struct{ rule, fetched string }{
				{`from.domain == "example.org"`, "[flags header]"},
				{`from.domain == "example.net" and body.text contains "x"`, "[flags header]"},
				{`has_attachment`, "[flags header structure]"},
				{`body.text contains "tracking"`, "[flags header structure body part]"},
				{`duplicate`, "[flags header]"},
				{`duplicate and has_attachment`, "[flags header]"},
				{`duplicate | body.text contains "tracking"`, "[flags header structure body part]"},
				{`body.text contains "nothing" ! | body.text contains "tracking" and bounce.status == ""`, "[flags header structure body part]"},
				{`len(header_names) > 90 and body.html == ""`, "[flags header]"},
			} {
				cfg := oneConfig(t, srv, tt.rule)
				recorder := imaptest.Record(srv.DialContext)
				got, err := fetchOne(t.Context(), &Engine{opts: Options{DialContext: recorder.DialContext}}, cfg, cfg.Accounts[0], "INBOX", uid, time.Now(), nil)
				if err != nil {
					t.Fatal(err)
				}
				var stages []string
				for _, f := range got.Fetched {
					stages = append(stages, f.Stage.String())
				}
				if fmt.Sprint(stages) != tt.fetched {
					t.Errorf("%s: fetched %v, want %s", tt.rule, stages, tt.fetched)
				}
				if last := got.Fetched[len(got.Fetched)-1]; last.Stage.String() == "body part" && last.Octets != len("The tracking number is 4711.\r\n") {
					t.Errorf("%d octets of the text", last.Octets)
				}
				unchanged(t, srv, recorder)
			}
		})
	}
}

// unchanged: the mailbox was opened for reading only, and no flag was set.
func unchanged(t *testing.T, srv *imaptest.Server, recorder *imaptest.Recorder) {
	t.Helper()
	for _, word := range []string{"SELECT ", "STORE", "EXPUNGE", "CLOSE", " BODY["} {
		if sent := recorder.Sent(word); len(sent) > 0 {
			t.Errorf("%s was sent: %v", word, sent)
		}
	}
	for _, m := range srv.Messages(t, "INBOX") {
		if slices.Contains(m.Flags, imap.FlagSeen) {
			t.Errorf("it has the flags %v", m.Flags)
		}
	}
}

func TestFetchOneSaysWhatIsMissing(t *testing.T) {
	srv := imaptest.Memory(t, imaptest.Options{})
	cfg := oneConfig(t, srv, "seen")
	for _, tt := range []struct{ mailbox, says string }{
		{"INBOX", "there is no message with UID 77 in INBOX"},
		{"Nowhere", `the account has no mailbox "Nowhere"`},
		{"role:nobody", `no mailbox with the role "nobody"`},
	} {
		_, err := FetchOne(t.Context(), cfg, cfg.Accounts[0], tt.mailbox, 77, time.Now(), nil)
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v", tt.mailbox, err)
		}
	}
}

// TestFetchOneOfAServerThatHoldsBack: what never comes is asked for once.
func TestFetchOneOfAServerThatHoldsBack(t *testing.T) {
	srv := imaptest.Memory(t, imaptest.Options{})
	cfg := oneConfig(t, srv, `has_attachment`)
	recorder := imaptest.Record(func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go holdBack(server)
		return client, nil
	})
	got, err := fetchOne(t.Context(), &Engine{opts: Options{DialContext: recorder.DialContext}}, cfg, cfg.Accounts[0], "INBOX", 1, time.Now(), nil)
	if err != nil || got.Message.Structure != nil || len(got.Fetched) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	if sent := recorder.Sent("BODYSTRUCTURE"); len(sent) != 1 {
		t.Errorf("asked for %d times", len(sent))
	}
}

// holdBack answers as a server does that has one message, and never sends its
// structure.
func holdBack(conn net.Conn) {
	defer conn.Close()
	answers := map[string]string{
		"CAPABILITY": "* CAPABILITY IMAP4rev1\r\n",
		"LIST":       "* LIST () \"/\" INBOX\r\n",
		"EXAMINE":    "* 1 EXISTS\r\n* OK [UIDVALIDITY 1] valid\r\n* OK [UIDNEXT 2] next\r\n",
		"LOGOUT":     "* BYE\r\n",
	}
	fmt.Fprint(conn, "* OK ready\r\n")
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		tag, command, _ := strings.Cut(lines.Text(), " ")
		verb, rest, _ := strings.Cut(command, " ")
		answer := answers[strings.ToUpper(verb)]
		if i := strings.Index(rest, "BODY.PEEK"); i >= 0 {
			item := strings.ReplaceAll(strings.TrimSuffix(rest[i:], ")"), ".PEEK", "")
			answer = "* 1 FETCH (UID 1 FLAGS () INTERNALDATE \"01-Jan-2026 00:00:00 +0000\" RFC822.SIZE 10 " + item + " {2}\r\n\r\n)\r\n"
		}
		fmt.Fprintf(conn, "%s%s OK done\r\n", answer, tag)
	}
}
