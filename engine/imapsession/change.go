package imapsession

import (
	"context"
	"errors"

	"github.com/emersion/go-imap/v2"
)

// Store adds, removes or sets flags of messages in the selected mailbox, with
// .SILENT. After an error some of the messages may have been changed.
func (s *Session) Store(ctx context.Context, uids imap.UIDSet, op imap.StoreFlagsOp, flags []imap.Flag) error {
	if err := checkFlags(flags); err != nil {
		return refuse("UID STORE", s.selected, Bad, err)
	}
	if len(flags) == 0 && op != imap.StoreFlagsSet {
		return nil
	}
	_, err := s.each(ctx, "UID STORE", s.selected, uids, func(part imap.UIDSet) (*operation, func() error) {
		return newOperation("UID STORE", s.selected, func(r response) bool { return r.kind == "FETCH" }),
			func() error {
				return s.client.Store(part, &imap.StoreFlags{Op: op, Silent: true, Flags: flags}, nil).Close()
			}
	})
	return err
}

// Expunge is UID EXPUNGE (RFC 4315 section 2.1): it removes those of these
// messages that carry \Deleted. Without UIDPLUS it is an error, and nothing is
// sent. There is no EXPUNGE of whole mailboxes in this package.
func (s *Session) Expunge(ctx context.Context, uids imap.UIDSet) error {
	if !s.caps.UIDPlus {
		return refuse("UID EXPUNGE", s.selected, Bad, errors.New("the server does not offer UIDPLUS"))
	}
	_, err := s.each(ctx, "UID EXPUNGE", s.selected, uids, func(part imap.UIDSet) (*operation, func() error) {
		return newOperation("UID EXPUNGE", s.selected, isExpunge),
			func() error { return s.client.UIDExpunge(part).Close() }
	})
	return err
}

func isExpunge(r response) bool { return r.kind == "EXPUNGE" || r.kind == "VANISHED" }

// Copy is UID COPY. It returns the UIDs in the target by those in the source,
// as COPYUID tells; nil when the server did not tell, or not usably. After an
// error with Unknown set some of the messages may have been copied.
func (s *Session) Copy(ctx context.Context, uids imap.UIDSet, target string) (map[imap.UID]imap.UID, error) {
	return s.transfer(ctx, "UID COPY", uids, target, func(part imap.UIDSet) error {
		_, err := s.client.Copy(part, target).Wait()
		return err
	})
}

// Move is UID MOVE (RFC 6851); see Copy for what it returns. Without MOVE it is
// an error, and nothing is sent.
func (s *Session) Move(ctx context.Context, uids imap.UIDSet, target string) (map[imap.UID]imap.UID, error) {
	if !s.caps.Move {
		return nil, refuse("UID MOVE", target, Bad, errors.New("the server does not offer MOVE"))
	}
	return s.transfer(ctx, "UID MOVE", uids, target, func(part imap.UIDSet) error {
		// imapclient would send COPY, STORE and EXPUNGE if it thought that
		// MOVE is missing; the guard would not let them pass.
		_, err := s.client.Move(part, target).Wait()
		return err
	})
}

func (s *Session) transfer(ctx context.Context, command string, uids imap.UIDSet, target string, send func(imap.UIDSet) error) (map[imap.UID]imap.UID, error) {
	if err := checkMailbox(target); err != nil {
		return nil, refuse(command, target, Target, err)
	}
	pairs, told, into := map[imap.UID]imap.UID{}, true, uint32(0)
	defer func() { s.noteTarget(target, into) }()
	ended, err := s.each(ctx, command, target, uids, func(part imap.UIDSet) (*operation, func() error) {
		got := &transferred{pairs: pairs}
		op := newOperation(command, target, func(r response) bool {
			return command == "UID MOVE" && isExpunge(r) || got.take(r, part)
		})
		return op, func() error {
			err := send(part)
			told, into = told && (got.named || err != nil), got.into
			return err
		}
	})
	if !told || ended == 0 {
		return nil, err
	}
	return pairs, err
}

// each sends a command for every part of a set that fits a line, and stops at
// the first error. After some parts have taken effect the whole has done so in
// part: Unknown is set then.
func (s *Session) each(ctx context.Context, command, subject string, uids imap.UIDSet, begin func(part imap.UIDSet) (*operation, func() error)) (ended int, err error) {
	return s.eachBeside(ctx, command, subject, uids, 4*len(encodeUTF7(subject)), func(part imap.UIDSet) task {
		op, send := begin(part)
		return task{op, func() func() error { return send }}
	})
}

// eachBeside is each for a command that needs so many bytes beside the set.
func (s *Session) eachBeside(ctx context.Context, command, subject string, uids imap.UIDSet, others int, begin func(part imap.UIDSet) task) (ended int, err error) {
	parts, err := split(uids, others)
	if err != nil {
		return 0, refuse(command, subject, Bad, err)
	}
	for _, part := range limited(parts, s.caps.MessageLimit) {
		if err := s.together(ctx, begin(part))[0]; err != nil {
			var e *Error
			if ended > 0 && errors.As(err, &e) {
				e.Unknown = true
			}
			return ended, err
		}
		ended++
	}
	return ended, nil
}

// parseCopyUID reads the arguments of COPYUID (RFC 4315 section 3). A pair
// whose source was not asked for makes all of it unusable, and so does
// anything malformed.
func parseCopyUID(args []byte, asked imap.UIDSet) (pairs map[imap.UID]imap.UID, into uint32, ok bool) {
	s := scanner{b: args}
	validity, ok := s.number(32)
	if !ok {
		return nil, 0, false
	}
	limit := count(asked)
	s.spaces()
	from, ok := parseUIDs(&s, limit)
	s.spaces()
	to, ok2 := parseUIDs(&s, limit)
	if !ok || !ok2 || len(from) != len(to) {
		return nil, 0, false
	}
	pairs = make(map[imap.UID]imap.UID, len(from))
	for i, uid := range from {
		if !asked.Contains(uid) {
			return nil, 0, false
		}
		pairs[uid] = to[i]
	}
	return pairs, uint32(validity), true
}

// CopiedInto is the UIDVALIDITY that the last COPYUID for a target named on this
// connection, 0 where none did. The UIDs that Copy and Move return are of it.
func (s *Session) CopiedInto(target string) uint32 { return s.copiedInto[target] }

func (s *Session) noteTarget(target string, validity uint32) {
	if validity == 0 {
		return
	}
	if s.copiedInto == nil {
		s.copiedInto = map[string]uint32{}
	}
	s.copiedInto[target] = validity
}

func parseUIDs(s *scanner, limit int) ([]imap.UID, bool) {
	ranges, ok := parseRanges(s)
	if !ok {
		return nil, false
	}
	return expand(ranges, limit)
}

// maxExpanded bounds what COPYUID may make us list.
const maxExpanded = 1_000_000

func count(set imap.UIDSet) int {
	n := int64(0)
	for _, r := range set {
		n += int64(r.Stop) - int64(r.Start) + 1
	}
	return int(min(n, maxExpanded))
}
