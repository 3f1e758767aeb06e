package rules

import (
	"fmt"
	"strings"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/optimizer"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"
)

// program is one compiled expression and the facts that must be there before
// it runs.
type program struct {
	code  *vm.Program
	facts []int // indexes into the rule set's facts
	text  string
	key   keyPair // of a leaf
	// nested is set where it has a loop inside a loop.
	nested bool
}

// fact is one name of the environment that programs run in.
type fact struct {
	name  string
	needs Needs
	first bool // only the first of the header fields is read
	value func(*snapshot) any
}

// headersPrefix begins the name of the fact that headers("X") reads.
const headersPrefix = "headers."

// newFact describes the fact of that name: a field, header.X, or one of them folded.
func (lang *language) newFact(name string) fact {
	plain, isFolded := strings.CutSuffix(name, "~")
	f := fact{name: name}
	if field, ok := strings.CutPrefix(plain, "header."); ok {
		f.needs, f.first = fromHeader(field), true
		f.value = func(s *snapshot) any { return s.header.First(field) }
	} else if field, ok := strings.CutPrefix(plain, headersPrefix); ok {
		f.needs = fromHeader(field)
		f.value = func(s *snapshot) any { return s.header.Values(field) }
	} else {
		f.needs, f.first, f.value = lang.fields[plain].needs, lang.fields[plain].first, lang.fields[plain].value
	}
	if isFolded {
		f.value = foldedValue(f.value)
	}
	return f
}

func foldedValue(value func(*snapshot) any) func(*snapshot) any {
	return func(s *snapshot) any {
		switch v := value(s).(type) {
		case string:
			return fold(v)
		case []string:
			return foldAll(v)
		default:
			return v
		}
	}
}

// natureOf is the type that expr knows a fact by.
func (lang *language) natureOf(name string) types.Type {
	plain := strings.TrimSuffix(name, "~")
	field, ok := lang.fields[plain]
	if !ok {
		if strings.HasPrefix(plain, headersPrefix) {
			return types.TypeOf([]string{})
		}
		return types.String // header.X
	}
	switch field.typ.kind {
	case boolKind:
		return types.Bool
	case numberKind:
		return types.Int
	case timeKind:
		return types.TypeOf(time.Time{})
	case durationKind:
		return types.TypeOf(time.Duration(0))
	case listKind:
		switch field.typ.elem {
		case addressKind:
			return types.TypeOf([]map[string]string{})
		case attachmentKind:
			return types.Array(types.Map{"name": types.String, "name~": types.String, "type": types.String, "type~": types.String, "size": types.Int, "inline": types.Bool})
		}
		return types.TypeOf([]string{})
	default:
		return types.String
	}
}

// programConfig is expr's configuration for lowered expressions.
func (lang *language) programConfig(facts []fact) *conf.Config {
	cfg := conf.CreateNew()
	cfg.MaxNodes = 0 // the lowering counts
	env := types.Map{}
	for _, f := range facts {
		env[f.name] = lang.natureOf(f.name)
	}
	cfg.WithEnv(env)
	for _, f := range lang.functions {
		lang.register(cfg, f)
	}
	expr.Function("fold~", func(args ...any) (any, error) { return fold(args[0].(string)), nil }, new(func(string) string))(cfg)
	expr.Function("foldall~", foldList, new(func([]any) []string), new(func([]string) []string))(cfg)
	expr.Function("times~", times, new(func(int, int) int))(cfg)
	expr.Function("concat~", concat, new(func(string, string) string))(cfg)
	return cfg
}

func (lang *language) register(cfg *conf.Config, f Function) {
	if f.call == nil {
		return
	}
	signatures, ok := f.types.([]any)
	if !ok {
		signatures = []any{f.types}
	}
	expr.Function(f.Name, func(args ...any) (any, error) { return f.call(lang.clock, args) }, signatures...)(cfg)
}

func foldList(args ...any) (any, error) {
	switch list := args[0].(type) {
	case []string:
		return foldAll(list), nil
	case []any:
		out := make([]string, len(list))
		for i, s := range list {
			out[i], _ = s.(string)
			out[i] = fold(out[i])
		}
		return out, nil
	default:
		return nil, fmt.Errorf("a list of texts was expected")
	}
}

func concat(args ...any) (any, error) {
	a, b := args[0].(string), args[1].(string)
	if len(a)+len(b) > maxText {
		return nil, errTextTooLong
	}
	return a + b, nil
}

// compileNode compiles a lowered expression.
func compileNode(p pendingProgram, cfg *conf.Config) (*vm.Program, error) {
	cfg.Expect, cfg.ExpectAny = p.want, true
	tree := &parser.Tree{Node: p.node, Source: file.NewSource(p.program.text)}
	if _, err := checker.Check(tree, cfg); err != nil {
		return nil, err
	}
	if err := optimizer.Optimize(&tree.Node, cfg); err != nil {
		return nil, err
	}
	return compiler.Compile(tree, cfg)
}
