package imapsession

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// Status is what STATUS tells (RFC 9051 section 6.3.11). What a server does not
// tell is 0.
type Status struct {
	UIDValidity   uint32
	UIDNext       imap.UID
	Messages      uint32
	HighestModSeq uint64
	// Size is how many octets it holds, where that was asked for (RFC 8438).
	Size uint64
	// counted is set where Messages was told: 0 is a number of messages, too.
	counted bool
	// appendLimit is APPENDLIMIT (RFC 7889 section 4).
	appendLimit int64
}

// Status asks for the state of a mailbox, best one that is not selected. It does
// not ask for HIGHESTMODSEQ.
func (s *Session) Status(ctx context.Context, mailbox string) (Status, error) {
	return s.status(ctx, mailbox, false)
}

// StatusModSeq is Status with HIGHESTMODSEQ, where the server has CONDSTORE. It
// makes this connection one that knows of CONDSTORE (RFC 7162 section 3.1), for
// which some servers do far more work with each change.
func (s *Session) StatusModSeq(ctx context.Context, mailbox string) (Status, error) {
	return s.status(ctx, mailbox, true)
}

func (s *Session) status(ctx context.Context, mailbox string, modSeq bool) (Status, error) {
	if err := checkMailbox(mailbox); err != nil {
		return Status{}, refuse("STATUS", mailbox, Target, err)
	}
	t, result := s.statusTask(mailbox, modSeq)
	return result(s.together(ctx, t)[0])
}

// statusTask is a STATUS, and what gives its result once it has ended.
func (s *Session) statusTask(mailbox string, modSeq bool) (task, func(error) (Status, error)) {
	return s.statusOf(mailbox, s.statusOptions(modSeq))
}

func (s *Session) statusOptions(modSeq bool) *imap.StatusOptions {
	return &imap.StatusOptions{UIDValidity: true, UIDNext: true, NumMessages: true, HighestModSeq: modSeq && s.caps.CondStore}
}

func (s *Session) statusOf(mailbox string, options *imap.StatusOptions) (task, func(error) (Status, error)) {
	var st Status
	seen := false
	op := newOperation("STATUS", mailbox, func(r response) bool {
		if r.kind != "STATUS" {
			return false
		}
		name, got, ok := parseStatus(r.data)
		// Some servers answer with another case of the name.
		if !ok || !strings.EqualFold(name, mailbox) {
			return false
		}
		st, seen = got, true
		return true
	})
	send := func() func() error {
		cmd := s.client.Status(mailbox, options)
		return func() error { _, err := cmd.Wait(); return err }
	}
	return task{op, send}, func(err error) (Status, error) {
		if err == nil && !seen {
			err = &Error{Op: "STATUS", Subject: mailbox, Status: "OK", Class: TryAgain, Err: errors.New("the server sent no STATUS of this mailbox")}
		}
		return st, err
	}
}

// StatusResult is the answer about one mailbox.
type StatusResult struct {
	Status Status
	Err    error
}

// StatusAll is Status for many mailboxes, of which none is named twice, in as few
// round trips as may be.
func (s *Session) StatusAll(ctx context.Context, mailboxes []string) []StatusResult {
	return s.statusAll(ctx, mailboxes, s.statusOptions(false))
}

// StatusAllModSeq is StatusModSeq for many mailboxes.
func (s *Session) StatusAllModSeq(ctx context.Context, mailboxes []string) []StatusResult {
	return s.statusAll(ctx, mailboxes, s.statusOptions(true))
}

// maxStatusFlight is how many STATUS commands are sent before the first is answered:
// together they are no longer than one packet that is held.
const maxStatusFlight = 4 * maxFlight

func (s *Session) statusAll(ctx context.Context, mailboxes []string, options *imap.StatusOptions) []StatusResult {
	var out []StatusResult
	for chunk := range slices.Chunk(mailboxes, maxStatusFlight) {
		out = append(out, s.statusFlight(ctx, chunk, options)...)
	}
	return out
}

func (s *Session) statusFlight(ctx context.Context, mailboxes []string, options *imap.StatusOptions) []StatusResult {
	out := make([]StatusResult, len(mailboxes))
	var tasks []task
	var results []func(error) (Status, error)
	var at []int
	for i, name := range mailboxes {
		if err := checkMailbox(name); err != nil {
			out[i].Err = refuse("STATUS", name, Target, err)
			continue
		}
		t, result := s.statusOf(name, options)
		tasks, results, at = append(tasks, t), append(results, result), append(at, i)
	}
	if len(tasks) == 0 {
		return out
	}
	for k, err := range s.together(ctx, tasks...) {
		out[at[k]].Status, out[at[k]].Err = results[k](err)
	}
	return out
}

// parseStatus reads a STATUS response: of which mailbox, and what.
func parseStatus(data []byte) (mailbox string, st Status, ok bool) {
	s := scanner{b: data}
	wire, ok := s.astring()
	mailbox, decoded := decodeMailbox(wire)
	if !ok || !decoded {
		return "", st, false
	}
	s.spaces()
	ok = s.list(func() bool {
		word, ok := s.atom()
		if !ok {
			return false
		}
		s.spaces()
		n, isNumber := s.number(64)
		if !isNumber {
			return s.skip()
		}
		switch strings.ToUpper(string(word)) {
		case "UIDVALIDITY":
			st.UIDValidity = clamp(n)
		case "UIDNEXT":
			st.UIDNext = imap.UID(clamp(n))
		case "MESSAGES":
			st.Messages, st.counted = clamp(n), true
		case "HIGHESTMODSEQ":
			st.HighestModSeq = n
		case "SIZE":
			st.Size = n
		case "APPENDLIMIT":
			st.appendLimit = int64(min(n, 1<<62))
		}
		return true
	})
	return mailbox, st, ok
}

// clamp makes 0, which is "unknown", of a number beyond 32 bits.
func clamp(n uint64) uint32 {
	if n > 1<<32-1 {
		return 0
	}
	return uint32(n)
}
