package config

import (
	"bytes"
	"encoding/json"
	"maps"

	"imapilot/actions"
)

// schemaDraft is what editors know best.
const schemaDraft = "http://json-schema.org/draft-07/schema#"

// shape is a part of a JSON schema.
type shape map[string]any

// Schema is the JSON schema (draft 7) of a configuration file, for editors: it
// completes keys, explains them, and marks what Load would refuse of their
// form. It knows nothing of expressions and names; for those there is Load.
func Schema() []byte {
	root := shape{"$schema": schemaDraft, "title": "imapilot's configuration", "definitions": definitionShapes()}
	for _, o := range objects() {
		if o.what == "configuration" {
			maps.Copy(root, o.shape())
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		panic(err) // it holds nothing but texts, numbers, lists and maps
	}
	return b.Bytes()
}

func definitionShapes() shape {
	all := shape{
		// A number or a truth value that was meant as text is one.
		"text":  shape{"type": []string{"string", "number", "boolean"}},
		"texts": oneOrMore(defined("text")),
		"action": shape{
			"description": "One word, or one key with its argument.",
			"anyOf":       []shape{words(), withArgument()},
		},
	}
	for _, o := range objects() {
		if o.what != "configuration" {
			all[o.what] = o.shape()
		}
	}
	return all
}

// shape is the schema of a mapping: other keys than its own are errors.
func (o object) shape() shape {
	properties := shape{}
	for _, k := range o.keys {
		properties[k.name] = k.shape()
	}
	out := shape{"type": "object", "description": o.doc, "properties": properties, "additionalProperties": false}
	if len(o.required) > 0 {
		out["required"] = o.required
	}
	if o.one {
		out["minProperties"], out["maxProperties"] = 1, 1
	}
	maps.Copy(out, o.more)
	return out
}

// shape is the schema of a key's value. What stands beside a $ref counts for
// nothing in draft 7, so that one is wrapped.
func (k key) shape() shape {
	if k.value["$ref"] != nil {
		return shape{"description": k.doc, "allOf": []shape{k.value}}
	}
	out := shape{"description": k.doc}
	maps.Copy(out, k.value)
	return out
}

// words are the actions that take no argument.
func words() shape {
	var names []string
	for _, s := range actions.Table() {
		if s.Arg == actions.ArgNone {
			names = append(names, string(s.Kind))
		}
	}
	return enum(names...)
}

// withArgument are the others.
func withArgument() shape {
	o := object{one: true, doc: "An action with its argument."}
	for _, s := range actions.Table() {
		argument := defined("text")
		switch s.Arg {
		case actions.ArgNone:
			continue
		case actions.ArgFlags, actions.ArgLabels:
			argument = defined("texts")
		case actions.ArgMailbox:
			argument = either(defined("text"), defined("place"))
		case actions.ArgEndpoint:
			argument = either(defined("text"), defined("call"))
		case actions.ArgAppend:
			argument = defined("addition")
		case actions.ArgCommand:
			argument = either(defined("texts"), defined("program"))
		case actions.ArgUntil:
			argument = either(span(), defined("snooze"))
		case actions.ArgFolder:
			argument = either(defined("text"), defined("saving"))
		case actions.ArgRecipients:
			argument = either(defined("texts"), defined("forward"))
		case actions.ArgAnswer:
			argument = either(defined("text"), defined("reply"))
		}
		o.keys = append(o.keys, key{string(s.Kind), s.Doc, argument})
	}
	return o.shape()
}

// wordOrList is a list of actions, for which a single word may stand.
func wordOrList() shape { return either(words(), listOf(defined("action"))) }

func defined(definition string) shape { return shape{"$ref": "#/definitions/" + definition} }

func listOf(item shape) shape { return shape{"type": "array", "items": item} }

// oneOrMore is a list for which a single value may stand.
func oneOrMore(item shape) shape { return either(item, listOf(item)) }

func either(all ...shape) shape { return shape{"anyOf": all} }

// named is a mapping from names that the user chooses.
func named(value shape) shape {
	return shape{"type": "object", "additionalProperties": value, "propertyNames": shape{"minLength": 1, "maxLength": maxName}}
}

func enum(values ...string) shape { return shape{"enum": values} }

func boolean() shape { return shape{"type": "boolean"} }

func integer(low, high int) shape {
	return shape{"type": "integer", "minimum": low, "maximum": high}
}

// filled is a text that may not be empty, written as one.
func filled() shape { return shape{"type": "string", "minLength": 1} }

func pattern(p string) shape { return shape{"type": "string", "pattern": p} }

// span is what parseDuration reads.
func span() shape { return pattern(`^([0-9]+[dw]|([0-9]+(\.[0-9]+)?(ms|s|m|h))+)$`) }

// longSpan is what parseLong reads.
func longSpan() shape { return pattern(`^[0-9]+[hdw]$`) }

// both is what all of its parts allow.
func both(all ...shape) shape { return shape{"allOf": all} }

// has is a mapping that has a key.
func has(key string) shape { return shape{"required": []string{key}} }

// instant is what the loader reads as a time.
func instant() shape {
	return pattern(`^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?$`)
}
