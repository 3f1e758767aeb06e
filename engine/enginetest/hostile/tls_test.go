package hostile

import (
	"io"
	"sync"
	"testing"
	"time"

	"imapilot/engine/enginetest/imaptest"
)

// beforeTLS: a server, or whoever is between, that keeps the connection in
// clear text gets nothing but the wish for TLS, and no second thought.
func beforeTLS(t *testing.T, binary string) {
	together(t, map[string]func(c *imaptest.Script, startTLS func() string){
		"PREAUTH": func(c *imaptest.Script, _ func() string) {
			c.Send("* PREAUTH " + escape)
			nothing(t, c)
		},
		"PREAUTH, other spelling": func(c *imaptest.Script, _ func() string) {
			c.Send("* preauth [CAPABILITY IMAP4rev1] welcome")
			nothing(t, c)
		},
		"not offered": func(c *imaptest.Script, tls func() string) {
			c.Send("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi")
			c.Send(tls() + " BAD " + escape)
		},
		"status of escapes": func(c *imaptest.Script, tls func() string) { c.Send("* OK hi"); c.Send(tls() + " " + escape) },
		"injected": func(c *imaptest.Script, tls func() string) {
			c.Send("* OK hi")
			_, _ = io.WriteString(c, tls()+" OK begin\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n* 1 EXISTS\r\nT1 OK welcome\r\n") // the client hangs up
		},
		"no TLS after all": func(c *imaptest.Script, tls func() string) {
			c.Send("* OK hi")
			tag := tls()
			c.Send(tag + " OK begin")
			time.Sleep(50 * time.Millisecond) // it comes after the handshake has begun
			c.Send("* OK [ALERT] "+escape, "T1 OK welcome")
		},
		"answers without end": func(c *imaptest.Script, tls func() string) {
			c.Send("* OK hi")
			tls()
			for err := error(nil); err == nil; {
				_, err = io.WriteString(c, "* OK [ALERT] "+escape+"\r\n")
			}
		},
	}, func(t *testing.T, script func(c *imaptest.Script, startTLS func() string)) {
		keptInClear(t, binary, script)
	})
}

// keptInClear runs the daemon, which is to use STARTTLS, against a script.
func keptInClear(t *testing.T, binary string, script func(c *imaptest.Script, startTLS func() string)) {
	var mu sync.Mutex
	var lines []string
	record := func(c *imaptest.Script) string {
		tag, command, ok := c.Read()
		mu.Lock()
		defer mu.Unlock()
		if ok {
			lines = append(lines, tag+" "+command)
		}
		return tag
	}
	srv := imaptest.Scripted(t, func(c *imaptest.Script) { script(c, func() string { return record(c) }) })
	host, port := srv.Listen()
	cfg := configure(t, host, port, ", tls: starttls", rules)
	p := start(t, binary, "run", "-v", "-c", cfg)
	p.wait(20*time.Second, "it comes again", func() bool { return srv.Connections() > 1 })
	shows(t, binary, cfg)
	p.stop()
	mu.Lock()
	defer mu.Unlock()
	for _, line := range lines {
		if line != "S1 STARTTLS" {
			t.Errorf("in clear text: %q", line)
		}
	}
}

// nothing demands that the client goes away without a word.
func nothing(t *testing.T, c *imaptest.Script) {
	if tag, command, ok := c.Read(); ok {
		t.Errorf("it sent %q", tag+" "+command)
	}
}
