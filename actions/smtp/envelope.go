package smtp

import (
	"errors"
	"fmt"
)

// maxRecipients is what every server takes (RFC 5321 section 4.5.3.1.8).
const maxRecipients = 100

// Envelope is what SMTP is told of a message (RFC 5321 section 2.3.1).
type Envelope struct {
	// From is the reverse-path; empty is the null one, to which nothing is
	// ever returned.
	From string
	// To are 1 to 100 recipients.
	To []string
}

// check returns the addresses as SMTP takes them, the reverse-path first. A
// null one stays empty.
func (e Envelope) check(s Server) ([]string, error) {
	if e.From != "" && e.From != s.From {
		return nil, errors.New("the sender is not the address of the mail server's account")
	}
	if len(e.To) == 0 || len(e.To) > maxRecipients {
		return nil, fmt.Errorf("there are %d recipients; 1 to %d can be", len(e.To), maxRecipients)
	}
	paths := []string{""}
	if e.From != "" {
		from, err := parseAddress(e.From)
		if err != nil {
			return nil, err
		}
		paths[0] = from.String()
	}
	for _, s := range e.To {
		to, err := parseAddress(s)
		if err != nil {
			return nil, err
		}
		paths = append(paths, to.String())
	}
	return paths, nil
}
