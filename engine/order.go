package engine

import (
	"cmp"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
	"imapilot/engine/journal"
)

// groups divides tasks by their commands, in the order in which these come first. Of two
// entries of one message that want different things, the later one waits: no message is
// in two commands of one flight.
func groups(ready []*task) []group {
	var out []group
	order := orderOf(ready)
	at, taken := map[command]int{}, make(map[imap.UID]command, len(ready))
	for _, w := range ready {
		key := order.words.of(w.step())
		if order.waits(w, key) {
			continue
		}
		if other, twice := taken[w.UID]; twice && other != key {
			continue
		}
		taken[w.UID] = key
		i, known := at[key]
		if !known {
			i = len(out)
			at[key] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], w)
	}
	// What goes to another account takes long.
	slices.SortStableFunc(out, func(a, b group) int { return cmp.Compare(a[0].abroad(), b[0].abroad()) })
	return out
}

// order is what decides which steps have to wait for others.
type order struct {
	words wording
	// earliest is the first phase of all, transfer the first that is not about flags.
	earliest, transfer actions.Phase
	// later are the commands that some message wants after another step.
	later map[command]bool
}

func orderOf(ready []*task) order {
	o := order{words: wording{}, earliest: actions.PhaseExpunge, transfer: actions.PhaseExpunge, later: map[command]bool{}}
	first := make(map[imap.UID]actions.Phase, len(ready))
	for _, w := range ready {
		phase := phaseOf(w)
		if o.earliest = min(o.earliest, phase); phase != actions.PhaseFlags {
			o.transfer = min(o.transfer, phase)
		}
		if known, twice := first[w.UID]; !twice || phase < known {
			first[w.UID] = phase
		}
		for i := w.Next() + 1; i < len(w.Steps); i++ {
			o.later[o.words.of(&w.Steps[i])] = true
		}
	}
	for _, w := range ready {
		if phaseOf(w) > first[w.UID] { // which is that of another entry
			o.later[o.words.of(w.step())] = true
		}
	}
	return o
}

// waits reports whether a task waits for one of an earlier phase: of the same message, or
// of one that will want the same command, which then serves both. A move waits for all
// copies: where no MOVE is and COPYUID is missing, one that is not claimed yet would pass
// for that of a twin. An EXPUNGE waits for everything.
func (o order) waits(w *task, key command) bool {
	phase := phaseOf(w)
	return phase > o.earliest && (phase > o.transfer || o.later[key] || phase == actions.PhaseExpunge)
}

func phaseOf(w *task) actions.Phase { return w.step().Action.Kind.Spec().Phase }

// command is what the server is told to do with messages.
type command struct{ target, action string }

// wording puts actions into words, each once: most messages of a rule share one.
type wording map[*actions.Action]string

func (all wording) of(s *journal.Step) command {
	words, known := all[s.Action]
	if !known {
		words = commandOf(s.Action)
		all[s.Action] = words
	}
	return command{s.Target, words}
}

// commandOf tells actions apart by what the server is told: not until when a message
// is snoozed.
func commandOf(a *actions.Action) string {
	if a.Until.IsZero() {
		return a.String()
	}
	whenever := *a
	whenever.Until = time.Time{}
	return whenever.String()
}
