package engine_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"imapilot/engine"
	"imapilot/engine/config"
	"imapilot/engine/enginetest/imaptest"
	"imapilot/engine/journal"
	"imapilot/rules"
)

// attached is a message with files of the same type, by their names: each holds its
// own name.
func attached(subject string, names ...string) []byte {
	var out strings.Builder
	head, text, _ := strings.Cut(string(message(subject, "Ann <ann@example.org>")), "\r\n\r\n")
	fmt.Fprintf(&out, "%s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n%s", head, text)
	for _, name := range names {
		kind := "application/octet-stream"
		if strings.HasSuffix(name, ".pdf") {
			kind = "application/pdf"
		}
		fmt.Fprintf(&out, "--b\r\nContent-Type: %s\r\nContent-Disposition: attachment; filename=\"%s\"\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n",
			kind, name, base64.StdEncoding.EncodeToString([]byte(name)))
	}
	out.WriteString("--b--\r\n")
	return []byte(out.String())
}

const (
	saveTrash = "allow: [save_attachments]\nrules:\n  - {name: file, if: true, then: [{save_attachments: {to: FOLDER, name: '${from.address}/${name}', if: 'type == \"application/pdf\"'}}, trash]}\n"
	onlyBin   = "rules:\n  - {name: bin, if: subject == 'never', then: [trash]}\n"
)

// shelf is a folder for files, and an account with a message for it.
type shelf struct {
	*rig
	cfg    *config.Config
	folder string
}

// shelving is a shelf in a bubble. One message came after the first look.
func shelving(t *testing.T, rules string, raw []byte, test func(t *testing.T, s *shelf)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{rig: newRig(t, pipes(t, imaptest.Options{NoIdle: true}))}
		s.folder = filepath.Join(s.dir, "files")
		if err := os.Mkdir(s.folder, 0o700); err != nil {
			t.Fatal(err)
		}
		s.cfg = s.with(rules)
		s.once(s.cfg)
		s.deliver("INBOX", raw)
		test(t, s)
	})
}

func (s *shelf) with(rules string) *config.Config {
	return s.config(rarely, strings.ReplaceAll(rules, "FOLDER", s.folder))
}

// holds demands the files of the folder, by their paths, each with its content.
func (s *shelf) holds(want map[string]string) {
	s.t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(s.folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		got[filepath.ToSlash(strings.TrimPrefix(path, s.folder+"/"))] = string(content)
		return err
	})
	if err != nil || !maps.Equal(got, want) {
		s.t.Errorf("the folder holds %q, want %q, %v", got, want, err)
	}
}

// answers are what came of the attempts of the only delivery.
func (s *shelf) answers() (out []string) {
	s.t.Helper()
	return answersOf(s.rig, s.cfg)
}

func answersOf(r *rig, cfg *config.Config) (out []string) {
	r.t.Helper()
	r.with(cfg, func(j journal.Journal) {
		all, err := j.Attempts(r.t.Context(), "home", only(r.t, j).ID)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, a := range all {
			out = append(out, a.Answer)
		}
	})
	return out
}

// TestSaveThenTrash: those that the condition asks for, under the names of the pattern,
// and only then what comes after it. The journal tells the paths.
func TestSaveThenTrash(t *testing.T) {
	shelving(t, saveTrash, attached("a", "one.pdf", "two.txt", "three.pdf"), func(t *testing.T, s *shelf) {
		s.once(s.cfg)
		s.want("INBOX")
		s.want("Trash", "a")
		s.wantState(s.cfg, journal.Done, journal.Delivered)
		s.holds(map[string]string{"ann@example.org/one.pdf": "one.pdf", "ann@example.org/three.pdf": "three.pdf"})
		at := filepath.Join(s.folder, "ann@example.org")
		if got, want := s.answers(), []string{fmt.Sprintf("saved %s/one.pdf, %s/three.pdf", at, at)}; !slices.Equal(got, want) {
			t.Errorf("it says %q, want %q", got, want)
		}
		if d := s.theDelivery(s.cfg); d.Endpoint != "save_attachments" || d.RawKept {
			t.Errorf("%+v", d)
		}
	})
}

// TestSaveNothing: a message without such an attachment is done.
func TestSaveNothing(t *testing.T) {
	for _, raw := range [][]byte{attached("a", "two.txt"), message("a", "x@example.org")} {
		shelving(t, saveTrash, raw, func(t *testing.T, s *shelf) {
			s.apply(s.cfg, engine.Scope{})
			s.want("Trash", "a")
			s.holds(map[string]string{})
			if got := s.answers(); !slices.Equal(got, []string{"nothing to save"}) {
				t.Errorf("it says %q", got)
			}
		})
	}
}

// TestSaveWithoutAFolder: a folder that is missing may come, and until then the message
// stays.
func TestSaveWithoutAFolder(t *testing.T) {
	shelving(t, saveTrash, attached("a", "one.pdf"), func(t *testing.T, s *shelf) {
		if err := os.Remove(s.folder); err != nil {
			t.Fatal(err)
		}
		s.once(s.cfg)
		s.want("INBOX", "a")
		s.wantState(s.cfg, journal.Open, journal.Pending)
		if d := s.theDelivery(s.cfg); !strings.Contains(d.LastError, "the folder does not exist") || !strings.Contains(d.LastError, s.folder) {
			t.Errorf("it says %q", d.LastError)
		}
		if err := os.Mkdir(s.folder, 0o700); err != nil {
			t.Fatal(err)
		}
		s.daemon(s.cfg, func(*engine.Engine) { time.Sleep(time.Hour) })
		s.want("Trash", "a")
		s.holds(map[string]string{"ann@example.org/one.pdf": "one.pdf"})
	})
}

// TestSaveOfWhatIsTooLarge: it fails for good, and the message stays; the others are
// saved all the same, and not again when it is retried.
func TestSaveOfWhatIsTooLarge(t *testing.T) {
	large := "allow: [save_attachments]\nrules:\n  - {name: file, if: true, then: [{save_attachments: {to: FOLDER, max_file: 1kb}}, trash]}\n"
	raw := strings.Replace(string(attached("a", "one.pdf", "two.pdf")), "\r\n"+base64.StdEncoding.EncodeToString([]byte("two.pdf")), "\r\n"+strings.Repeat("AAAA", 400), 1)
	shelving(t, large, []byte(raw), func(t *testing.T, s *shelf) {
		for range 2 {
			s.daemon(s.cfg, func(*engine.Engine) { time.Sleep(30 * time.Hour) })
			s.want("INBOX", "a")
			s.wantState(s.cfg, journal.Failed, journal.Dead)
			s.holds(map[string]string{"one.pdf": "one.pdf"})
			if d := s.theDelivery(s.cfg); !strings.Contains(d.LastError, `"two.pdf": too large: it has 1200 octets`) {
				t.Errorf("it says %q", d.LastError)
			}
			(&tale{rig: s.rig, cfg: s.cfg}).amend(engine.Retry)
		}
		if got := s.answers(); len(got) != 2 || !strings.HasSuffix(got[1], "one.pdf (it was there)") {
			t.Errorf("it says %q", got)
		}
	})
}

// TestSaveOfHostileNames: nothing that a message says leads out of the folder.
func TestSaveOfHostileNames(t *testing.T) {
	hostile := "allow: [save_attachments]\nrules:\n  - {name: file, if: true, then: [{save_attachments: {to: FOLDER, name: '${subject}/${type}/x${name}'}}]}\n"
	raw := strings.Replace(string(attached("a", "../../etc/one.pdf", `C:\two.pdf`)), "Subject: a", "Subject: ../../../tmp/x", 1)
	shelving(t, hostile, []byte(raw), func(t *testing.T, s *shelf) {
		s.once(s.cfg)
		s.wantState(s.cfg, journal.Done, journal.Delivered)
		s.holds(map[string]string{"_.._.._tmp_x/application_pdf/xone.pdf": "../../etc/one.pdf", "_.._.._tmp_x/application_pdf/xtwo.pdf": `C:\two.pdf`})
	})
}

// TestSaveAcrossACrash: whatever the process could not record, each file is there once.
func TestSaveAcrossACrash(t *testing.T) {
	for name, when := range map[string]func(b journal.Batch) bool{
		"before the attempt is recorded": func(b journal.Batch) bool { return len(b.Deliveries) > 0 && b.Deliveries[0].Attempts > 0 },
		"before what came of it is":      func(b journal.Batch) bool { return len(b.Attempts) > 0 },
		"before the step is": func(b journal.Batch) bool {
			return len(b.Entries) > 0 && b.Entries[0].Steps[0].State == journal.StepDone
		},
	} {
		t.Run(name, func(t *testing.T) {
			shelving(t, saveTrash, attached("a", "one.pdf"), func(t *testing.T, s *shelf) {
				crashAt(s.rig, s.cfg, when)
				s.want("INBOX", "a")
				s.daemon(s.cfg, func(*engine.Engine) { time.Sleep(time.Hour) })
				s.want("Trash", "a")
				s.wantState(s.cfg, journal.Done, journal.Delivered)
				s.holds(map[string]string{"ann@example.org/one.pdf": "one.pdf"})
			})
		})
	}
}

// crashAt runs a daemon whose journal takes nothing from a moment on.
func crashAt(r *rig, cfg *config.Config, when func(b journal.Batch) bool) {
	r.t.Helper()
	r.with(cfg, func(j journal.Journal) {
		ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
		defer cancel()
		c := &crashing{Journal: j, when: when}
		if err := engine.New(cfg, r.options(c)).Run(ctx); err != nil && !errors.Is(err, journal.ErrFenced) || !c.dead {
			r.t.Fatalf("it did not crash: %v", err)
		}
	})
}

// TestSaveOfARuleThatChanged: another condition is another step, whose text is
// recorded with it.
func TestSaveOfARuleThatChanged(t *testing.T) {
	shelving(t, saveTrash, attached("a", "one.pdf", "two.txt"), func(t *testing.T, s *shelf) {
		if err := os.Remove(s.folder); err != nil {
			t.Fatal(err)
		}
		other := s.with(strings.ReplaceAll(saveTrash, `type == "application/pdf"`, `name endsWith ".TXT"`))
		s.daemon(s.cfg, func(e *engine.Engine) {
			time.Sleep(time.Minute)
			if err := errors.Join(e.Reload(other), os.Mkdir(s.folder, 0o700)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
		})
		s.want("Trash", "a")
		s.holds(map[string]string{"ann@example.org/two.txt": "two.txt"})
		states := map[journal.DeliveryState]int{}
		for _, d := range s.deliveries(other, journal.DeliveryQuery{}) {
			states[d.State]++
		}
		if !maps.Equal(states, map[journal.DeliveryState]int{journal.Cancelled: 1, journal.Delivered: 1}) {
			t.Errorf("%v", states)
		}
	})
}

// TestSaveIntoWhatNoRuleNames: what a journal alone says is not written anywhere, not
// even when a user replays it.
func TestSaveIntoWhatNoRuleNames(t *testing.T) {
	shelving(t, saveTrash, attached("a", "one.pdf"), func(t *testing.T, s *shelf) {
		if err := os.Remove(s.folder); err != nil {
			t.Fatal(err)
		}
		s.daemon(s.cfg, func(*engine.Engine) { time.Sleep(10 * 24 * time.Hour) })
		s.wantState(s.cfg, journal.Failed, journal.Dead)
		if err := os.Mkdir(s.folder, 0o700); err != nil {
			t.Fatal(err)
		}
		elsewhere := s.config(rarely, strings.ReplaceAll(saveTrash, "FOLDER", s.dir))
		s.daemon(elsewhere, func(e *engine.Engine) {
			time.Sleep(time.Second)
			if n, err := e.Replay(t.Context(), engine.Replay{Account: "home", IDs: []string{only(t, s.journal).ID}}); n != 1 || err != nil {
				t.Errorf("replayed %d, %v", n, err)
			}
			time.Sleep(time.Hour)
		})
		s.holds(map[string]string{})
		if d := s.theDelivery(s.cfg); d.State != journal.Pending || !strings.Contains(d.LastError, "no rule saves attachments there any more") {
			t.Errorf("%s: %s", d.State, d.LastError)
		}
	})
}

// TestSaveInDryRun: nothing is saved, and the plan says what would be.
func TestSaveInDryRun(t *testing.T) {
	shelving(t, saveTrash, attached("a", "one.pdf"), func(t *testing.T, s *shelf) {
		s.once(s.cfg, dryRun)
		s.holds(map[string]string{})
		e := s.theEntry(s.cfg)
		if e.State != journal.DryRun || !strings.HasSuffix(e.Plan.String(), `, name: "ann@example.org/${name}", if: "type == \"application/pdf\""}, trash`) {
			t.Errorf("%s: %s", e.State, e.Plan)
		}
	})
}

// TestSaveNoLongerAllowed: without allow: nothing is saved, whatever was recorded.
func TestSaveNoLongerAllowed(t *testing.T) {
	shelving(t, saveTrash, attached("a", "one.pdf"), func(t *testing.T, s *shelf) {
		if err := os.Remove(s.folder); err != nil {
			t.Fatal(err)
		}
		s.once(s.cfg)
		if err := os.Mkdir(s.folder, 0o700); err != nil {
			t.Fatal(err)
		}
		s.daemon(s.with(onlyBin), func(*engine.Engine) { time.Sleep(30 * time.Hour) })
		s.holds(map[string]string{})
		s.wantState(s.cfg, journal.Withdrawn, journal.Cancelled)
	})
}

// TestSaveOfALargeMessage: nothing is saved of a part of a message.
func TestSaveOfALargeMessage(t *testing.T) {
	tooLargeForTheDetector(t)
	raw := append(attached("large", "one.pdf"), long("x", rules.MaxRaw)...)
	shelving(t, saveTrash, raw, func(t *testing.T, s *shelf) {
		s.once(s.cfg)
		s.want("INBOX", "large")
		s.holds(map[string]string{})
		if d := s.theDelivery(s.cfg); d.State != journal.Dead || !strings.Contains(d.LastError, "larger than 25 MB") {
			t.Errorf("%s: %s", d.State, d.LastError)
		}
	})
}
