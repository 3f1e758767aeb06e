package imapsession

import (
	"context"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// Server is how a server introduces itself (ID, RFC 2971): printable, each at
// most 200 bytes, and empty where it does not say. It may say anything, so it is
// good for choosing what to try first, and never for what is safe.
type Server struct {
	Name, Version, Vendor string
}

// clientName is what this side says of itself.
const clientName = "imapilot"

// clientVersion is said only where a server wants to know who asks: clients that name a
// version are let in there. It is no release.
const clientVersion = "1"

// maxIDFields is how many pairs an answer may have (RFC 2971 section 3.3).
const maxIDFields = 30

// introduce says who we are, where the server takes that or insists on it, and asks for the
// namespace in the same round trip. A server that refuses ID loses nothing by it.
func (s *Session) introduce(ctx context.Context) error {
	var tasks []task
	if s.caps.ID || s.profile.NeedsID {
		tasks = append(tasks, s.identify())
	}
	if !s.caps.Namespace {
		return last(s.together(ctx, append(tasks, s.hierarchy())...))
	}
	err := last(s.together(ctx, append(tasks, s.namespace())...))
	if err == nil && s.delimiter != 0 || isConnection(err) {
		return err
	}
	return last(s.together(ctx, s.hierarchy()))
}

func last(errs []error) error { return errs[len(errs)-1] }

func (s *Session) identify() task {
	self := &imap.IDData{Name: clientName}
	if s.profile.NeedsID {
		self.Version, self.Vendor = clientVersion, clientName
	}
	return task{newOperation("ID", s.o.Host, s.takeID), func() func() error {
		cmd := s.client.ID(self)
		return func() error {
			_, err := cmd.Wait()
			return err
		}
	}}
}

func (s *Session) takeID(r response) bool {
	if r.kind != "ID" {
		return false
	}
	s.server = parseID(r.data)
	return true
}

// parseID reads ("name" "Cyrus" "version" "1.5" ...), or NIL.
func parseID(data []byte) (out Server) {
	s := scanner{b: data}
	for fields := 0; fields < maxIDFields && (fields > 0 || s.special('(')); fields++ {
		s.spaces()
		name, ok := s.str()
		s.spaces()
		value, hasValue := s.nstring()
		if !ok || !hasValue {
			break
		}
		switch strings.ToLower(string(name)) {
		case "name":
			out.Name = printable(string(value))
		case "version":
			out.Version = printable(string(value))
		case "vendor":
			out.Vendor = printable(string(value))
		}
	}
	return out
}
