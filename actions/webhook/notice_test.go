package webhook

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestNoticeIsCutAndClean(t *testing.T) {
	n := Notice{Notice: "rule_error", Rule: strings.Repeat("x", 5000), Title: "a\x1b[2Jb", Body: "one\ntwo\x07", Since: time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)}
	var got Notice
	out := n.JSON()
	if err := json.Unmarshal(out, &got); err != nil || got.Version != Version || got.Type != TypeNotice || len(got.Rule) != 1000 || got.Title != "a[2Jb" || got.Body != "one\ntwo" {
		t.Errorf("%v, %.300s", err, out)
	}
}
