package rules

import (
	"fmt"
	"slices"
	"strings"

	"imapilot/actions"
)

// checkAction checks the kind of an action and what it is given, and makes its draft.
func (b *builder) checkAction(r RuleSource, a ActionSource, d *draftAction) {
	kind := actions.Kind(a.Kind.Value)
	d.kind, d.until = kind, a.Until
	if !kind.Known() {
		message, hint := unknownAction(a.Kind.Value)
		b.problem(a.Kind.Pos, Error, message, hint)
		return
	}
	if !b.checkCount(a, kind.Spec()) {
		return
	}
	for _, arg := range a.Args {
		d.args = append(d.args, b.checkArgument(arg))
	}
	for _, arg := range d.args {
		if arg.segments != nil {
			b.checkText(r, kind, arg, a.Account.Value != "")
		}
	}
	b.checkMessage(a, d)
	b.checkCommand(a, d)
	b.checkSaving(a, d)
	switch kind {
	case actions.Snooze:
		b.checkSnooze(r, a)
	case actions.Unsubscribe:
		d.message.wantsWhole() // its signature is over all of it
	}
	b.checkLetter(a, d)
	b.checkAppend(r, a, d)
	b.checkAccount(r, a, d)
}

func unknownAction(name string) (message, hint string) {
	switch strings.ToLower(name) {
	case "notify", "tag":
		return fmt.Sprintf("the action %q is not available in this version yet", name), "webhook can call what does it"
	}
	hint = map[string]string{
		"redirect": "did you mean forward?", "send": "did you mean forward, or reply?", "vacation": "did you mean reply?", "autoreply": "did you mean reply?",
		"fileinto": "did you mean move?", "file": "did you mean move?", "delete": "did you mean trash?", "discard": "did you mean trash?",
		"keep": "a message that no action moves is kept", "stop": "write stop: true beside then:", "label": "did you mean add_labels, which is for Gmail? Elsewhere it is copy, or add_flags",
		"spam": "did you mean junk?", "not_junk": "did you mean move: INBOX?",
		"mark_read": `did you mean add_flags: [\Seen]?`, "mark_seen": `did you mean add_flags: [\Seen]?`, "seen": `did you mean add_flags: [\Seen]?`,
		"flag": `did you mean add_flags: [\Flagged]?`, "star": `did you mean add_flags: [\Flagged]?`,
		"addflag": "did you mean add_flags?", "removeflag": "did you mean remove_flags?",
	}[strings.ToLower(name)]
	var names []string
	for _, s := range actions.Table() {
		names = append(names, string(s.Kind))
	}
	return fmt.Sprintf("unknown action %q", name), cmpOr(hint, cmpOr(didYouMean(name, names), "the actions are "+strings.Join(names, ", ")))
}

// checkCount checks the number of arguments.
func (b *builder) checkCount(a ActionSource, spec actions.Spec) bool {
	message := ""
	switch n := len(a.Args); {
	case spec.Arg == actions.ArgNone && n > 0:
		message = fmt.Sprintf("%s takes no argument", spec.Kind)
	case spec.Arg == actions.ArgFlags && n == 0:
		message = fmt.Sprintf("%s takes one flag or more", spec.Kind)
	case spec.Arg == actions.ArgFlags && n > maxActions:
		message = fmt.Sprintf("%s takes at most %d flags", spec.Kind, maxActions)
	case spec.Arg == actions.ArgLabels && (n == 0 || n > maxActions):
		message = fmt.Sprintf("%s takes 1 to %d labels, not %d", spec.Kind, maxActions, n)
	case (spec.Arg == actions.ArgMailbox || spec.Arg == actions.ArgAppend) && n != 1:
		message = fmt.Sprintf("%s takes one mailbox, not %d", spec.Kind, n)
	case spec.Arg == actions.ArgUntil && (a.Until == nil || n > 0):
		message = fmt.Sprintf("%s takes a while or a time", spec.Kind)
	case spec.Arg == actions.ArgEndpoint && n != 1:
		message = fmt.Sprintf("%s takes the name of one webhook, not %d", spec.Kind, n)
	case spec.Arg == actions.ArgCommand && n == 0:
		message = fmt.Sprintf("%s takes a program", spec.Kind)
	case spec.Arg == actions.ArgCommand && n > maxElements:
		message = fmt.Sprintf("%s takes a program and at most %d arguments", spec.Kind, maxElements-1)
	case spec.Arg == actions.ArgFolder && n != 1:
		message = fmt.Sprintf("%s takes one folder, not %d", spec.Kind, n)
	case spec.Arg == actions.ArgRecipients && (n == 0 || n > maxRecipients):
		message = fmt.Sprintf("%s takes 1 to %d addresses, not %d", spec.Kind, maxRecipients, n)
	case spec.Arg == actions.ArgAnswer && n != 1:
		message = fmt.Sprintf("%s takes one text, not %d", spec.Kind, n)
	default:
		return true
	}
	b.problem(a.Kind.Pos, Error, message, "as in "+spec.Example)
	return false
}

// checkArgument parses the expressions of an argument. Its segments are nil if
// one of them is wrong.
func (b *builder) checkArgument(arg Text) draftArgument {
	d := draftArgument{text: arg}
	segments, offsets, bad := split(arg.Value)
	if bad != nil {
		b.add(arg.Pos, 0, []issue{*bad})
		return d
	}
	ok := true
	for i := range segments {
		s := &segments[i]
		if !s.isExpr {
			continue
		}
		s.expression = b.expression(s.text, arg.Pos, offsets[i])
		ok = ok && s.node != nil && b.checkPrintable(s.expression, arg.Pos, offsets[i])
	}
	if ok {
		d.segments = segments
		if len(segments) == 0 {
			d.segments = []segment{{}}
		}
	}
	return d
}

// checkPrintable refuses values that have no one obvious text.
func (b *builder) checkPrintable(e expression, pos, offset int) bool {
	hint := ""
	switch e.typ.kind {
	case textKind, numberKind, unknownKind:
		return true
	case timeKind:
		hint = `use format(` + e.text + `, "%Y-%m-%d"), or year() and the like`
	case recordKind:
		hint = hintForRecord(e.node)
	case listKind, addressKind, attachmentKind:
		hint = "use one of its fields, as in from.address"
	}
	b.problems = append(b.problems, Problem{
		Pos: pos, Offset: offset, Length: len([]rune(e.text)),
		Message: fmt.Sprintf("${} takes a text or a number, and this is %s", e.typ), Hint: hint,
	})
	return false
}

// checkText checks what is written out of an argument; away says that the action
// leads to another account.
func (b *builder) checkText(r RuleSource, kind actions.Kind, arg draftArgument, away bool) {
	literal, whole := literalOf(arg.segments)
	switch kind.Spec().Arg {
	case actions.ArgFlags:
		b.checkFlag(kind, arg, literal, whole)
	case actions.ArgLabels:
		b.checkLabel(r, kind, arg, literal, whole)
	case actions.ArgMailbox, actions.ArgAppend:
		b.checkMailbox(arg, literal, whole)
		if whole && !away {
			b.checkOwnMailbox(r, kind, arg.text, literal)
		}
	case actions.ArgEndpoint:
		b.checkEndpoint(arg.text, literal, whole)
	}
}

func (b *builder) checkFlag(kind actions.Kind, arg draftArgument, literal string, whole bool) {
	if whole {
		flag, message, hint := literalFlag(literal, addsFlags(kind))
		switch {
		case flag == "":
			b.problem(arg.text.Pos, Error, message, hint)
		case message != "":
			b.problem(arg.text.Pos, Warning, message, hint)
		}
		return
	}
	for _, s := range arg.segments {
		if !s.isExpr && strings.ContainsFunc(s.literal, func(r rune) bool { return !isAtomRune(r) }) {
			b.problem(arg.text.Pos, Error, fmt.Sprintf("%q cannot be part of a keyword", s.literal), `keywords have no spaces, no quotes, and none of ( ) { % * \ ]`)
		}
	}
}

// addsFlags reports whether a message may have a flag after an action that it did
// not have before.
func addsFlags(kind actions.Kind) bool { return kind == actions.AddFlags || kind == actions.SetFlags }

func (b *builder) checkMailbox(arg draftArgument, literal string, whole bool) {
	report := func(message, hint string) {
		if message != "" {
			b.problem(arg.text.Pos, Error, message, hint)
		}
	}
	if whole {
		report(literalMailbox(literal, true))
		return
	}
	for i, s := range arg.segments {
		if s.isExpr {
			continue
		}
		text := s.literal
		if i > 0 {
			text = "x" + text // it is no beginning, so it is no role
		}
		report(literalMailbox(text, false))
	}
	first, last := arg.segments[0], arg.segments[len(arg.segments)-1]
	if strings.HasPrefix(first.literal, "/") || strings.HasSuffix(last.literal, "/") {
		report("the mailbox name has an empty level", `"/" separates levels`)
	}
}

// checkOwnMailbox finds a target that the rule itself looks at: moving a
// message to where it is would make it a new one, for ever.
func (b *builder) checkOwnMailbox(r RuleSource, kind actions.Kind, arg Text, target string) {
	for _, in := range r.in() {
		if !targetMailbox(target).Match(in) {
			continue
		}
		severity, hint := Warning, "the copies are in a mailbox of the same rule"
		switch {
		case kind.Spec().Destination:
			severity, hint = Error, "a rule cannot move a message to a mailbox that it looks at: take it out of in:"
		case kind == actions.AppendTo:
			severity, hint = Error, "a rule cannot append to a mailbox that it looks at: it would find what it appended"
		}
		b.problem(arg.Pos, severity, fmt.Sprintf("the target %q is in the rule's own in: %s", target, in), hint)
		return
	}
}

func (b *builder) checkEndpoint(arg Text, literal string, whole bool) {
	if !whole {
		b.problem(arg.Pos, Error, "the name of a webhook cannot hold ${}", "a message must not choose where it is sent")
		return
	}
	names := texts(b.src.Endpoints)
	if !slices.Contains(names, literal) {
		b.problem(arg.Pos, Error, fmt.Sprintf("there is no webhook %q", literal), cmpOr(didYouMean(literal, names), "add it under webhooks:"))
	}
}
