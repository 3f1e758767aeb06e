package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// question is a comparison of a fact with a text that is written out.
type question struct {
	fact, operator, text string
}

// so is what follows where the fact can never be that text.
func (q question) so() string {
	switch q.operator {
	case "!=":
		return ", so this is always true"
	case "in":
		return ", so this is never found"
	default:
		return ", so this is never true"
	}
}

// isPart reports whether only a part of the fact must be that text.
func (q question) isPart() bool {
	return q.operator == "contains" || q.operator == "startsWith" || q.operator == "endsWith"
}

// doubt says what is wrong with a question that has the same answer for every
// message, "" if nothing is. Such a question is a mix-up that nobody would see.
type doubt func(q question) (message, hint string)

// doubts gives those of all facts and functions, by their names: a dot is in
// front of a field of an element, parentheses are behind a function.
func doubts(accounts []string) map[string]doubt {
	out := map[string]doubt{
		"auth.domains": doubtDomain, "list.id": doubtListID, "flags": doubtFlag, "bounce.status": doubtStatus, "unsubscribe.mailto": doubtMailto,
		"priority":  oneOf("%q is no priority", "high", "normal", "low"),
		"weekday()": oneOf("%q is no day of the week", weekdays()...),
	}
	for _, of := range []string{"from.", "sender.", "."} {
		out[of+"domain"], out[of+"ascii"], out[of+"address"] = doubtDomain, doubtDomain, doubtAddress
	}
	for _, method := range []string{"spf", "dkim", "dmarc"} {
		out["auth."+method] = doubtResult
	}
	if len(accounts) > 0 {
		out["account"] = oneOf("there is no account %q", accounts...)
	}
	return out
}

// checkPossible finds what a fact can never be, and what it always is, among
// the literals that it is compared with.
func (c *typeChecker) checkPossible(operator string, fact, value ast.Node) {
	name := c.factName(fact)
	if name == "" {
		return
	}
	for _, v := range literals(value) {
		if s, ok := v.(*ast.StringNode); ok {
			c.checkText(v, question{name, operator, s.Value})
		} else if n, ok := signedNumber(v); ok {
			c.checkNumber(v, name, operator, n)
		}
	}
}

// checkText warns; only a day that no calendar has was always an error.
func (c *typeChecker) checkText(n ast.Node, q question) {
	ask, ok := c.lang.doubts[q.fact]
	if !ok || strings.ContainsAny(q.operator, "<>") {
		return
	}
	message, hint := ask(q)
	switch {
	case message == "":
	case q.fact == "weekday()":
		c.report(n, message, hint)
	default:
		c.warn(n, message, hint)
	}
}

// factName is the name of a fact or function as doubts has it, "" for what is
// neither.
func (c *typeChecker) factName(n ast.Node) string {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		if d, ok := c.lang.defines[n.Value]; ok {
			return c.factName(d.node)
		}
		return n.Value
	case *ast.MemberNode:
		name, _ := n.Property.(*ast.StringNode)
		if base, ok := n.Node.(*ast.IdentifierNode); ok && name != nil {
			return base.Value + "." + name.Value
		}
		if name != nil {
			return "." + name.Value
		}
	case *ast.CallNode:
		return calleeName(n) + "()"
	case *ast.BuiltinNode:
		return n.Name + "()"
	}
	return ""
}

// literals are the elements of a list that is written out, or the node itself.
func literals(n ast.Node) []ast.Node {
	if list, ok := n.(*ast.ArrayNode); ok {
		return list.Nodes
	}
	return []ast.Node{n}
}

// oneOf is the doubt of a fact that has only these values.
func oneOf(message string, values ...string) doubt {
	return func(q question) (string, string) {
		if slices.ContainsFunc(values, q.allows) {
			return "", ""
		}
		return fmt.Sprintf(message, q.text) + q.so(), cmpOr(didYouMean(q.text, values), q.fact+" is one of "+quotedAll(values))
	}
}

// allows reports whether the answer would be yes for that value of the fact.
func (q question) allows(value string) bool {
	value, text := fold(value), fold(q.text)
	switch q.operator {
	case "contains":
		return strings.Contains(value, text)
	case "startsWith":
		return strings.HasPrefix(value, text)
	case "endsWith":
		return strings.HasSuffix(value, text)
	default:
		return value == text
	}
}

// quotedAll lists texts as an expression has them.
func quotedAll(values []string) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = quoted(v)
	}
	return strings.Join(out, ", ")
}

func doubtDomain(q question) (message, hint string) {
	at := strings.LastIndexByte(q.text, '@')
	if at < 0 {
		return "", ""
	}
	of, _, _ := strings.Cut(q.fact, ".")
	switch {
	case of != "auth" && (at > 0 || q.isPart()):
		hint = "did you mean " + of + ".address?"
	case at+1 < len(q.text):
		hint = fmt.Sprintf("write %q", q.text[at+1:])
	}
	return `a domain has no "@"` + q.so(), hint
}

// doubtAddress speaks of what looks like a domain and of nothing else: the
// address of MAILER-DAEMON has no "@" either.
func doubtAddress(q question) (message, hint string) {
	domain, isDomain := strings.CutPrefix(q.text, "@")
	isDomain = isDomain || strings.ContainsRune(q.text, '.') && !strings.ContainsAny(q.text, "@ ")
	if !isDomain || q.isPart() {
		return "", ""
	}
	of, _, _ := strings.Cut(q.fact, ".")
	return fmt.Sprintf("%q is a domain, not an address", q.text), fmt.Sprintf("did you mean %s.domain, which is %q?", of, domain)
}

// doubtResult knows the results of RFC 8601 section 2.7, and the one that
// Exchange adds. A server could invent others, so nothing is said of never.
func doubtResult(q question) (message, hint string) {
	results := []string{"pass", "fail", "softfail", "neutral", "none", "policy", "temperror", "permerror"}
	if slices.ContainsFunc(append(results, "bestguesspass"), q.allows) {
		return "", ""
	}
	return fmt.Sprintf("%q is no result that %s is known to have", q.text, q.fact), cmpOr(didYouMean(q.text, results), "the results are "+quotedAll(results))
}

// doubtStatus knows the form of RFC 3463 section 2.
func doubtStatus(q question) (message, hint string) {
	form := `^([245]\.[0-9]{1,3}\.[0-9]{1,3})?$`
	switch q.operator {
	case "contains", "endsWith":
		return "", ""
	case "startsWith":
		form = `^([245](\.([0-9]{1,3}(\.[0-9]{0,3})?)?)?)?$`
	}
	if regexp.MustCompile(form).MatchString(q.text) {
		return "", ""
	}
	start := "5."
	if m := regexp.MustCompile(`^([245](\.[0-9]{1,3})?)(\.|$)`).FindStringSubmatch(q.text); m != nil {
		start = m[1] + "."
	}
	return `a status is three numbers, as in "5.1.1"` + q.so(), fmt.Sprintf("write bounce.status startsWith %q", start)
}

func doubtListID(q question) (message, hint string) {
	_, inner, _ := strings.Cut(q.text, "<")
	inner, _, _ = strings.Cut(cmpOr(inner, q.text), ">")
	if !strings.ContainsAny(q.text, "<>") {
		return "", ""
	}
	return "list.id is without angle brackets" + q.so(), fmt.Sprintf("write %q", inner)
}

func doubtMailto(q question) (message, hint string) {
	const scheme = "mailto:"
	text := fold(q.text)
	isStart := text == "" || strings.HasPrefix(text, scheme) || q.operator == "startsWith" && strings.HasPrefix(scheme, text)
	if isStart || q.operator == "contains" || q.operator == "endsWith" {
		return "", ""
	}
	return "unsubscribe.mailto begins with " + scheme + q.so(), fmt.Sprintf("write %q", scheme+q.text)
}

// doubtFlag asks what would be asked of a flag that is added: a system flag
// without its backslash is a keyword that nobody means.
func doubtFlag(q question) (message, hint string) {
	_, message, hint = literalFlag(q.text, false)
	if name := strings.ToLower(q.text); slices.Contains([]string{"seen", "answered", "flagged", "draft", "deleted"}, name) {
		return message, fmt.Sprintf("did you mean the field %s, or %q?", name, `\`+q.text)
	}
	return message, strings.ReplaceAll(hint, `\`, `\\`)
}
