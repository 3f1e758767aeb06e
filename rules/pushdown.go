package rules

import (
	"math"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
)

// maxKeyText is the most octets of a text that is searched for.
const maxKeyText = 100

// keyOfLeaf reads the search keys of a leaf from its lowered expression.
func keyOfLeaf(n ast.Node) keyPair {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		if flag := flagOfFact(n.Value); flag != "" {
			return exactKey(searchKey{op: keyFlag, name: flag})
		}
	case *ast.BinaryNode:
		return keyOfBinary(n)
	case *ast.BuiltinNode:
		return keyOfAny(n)
	}
	return unknownKey()
}

// flagOfFact is the flag of a fact like seen.
func flagOfFact(name string) string {
	switch name {
	case "seen", "flagged", "answered", "draft", "deleted":
		return `\` + strings.ToUpper(name[:1]) + name[1:]
	default:
		return ""
	}
}

func keyOfBinary(n *ast.BinaryNode) keyPair {
	switch n.Operator {
	case "or", "||":
		return keyOfLeaf(n.Left).or(keyOfLeaf(n.Right))
	case "and", "&&":
		return keyOfLeaf(n.Left).and(keyOfLeaf(n.Right))
	case "in":
		return keyOfIn(n)
	case "<", "<=", ">", ">=", "==":
		if id, ok := n.Left.(*ast.IdentifierNode); ok {
			return keyOfComparison(id.Value, n.Operator, n.Right)
		}
		if id, ok := n.Right.(*ast.IdentifierNode); ok {
			return keyOfComparison(id.Value, mirrored(n.Operator), n.Left)
		}
	case "contains", "startsWith", "endsWith":
		if id, ok := n.Left.(*ast.IdentifierNode); ok {
			return keyOfText(id.Value, n.Right)
		}
	}
	return unknownKey()
}

func mirrored(op string) string {
	switch op {
	case "<", "<=":
		return ">" + op[1:]
	case ">", ">=":
		return "<" + op[1:]
	default:
		return op
	}
}

func keyOfComparison(fact, op string, value ast.Node) keyPair {
	switch fact {
	case "size":
		if n, ok := numberOf(value); ok {
			return keyOfSize(op, n)
		}
	case "received":
		if c, ok := value.(*ast.ConstantNode); ok {
			if at, ok := c.Value.(time.Time); ok && at.Year() > 1900 && at.Year() < 9000 {
				return keyOfTime(op, searchKey{at: at})
			}
		}
	case "age":
		if d, ok := durationOf(value); ok && d >= 0 && d < 100*365*24*time.Hour {
			return keyOfTime(mirrored(op), searchKey{relative: true, ago: d})
		}
	default:
		if op == "==" {
			return keyOfText(fact, value)
		}
	}
	return unknownKey()
}

func keyOfSize(op string, n float64) keyPair {
	switch op {
	case "<":
		return smallerKey(n)
	case "<=":
		return smallerKey(math.Floor(n) + 1)
	case ">":
		return largerKey(math.Floor(n))
	case ">=":
		return largerKey(math.Ceil(n) - 1)
	default:
		return largerKey(math.Ceil(n) - 1).and(smallerKey(math.Floor(n) + 1))
	}
}

func keyOfTime(op string, k searchKey) keyPair {
	switch op {
	case "<", "<=":
		return earlierKey(k)
	case ">", ">=":
		return laterKey(k)
	default:
		return overKey(earlierKey(k).over.and(laterKey(k).over))
	}
}

// numberOf is the value of a number that is written out.
func numberOf(n ast.Node) (float64, bool) {
	switch n := n.(type) {
	case *ast.IntegerNode:
		return float64(n.Value), true
	case *ast.FloatNode:
		return n.Value, true
	case *ast.CallNode:
		unit := map[string]float64{"kb": 1 << 10, "mb": 1 << 20}[calleeName(n)]
		if v, ok := argumentOf(n); ok && unit != 0 {
			return math.Trunc(v * unit), true
		}
	}
	return 0, false
}

func durationOf(n ast.Node) (time.Duration, bool) {
	call, ok := n.(*ast.CallNode)
	if !ok {
		return 0, false
	}
	unit := map[string]time.Duration{"minutes": time.Minute, "hours": time.Hour, "days": 24 * time.Hour, "weeks": 7 * 24 * time.Hour}[calleeName(call)]
	v, ok := argumentOf(call)
	if !ok || unit == 0 || math.Abs(v*float64(unit)) > math.MaxInt64/2 {
		return 0, false
	}
	return time.Duration(v * float64(unit)), true
}

func argumentOf(n *ast.CallNode) (float64, bool) {
	if len(n.Arguments) != 1 {
		return 0, false
	}
	return numberOf(n.Arguments[0])
}

// keyOfIn is the key of: "$Invoice" in flags, and of: from.address in [...].
func keyOfIn(n *ast.BinaryNode) keyPair {
	if id, ok := n.Right.(*ast.IdentifierNode); ok && id.Value == "flags~" {
		if s, ok := n.Left.(*ast.StringNode); ok {
			return keyOfFlag(s.Value)
		}
		return unknownKey()
	}
	id, isFact := n.Left.(*ast.IdentifierNode)
	if !isFact {
		return unknownKey()
	}
	var texts []string
	switch list := n.Right.(type) {
	case *ast.ArrayNode:
		for _, e := range list.Nodes {
			s, ok := e.(*ast.StringNode)
			if !ok {
				return unknownKey()
			}
			texts = append(texts, s.Value)
		}
	case *ast.ConstantNode:
		set, ok := list.Value.(map[string]struct{})
		if !ok {
			return unknownKey()
		}
		texts = sortedKeys(set)
	default:
		return unknownKey()
	}
	if len(texts) > maxKeyParts {
		return unknownKey()
	}
	out := keyPair{over: searchKey{op: keyNone}, under: searchKey{op: keyNone}}
	for _, text := range texts {
		out = out.or(keyOfText(id.Value, &ast.StringNode{Value: text}))
	}
	return out
}

// keyOfFlag asks for a flag. The name is folded; flags compare without case
// (RFC 9051 section 2.3.2).
func keyOfFlag(name string) keyPair {
	flag, message, _ := literalFlag(name, false)
	if flag == "" || message != "" && strings.HasPrefix(name, `\`) {
		return unknownKey()
	}
	return exactKey(searchKey{op: keyFlag, name: string(flag)})
}

// keyOfAny is the key of: any(to, .address == "a@example.org").
func keyOfAny(n *ast.BuiltinNode) keyPair {
	if n.Name != "any" || len(n.Arguments) != 2 {
		return unknownKey()
	}
	list, isFact := n.Arguments[0].(*ast.IdentifierNode)
	body, isLoop := n.Arguments[1].(*ast.PredicateNode)
	if !isFact || !isLoop || list.Value != "to" && list.Value != "cc" {
		return unknownKey()
	}
	b, ok := body.Node.(*ast.BinaryNode)
	if !ok || b.Operator != "==" && b.Operator != "contains" && b.Operator != "startsWith" && b.Operator != "endsWith" {
		return unknownKey()
	}
	member, ok := b.Left.(*ast.MemberNode)
	if !ok {
		return unknownKey()
	}
	part, _ := member.Property.(*ast.StringNode)
	if _, ofElement := member.Node.(*ast.PointerNode); !ofElement || part == nil {
		return unknownKey()
	}
	return keyOfText(list.Value+"."+part.Value, b.Right)
}

// keyOfText asks for a text in an address field. It asks for each word of it,
// because servers and we may differ in how we undo folds and take out comments,
// and only for words of ASCII letters and digits, which no encoding changes. The
// subject is never asked for: where its encoded words are malformed, or of a
// charset that a server does not know, we see something else. Of one entry with
// two addresses in brackets we read the last and servers the first; that such
// a message is left out is known and accepted.
func keyOfText(fact string, value ast.Node) keyPair {
	field := fieldOfFact(fact)
	s, ok := value.(*ast.StringNode)
	if field == "" || !ok || len(s.Value) > maxKeyText {
		return unknownKey()
	}
	words := make([]searchKey, 0, 3) // as many as most addresses have
	for word := range strings.FieldsFuncSeq(s.Value, func(r rune) bool { return !keyRune(r) }) {
		if len(word) > 1 {
			words = append(words, searchKey{op: keyText, name: field, text: word})
		}
	}
	return overKey(allOf(words))
}

// fieldOfFact is the address field of a fact, as SEARCH names it.
func fieldOfFact(name string) string {
	switch name {
	case "from.address~", "from.domain~", "from.local~":
		return "FROM"
	case "to.address~", "to.domain~", "to.local~":
		return "TO"
	case "cc.address~", "cc.domain~", "cc.local~":
		return "CC"
	default:
		return ""
	}
}

// keyRune is what texts that are searched for are made of. "k" and "s" have
// relatives outside ASCII that we fold onto them and servers may not, so a
// word ends there.
func keyRune(r rune) bool {
	return 'a' <= r && r <= 'z' && r != 'k' && r != 's' || '0' <= r && r <= '9'
}

func sortedKeys(set map[string]struct{}) []string {
	out := make([]string, 0, len(set))
	for k := range set {
		out = append(out, k)
	}
	return sortedSet(out)
}
