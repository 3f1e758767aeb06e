package exec

import (
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// maxAnswer is how many octets are kept of what a program prints.
const maxAnswer = 512

// output reads what a program prints, keeps the begin of it and counts the rest.
type output struct {
	from   *os.File
	closed chan struct{} // closed when nobody can print any more
	flood  chan struct{} // closed when it is too much

	mu   sync.Mutex
	kept []byte
	n    int
}

func readOutput(from *os.File) *output {
	o := &output{from: from, closed: make(chan struct{}), flood: make(chan struct{})}
	go func() {
		defer close(o.closed)
		io.Copy(o, from) //nolint:errcheck // it ends with the pipe, or where there is too much
	}()
	return o
}

var errTooMuch = errors.New("too much")

// Write takes what was printed.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept = append(o.kept, p[:min(len(p), maxAnswer-len(o.kept))]...)
	if o.n += len(p); o.n > MaxOutput {
		close(o.flood)
		return 0, errTooMuch
	}
	return len(p), nil
}

// settle waits until nobody can print any more, or for so long.
func (o *output) settle(most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-o.closed:
	case <-timer.C:
	}
}

// begin is the begin of what was printed, without what a terminal would obey.
func (o *output) begin() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return escaped(o.kept)
}

// escaped prints octets as text of one line, at most maxAnswer octets of it.
func escaped(p []byte) string {
	var b strings.Builder
	for text := strings.TrimRight(string(p), "\r\n"); text != ""; {
		r, size := utf8.DecodeRuneInString(text)
		one := text[:size]
		if r == utf8.RuneError || !strconv.IsPrint(r) {
			one = strings.Trim(strconv.Quote(one), `"`)
		}
		if text = text[size:]; b.Len()+len(one) > maxAnswer {
			break
		}
		b.WriteString(one)
	}
	return b.String()
}
