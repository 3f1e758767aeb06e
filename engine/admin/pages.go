package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode"
)

// Pages are what there is to read. None of them may wait for the daemon's work but
// Status.
type Pages struct {
	// Healthy returns what is wrong with the process, nothing when it works.
	Healthy func() []string
	// Ready returns why not all is alive, nothing when it is: a line for people each,
	// and what is shown as JSON.
	Ready func() (lines []string, document any)
	// Metrics is the page of Prometheus.
	Metrics http.Handler
	// Status is what is shown as JSON of the whole daemon.
	Status func(context.Context) (any, error)
}

func (p Pages) handler() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { verdict(w, p.Healthy()) })
	m.HandleFunc("/readyz", p.ready)
	m.Handle("/metrics", p.Metrics)
	m.HandleFunc("/status", p.status)
	return m
}

func (p Pages) ready(w http.ResponseWriter, r *http.Request) {
	lines, document := p.Ready()
	if !strings.Contains(r.Header.Get("Accept"), "application/json") {
		verdict(w, lines)
		return
	}
	code := http.StatusOK
	if len(lines) > 0 {
		code = http.StatusServiceUnavailable
	}
	writeJSON(w, code, document)
}

// verdict says "ok", or 503 with a line for each thing that is wrong.
func verdict(w http.ResponseWriter, wrong []string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if len(wrong) == 0 {
		fmt.Fprintln(w, "ok")
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	for _, line := range wrong {
		fmt.Fprintln(w, printable(line))
	}
}

// printable replaces what could move a cursor: names and errors are from servers.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

func (p Pages) status(w http.ResponseWriter, r *http.Request) {
	document, err := p.Status(r.Context())
	if err != nil {
		verdict(w, []string{err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, document)
}

func writeJSON(w http.ResponseWriter, code int, document any) {
	text, err := json.Marshal(document)
	if err != nil {
		verdict(w, []string{err.Error()})
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	// A client that went away does not want the answer.
	_, _ = w.Write(append(text, '\n'))
}
