package rules

import (
	"fmt"
	"slices"
	"strings"

	"imapilot/actions"
	"imapilot/rules/facts"
)

const updateCommand = "go test ./rules -run TestReference -update"

const intro = `
Everything that a rule can say: its fields, operators, functions and actions, with an example each. The
[README](../README.md) tells what a rule is made of and how rules behave together. This page is written from the tables
in the program, and every example in it is tried by its tests.
`

const minute = "A rule asks something of a message, and says what to do where the answer is yes:" + `

` + "```yaml" + `
accounts:
  home:
    host: imap.example.org
    username: me@example.org
    password: {env: IMAP_PASSWORD}

rules:
  - name: receipts
    if: from.domain in ["shop.example", "rail.example"] and has(subject, "invoice", "receipt")
    then:
      - add_flags: [$Receipt]
      - move: Receipts/${year(received)}
    tests:
      - message: |
          From: billing@shop.example
          Subject: Your invoice
        given: {received: 2026-02-01}
        want: [{add_flags: [$Receipt]}, {move: Receipts/2026}]
` + "```" + `

What follows ` + "`if:`" + ` is a *condition*. Read it aloud: the domain of the sender is one of two, and the subject has one of two
words. ` + "`from.domain`" + ` and ` + "`subject`" + ` are *fields*, ` + "`in`" + ` and ` + "`and`" + ` are *operators*, ` + "`has`" + ` is a *function*. What follows
` + "`then:`" + ` are *actions*, and ` + "`${}`" + ` puts a value into one.

To try things out:

- ` + "`imapilot eval 'from.domain' letter.eml`" + ` shows what an expression is for a message.
- ` + "`imapilot explain letter.eml`" + ` shows what each rule makes of it, and why.
- ` + "`imapilot check`" + ` finds mistakes, and says what to write instead.
- ` + "`imapilot test`" + ` runs the ` + "`tests:`" + ` that stand beside the rules.
`

const quoting = "The file is YAML, where a `#` after a space begins a comment and a colon before one ends a key. Three ways to write a\ncondition, from the plainest on:" + `

` + "```yaml" + `
accounts:
  home:
    host: imap.example.org
    username: me@example.org
    password: {env: IMAP_PASSWORD}

rules:
  - name: plain, where it begins with a word
    if: subject contains "offer" and not flagged
    then: [trash]
  - name: single quotes, where it begins with a quote
    if: '"$Invoice" in flags'
    then:
      - remove_flags: [$Invoice]
  - name: a block, where it is long or holds a colon or a number sign
    if: |
      subject contains "Re: "                    // a comment
      and capture(subject, "ticket #([0-9]+)") != ""
    then:
      - add_flags: ['\Flagged']
` + "```" + `

A list in one line needs quotes where a value holds ` + "`${}`" + `: ` + "`then: [{move: 'Lists/${list.name}'}]`" + `. ` + "`imapilot check`" + ` points
out where YAML would read something else than you wrote.
`

const compareIntro = `
Texts compare as mail does: without regard to case, in every alphabet, but accents and sharp s are letters of their own.
Fields of the header are decoded first, so that a subject is what a mail client shows. Only patterns, after ` + "`matches`" + ` and in
` + "`capture`" + `, are taken as they stand.
`

const costIntro = `
Messages are fetched in stages, each of them only of those messages whose outcome still depends on it. So in
` + "`is_bulk and has_attachment`" + ` no structure is asked for of mail that is not bulk, in whatever order the two stand. From, Subject
and Message-Id are fetched of every message, and of a rule set that names ` + "`has_reply`" + ` In-Reply-To and References too.
` + "`imapilot rules --needs`" + ` shows what your rules need.
`

const templateIntro = `
` + "`${}`" + ` in an argument holds an expression of the same language that gives a text or a number. ` + "`$${`" + ` stands for ` + "`${`" + `. Where the
value is empty, or a condition fails, the rule takes no action at all for that message, and says so.
`

const namesIntro = `
Whoever writes to you chooses what such a value is. So it fills one level of a mailbox's name and no more, and it never
names the inbox, a role or a system flag. This is what becomes of some subjects:
`

func (p *page) values() {
	p.heading(2, "Values")
	p.table([]string{"type", "written as", "example"}, [][]string{
		{"text", "in double quotes, where a backslash is written twice; in single quotes; or as it stands in backquotes", code(`subject == "Hello"`)},
		{"number", "in digits; sizes with `kb()` and `mb()`", code(`size > 5000`)},
		{"condition", "`true` or `false`, or anything that is one of the two", code(`seen == false`)},
		{"duration", "`minutes()`, `hours()`, `days()`, `weeks()`", code(`age > days(30)`)},
		{"time", "`date()`, or a field", code(`received >= date("2026-01-31")`)},
		{"list", "in square brackets", code(`from.domain in ["a.example", "b.example"]`)},
		{"address, attachment", "found only in lists", code(`any(to, .domain == "a.example")`)},
	})
	p.text("Types are not mixed: `size > \"10\"` is refused when the rules are loaded, with the place and what to write instead.\nA name for an expression is given under `define:`, a list of values under `lists:` (see `in_list`).")
	p.heading(3, "Quotes in the file")
	p.text(quoting)
}

// operatorRow is a row of the table of operators.
type operatorRow struct {
	words         []string
	between, does string
	example       string
}

func operators() []operatorRow {
	return []operatorRow{
		{[]string{"and", "&&"}, "conditions", "Both are true.", `seen and not flagged`},
		{[]string{"or", "||"}, "conditions", "One is true, or both.", `flagged or is_bulk`},
		{[]string{"not", "!"}, "a condition", "It is false. It binds tightest: `not (subject == \"x\")`.", `not seen`},
		{[]string{"==", "!="}, "two of a type", "They are the same, or not.", `priority == "high"`},
		{[]string{"<", "<=", ">", ">="}, "numbers, times, durations, texts", "One is less or more.", `size > mb(10)`},
		{[]string{"in", "not in"}, "a value and a list", "The list has it, or not.", `"$Invoice" not in flags`},
		{[]string{"contains", "not contains"}, "texts", "The second is part of the first, or not.", `subject contains "invoice"`},
		{[]string{"startsWith"}, "texts", "The first begins with the second.", `from.local startsWith "noreply"`},
		{[]string{"endsWith"}, "texts", "The first ends with the second.", `from.domain endsWith ".example.org"`},
		{[]string{"matches"}, "a text and a pattern", "The pattern ([RE2](https://github.com/google/re2/wiki/Syntax)) is found in the text; `(?i)` is without regard to case.", `subject matches "(?i)^re: .*[0-9]{4}"`},
		{[]string{"+"}, "texts, numbers, durations, a time and a duration", "They are put together.", `sent + days(1) < received`},
		{[]string{"-"}, "numbers, times, durations", "The difference; of two times it is a duration.", `received - sent > hours(2)`},
		{[]string{"*", "/"}, "numbers", "Product and quotient.", `size / 2 > kb(100)`},
		{[]string{"? :"}, "a condition and two of a type", "The first where the condition is true, else the second.", `(is_bulk ? days(7) : days(30)) < age`},
		{[]string{"|"}, "a list and a function", "The list is handed to the function.", `to | any(.domain == "example.org")`},
	}
}

func (p *page) operators() {
	p.heading(2, "Operators")
	p.text("`not` comes before all others, `and` before `or`; parentheses make it plain. A `//` begins a comment.")
	var rows [][]string
	for _, o := range operators() {
		rows = append(rows, []string{strings.ReplaceAll(codes(o.words), ", ", " "), o.between, strings.ReplaceAll(o.does, "|", `\|`), code(o.example)})
	}
	p.table([]string{"operator", "between", "meaning", "example"}, rows)
	p.heading(3, "How texts compare")
	p.text(compareIntro)
	rows = nil
	for _, c := range comparisons() {
		rows = append(rows, []string{code(c), outcomeOf(c)})
	}
	p.table([]string{"example", "is"}, rows)
}

// comparisons show how texts compare.
func comparisons() []string {
	return []string{
		`"INVOICE" == "invoice"`, `"Grüße" == "GRÜßE"`, `"ΣΊΣΥΦΟΣ" == "σίσυφος"`, `"Straße" == "STRASSE"`, `"Café" == "Cafe"`,
		`"Newsletter" contains "NEWS"`, `"a.example" in ["A.EXAMPLE", "b.example"]`, `has("Your Receipt", "invoice", "receipt")`,
		`glob("ann@mail.example.org", "*@*.EXAMPLE.org")`, `"apple" < "Banana"`,
		`"Invoice" matches "invoice"`, `"Invoice" matches "(?i)invoice"`, `capture("Ticket #42", "#([0-9]+)") == "42"`,
		`under("mail.example.org", "example.org")`, `under("notexample.org", "example.org")`,
	}
}

// outcomeOf evaluates a condition on a message, which it need not read.
func outcomeOf(condition string) string {
	rs, _ := Compile(baseSource(rule("r", condition, "trash")))
	return rs.Evaluate(sampleInput()).Verdicts[0].Truth.String()
}

func (p *page) actions() {
	p.heading(2, "Actions")
	p.text("They are done in this order, whatever the order under `then:`. Of several that take the message away the first in rule\norder wins; the others stay. Any argument may hold " + link("`${}`", "Values in arguments") + ".")
	var rows [][]string
	for _, s := range actions.Table() {
		rows = append(rows, []string{code(string(s.Kind)), prose(s.Doc), prose(s.Needs), code(s.Example)})
	}
	p.table([]string{"action", "meaning", "what it needs of the server", "example"}, rows)
	var away, again []string
	for _, s := range actions.Table() {
		if s.Destination {
			away = append(away, string(s.Kind))
		}
		if s.Repeatable {
			again = append(again, string(s.Kind))
		}
	}
	p.text("Those that take the message away: " + codes(away) + ". Those that can be done twice without harm: " + codes(again) + ".")
	p.programs()
	p.heading(3, "Forwards and replies")
	p.text(letterIntro)
	p.saving()
	p.leaving()
	p.appends()
	p.gmail()
}

const programIntro = "`exec` runs a program of yours. It is off unless the configuration allows it at the top level:" + `

` + "```yaml" + `
allow: [exec]
accounts:
  home:
    host: imap.example.org
    username: me@example.org
    password: {env: IMAP_PASSWORD}

rules:
  - name: tickets
    if: subject startsWith "[ticket"
    then:
      - exec: [/usr/local/bin/ticket, '--from=${from.address}', --, '${subject}']
      - exec: {run: [/bin/sh, -c, 'echo "$1" >> tickets.txt', --, '${subject}'], timeout: 30s, env: {SIZE: '${size}'}}
      - trash
    tests:
      - message: |
          From: ann@example.com
          Subject: [ticket 1]
        want:
          - exec: [/usr/local/bin/ticket, --from=ann@example.com, --, '[ticket 1]']
          - exec: [/bin/sh, -c, 'echo "$1" >> tickets.txt', --, '[ticket 1]']
          - trash
` + "```" + `

- The program has an absolute path. No shell is involved: each element of the list is one argument, whatever it holds. Values have
  no control characters.
- What begins with a value is refused unless an earlier argument is ` + "`--`" + `: a subject that begins with a dash would be an option. So is
  a value within the script of a shell; ` + "`$1`" + ` is how it gets there.
- On the standard input is the [document of a webhook](../actions/webhook/REFERENCE.md), with what is run as ` + "`command`" + `; with ` + "`stdin: raw`" + ` it is
  the message as it is, up to 25 MB, recorded with the decision (a larger one fails). In the environment is what
  ` + "`env:`" + ` says, PATH, HOME, LANG and TZ, and these: ` + "`IMAPILOT_ID`" + ` (the same in each attempt), ` + "`IMAPILOT_ATTEMPT`" + `, ` + "`IMAPILOT_RULE`" + `,
  ` + "`IMAPILOT_ACCOUNT`" + `, ` + "`IMAPILOT_MAILBOX`" + `, ` + "`IMAPILOT_UIDVALIDITY`" + `, ` + "`IMAPILOT_UID`" + `, ` + "`IMAPILOT_MESSAGE_ID`" + `, ` + "`IMAPILOT_FROM`" + ` and
  ` + "`IMAPILOT_SUBJECT`" + `. It runs in the folder of the state file.
- It is done when the program ends with 0. With 75 (EX_TEMPFAIL), by a signal, at its timeout, and where it cannot be started, it is tried
  again, ten times in about three days; the message waits, and others do not. With any other code it has failed: the message stays, and
  ` + "`imapilot history`" + ` says why. ` + "`imapilot retry`" + ` runs it anew; ` + "`imapilot webhooks replay`" + ` does, too, and a ` + "`retry`" + ` after that goes on behind it.
- It may be run twice where imapilot ended during it: IMAPILOT_ID tells.
- When the rule or the message is gone meanwhile it is taken back. In a dry run, in a plan and in tests nothing is run.
`

// programs tells what there is to know of exec.
func (p *page) programs() {
	p.heading(3, "Programs")
	p.text(programIntro)
}

const appendIntro = "`append` adds a message to a mailbox. It is of one of two kinds:" + `

` + "```yaml" + `
accounts:
  home:
    host: imap.example.org
    username: me@example.org
    password: {env: IMAP_PASSWORD}

rules:
  - name: bills
    if: has(subject, "invoice")
    then:
      - append: {to: Notes, subject: 'Bill of ${from.name}', body: "It is due soon:\n${subject}"}
      - append: {to: Accounting, header: {X-Rule: '${rule}', X-Domain: '${from.domain}'}}
    tests:
      - message: |
          From: Ann <ann@example.com>
          Subject: Your invoice
        want:
          - append: {to: Notes, subject: Bill of Ann, body: "It is due soon:\nYour invoice"}
          - append: {to: Accounting, header: {X-Rule: bills, X-Domain: example.com}}
` + "```" + `

- With ` + "`subject:`" + ` it is a note: a message of our own, from the first of the account's ` + "`addresses:`" + `, in UTF-8, with ` + "`Auto-Submitted: auto-generated`" + `.
  Its body has at most 8,000 octets.
- With ` + "`header:`" + ` it is a copy of the message, octet for octet and with its flags and its date, with at most eight fields before it:
  ` + "`X-`" + ` and more, ` + "`Keywords`" + ` or ` + "`Comments`" + `, each of one line and at most 1,000 octets.
- In all of these ` + "`${rule}`" + ` is the name of the rule, beside the expressions. Both kinds have ` + "`X-Imapilot`" + `, the name of the rule, and
  ` + "`X-Imapilot-Id`" + `, by which they are found again after a crash: nothing is appended twice, unless somebody expunged it before
  its reply came.
- It is made before the message is moved, and fires no rule. A rule cannot append to a mailbox that it looks at.
- A larger message than the server takes, or than 64 MiB, fails the action, and the message stays.
- ` + "`imapilot undo`" + ` removes it where the server named it, it is the same still, and nobody gave it a flag.
`

const gmailIntro = "On Gmail a label is a mailbox, and `add_labels` makes a message appear in the mailbox of each:" + `

` + "```yaml" + `
accounts:
  home:
    host: imap.gmail.com
    username: me@example.org
    password: {env: IMAP_PASSWORD}

rules:
  - name: label lists
    if: list.id != "" and not ("Keep" in gmail.labels)
    then:
      - add_labels: [Lists, 'Lists/${list.name}']
      - remove_labels: [Unsorted]
    tests:
      - message: |
          List-Id: <go.example.org>
        given: {gmail: {labels: [Unsorted]}}
        want: [{add_labels: [Lists, Lists/go]}, {remove_labels: [Unsorted]}]
  - name: old promotions
    on: {cron: "0 3 * * *"}
    search: {gmail: "category:promotions older_than:30d"}
    if: not flagged
    then: [trash]
` + "```" + `

- Labels are those of your own, with ` + "`/`" + ` between levels, and ` + "`\\Important`" + `. The star is the flag ` + "`\\Flagged`" + `; the inbox, the trash and
  spam are mailboxes, to which ` + "`move`, `trash` and `junk`" + ` lead. No system label comes from mail.
- A label is made where it is missing, and counts as a mailbox that is made: at most 20 a day and rule, and none with ` + "`create: false`" + `.
- The label of the mailbox in which a message is looked at is not among ` + "`gmail.labels`" + `, and cannot be removed: use archive or move.
- Where one rule adds a label and a later one removes it, or the other way round, the last wins.
- On any other server the action has failed, and the message stays.
- ` + "`search:`" + ` is sent to Gmail as it stands (at most 1,500 octets), in each run and of up to some thousand messages at a time; what it finds is asked
  by ` + "`if:`" + ` as usual. It is no part of a test, and elsewhere the run fails.
`

// gmail tells what there is to know of labels.
func (p *page) gmail() {
	p.heading(3, "Gmail's labels")
	p.text(gmailIntro)
}

// appends tells what there is to know of append.
func (p *page) appends() {
	p.heading(3, "Notes and changed copies")
	p.text(appendIntro)
}

const savingIntro = "`save_attachments: /srv/invoices` saves all attachments of a message in that folder, under their own names. It is off unless\n`allow: [save_attachments]` stands at the top level. With settings:" + `

` + "```" + `
- save_attachments:
    to: /srv/invoices
    name: '${year(received)}/${from.domain}/${name}'
    if: type == "application/pdf" and size < mb(5)
    max_file: 20mb
` + "```" + `

- The folder has an absolute path, holds no ` + "`${}`" + `, and exists: where it is missing, ` + "`check`" + ` warns, and the message waits for it.
- In ` + "`if:`" + ` stands a condition about each attachment. ` + "`name`" + `, ` + "`type`" + `, ` + "`size`" + ` and ` + "`inline`" + ` are those of the attachment, without a dot, and
  nothing else can be asked there: ask about the message in the ` + "`if:`" + ` of the rule.
- In ` + "`name:`" + ` a ` + "`/`" + ` goes down into a folder, which is made. A ` + "`${}`" + ` that names one of these four fields is about the attachment,
  any other about the message. A value fills a part of one name, whatever it holds: ` + "`/`" + ` in it becomes ` + "`_`" + `. A name that ends in ` + "`/`" + ` means
  the attachment's own there.
- A file is there whole or not at all. Nothing is overwritten: where the name is taken by the same content that is the file, else
  the next is ` + "`a (2).pdf`" + `. So a repeat after a crash changes nothing.
- A message without such an attachment is done. One with a file that is too large has failed and stays; its other files are saved.
- ` + "`imapilot history ID`" + ` tells the paths. Undo leaves the files where they are.
`

// saving tells what there is to know of save_attachments.
func (p *page) saving() {
	p.heading(3, "Saved attachments")
	p.text(savingIntro)
}

const leavingIntro = "`unsubscribe` leaves the list that the message is from, with one request and without a page to look at (RFC 8058):" + `

` + "```yaml" + `
accounts:
  home:
    host: imap.example.org
    username: me@example.org
    password: {env: IMAP_PASSWORD}
    watch: [Enough]

rules:
  - name: enough
    in: [Enough]
    if: is_bulk
    then: [unsubscribe, trash]
    tests:
      - message: |
          From: news@shop.example
          List-Unsubscribe: <https://shop.example/u>
          List-Unsubscribe-Post: List-Unsubscribe=One-Click
        given: {mailbox: Enough}
        want: [unsubscribe, trash]
` + "```" + `

- The message must offer it by ` + "`List-Unsubscribe`" + ` and ` + "`List-Unsubscribe-Post`" + `, and a valid DKIM signature of the domain in From must cover both:
  an address that anybody could have written is not called. Without that the step has failed, the message stays, and
  ` + "`imapilot history`" + ` says why.
- The request goes by https to a public address, and tells nothing of you but what the address holds. No redirect is followed.
- What may pass (DNS, the network, 5xx, 429) is tried again, ten times in about three days; any other answer is final.
- Each message that a rule acts on makes a request of its own. The journal names the host, and no more of the address.
- Undo does not join a list again.
`

// leaving tells what there is to know of unsubscribe.
func (p *page) leaving() {
	p.heading(3, "Leaving lists")
	p.text(leavingIntro)
}

func (p *page) templates() {
	p.heading(2, "Values in arguments")
	p.text(templateIntro)
	var rows [][]string
	for _, example := range []string{
		"move: Lists/${list.name}", "copy: Accounting/${year(received)}", `copy: Archive/${format(received, "%Y-%m")}`, "move: People/${lower(from.name)}",
		`move: ${is_bulk ? "Bulk" : "Letters"}/${from.domain}`, "add_flags: from-${from.local}", "move: Plans/$${x}",
	} {
		rows = append(rows, []string{code(example), code(filled(example, sampleInput()))})
	}
	p.table([]string{"example", "for one message it is"}, rows)
	p.heading(3, "Names from mail")
	p.text(namesIntro)
	rows = nil
	for _, subject := range []string{"Plans for May", "a/b.c", `..\INBOX`, "50%*", "#news", "INBOX", "role:trash", `\Deleted`, strings.Repeat("long ", 20), " "} {
		in := sampleInput()
		in.Message = received([]byte("Subject: " + subject + "\r\n\r\n"))
		shown := subject
		if len(shown) > 40 {
			shown = shown[:24] + "... (" + fmt.Sprint(len(subject)) + " characters)"
		}
		rows = append(rows, []string{code(shown), code(filled("move: ${subject}", in)), code(filled("add_flags: ${subject}", in))})
	}
	p.table([]string{"subject", "`move: ${subject}`", "`add_flags: ${subject}`"}, rows)
}

// filled is what an action becomes for a message, or why it cannot be done.
func filled(action string, in Input) string {
	rs, _ := Compile(baseSource(exampleRule("r", action)))
	d := rs.Evaluate(in)
	if err := d.Verdicts[0].Err; err != nil {
		text := err.Error()
		return "not done: " + text[strings.LastIndex(text, "}: ")+len("}: "):]
	}
	return d.Plan.String()
}

// refusals are what people try, and what to write instead.
func refusals() [][2]string {
	return [][2]string{
		{`subject = "x"`, `subject == "x"`}, {`from == "ann@example.org"`, `from.address == "ann@example.org"`},
		{`to contains "example.org"`, `any(to, .address contains "example.org")`}, {`subject in "invoice"`, `subject contains "invoice"`},
		{`subject contains ["a", "b"]`, `has(subject, "a", "b")`}, {`cc[0].domain == "example.org"`, `any(cc, .domain == "example.org")`},
		{`now() - received > days(3)`, `age > days(3)`}, {`age > 30`, `age > days(30)`}, {`sent > "2026-01-31"`, `sent > date("2026-01-31")`},
		{`hour(received) in 8..18`, `within(received, "08:00", "19:00")`}, {`list.id ?? "" == ""`, `list.id == ""`},
		{`subject.lower() == "x"`, `subject == "x"`}, {`size > 10MB`, `size > mb(10)`}, {`subject matches "(?!re)"`, `not (subject matches "re")`},
		{`not subject contains "x"`, `subject not contains "x"`},
	}
}

func (p *page) refused() {
	p.heading(2, "What is not there")
	p.text("Whatever could fail or grow while a message is looked at is refused when the rules are loaded: variables, indexes,\nranges, methods, patterns that are put together, division by zero. What people try first:")
	var rows [][]string
	for _, r := range refusals() {
		rows = append(rows, []string{code(r[0]), code(r[1])})
	}
	p.table([]string{"refused", "example"}, rows)
}

func (p *page) limits() {
	p.heading(2, "Limits")
	p.text("Every input has one. Octets are bytes; a KiB has 1,024, a MiB 1,048,576.")
	own, loader, yaml := constantsOf("."), constantsOf("../engine/config"), constantsOf("../engine/config/strictyaml")
	mail, webhook, engine, program := constantsOf("facts"), constantsOf("../actions/webhook"), constantsOf("../engine"), constantsOf("../actions/exec")
	p.heading(3, "When the rules are loaded")
	p.text("What is beyond is an error, and the rules do not come into force.")
	p.table([]string{"of", "at most"}, [][]string{
		{"a file of the configuration", size(yaml["MaxSize"])}, {"files of one configuration", count(loader["maxFiles"])},
		{"rules", count(own["maxRules"])}, {"actions of a rule", count(own["maxActions"])}, {"an expression", size(own["maxSource"])},
		{"parts of an expression, its defines filled in", count(own["maxNodes"])}, {"brackets within each other", count(own["maxDepth"])},
		{"`any()` and its like within each other", count(own["maxLoops"])}, {"a pattern", count(own["maxPattern"]) + " octets"},
		{"values of a list", count(own["maxListValues"])}, {"a file of a list", size(loader["maxListFile"])},
		{"flags that ask a rule", count(own["maxTriggerFlags"])}, {"`repeat:`", count(loader["maxRepeatDays"]) + " days"},
		{"arguments of a program, itself among them", count(own["maxElements"])}, {"variables of a program", count(own["maxVariables"])},
		{"the `timeout:` of a program", "1 hour; 60 s where it says none"},
		{"`name:` of `save_attachments`", count(own["maxFolder"]) + " octets, " + count(own["maxNameParts"]) + " values, " + count(own["maxLevels"]) + " folders"},
		{"recipients of a forward", count(own["maxRecipients"])}, {"the text of a reply, or the note of a forward", count(own["maxLetter"]) + " octets"},
		{"a value of a list in a file", count(loader["maxListValue"]) + " octets"}, {"a name that you give", count(loader["maxName"]) + " octets"},
	})
	p.heading(3, "While a message is looked at")
	p.text("What is beyond makes the condition an error: the rule takes no action for that message, and says so. With `stop: true` the walk ends there: the rule might have kept the message from those below.")
	p.table([]string{"of", "at most"}, [][]string{
		{"a text that an expression puts together", size(own["maxText"])}, {"elements of the lists that an expression makes", count(own["memoryBudget"])},
		{"text that all rules together read of one message", size(own["maxWork"])},
		{"a header, where what lies beyond could change the answer", size(mail["maxHeader"]) + ", " + count(mail["maxFields"]) + " fields, " + size(mail["maxValue"]) + " each"},
		{"addresses of one header field, likewise", "fewer than " + count(mail["maxAddresses"])},
		{"parts of a message, to say that there is no such attachment or text", count(mail["maxParts"]) + ", " + count(mail["maxDepth"]) + " deep"},
		{"a mailbox name with its values", count(own["maxMailbox"]) + " octets"},
	})
	p.heading(3, "Of a message")
	p.text("What is beyond is not seen.")
	p.table([]string{"of", "at most"}, [][]string{
		{"`references`", count(mail["maxReferences"]) + ", the first and the last 99"},
		{"`auth.domains`", count(mail["maxDomains"])}, {"`my_tag`", count(mail["maxTag"]) + " octets"},
		{"`body.text` and `body.html`, as they are sent", size(facts.DefaultLimit) + "; `body: {limit: ...}` from " + size(loader["minBody"]) + " to " + size(loader["maxBody"])},
		{"a delivery report", size(mail["maxReport"])}, {"the name of an attachment", count(mail["maxName"]) + " octets"},
		{"a value from mail in a name", count(own["maxLevel"]) + " characters"},
		{"a value from mail in the name of a saved attachment", count(own["maxNameValue"]) + " octets"},
		{"an argument of a program", count(own["maxElement"]) + " octets, and all together " + count(own["maxCommand"])},
		{"a value in a reply or a note", count(own["maxLetterValue"]) + " octets, and all together " + count(own["maxLetterText"])},
	})
	p.heading(3, "Of what a rule does")
	p.text("What is beyond waits, and `imapilot status` shows it.")
	p.table([]string{"of", "at most"}, [][]string{
		{"messages that a rule moves or trashes in 60 minutes, or on a schedule in one run", count(own["defaultMoves"]) + ", or its `max_messages`, up to " + count(own["maxMaxMessages"])},
		{"messages that a rule expunges in 60 minutes, or on a schedule in one run", count(own["defaultExpunges"]) + ", or its `max_messages`"},
		{"mailboxes that a rule creates in 24 hours", count(engine["createsPerDay"])},
		{"messages that an account forwards and answers in 24 hours", count(loader["defaultPerDay"]) + ", or `per_day:` of `smtp:`, up to " + count(loader["maxPerDay"])},
	})
	p.text("At most " + count(engine["programsAtOnce"]) + " programs run at once; one that prints more than " + size(program["MaxOutput"]) + " has failed.")
	p.text("The document that a webhook gets has at most " + count(webhook["MaxPayload"]) + " octets; [all of it](../actions/webhook/REFERENCE.md).")
}

// size shows a number of octets in the largest unit that it is a multiple of.
func size(n int64) string {
	switch {
	case n == 0:
		panic("a limit on the page is no constant any more")
	case n%(1<<20) == 0:
		return fmt.Sprint(n>>20, " MiB")
	case n%(1<<10) == 0:
		return fmt.Sprint(n>>10, " KiB")
	}
	return count(n) + " octets"
}

// count shows a number with a comma between thousands.
func count(n int64) string {
	if n == 0 {
		panic("a limit on the page is no constant any more")
	}
	digits := []byte(fmt.Sprint(n))
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = slices.Insert(digits, at, ',')
	}
	return string(digits)
}
