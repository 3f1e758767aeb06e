package rules

// letterIntro tells what there is to know of forward and reply.
const letterIntro = "`forward` sends the message on, `reply` answers its sender. Both are off unless the configuration allows them, and names a mail server that takes messages:" + `

` + "```yaml" + `
allow: [forward, reply]
smtp: {host: smtp.example.org, username: me@example.org, password: {env: SMTP_PASSWORD}, name: Me}
accounts:
  home:
    host: imap.example.org
    username: me@example.org
    password: {env: IMAP_PASSWORD}

rules:
  - name: invoices
    if: has(subject, "invoice")
    then:
      - forward: {to: books@example.net, note: 'From ${from.address}', anyway: true}
      - archive
    tests:
      - message: |
          From: ann@example.com
          Subject: Invoice 1
        want: [{forward: {to: books@example.net, anyway: true}}, archive]
  - name: away
    if: received < date("2026-08-15") and to_me
    then: [{reply: {text: 'Thank you, ${from.name}. I am back on 15 August.', every: 14d}}]
` + "```" + `

- ` + "`smtp:`" + ` has host, port, tls (implicit, starttls or none), ca, username, password, and ` + "`from:`" + `, by default the first address of the
  account. An account may have an ` + "`smtp:`" + ` of its own. Without TLS a password is sent to this machine only.
- A forward is a new message from you, to 1 to 10 addresses that are written out: no message chooses a recipient. The message is attached
  with every octet, up to 25 MB, or shown in the new one with ` + "`inline: true`" + `; ` + "`note:`" + ` stands above it.
- A message that a program sent or that went to many (Auto-Submitted, Precedence, a list, a bounce) is forwarded with ` + "`anyway: true`" + ` only,
  and one that imapilot sent never: each message bears a mark of the account. **A forward that is refused has failed**: what comes after it,
  such as ` + "`trash`" + `, is not done, and ` + "`imapilot history`" + ` says why.
- An answer goes to Return-Path or From, as RFC 3834 has it, from nobody: what answers it is lost. One sender gets one answer in 7 days, or what
  ` + "`every:`" + ` says (1d to 90d), whatever he writes and however often imapilot is started. Bulk mail and mail that a program sent is not
  answered, nor mail that names none of your addresses, except with ` + "`anyway: true`" + `, nor, in any case, an answer, your own mail or an empty
  Return-Path. **A reply that is not sent is done**: what comes after it goes on, and ` + "`imapilot history`" + ` says why there was none.
- Values are of one line. A reply to mail that pretends to be from somebody tells him that you are away: let it ask ` + "`auth.dmarc == \"pass\"`" + ` if you can.
- What the server takes later (4yz), or cannot be reached for, is tried again, ten times in about three days; the message waits, and others do not. What it refuses
  (5yz) has failed, until ` + "`imapilot retry`" + `. Where the server's answer got lost the message is sent again, under the same Message-ID.
- A login that is refused loses no attempt: nothing is sent for 5 minutes, then up to an hour, or until a reload, and ` + "`imapilot status`" + ` says so.
- An account sends 200 messages in any 24 hours, or what ` + "`per_day:`" + ` says. What is beyond waits; nothing is dropped.
- The password is read at each attempt and is in no journal. In a dry run, in a plan and in tests nothing is sent. What was sent cannot be undone.
`
