package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/journal"
)

// at reads "INBOX/3" as a place under UIDVALIDITY 7.
func at(text string) place {
	mailbox, number, _ := strings.Cut(text, "/")
	p := place{mailbox: mailbox, validity: 7}
	fmt.Sscan(number, &p.uid)
	return p
}

// saw reads "INBOX/3 departed other": a place, what became of it, and whether
// the sighting differs from the message in date or size.
func saw(order int, text string) *sighting {
	words := strings.Fields(text)
	s := &sighting{print: fp("<a@x>", noon, 10), order: int64(order), first: at(words[0]), now: at(words[0])}
	for _, word := range words[1:] {
		switch word {
		case "departed":
			s.fate = departed
		case "destroyed":
			s.fate = destroyed
		case "untold":
			s.fate = untold
		case "own":
			s.own = true
		case "unplaced":
			s.unplaced = true
		case "left":
			s.left = noon
		case "decided":
			s.at = noon.Add(-time.Second)
		case "copied":
			s.copied = true
		case "moved":
			s.moved = true
		case "other-size":
			s.print.Size++
		case "other-date":
			s.print.Received = noon.Add(time.Second)
		default:
			s.now = at(word)
		}
	}
	return s
}

func TestHistoryOf(t *testing.T) {
	for name, c := range map[string]struct {
		before    []string
		m         string
		after     []string
		duplicate bool
		from      string
	}{
		"never seen":                         {m: "INBOX/1"},
		"seen later only":                    {m: "INBOX/1", after: []string{"INBOX/2", "Lists/1 other-date", "Junk/1 departed"}},
		"two identical deliveries":           {before: []string{"INBOX/1"}, m: "INBOX/2", duplicate: true},
		"another delivery":                   {before: []string{"Lists/9 other-size"}, m: "INBOX/2", duplicate: true},
		"another one, deleted since":         {before: []string{"INBOX/1 other-date other-size departed"}, m: "INBOX/2", duplicate: true},
		"another one, nobody knows where":    {before: []string{"Lists/1 other-date other-size untold"}, m: "INBOX/2", duplicate: true},
		"another date, gone":                 {before: []string{"INBOX/1 other-date departed"}, m: "INBOX/2"},
		"another size, gone":                 {before: []string{"Lists/1 other-size departed"}, m: "INBOX/2"},
		"another size, nobody knows where":   {before: []string{"Lists/1 other-size untold"}, m: "INBOX/2"},
		"another date, expunged by a rule":   {before: []string{"Lists/1 other-date destroyed"}, m: "INBOX/2"},
		"a copy of ours, rewritten":          {before: []string{"Lists/1 other-date copied"}, m: "INBOX/2"},
		"a copy of ours, of another one":     {before: []string{"Lists/1 other-date other-size copied"}, m: "INBOX/2"},
		"it is a copy of ours":               {before: []string{"Lists/1 other-date other-size"}, m: "INBOX/2 copied"},
		"sent or a draft":                    {before: []string{"Sent/1 other-date other-size own"}, m: "INBOX/2"},
		"it is sent or a draft":              {before: []string{"INBOX/1 other-date other-size"}, m: "Sent/2 own"},
		"two drafts beside each other":       {before: []string{"Drafts/1 own"}, m: "Drafts/2 own"},
		"moved out of the drafts":            {before: []string{"Drafts/1 own departed"}, m: "INBOX/2", from: "Drafts"},
		"its place is forgotten":             {before: []string{"INBOX/1 departed", "Lists/1 other-date other-size"}, m: "Junk/2 unplaced"},
		"same, expunged elsewhere":           {before: []string{"INBOX/1 destroyed"}, m: "Junk/2"},
		"a rule moved its twin since":        {before: []string{"INBOX/1 Lists/4 left"}, m: "INBOX/2 decided", duplicate: true},
		"a rule expunged its twin since":     {before: []string{"INBOX/1 Lists/4 left destroyed"}, m: "INBOX/2 decided", duplicate: true},
		"a rule moved a copy of it since":    {before: []string{"INBOX/1 Lists/4 left"}, m: "Junk/2 decided"},
		"a rule moved its twin before":       {before: []string{"INBOX/1 Lists/4 left"}, m: "INBOX/2"},
		"same, expunged by a rule":           {before: []string{"INBOX/1 destroyed"}, m: "INBOX/2", duplicate: true},
		"same, nobody knows where":           {before: []string{"INBOX/1 untold"}, m: "Junk/2"},
		"a copy":                             {before: []string{"INBOX/1"}, m: "Junk/2"},
		"moved":                              {before: []string{"INBOX/1 departed"}, m: "Junk/2", from: "INBOX"},
		"moved, its twin stayed":             {before: []string{"INBOX/1", "INBOX/2 departed"}, m: "Junk/2", from: "INBOX"},
		"moved back":                         {before: []string{"INBOX/1 departed", "Junk/2 departed"}, m: "INBOX/5", from: "Junk"},
		"moved on":                           {before: []string{"INBOX/1 departed", "Junk/2 departed"}, m: "Lists/5", from: "Junk"},
		"moved around in a ring":             {before: []string{"A/1 departed", "B/1 departed", "A/2 departed", "B/2 departed"}, m: "A/3", from: "B"},
		"came back from nowhere":             {before: []string{"INBOX/1 departed"}, m: "INBOX/2"},
		"moved, then copied":                 {before: []string{"INBOX/1 departed", "Junk/2"}, m: "Lists/5"},
		"moved, a rule had copied it":        {before: []string{"INBOX/1 departed", "Lists/2 copied"}, m: "Junk/5", from: "INBOX"},
		"two moved, the first":               {before: []string{"INBOX/1 departed", "INBOX/2 departed"}, m: "Junk/5", after: []string{"Junk/6"}, from: "INBOX"},
		"two moved, the second":              {before: []string{"INBOX/1 departed", "INBOX/2 departed", "Junk/5"}, m: "Junk/6", duplicate: true, from: "INBOX"},
		"one moved and one delivered":        {before: []string{"INBOX/1 departed", "Junk/5"}, m: "Junk/6", duplicate: true},
		"moved out of where a rule put":      {before: []string{"INBOX/1 Lists/4 departed"}, m: "Junk/6", from: "Lists"},
		"the same, Lists watched":            {before: []string{"INBOX/1 Lists/4 departed", "Lists/4 departed moved"}, m: "Junk/6", from: "Lists"},
		"what a rule moved explains nothing": {before: []string{"INBOX/1 Lists/4", "Junk/9 departed", "Lists/4 moved"}, m: "A/5", from: "Junk"},
		"moved back from there":              {before: []string{"INBOX/1 Lists/4 departed"}, m: "INBOX/6", from: "Lists"},
		"a rule moved its twin":              {before: []string{"INBOX/1 Lists/4"}, m: "INBOX/2"},
		"a rule moved it here":               {before: []string{"INBOX/1 Lists/4"}, m: "Lists/4 moved"},
		"a rule copied it here":              {before: []string{"INBOX/1 departed"}, m: "Lists/4 copied"},
		"a copy, flagged there":              {before: []string{"INBOX/1 departed"}, m: "Junk/2", from: "INBOX"},
		"a copy of ours makes no duplicate":  {before: []string{"INBOX/1 departed", "INBOX/7 copied"}, m: "INBOX/8"},
		"inbox is the same in small type":    {before: []string{"inbox/1 departed"}, m: "INBOX/2"},
	} {
		var group []*sighting
		for i, text := range append(append(append([]string{}, c.before...), c.m), c.after...) {
			group = append(group, saw(i, text))
		}
		duplicate, from := historyOf(group[len(c.before)], group)
		if duplicate != c.duplicate || from != c.from {
			t.Errorf("%s: duplicate %v, moved from %q; want %v, %q", name, duplicate, from, c.duplicate, c.from)
		}
	}
}

// act is an entry whose step took a message from one place to another.
func act(kind actions.Kind, from, to string) journal.Entry {
	a, b := at(from), at(to)
	return journal.Entry{
		Mailbox: a.mailbox, UIDValidity: a.validity, UID: a.uid, Print: fp("<a@x>", noon, 10),
		Steps: []journal.Step{
			{Action: &actions.Action{Kind: actions.AddFlags}, State: journal.StepDone},
			{Action: &actions.Action{Kind: kind}, State: journal.StepDone, Target: b.mailbox, TargetValidity: b.validity, TargetUID: b.uid},
		},
	}
}

func TestWhereabouts(t *testing.T) {
	open := act(actions.Move, "INBOX/1", "Lists/4")
	open.Steps[1].State = journal.Recorded
	left := act(actions.Move, "INBOX/1", "Lists/4")
	left.Steps[1].State = journal.StepLeft
	renumbered := act(actions.Move, "INBOX/1", "Lists/4")
	renumbered.UIDValidity = 6
	for name, c := range map[string]struct {
		acted []journal.Entry
		now   string
		fate  fate
		look  bool
	}{
		"no act":           {nil, "INBOX/1", present, true},
		"moved":            {[]journal.Entry{act(actions.Move, "INBOX/1", "Lists/4")}, "Lists/4", present, true},
		"original left":    {[]journal.Entry{left}, "Lists/4", present, true},
		"trashed":          {[]journal.Entry{act(actions.Trash, "INBOX/1", "Trash/4")}, "Trash/4", present, true},
		"copied":           {[]journal.Entry{act(actions.Copy, "INBOX/1", "Lists/4")}, "INBOX/1", present, true},
		"not moved yet":    {[]journal.Entry{open}, "INBOX/1", present, true},
		"another message":  {[]journal.Entry{act(actions.Move, "INBOX/2", "Lists/4")}, "INBOX/1", present, true},
		"before renumber":  {[]journal.Entry{renumbered}, "INBOX/1", present, true},
		"moved twice":      {[]journal.Entry{act(actions.Move, "Lists/4", "Old/5"), act(actions.Move, "INBOX/1", "Lists/4")}, "Old/5", present, true},
		"moved in a ring":  {[]journal.Entry{act(actions.Move, "Lists/4", "INBOX/1"), act(actions.Move, "INBOX/1", "Lists/4")}, "Lists/4", present, true},
		"moved somewhere":  {[]journal.Entry{act(actions.Move, "INBOX/1", "Lists/0")}, "INBOX/1", untold, false},
		"expunged":         {[]journal.Entry{act(actions.Expunge, "INBOX/1", "/0")}, "INBOX/1", destroyed, false},
		"moved, expunged":  {[]journal.Entry{act(actions.Expunge, "Lists/4", "/0"), act(actions.Move, "INBOX/1", "Lists/4")}, "Lists/4", destroyed, false},
		"copied and moved": {[]journal.Entry{act(actions.Copy, "INBOX/1", "A/1"), act(actions.Move, "INBOX/1", "Lists/4")}, "Lists/4", present, true},
	} {
		now, f, look := whereabouts(at("INBOX/1"), c.acted)
		if now != at(c.now) || f != c.fate || look != c.look {
			t.Errorf("%s: %v %v %v, want %s %v %v", name, now, f, look, c.now, c.fate, c.look)
		}
	}
}

func TestFollowGroup(t *testing.T) {
	group := []*sighting{saw(1, "INBOX/1"), saw(2, "Lists/4"), saw(3, "Old/5"), saw(4, "Copies/2"), saw(5, "Loose/8"), saw(6, "Junk/6")}
	for _, s := range group[:5] {
		s.look = true
	}
	loose := act(actions.Copy, "INBOX/1", "Loose/0")
	followGroup(group, []journal.Entry{
		loose, act(actions.Copy, "INBOX/1", "Copies/2"), act(actions.Move, "Lists/4", "Old/5"), act(actions.Move, "INBOX/1", "Lists/4"),
	})
	var got []string
	for _, s := range group {
		got = append(got, fmt.Sprintf("%s/%d %v %v %v", s.now.mailbox, s.now.uid, s.look, s.moved, s.copied))
	}
	want := "Old/5 true false false; Old/5 false true false; Old/5 false true false; Copies/2 true false true; Loose/8 true false true; Junk/6 false false false"
	if strings.Join(got, "; ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "; "), want)
	}
}

func TestFateOf(t *testing.T) {
	flags := map[imap.UID][]imap.Flag{1: {imap.FlagSeen}, 2: {"\\deleted"}}
	for text, want := range map[string]fate{"A/1": present, "A/2": departed, "A/3": departed} {
		if got := fateOf(at(text), 7, flags); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
		if got := fateOf(at(text), 8, flags); got != untold {
			t.Errorf("%s after it was renumbered: %v", text, got)
		}
		if got := fateOf(place{mailbox: "A", uid: at(text).uid}, 8, flags); got != want {
			t.Errorf("%s of any UIDVALIDITY: %v, want %v", text, got, want)
		}
	}
}
