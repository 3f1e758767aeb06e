package facts

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"imapilot/engine/enginetest/corpus"
)

// maxSeeds is the most seeds that a target takes from the corpus: each is run
// by every test, and first of all by every fuzzer.
const maxSeeds = 100

// addCorpus adds some short messages of the corpus where there is one.
func addCorpus(f *testing.F) {
	for i, m := range corpus.Seeds(f) {
		if i%20 == 0 && len(m.Raw) < 8<<10 {
			f.Add(m.Raw)
		}
	}
}

// addValues adds texts that the messages of the corpus hold, each once.
func addValues(f *testing.F, of func(*Message) []string) {
	var seen []string
	for _, m := range corpus.Seeds(f) {
		for _, v := range of(ParseMessage(m.Raw, 4<<10)) {
			if len(seen) < maxSeeds && !slices.Contains(seen, v) {
				seen = append(seen, v)
				f.Add(v)
			}
		}
	}
}

// addFields adds values of a header field of the corpus.
func addFields(f *testing.F, name string) {
	addValues(f, func(m *Message) []string { return m.Header.raw(name) })
}

// FuzzAuth holds that results are words, that only a pass verifies a domain,
// and that a field of another server below the trusted one adds nothing.
func FuzzAuth(f *testing.F) {
	f.Add(`mx.example.org; spf=pass (a;b) smtp.mailfrom="a@b"@c.example; dkim/1 = fail header . d = x; dmarc=pass header.from=d.example`)
	f.Add("mx.example.org 1; none")
	addFields(f, "Authentication-Results")
	f.Fuzz(func(t *testing.T, value string) {
		h := &Header{fields: []field{{name: "Authentication-Results", value: clean(value)}}}
		checkAuth(t, h)
		trusted := []string{"mx.example.org"}
		ours := field{name: "Authentication-Results", value: "mx.example.org; spf=fail smtp.mailfrom=a.example; dkim=none; dmarc=none"}
		forged := &Header{fields: []field{ours, {name: "Authentication-Results", value: clean(value)}}}
		want := (&Header{fields: []field{ours}}).Auth(trusted)
		if got := forged.Auth(trusted); !reflect.DeepEqual(got, want) {
			t.Errorf("%q below our own: %+v, want %+v", value, got, want)
		}
		if got := h.Auth(nil); got.SPF+got.DKIM+got.DMARC != "nonenonenone" || got.Domains != nil {
			t.Errorf("%q, of nobody who is trusted: %+v", value, got)
		}
	})
}

// FuzzDate holds that a date that was understood is one that can be written,
// and is the same when it is read again.
func FuzzDate(f *testing.F) {
	for _, s := range []string{"Mon, 2 Jan 2006 15:04:05 -0700 (MST)", "2 Jan 06 15:04 EST", "Jan  2 15:04:05 2006", "2006-01-02T15:04:05Z", "02-Jan-2006 15:04:05 +2459", "31 Dec 9999 23:59:60 -2459"} {
		f.Add(s)
	}
	addFields(f, "Date")
	f.Fuzz(func(t *testing.T, s string) {
		at, ok := parseDate(s)
		if !ok {
			return
		}
		if y := at.Year(); y < 0 || y > 10000 {
			t.Errorf("%q is in the year %d", s, y)
		}
		if at.Year() > 9999 {
			return // one second after the last that can be written
		}
		again, ok := parseDate(at.Format(time.RFC1123Z))
		if !ok || !again.Equal(at.Truncate(time.Second)) {
			t.Errorf("%q is %v, and written anew %v, %v", s, at, again, ok)
		}
	})
}
