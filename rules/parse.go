package rules

import (
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
)

// The limits of one expression. They are checked before the parser sees it,
// which recurses without a limit of its own.
const (
	maxSource = 8 << 10 // octets
	maxDepth  = 64      // open brackets
	maxNodes  = 10_000  // after the defines are filled in
)

// issue is a problem inside one expression; offset and length are in runes of it.
type issue struct {
	offset, length int
	severity       Severity
	message, hint  string
}

// expression is one parsed expression.
type expression struct {
	text string
	node ast.Node // nil when it cannot be parsed
	typ  typ
}

// parserConfig makes the parser take every name that is not one of expr's own
// list functions for a call, so that the checker can speak about it.
func parserConfig() *conf.Config {
	cfg := conf.CreateNew()
	cfg.MaxNodes = maxNodes
	own := map[string]bool{}
	for _, f := range Functions() {
		own[f.Name] = f.lazy || f.types == nil && f.call == nil
	}
	for name := range builtin.Index {
		if !own[name] || name == "date" {
			cfg.Disabled[name] = true
		}
	}
	return cfg
}

// parse reads an expression.
func parse(text string, cfg *conf.Config) (expression, []issue) {
	e := expression{text: text}
	if len(text) > maxSource {
		return e, []issue{{message: fmt.Sprintf("the expression has %d octets, more than the %d that one may have", len(text), maxSource), hint: "split it with define, or use a list"}}
	}
	if strings.TrimSpace(text) == "" {
		return e, []issue{{message: "the expression is empty", hint: "write true for always"}}
	}
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return e, []issue{{message: "the expression is not valid UTF-8 text"}}
	}
	if at, deep := tooDeep(text); deep {
		return e, []issue{{offset: at, length: 1, message: fmt.Sprintf("brackets are nested more than %d deep", maxDepth)}}
	}
	tree, err := parser.ParseWithConfig(text, cfg)
	if err != nil {
		return e, []issue{parseIssue(text, err)}
	}
	e.node = tree.Node
	return e, nil
}

// tooDeep returns the rune offset of the first bracket that is nested too deep.
func tooDeep(text string) (int, bool) {
	depth := 0
	for at, r := range outsideQuotes(text) {
		switch {
		case strings.ContainsRune("([{", r):
			if depth++; depth > maxDepth {
				return at, true
			}
		case strings.ContainsRune(")]}", r):
			depth--
		}
	}
	return 0, false
}

// outsideQuotes gives what stands in no quotes, and its offsets in runes.
func outsideQuotes(text string) iter.Seq2[int, rune] {
	return func(yield func(int, rune) bool) {
		at := -1
		var quote rune
		escaped := false
		for _, r := range text {
			at++
			switch {
			case escaped:
				escaped = false
			case quote != 0 && r == '\\' && quote != '`':
				escaped = true
			case quote != 0:
				if r == quote {
					quote = 0
				}
			case r == '"' || r == '\'' || r == '`':
				quote = r
			case !yield(at, r):
				return
			}
		}
	}
}

// coalesceAt returns the rune offset of the first "??".
func coalesceAt(text string) int {
	last := -2
	for at, r := range outsideQuotes(text) {
		switch {
		case r == '?' && last == at-1:
			return last
		case r == '?':
			last = at
		}
	}
	return 0
}

// parseIssue says in a user's words what the parser found.
func parseIssue(text string, err error) issue {
	var e *file.Error
	if !errors.As(err, &e) {
		return issue{message: "this cannot be read as an expression"}
	}
	i := issueAt(text, e.Location)
	if m := regexp.MustCompile(`^\s*if[\s(:]`).FindString(text); m != "" {
		from := utf8.RuneCountInString(m) - len("if:")
		return issue{offset: from, length: len("if"), message: `"if" is not part of the language`, hint: "leave it out: the condition stands alone"}
	}
	i.message, i.hint = translate(e.Message)
	if strings.Contains(e.Message, "coalesce") {
		// The parser speaks of the operator that it cannot be mixed with.
		i.offset, i.length = coalesceAt(text), len("??")
	}
	if i.hint == "" {
		i.hint = hintAt(text, i)
	}
	return i
}

// issueAt puts an issue at a location of expr's, inside the text and at least
// one character long.
func issueAt(text string, at file.Location) issue {
	size := utf8.RuneCountInString(text)
	from := max(0, min(at.From, size-1))
	return issue{offset: from, length: max(1, min(at.To, size)-from)}
}

// translate turns the parser's messages, whose words are those of its code,
// into ours. What it does not know becomes a sentence without details.
func translate(message string) (text, hint string) {
	if m := regexp.MustCompile(`^unexpected token (\w+)(?:\((.*)\))?$`).FindStringSubmatch(message); m != nil {
		return unexpected(m[1], strings.Trim(m[2], `"`))
	}
	if m := regexp.MustCompile(`^unrecognized character: \S+ (.*)$`).FindStringSubmatch(message); m != nil {
		if m[1] == "'$'" {
			return `"$" means nothing here`, `quote keywords: "$Invoice" in flags`
		}
		return "the character " + m[1] + " means nothing here", "texts stand in quotes"
	}
	switch {
	case strings.HasPrefix(message, "bad number syntax"):
		return "this is not a number", "write sizes as kb(10) or mb(10), and durations as days(30)"
	case strings.HasPrefix(message, "literal not terminated"):
		return "this text has no closing quote", ""
	case strings.HasPrefix(message, "invalid char escape"):
		return "this text has a backslash that means nothing", `a backslash in quotes is written twice: "\\Seen"`
	case strings.HasPrefix(message, "unexpected end of expression"):
		return "the expression ends too early", ""
	case strings.HasPrefix(message, "expected at least"):
		return "something is missing between the parentheses", "as in any(to, .domain == \"example.org\")"
	case strings.Contains(message, "exceeds maximum allowed nodes"):
		return "the expression is too large", "split it into several rules, or use a list"
	case strings.HasPrefix(message, "a map key"):
		return "braces mean nothing here", "lists stand in square brackets"
	case strings.HasPrefix(message, "expected name"):
		return "a name is missing after the dot", ""
	case strings.Contains(message, "coalesce"):
		return `"??" is not part of the language: no field is ever missing`, `compare with ""`
	case strings.HasPrefix(message, "unclosed comment"):
		return "this comment is never closed", ""
	case strings.Contains(message, "literal"):
		return "this is not a number", ""
	default:
		return "this cannot be read as an expression", ""
	}
}

func unexpected(kind, value string) (text, hint string) {
	switch {
	case kind == "EOF":
		return "the expression ends too early", "a value or a closing parenthesis is missing"
	case value == "=":
		return `"=" means nothing here`, "compare with =="
	case value == "#" || value == ".":
		return fmt.Sprintf("%q can be used only inside any, all, none, one, count, filter and map", value), `as in any(to, .domain == "example.org")`
	case value == ";" || value == "let" || value == "if" || value == "else":
		return fmt.Sprintf("%q is not part of the language", value), "name a part of a condition with define"
	case kind == "String":
		return "a text stands where an operator was expected", "combine conditions with and, or"
	case kind == "Number":
		return "a number stands where an operator was expected", "combine conditions with and, or"
	default:
		return fmt.Sprintf("%q was not expected here", value), ""
	}
}

// hintAt guesses from the word where the parser stopped.
func hintAt(text string, i issue) string {
	written := string([]rune(text)[i.offset:min(i.offset+i.length, utf8.RuneCountInString(text))])
	switch written {
	case "and", "or", "&&", "||":
		return "a condition is missing before it"
	case "in", "contains", "matches", "startsWith", "endsWith":
		return "a value is missing before it"
	}
	switch word := strings.ToLower(written); word {
	case "and", "or", "not", "in", "contains", "matches":
		return "write " + word + " in lower case"
	case "&", "|":
		return "combine conditions with and, or"
	case "equals", "is", "eq":
		return "compare with =="
	case "like":
		return "use glob(text, pattern)"
	case "startswith", "starts", "begins":
		return "use startsWith"
	case "endswith", "ends":
		return "use endsWith"
	case "contain", "includes", "has":
		return "use contains"
	default:
		return ""
	}
}
