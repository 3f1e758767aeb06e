package rules

const askedIntro = `
A rule without ` + "`on:`" + ` is asked once about each message that arrives. With ` + "`on:`" + ` a schedule asks it, or a flag that is added.
A rule has one of the three; what should happen on two of them is two rules. What imapilot itself changes asks no rule on
arrival and no rule on flags: such a rule does not see where another one moved a message, or which flag it added.

How often a rule acts on one message:

- A rule *on arrival* or *on a schedule* acts on a message once, however often it is asked. The journal knows it by the
  rule's name: under another name it acts again.
- A rule *on a schedule* with ` + "`repeat: 7d`" + ` acts on the same message again after seven days, as long as it still matches.
- A rule *on flags* acts once each time that somebody adds one of its flags. Who takes a star away and sets it again asks
  it again.
- This is counted for each kind of trigger: a rule that is put on a schedule acts on old mail once more, and ` + "`apply`" + ` is a
  kind of its own. What was held, skipped, failed or only noted by ` + "`dry_run`" + ` does not count.
`

const clockText = `
` + "`imapilot run`" + ` keeps the time. Each rule is a walk of its own: it looks at all mail of its mailboxes, which need not be
watched, and no other rule stops it or takes its messages. So ` + "`stop: true`" + ` has no effect there, and ` + "`check`" + ` says so.
` + "`max_messages`" + ` counts what it takes away in one run.
`

const flagsText = `
` + "`on: {flags: ['\\Flagged', $Todo]}`" + ` names the flags: those of the system, or keywords of your own. The mailboxes must be
watched. Rules that one flag asks are one walk, in their order, where ` + "`stop: true`" + ` ends it. ` + "`\\Deleted`" + ` and ` + "`\\Recent`" + ` ask
no rule, and the flags hold no ` + "`${}`" + `.
`

const retentionText = `
` + "`retention:`" + ` at the top level, also of an included file, says how long mail stays. Each entry is a rule on a schedule with
` + "`if: age > days(30) and not (...)`" + `; it stands behind the rules of its file, and ` + "`imapilot rules`" + ` shows it among them.

` + "```yaml" + `
timezone: Europe/Berlin

accounts:
  home:
    host: imap.example.org
    username: me@example.org
    password: {env: IMAP_PASSWORD}

webhooks:
  remind: {url: "https://push.example.org/me"}

rules:
  - name: starred and forgotten
    on: {cron: '0 9 * * 1'}    # Mondays at nine
    repeat: 7d
    if: flagged and not answered and age > days(7)
    then: [{webhook: remind}]

  - name: a star reminds
    on: {flags: ['\Flagged']}
    if: true
    then: [{webhook: remind}]

retention:
  - in: [Promotions]
    after: 30d
    unless: flagged or answered
    tests:
      - message: |
          Subject: Ten percent off
        given: {received: 2026-01-01, now: 2026-02-15}
        want: [trash]
  - name: empty the trash
    in: ["role:trash"]
    after: 60d
    then: [expunge]
` + "```" + `

Age counts from ` + "`received`" + `, when your server took the message in. Servers keep that time when a message is moved: what goes
into the trash a year old is a year old there.
`

// asked tells what asks a rule, and how often it acts on one message.
func (p *page) asked() {
	p.heading(2, "When a rule is asked")
	p.text(askedIntro)
	p.heading(3, "On a schedule")
	p.text(clockText)
	p.table([]string{"key", "meaning", "written as"}, [][]string{
		{"`cron`", "Minute, hour, day of month, month and day of week; or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`, `@every` and a time of at least one minute.", "`on: {cron: '0 3 * * *'}`"},
		{"`timezone`", "The zone of the schedule. Default: `timezone:` of the configuration, which is UTC by default.", "`on: {cron: '0 3 * * *', timezone: Europe/Berlin}`"},
		{"`jitter`", "Each run begins later by up to so much, at most 24 hours. Default: none.", "`on: {cron: '0 3 * * *', jitter: 10m}`"},
		{"`catch_up`", "Whether one run makes up for those that were missed while imapilot did not run. Default: `true`.", "`on: {cron: '@daily', catch_up: false}`"},
		{"`repeat`", "Beside `on:` in the rule: after how long it may act on the same message again, one minute to 366 days. Default: never.", "`repeat: 7d`"},
	})
	p.heading(3, "On flags")
	p.text(flagsText)
	p.heading(3, "Retention")
	p.text(retentionText)
	p.table([]string{"key", "meaning", "written as"}, [][]string{
		{"`in`", "Needed. The mailboxes: names, patterns, roles. They need not be watched.", "`in: [Promotions]`"},
		{"`after`", "Needed. How old a message is when it goes, in hours, days or weeks, from `1h` to `36500d`.", "`after: 30d`"},
		{"`unless`", "A condition. Messages for which it is true stay.", "`unless: flagged`"},
		{"`then`", "What is done. Default: `trash`.", "`then: [expunge]`"},
		{"`on`", "The schedule. Default: every night at three.", "`on: {cron: '@weekly'}`"},
		{"`name`", "What the journal knows it by. Default: `retention of` and its first mailbox, and a number where that name is taken.", "`name: old promotions`"},
		{"`accounts`, `max_messages`, `dry_run`, `tests`", "As those of a rule.", "`max_messages: 50`"},
	})
}
