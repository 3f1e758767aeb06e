package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
)

// report is what is printed.
type report struct {
	shape    shape
	runs     int
	store    string
	versions versions
	results  []result
	targets  []verdict
}

func heads() []string {
	return []string{"rules", "contender", "wall", "CPU", "peak RSS", "times the limit", "imapfilter takes"}
}

// rows are the cells of the table.
func (r report) rows() [][]string {
	var out [][]string
	for _, res := range r.results {
		out = append(out, []string{
			fmt.Sprint(res.rules), res.contender.title, seconds(res.wall()), seconds(res.cpu()),
			fmt.Sprintf("%.0f MB", float64(res.rss())/megabyte), r.ofLimit(res), r.ofImapfilter(res),
		})
	}
	return out
}

// ofLimit is how many times the limit's time it took: what has nothing to do is
// compared with the bare FETCH.
func (r report) ofLimit(res result) string {
	base := fetchName
	switch {
	case res.contender.acts:
		base = limitName
	case res.contender.inside:
		base = bareName
	}
	l, ok := of(r.results, res.rules)[base]
	if !ok || res.contender.name == base {
		return ""
	}
	return fmt.Sprintf("%.2f", ratio(res, l))
}

// ofImapfilter is how many times its time imapfilter took, in the better way:
// beside the limit, that is the most which any client could gain.
func (r report) ofImapfilter(res result) string {
	other, ok := better(of(r.results, res.rules))
	if !ok || res.contender.name != imapilotName && res.contender.name != limitName {
		return ""
	}
	return fmt.Sprintf("%.1f times as long", ratio(other, res))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// about says what was measured, and on what.
func (r report) about() string {
	return fmt.Sprintf("%d messages of %d octets in %s, medians of %d runs (imapfilter: %d), and of the ratios in each; %s",
		r.shape.messages, len(r.shape.message(1)), r.store, r.runs, (r.runs+slowEvery-1)/slowEvery, r.versions)
}

func (r report) text(w io.Writer) error {
	fmt.Fprintf(w, "\n%s\n\n", r.about())
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{heads()}, r.rows()...) {
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, v := range r.targets {
		fmt.Fprintln(w, v)
	}
	return nil
}

func (v verdict) String() string {
	word := "FAIL"
	if v.met {
		word = "PASS"
	}
	return fmt.Sprintf("%s  %s: %.2f, the target is %g", word, v.what, v.got, v.want)
}

func (r report) missed() bool {
	for _, v := range r.targets {
		if !v.met {
			return true
		}
	}
	return false
}

// markdown is the table for the README.
func (r report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s.\n\n", r.about())
	row := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	row(heads())
	row([]string{"--:", ":--", "--:", "--:", "--:", "--:", "--:"})
	for _, cells := range r.rows() {
		row(cells)
	}
	return b.String()
}

func (r report) writeMarkdown(path string) error {
	return os.WriteFile(path, []byte(r.markdown()), 0o644)
}
