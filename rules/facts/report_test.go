package facts

import (
	"strings"
	"testing"
)

const perMessage = "Reporting-MTA: dns; mx.example.org\r\nArrival-Date: Mon, 2 Jan 2006 15:04:05 +0000\r\n\r\n"

func TestParseReport(t *testing.T) {
	for name, tt := range map[string]struct {
		in   string
		want Report
	}{
		"one":               {perMessage + "Final-Recipient: rfc822; a@b.org\r\nAction: failed\r\nStatus: 5.1.1\r\n", Report{"5.1.1", "a@b.org"}},
		"LF":                {"Reporting-MTA: x\n\nFinal-Recipient: rfc822;a@B.org\nAction: failed\nStatus: 5.1.1\n", Report{"5.1.1", "a@b.org"}},
		"the failed one":    {perMessage + "Final-Recipient: rfc822; x@y\nAction: delayed\nStatus: 4.0.0\n\nFinal-Recipient: rfc822; a@b\nAction: FAILED (forever)\nStatus: 5.0.0\n", Report{"5.0.0", "a@b"}},
		"none failed":       {perMessage + "Final-Recipient: rfc822; x@y\nAction: delayed\nStatus: 4.0.0\n\nFinal-Recipient: rfc822; a@b\nAction: relayed\n", Report{"4.0.0", "x@y"}},
		"the first failed":  {perMessage + "Final-Recipient: rfc822; x@y\nAction: failed\n\nFinal-Recipient: rfc822; a@b\nAction: failed\n", Report{"", "x@y"}},
		"original":          {perMessage + "Original-Recipient: rfc822;a@b\nAction: failed\nStatus: 5.0.0\n", Report{"5.0.0", "a@b"}},
		"final before it":   {perMessage + "Original-Recipient: rfc822;o@b\nFinal-Recipient: rfc822;f@b\nAction: failed\n", Report{"", "f@b"}},
		"brackets":          {perMessage + "Final-Recipient: RFC822; <a@b> (x)\nAction: failed\n", Report{"", "a@b"}},
		"no type":           {perMessage + "Final-Recipient: a@b\nAction: failed\n", Report{"", "a@b"}},
		"comment":           {perMessage + "Final-Recipient: rfc822;a@b\nAction: failed\nStatus: 5.1.2 (no host)\n", Report{"5.1.2", "a@b"}},
		"folded":            {perMessage + "Final-Recipient: rfc822;\n a@b\nAction:\n failed\nStatus: 5.1.1\n", Report{"5.1.1", "a@b"}},
		"no code":           {perMessage + "Final-Recipient: rfc822;a@b\nAction: failed\nStatus: 550\n", Report{"", "a@b"}},
		"no class":          {perMessage + "Final-Recipient: rfc822;a@b\nAction: failed\nStatus: 9.1.1\n", Report{"", "a@b"}},
		"four numbers":      {perMessage + "Final-Recipient: rfc822;a@b\nAction: failed\nStatus: 5.1.1.1\n", Report{"", "a@b"}},
		"long code":         {perMessage + "Final-Recipient: rfc822;a@b\nAction: failed\nStatus: 5.1111.1\n", Report{"", "a@b"}},
		"no number":         {perMessage + "Final-Recipient: rfc822;a@b\nAction: failed\nStatus: 5..1\n", Report{"", "a@b"}},
		"no empty line":     {"Reporting-MTA: x\nFinal-Recipient: rfc822;a@b\nAction: failed\nStatus: 5.1.1\n", Report{"5.1.1", "a@b"}},
		"many empty lines":  {"\n\n" + perMessage + "\n \t\n\nFinal-Recipient: rfc822;a@b\nAction: failed\nStatus: 5.1.1\n", Report{"5.1.1", "a@b"}},
		"only white space":  {"Final-Recipient: rfc822; x@y\nAction: delayed\n \t\nFinal-Recipient: rfc822;a@b\nAction: failed\n", Report{"", "a@b"}},
		"a bad line":        {perMessage + "garbage\nFinal-Recipient: rfc822;a@b\nAction: failed\nStatus: 5.1.1\n", Report{"5.1.1", "a@b"}},
		"only the status":   {perMessage + "Status: 5.1.1\n", Report{"5.1.1", ""}},
		"about the message": {perMessage, Report{}},
		"empty":             {"", Report{}},
		"long address":      {perMessage + "Final-Recipient: rfc822;" + strings.Repeat("a", 400) + "@b\n", Report{"", strings.Repeat("a", 320)}},
		"failed beyond":     {strings.Repeat("Action: delayed\n\n", maxRecipients) + "Action: failed\nStatus: 5.0.0\n", Report{}},
		"too long":          {perMessage + "X: " + strings.Repeat("x", maxReport) + "\n\nAction: failed\nStatus: 5.0.0\n", Report{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := parseReport([]byte(tt.in)); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestReportIsDecoded(t *testing.T) {
	m := &Message{Structure: NewStructure(multi("report", single("text/plain"), single("message/delivery-status", sized("base64", 100))))}
	m.SetContent(ReportContent, []byte("QWN0aW9uOiBmYWlsZWQKU3RhdHVzOiA1LjAuMAo="), false)
	if m.Report.Status != "5.0.0" {
		t.Errorf("%+v", m.Report)
	}
}

func FuzzReport(f *testing.F) {
	f.Add([]byte(perMessage + "Final-Recipient: rfc822; <a@b>\r\nAction: failed\r\nStatus: 5.1.1 (x)\r\n"))
	f.Add([]byte("Original-Recipient: x;=?utf-8?q?a=00?=\n\n \nStatus: 5.\n"))
	addCorpus(f) // their bodies are groups of fields, too
	f.Fuzz(func(t *testing.T, raw []byte) {
		checkReport(t, parseReport(raw))
	})
}

// checkReport asserts what holds for every report.
func checkReport(t *testing.T, r Report) {
	t.Helper()
	checkText(t, r.Recipient)
	if len(r.Recipient) > maxAddress || strings.ContainsAny(r.Recipient, "\n") {
		t.Errorf("recipient %q", r.Recipient)
	}
	if r.Status != "" && (len(r.Status) < 5 || len(r.Status) > 9 || strings.Count(r.Status, ".") != 2) {
		t.Errorf("status %q", r.Status)
	}
}
