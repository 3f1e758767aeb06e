package rules

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// page is the reference page while it is written.
type page struct{ strings.Builder }

func (p *page) heading(level int, title string) {
	p.text(strings.Repeat("#", level) + " " + title)
}

// text is one paragraph, or a list of them.
func (p *page) text(s string) { p.WriteString(strings.TrimSpace(s) + "\n\n") }

func (p *page) table(head []string, rows [][]string) {
	line := func(cells []string) { p.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	line(head)
	line(slices.Repeat([]string{"---"}, len(head)))
	for _, cells := range rows {
		line(cells)
	}
	p.WriteString("\n")
}

// code shows a piece of a rule in a table. A bar would end its cell.
func code(s string) string { return "`" + strings.ReplaceAll(s, "|", `\|`) + "`" }

func codes(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = code(s)
	}
	return strings.Join(out, ", ")
}

// prose shows a description in a table: what its author quoted stays text, and
// nothing in it is read as markup.
func prose(s string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`, "<", "&lt;", "_", `\_`).Replace(s)
}

// link leads to a heading of the page.
func link(title, heading string) string { return "[" + title + "](#" + anchor(heading) + ")" }

// anchor is the name that forges give to a heading.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

// bare is a type without its article, as a table shows it.
func bare(t string) string {
	return strings.TrimPrefix(strings.TrimPrefix(t, "an "), "a ")
}

// fieldGroup is a section about fields that belong together.
type fieldGroup struct {
	title, intro string
	fields       []Field
}

func fieldGroups() []fieldGroup {
	isBody := func(f Field) bool { return strings.HasPrefix(f.Name, "body.") }
	return []fieldGroup{
		{"Sender", "Who wrote it, by its own word. Anyone can write anything there: see " + link("who vouches for it", "Who vouches for it") + ".", senderFields()},
		{"Recipients", "Whom it is for. Your own addresses are those under `addresses:` of the account.", recipientFields()},
		{"Subject and header", "For any other field of the header there are the functions `header` and `headers`.", headerFields()},
		{"Thread", "Where it stands in a conversation.", threadFields()},
		{"List", "What mailing lists and newsletters say of themselves.", listFields()},
		{"Who vouches for it", "`is_auto` is the message's own word. The rest is what your own mail server found out. It is believed only where the\naccount names that server under `trusted_authserv:`, because anyone can write such a field into a message; otherwise\nthe results are `\"none\"`.", originFields()},
		{"Body", "The text itself. It is fetched only while the outcome still depends on it, and never more than `body: {limit: 64KiB}` allows.", only(bodyFields(), isBody)},
		{"Attachments", "What is attached, told from the structure of the message.", except(bodyFields(), isBody)},
		{"Bounces", "Mail that comes back. The status codes are those of RFC 3463: 4 is for now, 5 for good.", bounceFields()},
		{"Journal", "What imapilot remembers. It knows of the mailboxes that it watches, from the time on that it watches them.", historyFields()},
		{"Gmail", "What Gmail alone tells (X-GM-EXT-1). On any other server the labels are an empty list and the numbers empty texts.", gmailFields()},
		{"Flags", "The flags when the message was looked at. No rule sees what an earlier one did.", flagFields()},
		{"Place", "Where it is.", placeFields()},
		{"Time and size", "Calendar words such as `year(received)` use the `timezone:` of the configuration.", whenFields()},
	}
}

func only(list []Field, keep func(Field) bool) []Field {
	return except(list, func(f Field) bool { return !keep(f) })
}

func except(list []Field, drop func(Field) bool) []Field { return slices.DeleteFunc(list, drop) }

// functionGroup is a section about functions that belong together.
type functionGroup struct {
	title, intro string
	names        []Function
}

func functionGroups() []functionGroup {
	return []functionGroup{
		{"Texts", "A *pattern*, a field's name, a list's name and the parent of `under` are written out, so that they are checked when the rules are loaded.", textFunctions()},
		{"Times", "They use the `timezone:` of the configuration. Layouts and times of day are written out.", timeFunctions()},
		{"Durations and sizes", "Durations compare with `age` and with the difference of two times, sizes with numbers.", unitFunctions()},
		{"Elements of lists", "In the condition `.domain` is a field of the element, and `#` is the element itself: `any(flags, # startsWith \"$\")`.", listFunctions()},
	}
}

// described gives fields and functions what only the lists of all fill in.
func described(name string) (signature, kind string) {
	for _, f := range Functions() {
		if f.Name == name {
			return f.Signature, f.Type
		}
	}
	return "", ""
}

func (p *page) fields() {
	p.heading(2, "Fields")
	p.text("Nothing is ever missing or null. What a message lacks is an empty text, `\"\"`, or a list without elements, unless it says\notherwise here.")
	for _, g := range fieldGroups() {
		p.heading(3, g.title)
		p.text(g.intro)
		var rows [][]string
		for _, f := range g.fields {
			rows = append(rows, []string{code(f.Name), bare(f.typ.String()), prose(f.Doc), code(f.Example)})
		}
		p.table([]string{"field", "type", "meaning", "example"}, rows)
		if g.title == "Recipients" {
			p.elements(addressKind, "An address", map[string]string{
				"address": `any(to, .address == "me@example.org")`, "domain": `all(cc, .domain == "example.org")`, "ascii": `any(cc, .ascii startsWith "xn--")`,
				"local": `any(to, .local == "office")`, "name": `any(reply_to, .name contains "support")`,
			})
		}
		if g.title == "Attachments" {
			p.elements(attachmentKind, "An attachment", map[string]string{
				"name": `any(attachments, .name endsWith ".exe")`, "type": `any(attachments, .type startsWith "image/")`,
				"size": `any(attachments, .size > mb(5))`, "inline": `count(attachments, not .inline) > 3`,
			})
		}
	}
}

// elements describes the fields of an element of a list.
func (p *page) elements(k kind, title string, examples map[string]string) {
	p.text(title + " has fields of its own. They are written with a dot, inside " + link("`any` and its like", "Elements of lists") + ":")
	var rows [][]string
	for _, f := range elementFields(k) {
		rows = append(rows, []string{code("." + f.Name), bare(f.Type), prose(f.Doc), code(examples[f.Name])})
	}
	p.table([]string{"field", "type", "meaning", "example"}, rows)
}

func (p *page) functions() {
	p.heading(2, "Functions")
	for _, g := range functionGroups() {
		p.heading(3, g.title)
		p.text(g.intro)
		var rows [][]string
		for _, f := range g.names {
			signature, kind := described(f.Name)
			rows = append(rows, []string{code(signature), bare(kind), prose(f.Doc), code(f.Example)})
		}
		p.table([]string{"function", "gives", "meaning", "example"}, rows)
	}
}

// names is where a reader finds a name that he has seen.
func (p *page) names() {
	p.heading(2, "Find a name")
	var all []string
	for _, g := range fieldGroups() {
		for _, f := range g.fields {
			all = append(all, link(code(f.Name), g.title))
		}
	}
	for _, g := range functionGroups() {
		for _, f := range g.names {
			all = append(all, link(code(f.Name+"()"), g.title))
		}
	}
	for _, o := range operators() {
		for _, word := range o.words {
			if unicode.IsLetter(rune(word[0])) {
				all = append(all, link(code(word), "Operators"))
			}
		}
	}
	slices.Sort(all)
	for some := range slices.Chunk(all, 6) {
		p.WriteString(strings.Join(some, " · ") + " ·\n")
	}
	p.text(link("actions", "Actions"))
}

// costs tells what each field makes the server send.
func (p *page) costs() {
	p.heading(2, "What a field costs")
	p.text(costIntro)
	asked := map[Stage]string{
		StageFlags: "nothing more: it comes with every message", StageHeader: "some header fields, in the same request",
		StageHistory: "nothing: the journal knows it", StageGmail: "`X-GM-LABELS X-GM-THRID X-GM-MSGID`, of Gmail alone", StageStructure: "`BODYSTRUCTURE`", StageContent: "the structure, then a part of the body, up to the limit",
	}
	var rows [][]string
	for s := StageFlags; s <= StageContent; s++ {
		var fields []string
		for _, f := range Fields() {
			if f.needs.Stage() == s {
				fields = append(fields, f.Name)
			}
		}
		if s == StageHeader {
			fields = append(fields, `header("X")`, `headers("X")`)
		}
		rows = append(rows, []string{s.String(), asked[s], codes(fields)})
	}
	p.table([]string{"stage", "what is asked of the server", "fields"}, rows)
	p.text("These header fields are asked for. `header(\"X\")` asks for the field that it names.")
	p.table([]string{"header fields", "for"}, headerCosts())
}

func headerCosts() [][]string {
	var order []string
	fields := map[string][]string{}
	for _, f := range Fields() {
		if f.needs.Stage() != StageHeader {
			continue
		}
		key := strings.Join(f.needs.HeaderFields, ", ")
		if f.needs.WholeHeader {
			key = "the whole header"
		}
		if fields[key] == nil {
			order = append(order, key)
		}
		fields[key] = append(fields[key], f.Name)
	}
	var rows [][]string
	for _, key := range order {
		rows = append(rows, []string{key, codes(fields[key])})
	}
	return rows
}

func (p *page) contents() {
	p.heading(2, "Contents")
	part := func(title string, sections ...string) {
		line := "- " + link(title, title)
		for i, s := range sections {
			sep := ",\n  "
			if i == 0 {
				sep = ": "
			} else if i%5 != 0 {
				sep = ", "
			}
			line += sep + link(strings.ToLower(s[:1])+s[1:], s)
		}
		p.WriteString(line + "\n")
	}
	var fields, functions []string
	for _, g := range fieldGroups() {
		fields = append(fields, g.title)
	}
	for _, g := range functionGroups() {
		functions = append(functions, g.title)
	}
	part("A rule in a minute")
	part("When a rule is asked", "On a schedule", "On flags", "Retention")
	part("Values", "Quotes in the file")
	part("Operators", "How texts compare")
	part("Fields", fields...)
	part("Functions", functions...)
	part("Actions", "Programs", "Forwards and replies", "Saved attachments", "Leaving lists")
	part("Values in arguments", "Names from mail")
	part("What a field costs")
	part("What is not there")
	part("Limits")
	part("Find a name")
	p.WriteString("\n")
}

// reference is the whole page.
func reference() string {
	var p page
	p.text(fmt.Sprintf("<!-- Written by: %s -->", updateCommand))
	p.heading(1, "The language of the rules")
	p.text(intro)
	p.contents()
	p.heading(2, "A rule in a minute")
	p.text(minute)
	p.asked()
	p.values()
	p.operators()
	p.fields()
	p.functions()
	p.actions()
	p.templates()
	p.costs()
	p.refused()
	p.limits()
	p.names()
	return strings.TrimRight(p.String(), "\n") + "\n"
}
