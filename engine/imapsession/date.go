package imapsession

import "time"

// parseDate reads an INTERNALDATE, date-time of RFC 9051 section 9. It is zero where the
// text is none: NIL and "00-Jan-0000" occur.
func parseDate(text []byte) time.Time {
	if t, ok := plainDate(text); ok {
		return t
	}
	t, _ := time.Parse("_2-Jan-2006 15:04:05 -0700", string(text))
	return t
}

// plainDate reads what nearly all servers send, " 4-May-2026 12:00:00 +0200", in a fifth of
// the time: there is one with each message.
func plainDate(b []byte) (time.Time, bool) {
	if len(b) != 26 || b[2] != '-' || b[6] != '-' || b[11] != ' ' || b[14] != ':' || b[17] != ':' || b[20] != ' ' || b[21] != '+' && b[21] != '-' {
		return time.Time{}, false
	}
	n := numbers{ok: true}
	tens := 0
	if b[0] != ' ' {
		tens = n.read(b[0:1])
	}
	day, month, year := 10*tens+n.read(b[1:2]), monthOf(string(b[3:6])), n.read(b[7:11])
	hour, minute, second := n.read(b[12:14]), n.read(b[15:17]), n.read(b[18:20])
	zoneHours, zoneMinutes := n.read(b[22:24]), n.read(b[24:26])
	// What is out of range, or is not there in each month, is left to time.Parse.
	if !n.ok || month == 0 || day < 1 || day > 28 || hour > 23 || minute > 59 || second > 59 || zoneHours > 23 || zoneMinutes > 59 {
		return time.Time{}, false
	}
	offset := 60 * (60*zoneHours + zoneMinutes)
	if b[21] == '-' {
		offset = -offset
	}
	t := time.Date(year, month, day, hour, minute, second, 0, time.UTC).Add(-time.Duration(offset) * time.Second)
	if local := t.Local(); offsetOf(local) == offset {
		return local, true
	}
	return t.In(time.FixedZone("", offset)), true
}

func offsetOf(t time.Time) int {
	_, offset := t.Zone()
	return offset
}

// numbers reads digits, as long as they are some.
type numbers struct{ ok bool }

func (n *numbers) read(b []byte) (value int) {
	for _, c := range b {
		n.ok = n.ok && '0' <= c && c <= '9'
		value = 10*value + int(c-'0')
	}
	return value
}

func monthOf(name string) time.Month {
	for m := time.January; m <= time.December; m++ {
		if m.String()[:3] == name {
			return m
		}
	}
	return 0
}
