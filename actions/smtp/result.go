package smtp

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/emersion/go-smtp"
)

var (
	// ErrEightBit is what a message ends in that has octets over 127, when the
	// server does not take them. [Forwarding.SevenBit] builds one without.
	ErrEightBit = errors.New("the server takes no 8-bit messages (8BITMIME)")
	// ErrLogin is what an attempt ends in when the server does not let the
	// user in, or no password may be sent: every message will fail like this.
	ErrLogin = errors.New("logging in to the mail server")
)

// maxAnswer is how much of an answer is shown, in octets.
const maxAnswer = 512

// minHidden is the shortest begin of a line of AUTH that is taken out of a text;
// it may have other words of that length.
const minHidden = 6

// Result is what came of one attempt.
type Result struct {
	// Code is the SMTP reply code that decided it, 0 when there was none.
	Code int
	// EnhancedCode is the code of RFC 3463 with it, such as 5.7.1, if any.
	EnhancedCode string
	// Err is nil when the server has taken the message for all recipients. It
	// shows at most 512 octets of what the server said, printable, and no
	// password.
	Err error
	// Retry is set when another attempt may succeed: the server said so (4yz)
	// or could not be reached, verified or understood. STARTTLS that is not
	// offered is among it: somebody on the way may have taken it away.
	Retry bool
	// Unknown is set when the message was sent whole and no answer came: the
	// server may have taken it. Another attempt, with the same message, has
	// the same Message-ID, so that the receiver can tell.
	Unknown bool
}

// localError is one that another attempt cannot cure.
type localError struct{ error }

// result reads what an attempt ended in.
func (t *transaction) result(ctx context.Context, err error) Result {
	var answer *smtp.SMTPError
	var local localError
	switch {
	case err == nil:
		return Result{Code: 250}
	case errors.As(err, &local):
		return Result{Err: local.error}
	case errors.As(err, &answer):
		return t.refused(answer)
	}
	err = t.failure(inTime(ctx, Timeout, err).Error())
	return Result{Err: err, Retry: true, Unknown: t.sent}
}

// refused reads an answer that was not the one hoped for. After the last line
// any 2yz is success (RFC 5321 section 4.2.1); what is neither 2yz, 4yz nor 5yz
// says nothing.
func (t *transaction) refused(answer *smtp.SMTPError) Result {
	r := Result{Code: answer.Code}
	if t.sent && answer.Code/100 == 2 {
		return r
	}
	text := fmt.Sprintf("the server answered %d", answer.Code)
	if answer.EnhancedCode != (smtp.EnhancedCode{}) {
		r.EnhancedCode = fmt.Sprintf("%d.%d.%d", answer.EnhancedCode[0], answer.EnhancedCode[1], answer.EnhancedCode[2])
		text += " " + r.EnhancedCode
	}
	r.Err = t.failure(text + " " + answer.Message)
	r.Retry = answer.Code/100 != 5
	r.Unknown = t.sent && answer.Code/100 != 4 && answer.Code/100 != 5
	return r
}

// failure is the error of the step that failed. It has no causes: they could
// show what this text does not.
func (t *transaction) failure(text string) error {
	text = t.server.hide(text)
	text = strings.ToValidUTF8(text[:min(len(text), maxAnswer)], "")
	text = oneLine(text)
	if t.step == stepLogin {
		return fmt.Errorf("%w: %s", ErrLogin, text)
	}
	return fmt.Errorf("%s: %s", t.step, text)
}

// hide takes the password out of a text, as it is and as AUTH sends it: some
// servers repeat the line that they did not like, or the begin of it.
func (s Server) hide(text string) string {
	if s.Password == "" {
		return text
	}
	encode := base64.StdEncoding.EncodeToString
	secrets := []string{encode([]byte("\x00" + s.Username + "\x00" + s.Password)), encode([]byte(s.Password)), s.Password}
	for _, secret := range secrets {
		text = strings.ReplaceAll(text, secret, "...")
	}
	for _, word := range strings.Fields(text) {
		cut := strings.Trim(word, `"'<>[]():;,.`)
		if len(cut) >= minHidden && (strings.HasPrefix(secrets[0], cut) || strings.HasPrefix(secrets[1], cut)) {
			text = strings.ReplaceAll(text, cut, "...")
		}
	}
	return text
}
