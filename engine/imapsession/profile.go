package imapsession

import "imapilot/engine/provider"

// Profile is what is known of this server beside what it announces.
func (s *Session) Profile() provider.Profile { return s.profile }

// Greeting is the text of the server's first line: printable, at most 200 bytes.
func (s *Session) Greeting() string { return s.greeting }

// recognise finds the profile of the server, and keeps to its limits from now on.
func (s *Session) recognise() {
	s.profile = provider.Of(provider.Facts{
		Host: s.o.Host, Capabilities: s.caps.Names, Name: s.server.Name, Vendor: s.server.Vendor, Greeting: s.greeting,
	})
	s.setCapabilities(s.caps.Names)
	if s.profile.NoQResync {
		s.Without("QRESYNC")
	}
}

// setCapabilities takes a list of names in upper case, sorted. No command names more
// messages than the server announces, has said in an answer, or is known to take.
func (s *Session) setCapabilities(names []string) {
	known := lower(s.caps.MessageLimit, s.profile.Batch)
	s.caps = newCapabilities(names)
	s.caps.MessageLimit = lower(s.caps.MessageLimit, known)
}

// lower is the lower of two limits, of which 0 is none.
func lower(a, b int) int {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}
