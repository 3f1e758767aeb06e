package actions_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"

	"imapilot/actions"
)

var errRefused = errors.New("NO refused")

// fake is a server with one selected mailbox and its targets. It records each
// command, and a test can make it answer badly.
type fake struct {
	can     actions.Can
	source  map[imap.UID]bool // UID to whether it is flagged \Deleted
	targets map[string][]imap.UID
	next    imap.UID // in every target
	log     []string

	noCopyUID bool              // COPYUID is never sent
	noProof   bool              // Find finds nothing
	skip      map[imap.UID]bool // COPY and MOVE leave these out and say so by COPYUID
	vanish    map[imap.UID]bool // left the source just before MOVE
	refuse    string            // this command is answered with NO
	gone      map[imap.UID]bool // FETCH finds nothing
}

func newFake(can actions.Can, uids ...imap.UID) *fake {
	f := &fake{can: can, source: map[imap.UID]bool{}, targets: map[string][]imap.UID{}, next: 100}
	for _, uid := range uids {
		f.source[uid] = false
	}
	return f
}

func (f *fake) Can() actions.Can { return f.can }

// command records a command and refuses it if the test says so.
func (f *fake) command(name, text string) error {
	f.log = append(f.log, name+" "+text)
	if f.refuse == name {
		return errRefused
	}
	return nil
}

func (f *fake) Store(_ context.Context, uids imap.UIDSet, op imap.StoreFlagsOp, flags []imap.Flag) error {
	sign := map[imap.StoreFlagsOp]string{imap.StoreFlagsAdd: "+", imap.StoreFlagsDel: "-"}[op]
	if err := f.command("STORE", fmt.Sprintf("%v %s%v", uids, sign, flags)); err != nil {
		return err
	}
	for _, uid := range nums(uids) {
		if _, ok := f.source[uid]; ok && slices.Contains(flags, imap.FlagDeleted) {
			f.source[uid] = op == imap.StoreFlagsAdd
		}
	}
	return nil
}

func (f *fake) Label(_ context.Context, uids imap.UIDSet, add bool, labels []string) error {
	return f.command("LABEL", fmt.Sprintf("%v %v %v", uids, add, labels))
}

func (f *fake) Copy(_ context.Context, uids imap.UIDSet, target string) (map[imap.UID]imap.UID, error) {
	if err := f.command("COPY", fmt.Sprintf("%v %s", uids, target)); err != nil {
		return nil, err
	}
	return f.copy(uids, target), nil
}

func (f *fake) copy(uids imap.UIDSet, target string) map[imap.UID]imap.UID {
	out := map[imap.UID]imap.UID{}
	for _, uid := range nums(uids) {
		if _, there := f.source[uid]; !there || f.skip[uid] {
			continue
		}
		out[uid] = f.next
		f.targets[target] = append(f.targets[target], f.next)
		f.next++
	}
	if f.noCopyUID {
		return nil
	}
	return out
}

func (f *fake) Move(_ context.Context, uids imap.UIDSet, target string) (map[imap.UID]imap.UID, error) {
	for uid := range f.vanish {
		delete(f.source, uid)
	}
	if err := f.command("MOVE", fmt.Sprintf("%v %s", uids, target)); err != nil {
		return nil, err
	}
	moved := f.copy(uids, target)
	for _, uid := range nums(uids) {
		if !f.skip[uid] {
			delete(f.source, uid)
		}
	}
	return moved, nil
}

func (f *fake) Expunge(_ context.Context, uids imap.UIDSet) error {
	if err := f.command("EXPUNGE", uids.String()); err != nil {
		return err
	}
	for _, uid := range nums(uids) {
		if f.source[uid] {
			delete(f.source, uid)
		}
	}
	return nil
}

func (f *fake) Present(_ context.Context, uids imap.UIDSet) (imap.UIDSet, error) {
	if err := f.command("PRESENT", uids.String()); err != nil {
		return nil, err
	}
	var out imap.UIDSet
	for _, uid := range nums(uids) {
		if _, ok := f.source[uid]; ok {
			out.AddNum(uid)
		}
	}
	return out, nil
}

// Find finds the copies in the order of the sources, as many as there are.
func (f *fake) Find(_ context.Context, target string, refs []actions.MessageRef) (map[imap.UID]imap.UID, error) {
	if err := f.command("FIND", target); err != nil {
		return nil, err
	}
	out := map[imap.UID]imap.UID{}
	there := slices.Clone(f.targets[target])
	for _, ref := range refs {
		if !f.noProof && !f.skip[ref.UID] && len(there) > 0 {
			out[ref.UID], there = there[0], there[1:]
		}
	}
	return out, nil
}

// Arrived finds the copies of what was not just gone.
func (f *fake) Arrived(_ context.Context, target string, refs []actions.MessageRef) (map[imap.UID]imap.UID, error) {
	if err := f.command("ARRIVED", target); err != nil {
		return nil, err
	}
	out := map[imap.UID]imap.UID{}
	for _, ref := range refs {
		if i := len(out); !f.vanish[ref.UID] && i < len(f.targets[target]) {
			out[ref.UID] = f.targets[target][i]
		}
	}
	return out, nil
}

// Append is Transfer, here or there.
func (f *fake) Append(ctx context.Context, ref actions.MessageRef, a actions.Action) (imap.UID, error) {
	return f.Transfer(ctx, ref, a.Account, a.Mailbox)
}

// Transfer is FETCH and APPEND. The copy is made although APPENDUID is not sent.
func (f *fake) Transfer(_ context.Context, ref actions.MessageRef, account, target string) (imap.UID, error) {
	if err := f.command("APPEND", fmt.Sprintf("%d %s %s", ref.UID, account, target)); err != nil {
		return 0, err
	}
	if f.gone[ref.UID] {
		delete(f.source, ref.UID)
		return 0, actions.ErrGone
	}
	uid := f.next
	f.targets[target] = append(f.targets[target], uid)
	f.next++
	if f.noCopyUID {
		return 0, nil
	}
	return uid, nil
}

func (f *fake) FindThere(ctx context.Context, account, target string, refs []actions.MessageRef) (map[imap.UID]imap.UID, error) {
	return f.Find(ctx, target, refs)
}

func nums(set imap.UIDSet) []imap.UID {
	out, _ := set.Nums()
	return out
}

func refs(uids ...imap.UID) []actions.MessageRef {
	var out []actions.MessageRef
	for _, uid := range uids {
		out = append(out, actions.MessageRef{UID: uid, MessageID: fmt.Sprintf("<%d@example.org>", uid)})
	}
	return out
}

// wantLog compares the commands that were sent.
func (f *fake) wantLog(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(f.log, want) {
		t.Errorf("commands:\n got %s\nwant %s", strings.Join(f.log, "; "), strings.Join(want, "; "))
	}
}

// wantSource compares what the source still holds; "!" marks \Deleted.
func (f *fake) wantSource(t *testing.T, want string) {
	t.Helper()
	var got []string
	for _, uid := range slices.Sorted(maps.Keys(f.source)) {
		text := fmt.Sprint(uid)
		if f.source[uid] {
			text += "!"
		}
		got = append(got, text)
	}
	if text := strings.Join(got, " "); text != want {
		t.Errorf("the source holds %q, want %q", text, want)
	}
}
