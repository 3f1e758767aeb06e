package attachment

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"strings"
	"time"
)

const (
	// Temporary files are ".imapilot-<random>.part".
	temporaryPrefix, temporarySuffix = ".imapilot-", ".part"
	// abandoned is how long nothing was written to a file that a crash left.
	abandoned = 10 * time.Minute
)

// temporaryName returns a name that nobody else has.
func temporaryName() string { return temporaryPrefix + rand.Text() + temporarySuffix }

// clean removes what a crash left. It spares what was written to just now, which
// may be of another process; were that removed, its file would only be saved
// again.
func clean(d disk, now time.Time) error {
	entries, err := d.list()
	if err != nil {
		return failed("looking into", "the folder", err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !strings.HasPrefix(e.Name(), temporaryPrefix) || !strings.HasSuffix(e.Name(), temporarySuffix) {
			continue
		}
		info, err := e.Info()
		if err == nil && now.Sub(info.ModTime()).Abs() >= abandoned {
			err = d.remove(e.Name())
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return failed("removing", e.Name(), err)
		}
	}
	return nil
}
