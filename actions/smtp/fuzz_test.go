package smtp

import (
	"bytes"
	"testing"

	"imapilot/engine/enginetest/corpus"
)

// addCorpus adds some short messages of the corpus where there is one, and some
// that mean harm.
func addCorpus(f *testing.F, add func(raw []byte)) {
	for i, m := range corpus.Seeds(f) {
		if i%10 == 0 && len(m.Raw) < 8<<10 {
			add(m.Raw)
		}
	}
	for _, raw := range []string{
		"Subject: =?utf-8?q?a=0D=0ABcc:_x@y?=\r\nReferences: <a@b>\r\n <c@d\r\n\r\n.\r\n",
		"Content-Type: multipart/mixed; boundary=\"a\r\n b\"\r\n\r\n--a b\r\n\n.\n\r.\r",
		"Content-Type: text/plain; name*0*=utf-8''%0D; name*1=x\r\nContent-Transfer-Encoding: base64\r\n\r\n\xff",
		"Return-Path: <a..b@example.net>\r\nTo: me@example.org\r\nMessage-ID: <x\x00@y>\r\n\r\n",
	} {
		add([]byte(raw))
	}
}

// FuzzForward holds that what is built can be sent, has the fields that it
// should, one recipient and two parts, the second of which is the message.
func FuzzForward(f *testing.F) {
	addCorpus(f, func(raw []byte) { f.Add(raw, false); f.Add(raw, true) })
	f.Fuzz(func(t *testing.T, raw []byte, inline bool) {
		how := forwarding()
		how.Inline = inline
		out, e, err := Forward(raw, how)
		if err != nil {
			if reasonOf(err) == "" {
				t.Errorf("%v", err)
			}
			return
		}
		_, second := checkForwarded(t, out, e)
		if inline {
			return
		}
		want, ok := canonical(raw)
		if !ok {
			want = raw
		}
		if got := content(t, second); !bytes.Equal(got, want) {
			t.Errorf("%q came out as %q", raw, got)
		}
		if _, _, err := Forward(out, how); reasonOf(err) != Loop {
			t.Errorf("goes round: %v", err)
		}
	})
}

// FuzzReply holds that what is built can be sent, has the fields that it
// should and one recipient, the one that the key is for, and is not answered.
func FuzzReply(f *testing.F) {
	addCorpus(f, func(raw []byte) { f.Add(raw, "I am away."); f.Add(raw, "a\r.\n") })
	f.Fuzz(func(t *testing.T, raw []byte, text string) {
		r := replying()
		r.Text, r.Anyway = text, true
		out, e, err := Reply(raw, r)
		key, keyErr := Sender(raw)
		if err != nil {
			if reasonOf(err) == "" && checkText(text) == nil {
				t.Errorf("%v", err)
			}
			return
		}
		if to, err := parseAddress(e.To[0]); err != nil || keyErr != nil || to.key() != key {
			t.Errorf("%q, %v is not %q, %v", e.To, err, key, keyErr)
		}
		if !isASCII(e.To[0]) {
			return // the header then holds it as it is
		}
		checkReplied(t, out, e)
		other := r
		other.From, other.Account = "bob@example.net", "other"
		if _, _, err := Reply(out, other); reasonOf(err) != Automatic {
			t.Errorf("answers an answer: %v", err)
		}
	})
}

// Every message of the corpus is forwarded, whole, and answered or refused.
func TestCorpus(t *testing.T) {
	answered := 0
	for _, m := range corpus.Messages(t) {
		f := forwarding()
		out, e, err := Forward(m.Raw, f)
		if err != nil {
			t.Errorf("%s: %v", m.Name, err)
			continue
		}
		_, second := checkForwarded(t, out, e)
		want, ok := canonical(m.Raw)
		if !ok {
			want = m.Raw
		}
		if !bytes.Equal(content(t, second), want) {
			t.Errorf("%s came out as another", m.Name)
		}
		f.Inline = true
		if out, e, err = Forward(m.Raw, f); err != nil {
			t.Errorf("%s: %v", m.Name, err)
			continue
		}
		checkForwarded(t, out, e)
		r := replying()
		r.Anyway = true
		out, e, err = Reply(m.Raw, r)
		if err == nil {
			answered++
			if isASCII(e.To[0]) {
				checkReplied(t, out, e)
			}
		} else if reasonOf(err) == "" {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
	if answered < 100 {
		t.Errorf("%d are answered", answered)
	}
}
