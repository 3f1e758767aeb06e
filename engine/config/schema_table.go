package config

import (
	"imapilot/actions"
	"imapilot/actions/webhook/preset"
	"imapilot/rules"
)

// object describes a mapping of the configuration: what the loader calls it,
// and its keys. The loader has the same keys in its own tables; a test holds
// the two against each other.
type object struct {
	what, doc string
	required  []string
	one       bool // exactly one of its keys
	keys      []key
	more      shape // what else is true of it
}

// key describes one key to a user.
type key struct {
	name, doc string
	value     shape
}

// homeOf returns the first mapping that has a key, "" if none has.
func homeOf(name string) string {
	for _, o := range objects() {
		for _, k := range o.keys {
			if k.name == name {
				return o.what
			}
		}
	}
	return ""
}

func objects() []object {
	return []object{
		configurationKeys(), accountKeys(), hostKeys(), oauth2Keys(), tlsKeys(), smtpKeys(), secretKeys(), adminKeys(), noticesKeys(), bodyKeys(), webhookKeys(), certificateKeys(), rateKeys(), digestKeys(),
		webhookActionKeys(), programKeys(), placeKeys(), additionKeys(), forwardKeys(), replyKeys(), savingKeys(), snoozeKeys(), snoozedKeys(), listKeys(), ruleKeys(), triggerKeys(), searchKeys(), retentionKeys(),
		testKeys(), givenKeys(), gmailKeys(),
	}
}

func configurationKeys() object {
	return object{what: "configuration", doc: "What imapilot watches, and what it does.", keys: []key{
		{"state", "The path of the journal, beside this file unless absolute; default imapilot.db.", defined("text")},
		{"timezone", "The time zone of every calendar word, a name of the tz database as in Europe/Berlin; default UTC.", filled()},
		{"dry_run", "Decide and record for every account, and touch nothing.", boolean()},
		{"include", "Files whose rules stand at this place; * matches any text.", defined("texts")},
		{"accounts", "The IMAP accounts, by names of your own.", named(defined("account"))},
		{"hosts", "What all accounts on one mail server share, by its name as in host.", named(defined("host"))},
		{"body", "How much of a message's text rules see.", defined("body")},
		{"egress", "public: webhooks may call public addresses only, where they do not say otherwise; default any.", enum("any", "public")},
		{"smtp", "The mail server that takes what is forwarded and answered, for the accounts that have none of their own.", defined("smtp")},
		{"admin", "Where the daemon tells whether it is alive, over HTTP: a port of this machine, or an address; off without it.", either(integer(1, maxPort), filled(), defined("admin"))},
		{"notices", "Who is told when something needs a person.", defined("notices")},
		{"stale_after", "stale_after of the accounts that say none of their own.", span()},
		{"token_key", "What the stored tokens of oauth2: are encrypted with: 32 random bytes in base64.", defined("secret")},
		{"allow", "The actions that may leave the mailbox, which are off without it: exec, forward, reply, save_attachments.", oneOrMore(enum(leaving()...))},
		{"webhooks", "The endpoints that the action webhook calls, by names of your own.", named(defined("webhook"))},
		{"define", "Expressions that rules use by their names.", named(defined("text"))},
		{"lists", "Lists of values for in_list, here or each in a file.", named(either(defined("texts"), defined("list")))},
		{"rules", "The rules, asked from top to bottom for each message that arrives; each rule on a clock is asked by itself.", listOf(defined("rule"))},
		{"retention", "How long mail stays in a mailbox. Each entry is a rule on a clock, after the rules of its file.", listOf(defined("retention"))},
		{"tests", "Tests of what the rules on arrival together do: want: lists the actions in the order in which they are applied, without those that another rule supersedes and without those of rules in dry run.", listOf(defined("test"))},
	}}
}

func accountKeys() object {
	return object{what: "account", doc: "One IMAP account.", required: []string{"host", "username"}, keys: []key{
		{"host", "The IMAP server, as in imap.example.org.", filled()},
		{"port", "Its port; default 993, or 143 without implicit TLS.", integer(1, maxPort)},
		{"tls", "How the connection is secured: implicit (the default), starttls or none.", either(enum(tlsModes()...), defined("tls"))},
		{"username", "The login name.", shape{"type": []string{"string", "number", "boolean"}, "minLength": 1}},
		{"password", "The password, or better where it is: a file, an environment variable, a credential of systemd or a command.", either(filled(), defined("secret"))},
		{"token", "An OAuth2 access token in the place of a password, as a program of yours prints it that keeps it fresh; it is read for each login.", either(filled(), defined("secret"))},
		{"oauth2", "Where the tokens come from that imapilot gets by 'imapilot login', stores and keeps fresh, in the place of a password.", defined("oauth2")},
		{"auth", "How to log in; default: the strongest way that the server offers and that there is a password, a token or a certificate for.", enum(mechanisms()...)},
		{"addresses", "Your own addresses in this account; default: the username if it has an @.", oneOrMore(pattern("@"))},
		{"trusted_authserv", "The names by which your own servers sign their Authentication-Results, the first word of that field; default none is believed.", defined("texts")},
		{"watch", `The mailboxes that are watched: names, patterns as in "Lists/*", roles as in "role:junk", and subscribed for those that you subscribed to; default INBOX.`, defined("texts")},
		{"except", `The mailboxes that are not watched though watch: names them: names, patterns, roles.`, defined("texts")},
		{"connections", "The most connections that this account opens; default 3.", integer(1, maxConnections)},
		{"idle", "How long one IDLE lasts, 1m to 29m; default 5m.", span()},
		{"poll", "How often mailboxes are looked at for which there is no IDLE, 5s to 24h; default 60s.", span()},
		{"stale_after", "For how long the server may prove nothing of a mailbox before that counts as not alive, 10s to 7d; default 6m, or a minute more than the slower of idle and poll where that is longer.", span()},
		{"dry_run", "Decide and record for this account, and touch nothing.", boolean()},
		{"smtp", "The mail server that takes what this account forwards and answers; default: that of the top level.", defined("smtp")},
		{"create", "Make the mailboxes that actions lead to where they are missing; default true. With false such an action waits until the mailbox exists.", boolean()},
		{"snooze", "Where this account keeps what it snoozes.", defined("snoozed")},
	}, more: shape{"anyOf": []shape{has("password"), has("token"), has("oauth2"), {"properties": shape{"tls": has("client_certificate")}, "required": []string{"tls"}}}}}
}

func adminKeys() object {
	return object{what: "admin", doc: "Where the daemon tells whether it is alive: /healthz, /readyz, /metrics and /status.", required: []string{"listen"}, keys: []key{
		{"listen", "The address, as in 127.0.0.1:9464, or a port of this machine alone.", either(integer(1, maxPort), filled())},
		{"token", "What a caller shows as Authorization: Bearer; needed where other machines can reach the address.", secretValue()},
		{"hosts", "The names under which it is asked for, beside localhost, 127.0.0.1 and that of listen.", defined("texts")},
	}}
}

func noticesKeys() object {
	return object{what: "notices", doc: "Who is told when an account is parked, a mailbox is stale, a rule has stopped or an endpoint is dead, and when that is over.", keys: []key{
		{"webhook", "The name of the endpoint that is called.", filled()},
	}}
}

func oauth2Keys() object {
	return object{what: "oauth2", doc: "Where an account's tokens come from.", required: []string{"client_id"}, keys: []key{
		{"provider", "google or microsoft: their endpoints and scopes. For any other give token_endpoint and scopes.", enum(oauthProviderNames()...)},
		{"client_id", "By what the provider knows you; it gives one to whoever registers an application.", defined("text")},
		{"client_secret", "What the provider gave with it; a public client has none.", either(filled(), defined("secret"))},
		{"tenant", "Of microsoft: the directory, by its id or domain, or common (the default), organizations or consumers.", filled()},
		{"device_endpoint", "Where a login by a code begins (RFC 8628).", endpointShape()},
		{"authorization_endpoint", "Where a login in a browser begins, whose last address is pasted.", endpointShape()},
		{"token_endpoint", "Where tokens are given.", endpointShape()},
		{"scopes", "What is asked for.", defined("texts")},
	}, more: shape{"anyOf": []shape{has("provider"), {"required": []string{"token_endpoint", "scopes"}}}}}
}

func endpointShape() shape { return pattern("^https?://") }

func hostKeys() object {
	return object{what: "host", doc: "What all accounts on one mail server share.", keys: []key{
		{"connections", "The most connections that they open together; default: what each account may. At least one for each of them.", integer(1, maxHostConnections)},
		{"logins_per_minute", "How many logins there are in a minute, a tenth of them at once; default 300.", integer(1, maxLoginsPerMinute)},
	}}
}

func tlsKeys() object {
	return object{what: "tls", doc: "How the connection is secured.", keys: []key{
		{"mode", "implicit (port 993, the default), starttls or none.", enum(tlsModes()...)},
		{"ca", "A PEM file with a private certificate authority, or the server's own certificate.", filled()},
		{"pin", "The SHA-256 of the server's certificate in hexadecimal digits, which is then trusted whoever signed it.", pattern("^([0-9a-fA-F]{2}:?){31}[0-9a-fA-F]{2}$")},
		{"client_certificate", "The certificate that is shown to the server.", defined("client_certificate")},
	}}
}

func secretKeys() object {
	return object{what: "secret", doc: "Where a secret comes from.", one: true, keys: []key{
		{"file", "A file that holds it.", filled()},
		{"env", "The environment variable that holds it, without the $.", filled()},
		{"credential", "The credential's name in LoadCredential= of the systemd unit.", filled()},
		{"command", "A program and its arguments that prints it; no shell is involved.", shape{"type": "array", "items": defined("text"), "minItems": 1}},
	}}
}

func bodyKeys() object {
	return object{what: "body", doc: "How much of a message's text rules see.", keys: []key{
		{"limit", "At most so many bytes of it, 1KiB to 4MiB; default 64KiB.", either(integer(minBody, maxBody), pattern("^[1-9][0-9]* *(KiB|MiB)$"))},
	}}
}

func webhookKeys() object {
	return object{what: "webhook", doc: "One endpoint.", keys: []key{
		{"url", "Where the JSON document is sent; its path and its query may hold ${expressions}. With a preset, the server, or the URL that the service gave out.", pattern("^[Hh][Tt][Tt][Pp][Ss]?://")},
		{"preset", "A service that people are notified by: it is called as it wants to be.", enum(preset.Names()...)},
		{"to", "The topic, channel, room or chat of a preset.", filled()},
		{"token", "The secret that the service of a preset gave out.", secretValue()},
		{"secret", "Signs the calls as Standard Webhooks has it; without one they are not signed.", secretValue()},
		{"secrets", "Several secrets, each of which signs, so that a new one can replace an old one.", listOf(secretValue())},
		{"method", "The HTTP method; default POST.", enum(methods()...)},
		{"content_type", "The Content-Type; default application/json.", filled()},
		{"headers", "Fields that go with every call.", named(either(defined("text"), defined("secret")))},
		{"egress", "public: only public addresses are called, whatever a name stands for. any (the default): your own network too.", enum("any", "public")},
		{"ca", "A PEM file with a private certificate authority, or the receiver's own certificate.", filled()},
		{"quiet_hours", "Hours in which nothing is sent, as in '22:00-07:00', by the clock of timezone; what comes is sent afterwards.", defined("texts")},
		{"rate_limit", "How many calls there are at most; what is beyond is sent later.", defined("rate_limit")},
		{"digest", "One call for all messages: after the first of them so long, 1m to 366d as in 15m, or by a schedule.", either(span(), defined("digest"))},
		{"debounce", "One call for all messages once none has come for so long, 1s to 24h; the first waits no longer than ten times that.", span()},
		{"client_certificate", "The certificate that is shown to the receiver.", defined("client_certificate")},
	}, more: shape{"anyOf": []shape{has("url"), has("preset")}}}
}

func secretValue() shape { return either(filled(), defined("secret")) }

func rateKeys() object {
	return object{what: "rate_limit", doc: "How many calls there are at most, as in 10/h or 3/24h.", keys: []key{
		{"per_rule", "For one rule.", pattern(`^[0-9]+ ?/ ?[0-9]*[0-9.]*[mhd]`)},
		{"per_sender", "About the mail of one sender.", pattern(`^[0-9]+ ?/ ?[0-9]*[0-9.]*[mhd]`)},
	}, more: shape{"minProperties": 1}}
}

func digestKeys() object {
	return object{what: "digest", doc: "A schedule.", required: []string{"cron"}, keys: []key{
		{"cron", "Five fields, or a word such as @daily.", filled()},
	}}
}

func certificateKeys() object {
	return object{what: "client_certificate", doc: "A certificate and its key.", required: []string{"certificate", "key"}, keys: []key{
		{"certificate", "A PEM file with the certificate.", filled()},
		{"key", "A PEM file with its private key.", filled()},
	}}
}

func placeKeys() object {
	return object{what: "place", doc: "A mailbox, of another account too.", required: []string{"mailbox"}, keys: []key{
		{"account", "The name of another account, which the message is appended to; default the message's own.", filled()},
		{"mailbox", "The mailbox there, or its role as in role:archive; it may hold ${expressions}.", defined("text")},
	}}
}

func additionKeys() object {
	return object{what: "addition", doc: "What append adds: a copy with header, or a note with subject and body.", required: []string{"to"}, keys: []key{
		{"to", "The mailbox, or its role as in role:archive; it may hold ${expressions}.", defined("text")},
		{"account", "The name of another account, which it is appended to; default the message's own.", filled()},
		{"header", "Header fields at the top of a copy of the message, at most 8: X- and more, Keywords or Comments. Their values may hold ${expressions}, and ${rule}. Each copy has X-Imapilot, the name of the rule, as well.",
			shape{"type": "object", "additionalProperties": defined("text"), "propertyNames": pattern("^([Xx]-[A-Za-z0-9-]+|[Kk]eywords|[Cc]omments)$")}},
		{"subject", "The subject of a note; it may hold ${expressions}, and ${rule}.", defined("text")},
		{"body", "The text of a note, at most 8,000 octets; it may hold ${expressions}, and ${rule}.", defined("text")},
	}}
}

func webhookActionKeys() object {
	return object{what: "call", doc: "A webhook with settings.", required: []string{"to"}, keys: []key{
		{"to", "The name of an endpoint.", defined("text")},
		{"when", "planned: with the decision (the default); done: after all other actions on the message, with their result.", enum("planned", "done")},
		{"title", "A line for people; it may hold ${expressions}.", defined("text")},
		{"body", "A text for people; it may hold ${expressions}.", defined("text")},
		{"json", "What is sent in the place of the JSON document: an expression that gives a map, or YAML. Its texts may hold ${expressions}; one that is a single ${expression} becomes what that gives: a text, a number, true or false, a time, or a list.", shape{}},
		{"include", "What the document has besides: headers, text, attachments, raw (the message as it is, in base64).", oneOrMore(enum(actions.Included()...))},
		{"raw_limit", "How much of a raw message is included, 1kb to 25mb; default 1mb.", either(integer(minRaw, rules.MaxRaw), pattern("^[1-9][0-9]* *(kb|mb|KiB|MiB)$"))},
	}, more: shape{"dependencies": shape{"raw_limit": has("include")}}}
}

func programKeys() object {
	return object{what: "program", doc: "A program of exec with settings.", required: []string{"run"}, keys: []key{
		{"run", "The absolute path of the program and its arguments, each of which is one whatever it holds; they may hold ${expressions}.", defined("texts")},
		{"timeout", "How long it may run, 1s to 1h; default 60s.", span()},
		{"stdin", "What is on its standard input: document, the JSON document about the message (the default), or raw, the message as it is, up to 25mb.", enum("document", "raw")},
		{"env", "Variables that it gets besides; their values may hold ${expressions}.", shape{"type": "object", "additionalProperties": defined("text"), "propertyNames": pattern("^[A-Za-z_][A-Za-z0-9_]*$")}},
	}}
}

func snoozeKeys() object {
	return object{what: "snooze", doc: "When a snoozed message comes back.", one: true, keys: []key{
		{"for", "After a while, 1m to 366d as in 4h, 3d or 2w; a day is 24 hours.", span()},
		{"until", "At a time, in timezone: monday 08:00, tomorrow 08:00, '08:00' (the next one), or a date as in 2026-05-08 08:00, at most 366 days from now.", filled()},
	}}
}

func snoozedKeys() object {
	return object{what: "snoozed", doc: "Where an account keeps what it snoozes.", keys: []key{
		{"mailbox", "The mailbox, which is created when missing; default Snoozed.", filled()},
	}}
}

func savingKeys() object {
	return object{what: "saving", doc: "A save_attachments with settings.", required: []string{"to"}, keys: []key{
		{"to", "The absolute path of a folder that exists.", defined("text")},
		{"name", "The path of each file below it; default: the attachment's own name. ${name}, ${type} and ${size} are those of the attachment, other ${expressions} are about the message; / makes folders.", defined("text")},
		{"if", "A condition about each attachment, which has name, type, size and inline; default: all are saved.", defined("text")},
		{"max_file", "The most octets of a file, 1kb to 25mb; a larger one is not saved, and the message stays. Default 25mb.", either(integer(minRaw, rules.MaxRaw), pattern("^[1-9][0-9]* *(kb|mb|KiB|MiB)$"))},
	}}
}

func smtpKeys() object {
	return object{what: "smtp", doc: "A mail server that takes messages (submission).", required: []string{"host"}, keys: []key{
		{"host", "The server, as in smtp.example.org.", filled()},
		{"port", "Its port; default 465, or 587 without implicit TLS.", integer(1, maxPort)},
		{"tls", "How the connection is secured: implicit (the default), starttls or none.", enum(tlsModes()...)},
		{"ca", "A PEM file with a private certificate authority, or the server's own certificate.", filled()},
		{"username", "The login name; without it there is no login.", shape{"type": []string{"string", "number", "boolean"}, "minLength": 1}},
		{"password", "The password, or better where it is: a file, an environment variable, a credential of systemd or a command.", secretValue()},
		{"from", "The address that messages are from; default: the first of the account's addresses.", pattern("@")},
		{"name", "The name before it.", filled()},
		{"per_day", "How many messages an account sends in any 24 hours at most, forwards and replies together; what is beyond waits. Default 200.", integer(1, maxPerDay)},
	}, more: shape{"dependencies": shape{"username": has("password"), "password": has("username")}}}
}

func forwardKeys() object {
	return object{what: "forward", doc: "A forward with settings.", required: []string{"to"}, keys: []key{
		{"to", "The recipients, 1 to 10 addresses.", oneOrMore(pattern("@"))},
		{"note", "A text above the message; it may hold ${expressions}.", defined("text")},
		{"inline", "Show the message within the new one; default false: it is attached, as it is.", boolean()},
		{"anyway", "Forward bulk and automatic mail, too.", boolean()},
	}}
}

func replyKeys() object {
	return object{what: "reply", doc: "A reply with settings.", required: []string{"text"}, keys: []key{
		{"text", "What the sender is told; it may hold ${expressions}.", defined("text")},
		{"anyway", "Answer bulk mail, too, mail that a program sent, and mail that names none of your addresses.", boolean()},
		{"every", "For how long one sender gets no second answer, 1d to 90d; default 7d.", span()},
	}}
}

func listKeys() object {
	return object{what: "list", doc: "A list in a file of its own.", required: []string{"file"}, keys: []key{
		{"file", "One value a line; blank lines and lines that begin with # are skipped. It is read again by reload.", filled()},
	}}
}

func ruleKeys() object {
	return object{what: "rule", doc: "One rule.", required: []string{"name", "if", "then"}, keys: []key{
		{"name", "The journal knows the rule by it: a rule with another name acts on a message again.", defined("text")},
		{"accounts", "The accounts that the rule is for; default all.", defined("texts")},
		{"in", `The mailboxes that the rule looks at: names, patterns as in "Lists/*", and roles as in "role:junk"; default INBOX. Those of a rule on a clock need not be watched.`, defined("texts")},
		{"if", "The condition; true is always.", defined("text")},
		{"then", "What is done with a message that matches.", wordOrList()},
		{"stop", "No later rule of the same walk is asked for a message that matches. A rule on a clock is a walk of its own, where it has no effect.", boolean()},
		{"dry_run", "Decide and record, and do nothing.", boolean()},
		{"max_messages", "The most messages that the rule may move or expunge at once: on a clock in one run, else in 60 minutes; what is beyond is held until you confirm it. Default 1000, or 100 for expunge.", integer(1, maxMessages)},
		{"tests", "Tests of this rule alone, whatever the others do.", listOf(defined("test"))},
		{"on", "When the rule is asked: on arrival (the default), on a schedule, or when a flag is added.", either(enum("arrival"), defined("trigger"))},
		{"search", "What narrows a rule on a clock, in the words of the server's own search; if: still decides.", defined("search")},
		{"repeat", "After how long a rule on a clock may act on the same message again, 1m to 366d as in 24h, 30d or 2w; default never.", span()},
	}, more: shape{"dependencies": shape{"repeat": has("on"), "search": has("on")}}}
}

func triggerKeys() object {
	return object{what: "trigger", doc: "What asks a rule: a schedule, or flags.", keys: []key{
		{"cron", "A schedule: minute, hour, day of month, month and day of week as in '0 3 * * *', or '@daily', '@every 90m' and the like. The rule looks at all mail of its mailboxes, and acts on each message once.", filled()},
		{"timezone", "The time zone of the schedule, as in Europe/Berlin; default: that of the configuration.", filled()},
		{"jitter", "Each run begins up to so much later, 0s to 24h, so that not all begin at once; default 0s.", span()},
		{"catch_up", "One run makes up for those that were missed while imapilot did not run; default true.", boolean()},
		{"flags", `The flags, 1 to 20, as in ['\Flagged', $Todo]. The rule is asked each time that somebody else adds one of them to a message.`, either(defined("text"),
			shape{"type": "array", "items": defined("text"), "minItems": 1, "maxItems": 20})},
	}, more: shape{
		"oneOf":        []shape{has("cron"), has("flags")},
		"dependencies": shape{"timezone": has("cron"), "jitter": has("cron"), "catch_up": has("cron")},
	}}
}

func retentionKeys() object {
	return object{what: "retention", doc: "How long mail stays in some mailboxes, and what is done with it then.", required: []string{"in", "after"}, keys: []key{
		{"name", "The journal knows it by this name; default: retention of and its first mailbox, with a number where there is another one of that name.", defined("text")},
		{"accounts", "The accounts that it is for; default all.", defined("texts")},
		{"in", `The mailboxes: names, patterns as in "Lists/*", and roles as in "role:trash". They need not be watched.`, either(defined("text"),
			shape{"type": "array", "items": defined("text"), "minItems": 1})},
		{"after", "How long a message stays after the server took it in, 1h to 36500d as in 12h, 30d or 2w.", longSpan()},
		{"unless", "A condition: messages for which it is true stay.", defined("text")},
		{"then", "What is done with a message that is older; default: trash.", wordOrList()},
		{"on", "The schedule; default {cron: '0 3 * * *'}.", both(defined("trigger"), has("cron"))},
		{"max_messages", "The most messages that may be moved or expunged in one run; what is beyond is held until you confirm it. Default 1000, or 100 for expunge.", integer(1, maxMessages)},
		{"dry_run", "Decide and record, and do nothing.", boolean()},
		{"stop", "Has no effect, because each retention is a walk of its own.", boolean()},
		{"tests", "Tests of this retention alone.", listOf(defined("test"))},
	}}
}

func testKeys() object {
	return object{what: "test", doc: "One test: a message, what is given, and the actions that are wanted.", required: []string{"message", "want"}, keys: []key{
		{"name", "What the test is called in the output; default: the rule and the file.", defined("text")},
		{"message", "A message file of at most 64 MiB, relative to this file; or, as a block of several lines, the message itself.", filled()},
		{"given", "What is known of the message beside its text.", defined("given")},
		{"want", "The actions that are wanted, in order; keep, or the empty list, wants none.", either(enum("keep"), wordOrList())},
	}}
}

func givenKeys() object {
	return object{what: "given", doc: "What is known of the message beside its text.", keys: []key{
		{"account", "The account; default: the rule's first.", defined("text")},
		{"mailbox", "The mailbox; default: INBOX, or the first that the rule looks at.", defined("text")},
		{"role", "The role of the mailbox.", enum(mailboxRoles()...)},
		{"flags", "The flags of the message; default none.", defined("texts")},
		{"received", "When it arrived; default: the Date of the message.", instant()},
		{"now", "What time it is; default: a minute after it arrived.", instant()},
		{"gmail", "What Gmail would tell of it; default nothing.", defined("gmail")},
		{"duplicate", "A message with its Message-ID was seen before in the account.", boolean()},
		{"has_reply", "A later message of the account refers to it.", boolean()},
		{"by_user", "The user moved it here.", boolean()},
		{"moved_from", "The mailbox that the user moved it from; by_user follows from it.", defined("text")},
	}}
}
