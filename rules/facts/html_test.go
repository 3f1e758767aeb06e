package facts

import (
	"strings"
	"testing"
	"time"
)

func TestHTMLText(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"text":                   {"a b", "a b"},
		"white space":            {" a \n\t b  <b> c</b>d ", "a b cd"},
		"within a word":          {"in<b>voi</b>ce", "invoice"},
		"entities":               {"&lt;b&gt; &amp; &uuml;&#8364;&#x20ac; &nosuch;", "<b> & ü€€ &nosuch;"},
		"no-break space":         {"a&nbsp;&nbsp;b\u00a0c", "a b c"},
		"break":                  {"a<br>b<BR/>c<br><br><br>d", "a\nb\nc\n\nd"},
		"blocks":                 {"<div>a</div><div>b<div>c</div></div>d", "a\nb\nc\nd"},
		"paragraphs":             {"<p>a<p>b</p>c", "a\n\nb\n\nc"},
		"a block in a paragraph": {"<h1>a</h1><div>b</div>", "a\n\nb"},
		"list":                   {"<ul><li>a<li>b</ul>c", "a\nb\n\nc"},
		"table":                  {"<table><tr><td>a<td>b</td></tr><tr><td>c</table>", "a b\nc"},
		"pre":                    {"<pre>a\nb\n\nc</pre>d\ne", "a\nb\n\nc\n\nd e"},
		"link":                   {`<a href="https://x">text</a>`, "text"},
		"script":                 {"a<script>if (a<b) x('</p>')</script>b", "ab"},
		"style":                  {"<style>p > a {}</style>a", "a"},
		"title":                  {"<head><title>t</title></head><body>a</body>", "a"},
		"head without end":       {"<head><meta charset=utf-8><style>x</style><p>a", "a"},
		"template":               {"a<template><p>x<template>y</template>z</template>b", "ab"},
		"empty script":           {"<script></script>a<style/>", "a"},
		"noscript":               {"<noscript><p>a</p></noscript>", "a"},
		"comment":                {"a<!-- x > y -->b<!--[if mso]>x<![endif]-->c<![if !mso]>d<![endif]>", "abcd"},
		"never closed":           {"a<!-- x", "a"},
		"a tag never closed":     {"a<b", "a"},
		"less than":              {"a < b <3", "a < b <3"},
		"no end tag":             {"</p></div></pre></nothing>a", "a"},
		"invisible characters":   {"in\u00advo&shy;i\u200bce&#847;", "invoice"},
		"NUL by entity":          {"a&#0;b", "a\uFFFDb"},
		"preview text":           {`<div style="display:none;max-height:0">x<b>y</b></div>a`, "a"},
		"preview, spaced":        {`<span style="COLOR:red; Display : None">x</span>a`, "a"},
		"hidden attribute":       {"<p hidden>x</p>a<p hidden>y<p>b", "a\n\nb"},
		"invisible":              {`<i style='visibility: hidden'>x</i>a`, "a"},
		"hidden, nested":         {`<div hidden><div>x</div><br><img hidden>y</div>a`, "a"},
		"hidden, misnested":      {`<div hidden><b>x</div>y</b>a`, "ya"},
		"hidden, stray end":      {`<div hidden>x</b>y</div>a`, "a"},
		"hidden, end left out":   {`<table><tr><td hidden>x<td>a</table>b`, "a\nb"},
		"hidden cell and table":  {`<table><tr><td hidden><table><tr><td>x<td>y</table>z</td><td>a</table>`, "a"},
		"hidden row":             {`<table><tr hidden><td>x<tr><td>a</table>`, "a"},
		"hidden item":            {`<ul><li hidden>x<ul><li>y</ul>z<li>a</ul>`, "a"},
		"hidden, parent ends":    {`<div><span hidden>x</div>a`, "a"},
		"hidden breaks":          {"<div hidden>" + strings.Repeat("<br>", maxHidden) + "x</div>a", "a"},
		"hidden void":            {`<img style="display:none"><input hidden>a`, "a"},
		"not hidden":             {`<p style="display:block" class="hidden">a</p>`, "a"},
		"empty":                  {"", ""},
		"only tags":              {"<p><br><div></div>", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := htmlText(tt.in); got != tt.want {
				t.Errorf("%q:\n got %q\nwant %q", tt.in, got, tt.want)
			}
		})
	}
}

// Hostile shapes whose cost would grow with the square of their size, or whose
// nesting would end a parser that builds a tree.
func TestHostileHTMLIsCheap(t *testing.T) {
	n := 1 << 18
	for name, in := range map[string]string{
		"deep":                  strings.Repeat("<div>", n),
		"deep and hidden":       "<div hidden>" + strings.Repeat("<b>", n) + strings.Repeat("</i>", n),
		"hidden, closed":        strings.Repeat("<div hidden>", n/10) + strings.Repeat("</div>", n/10),
		"hidden, many":          strings.Repeat("<p hidden>x", n/10),
		"hidden, other names":   "<div hidden>" + strings.Repeat("<b><i>", n/2) + strings.Repeat("</b>", n),
		"end tags":              strings.Repeat("</p>", n),
		"open tags":             strings.Repeat("<", 4*n),
		"open comments":         strings.Repeat("<!-", n),
		"entities":              strings.Repeat("&amp", n),
		"ampersands":            strings.Repeat("&", 4*n),
		"attributes":            "<p " + strings.Repeat("a=b ", n) + ">",
		"styles":                strings.Repeat("<p style='"+strings.Repeat(" ", 5000)+"'>", n/5000),
		"breaks":                strings.Repeat("<br>", n),
		"white space":           strings.Repeat(" \n", n),
		"scripts that end not":  strings.Repeat("<script>", n/2),
		"tables in tables":      strings.Repeat("<table><tr><td hidden>", n/8),
		"an attribute that is ": "<p style='" + strings.Repeat("x", 4*n),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			htmlText(in)
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// A hidden element that is never closed hides no more than a limit of it.
func TestHiddenElementIsNotFollowedForEver(t *testing.T) {
	got := htmlText("<div hidden>" + strings.Repeat("<b>", maxHidden) + "shown")
	if got != "shown" {
		t.Errorf("%q", got)
	}
}

func FuzzHTML(f *testing.F) {
	f.Add("<p style='display:none'>x<table><tr><td hidden>&nbsp;&#0;<pre>\n\r\n</pre><script>a</script>")
	f.Add("<!--<div><noscript><template></title><plaintext>a\x00\xff")
	addValues(f, func(m *Message) []string { return []string{m.HTML.Text} })
	f.Fuzz(func(t *testing.T, in string) {
		in = cleanText(in)
		got := htmlText(in)
		checkText(t, got)
		if len(got) > 4*len(in) || strings.Contains(got, "\n\n\n") || strings.TrimSpace(got) != got {
			t.Errorf("%q reads %q", in, got)
		}
	})
}
