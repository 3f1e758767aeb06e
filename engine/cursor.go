package engine

import (
	"slices"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/journal"
)

// pending returns the UIDs of a listing that the cursor has not handled, in
// ascending order. UIDs at or below the floor are filtered, because a search
// for "n:*" always returns the last message (RFC 9051 section 6.4.8).
func pending(c journal.Cursor, listed []imap.UID) []imap.UID {
	var out []imap.UID
	for _, uid := range listed {
		if uid > c.Floor && !c.Handled.Contains(uid) {
			out = append(out, uid)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// handle adds UIDs to the handled set. Gaps are not filled: a UID that was
// not listed may become visible later.
func handle(c *journal.Cursor, uids []imap.UID) {
	set := slices.Clone(c.Handled)
	set.AddNum(uids...)
	c.Handled = set
}

// trim raises the floor when the handled set spans more than the window, so
// that the cursor stays small. Every UID below was listed and handled; it is
// not raised over one that is pending (0: none is).
func trim(c *journal.Cursor, pending imap.UID) {
	nums, ok := c.Handled.Nums()
	if !ok || len(nums) <= journal.Window+journal.Window/4 {
		return
	}
	floor := nums[len(nums)-journal.Window-1]
	if pending != 0 {
		floor = max(c.Floor, min(floor, pending-1))
	}
	var kept imap.UIDSet
	for _, r := range c.Handled {
		if r.Stop > floor {
			kept.AddRange(max(r.Start, floor+1), r.Stop)
		}
	}
	c.Floor, c.Handled = floor, kept
}

// baseline returns a cursor that counts everything listed as handled.
func baseline(mailbox string, validity uint32, listed []imap.UID) journal.Cursor {
	c := journal.Cursor{Mailbox: mailbox, UIDValidity: validity}
	handle(&c, listed)
	trim(&c, 0)
	return c
}

// uidsOf expands a set that holds no "*".
func uidsOf(set imap.UIDSet) []imap.UID {
	nums, _ := set.Nums()
	return nums
}

func setOf(uids []imap.UID) imap.UIDSet { return imap.UIDSetNum(uids...) }
