package schedule

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Jitter returns by how much to delay what is due at an instant, so that not all
// begin at once: from 0 to limit, both included; 0 if limit is not above zero. It
// is a hash: the same for the same key, instant and limit on every machine, so
// that a restart does not change when a run begins.
func Jitter(limit time.Duration, key string, at time.Time) time.Duration {
	if limit <= 0 {
		return 0
	}
	text := binary.BigEndian.AppendUint64([]byte(key), uint64(at.Unix()))
	text = binary.BigEndian.AppendUint32(text, uint32(at.Nanosecond()))
	sum := sha256.Sum256(text)
	return time.Duration(binary.BigEndian.Uint64(sum[:]) % (uint64(limit) + 1))
}
