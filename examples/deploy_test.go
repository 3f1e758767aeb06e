package examples_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"imapilot/engine/metrics"
)

func deployed(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestQueriesNameMetricsThatExist: the dashboard and the alerts ask for nothing that
// nobody counts, and their labels are those of the metrics.
func TestQueriesNameMetricsThatExist(t *testing.T) {
	names := metrics.Names()
	for file, least := range map[string]int{"dashboard.json": 18, "alerts.yaml": 8} {
		found := 0
		for _, name := range regexp.MustCompile(`imapilot_[a-z_]+`).FindAllString(string(deployed(t, file)), -1) {
			found++
			if !slices.Contains(names, name) {
				t.Errorf("%s: there is no metric %s", file, name)
			}
		}
		if found < least {
			t.Errorf("%s: %d metrics, want %d", file, found, least)
		}
	}
}

func TestDashboardIsJSON(t *testing.T) {
	var d struct {
		Title  string
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(deployed(t, "dashboard.json"), &d); err != nil || d.Title != "imapilot" || len(d.Panels) < 10 {
		t.Fatalf("%v, %q, %d panels", err, d.Title, len(d.Panels))
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			if p.Title == "" || target.Expr == "" || strings.Count(target.Expr, "(") != strings.Count(target.Expr, ")") {
				t.Errorf("%q: %q", p.Title, target.Expr)
			}
		}
	}
}

func TestComposeIsHardened(t *testing.T) {
	var file struct {
		Services map[string]struct {
			ReadOnly    bool     `yaml:"read_only"`
			CapDrop     []string `yaml:"cap_drop"`
			SecurityOpt []string `yaml:"security_opt"`
			Healthcheck struct{ Test []string }
		}
	}
	if err := yaml.Unmarshal(deployed(t, "compose.yaml"), &file); err != nil {
		t.Fatal(err)
	}
	s := file.Services["imapilot"]
	if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}) ||
		!slices.Equal(s.Healthcheck.Test, []string{"CMD", "imapilot", "status", "--check"}) {
		t.Errorf("%+v", s)
	}
	dockerfile, err := os.ReadFile("../Dockerfile")
	if err != nil || !bytes.Contains(dockerfile, []byte(`CMD ["imapilot", "status", "--check"]`)) {
		t.Errorf("the image has no health check: %v", err)
	}
	var alerts struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal(deployed(t, "alerts.yaml"), &alerts); err != nil || len(alerts.Groups) != 1 || len(alerts.Groups[0].Rules) < 8 {
		t.Errorf("%v, %+v", err, alerts)
	}
}

// TestUnit: systemd itself has nothing to say against the unit, where there is one.
func TestUnit(t *testing.T) {
	unit := deployed(t, "imapilot.service")
	for _, line := range []string{"Type=notify", "WatchdogSec=60", "ExecStart=/usr/local/bin/imapilot run", "DynamicUser=yes", "StateDirectory=imapilot", "LoadCredential=home:", "ProtectSystem=strict", "NoNewPrivileges=yes", "CapabilityBoundingSet=\n"} {
		if !bytes.Contains(unit, []byte("\n"+line)) {
			t.Errorf("no %s", line)
		}
	}
	verify, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd-analyze")
	}
	// It looks whether the program is there: any will do.
	dir := t.TempDir()
	path := filepath.Join(dir, "imapilot.service")
	if err := os.WriteFile(path, bytes.ReplaceAll(unit, []byte("/usr/local/bin/imapilot"), []byte("/bin/true")), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), verify, "verify", "--man=no", path).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "imapilot.service") {
			t.Errorf("%s", line)
		}
	}
	t.Logf("systemd-analyze verify: %v\n%s", err, out)
}
