package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// took is a result of three runs whose median is wall.
func took(name string, rules int, wall time.Duration, rss int64) result {
	i := slices.Index(names(), name)
	m := measured{Wall: wall, CPU: wall / 2, RSS: rss}
	slow := measured{Wall: 10 * wall, CPU: 10 * wall, RSS: 10 * rss}
	return result{contender: contenders()[i], rules: rules, runs: []measured{slow, {}, m}}
}

func words(all []verdict) string {
	var out []string
	for _, v := range all {
		out = append(out, v.String())
	}
	return strings.Join(out, "\n")
}

func TestTargets(t *testing.T) {
	full := shape{messages: 20_000, size: 1200}
	all := []result{
		took(limitName, 50, time.Second, 1e6), took(imapilotName, 50, 1600*time.Millisecond, 60e6),
		took(searchName, 50, 15*time.Second, 1e6), took(matchName, 50, 14*time.Second, 1e6),
		took(bareName, 50, time.Second, 1e6), took(passName, 50, 1210*time.Millisecond, 1e6),
	}
	want := `PASS  50 rules: times the limit: 1.60, the target is 1.6
FAIL  50 rules: times as fast as imapfilter: 8.75, the target is 9
PASS  50 rules: memory, MB: 60.00, the target is 60
FAIL  50 rules, a pass with nothing to do: times the bare FETCH: 1.21, the target is 1.2`
	if got := words(targets(full, all)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := words(targets(full, all[1:2])); got != "PASS  50 rules: memory, MB: 60.00, the target is 60" {
		t.Errorf("imapilot alone:\n%s", got)
	}
	if got := targets(shape{messages: 3000}, all); len(got) > 0 {
		t.Errorf("3,000 messages:\n%s", words(got))
	}
	large := []result{took(imapilotName, 50, time.Minute, 101e6)}
	if got := words(targets(shape{messages: million}, large)); got != "FAIL  50 rules: memory with 1000000 messages, MB: 101.00, the target is 100" {
		t.Errorf("a million:\n%s", got)
	}
}

// imapfilter's better way counts, and only when both were tried.
func TestBetter(t *testing.T) {
	search, match := took(searchName, 50, 2*time.Second, 1), took(matchName, 50, time.Second, 1)
	if r, ok := better(of([]result{search, match}, 50)); !ok || r.contender.name != matchName {
		t.Errorf("%s %t", r.contender.name, ok)
	}
	match.rules = 500
	if _, ok := better(of([]result{search, match}, 50)); ok {
		t.Error("one way was taken for the better of two")
	}
}

// What a machine does to both in a turn is in no ratio: each is one of the same turn, and
// of five runs the first is that of imapfilter's turn.
func TestRatio(t *testing.T) {
	runs := func(walls ...time.Duration) (r result) {
		for _, w := range walls {
			r.runs = append(r.runs, measured{Wall: w})
		}
		return r
	}
	for _, c := range []struct {
		a, b result
		want float64
	}{
		{runs(60, 110, 66), runs(60, 100, 60), 1.1},
		{runs(900, 1000, 2000), runs(100, 1, 1, 200, 1, 1, 400, 1, 1), 5},
		{runs(100, 1, 1, 200, 1, 1, 400, 1, 1), runs(1000, 1000, 2000), 0.2},
	} {
		if got := ratio(c.a, c.b); got != c.want {
			t.Errorf("%v, want %v", got, c.want)
		}
	}
}

func TestReport(t *testing.T) {
	r := report{shape: shape{messages: 20_000, size: 1200}, runs: 11, store: "sdbox",
		versions: versions{dovecot: "2.3", imapfilter: "2.8", golang: "1.26", cores: 2},
		results:  []result{took(limitName, 50, time.Second, 12e6), took(imapilotName, 50, 1500*time.Millisecond, 31e6), took(searchName, 50, 18*time.Second, 11e6), took(matchName, 50, 15*time.Second, 55e6)}}
	want := `20000 messages of 1128 octets in sdbox, medians of 11 runs (imapfilter: 3), and of the ratios in each; 2 cores, Dovecot 2.3, imapfilter 2.8, Go 1.26.

| rules | contender | wall | CPU | peak RSS | times the limit | imapfilter takes |
| --: | :-- | --: | --: | --: | --: | --: |
| 50 | the limit: bare pipelined commands | 1.00 s | 0.50 s | 12 MB |  | 15.0 times as long |
| 50 | imapilot | 1.50 s | 0.75 s | 31 MB | 1.50 | 10.0 times as long |
| 50 | imapfilter, a search per rule | 18.00 s | 9.00 s | 11 MB | 18.00 |  |
| 50 | imapfilter, patterns over one result | 15.00 s | 7.50 s | 55 MB | 15.00 |  |
`
	if got := r.markdown(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var out strings.Builder
	r.targets = []verdict{{"what", 1, 2, true}}
	if err := r.text(&out); err != nil || r.missed() || !strings.Contains(out.String(), "PASS  what: 1.00, the target is 2\n") {
		t.Errorf("%v %t\n%s", err, r.missed(), out.String())
	}
	if r.targets[0].met = false; !r.missed() {
		t.Error("a missed target is no miss")
	}
}

func TestFlags(t *testing.T) {
	f, err := parseFlags([]string{"-million", "-runs", "2"}, io.Discard)
	if err != nil || f.messages != million || f.runs != 2 || f.store != "mdbox" || !slices.Equal(f.rules, []int{50}) || !slices.Equal(f.only, []string{imapilotName}) {
		t.Errorf("%+v, %v", f, err)
	}
	if f, err = parseFlags(nil, io.Discard); err != nil || !slices.Equal(f.rules, []int{50, 200, 500}) || !slices.Equal(f.only, names()) || shapeOf(f).keywords != senders {
		t.Errorf("%+v, %v", f, err)
	}
	for _, wrong := range []string{"-rules=x", "-rules=0", "-rules=1001", "-messages=999", "-messages=1000001", "-runs=0", "-runs=101", "-only=mutt", "-store=mbox", "more", "-what"} {
		if _, err := parseFlags([]string{wrong}, io.Discard); err == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}

func TestIsMessage(t *testing.T) {
	for path, want := range map[string]bool{
		"u/mailboxes/INBOX/dbox-Mails/u.12": true, "u/cur/12.M1": true, "u/.Bench/new/1": true,
		"u/mailboxes/INBOX/dbox-Mails/dovecot.index": false, "u/mailboxes/INBOX/dbox-Mails/dovecot.index.cache": false,
		"u/storage/m.1": false, "u/dovecot.list.index": false, "u/mailboxes/u.x/dovecot.index": false,
	} {
		if isMessage(path) != want {
			t.Errorf("%s: %t", path, !want)
		}
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "loadavg")
	if err := os.WriteFile(path, []byte("1.25 0.50 0.10 2/300 4711\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := loadOf(path); got != 1.25 {
		t.Errorf("%v", got)
	}
	if got := loadOf(path + ".not"); got != 0 {
		t.Errorf("without a file: %v", got)
	}
}
