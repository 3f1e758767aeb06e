package imapsession

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
)

// Append adds a message to a mailbox and returns its UID there, 0 when the
// server does not tell; CopiedInto knows under which UIDVALIDITY. A zero date is the time of arrival. When the server
// refuses the message before it is sent, the connection ends with the command.
func (s *Session) Append(ctx context.Context, mailbox string, flags []imap.Flag, date time.Time, msg []byte) (imap.UID, error) {
	if err := checkMailbox(mailbox); err != nil {
		return 0, refuse("APPEND", mailbox, Target, err)
	}
	if err := checkFlags(flags); err != nil {
		return 0, refuse("APPEND", mailbox, Bad, err)
	}
	var uid imap.UID
	var validity uint32
	op := newOperation("APPEND", mailbox, func(r response) bool {
		if r.code == "APPENDUID" {
			validity, uid = parseAppendUID(r.args)
		}
		return false
	})
	err := s.run(ctx, op, func() error {
		cmd := s.client.Append(mailbox, int64(len(msg)), &imap.AppendOptions{Flags: flags, Time: date})
		if err := errors.Join(inPieces(cmd, msg), cmd.Close()); err != nil {
			return err
		}
		_, err := cmd.Wait()
		return err
	})
	s.noteTarget(mailbox, validity)
	return uid, err
}

// inPieces writes a message piece by piece: the deadline of writing is for each.
func inPieces(w io.Writer, msg []byte) error {
	for piece := range slices.Chunk(msg, heldMost) {
		if _, err := w.Write(piece); err != nil {
			return err
		}
	}
	return nil
}

// AppendLimit returns the most octets of a message that APPEND takes in a mailbox,
// 0 where the server announces none (RFC 7889).
func (s *Session) AppendLimit(ctx context.Context, mailbox string) (int64, error) {
	if s.caps.AppendLimit > 0 || !s.caps.Has("APPENDLIMIT") {
		return s.caps.AppendLimit, nil
	}
	if err := checkMailbox(mailbox); err != nil {
		return 0, refuse("STATUS", mailbox, Target, err)
	}
	t, result := s.statusOf(mailbox, &imap.StatusOptions{AppendLimit: true})
	st, err := result(s.together(ctx, t)[0])
	return st.appendLimit, err
}

// Settable are those of some flags that a client can give a message: without
// \Recent, and without what cannot be sent.
func Settable(flags []imap.Flag) []imap.Flag {
	return slices.DeleteFunc(slices.Clone(flags), func(f imap.Flag) bool { return checkFlags([]imap.Flag{f}) != nil })
}

// parseAppendUID reads the arguments of APPENDUID (RFC 4315 section 3): 0, unknown, if
// malformed.
func parseAppendUID(args []byte) (validity uint32, uid imap.UID) {
	s := scanner{b: args}
	v, ok := s.number(32)
	if !ok {
		return 0, 0
	}
	s.spaces()
	n, _ := s.number(32)
	return uint32(v), imap.UID(n)
}
