package rules

import "imapilot/rules/facts"

// addressFields are the facts of one address.
func addressFields(name, header, of string, get func(*snapshot) facts.Address) []Field {
	part := func(field, doc, example string, value func(facts.Address) string) Field {
		return Field{Name: name + "." + field, typ: typ{kind: textKind}, needs: fromHeader(header), first: true, Doc: doc, Example: example,
			value: func(s *snapshot) any { return value(get(s)) }}
	}
	return []Field{
		part("address", "The "+of+".", name+`.address == "ann@example.org"`, func(a facts.Address) string { return a.Address }),
		part("domain", `Its part after the "@", as mail clients show it: bücher.example.`, name+`.domain in ["stripe.com", "hetzner.com"]`,
			func(a facts.Address) string { return a.Domain }),
		part("ascii", "The domain as it is sent: xn--bcher-kva.example.", name+`.ascii startsWith "xn--"`, func(a facts.Address) string { return a.ASCII }),
		part("local", `Its part before the "@".`, name+`.local startsWith "noreply"`, func(a facts.Address) string { return a.Local }),
		part("name", "The name that stands with it, decoded.", name+`.name contains "GitHub"`, func(a facts.Address) string { return a.Name }),
	}
}

func senderFields() []Field {
	from := addressFields("from", "From", "first address of From", (*snapshot).from)
	sender := addressFields("sender", "Sender", "address of Sender, who sent it for its author; all of sender is empty where the author did it",
		func(s *snapshot) facts.Address { return s.header.Sender() })
	return append(append(from, sender...),
		addressList("reply_to", "The addresses of Reply-To.", `any(reply_to, .domain != "example.org")`, func(s *snapshot) []facts.Address { return s.header.ReplyTo() }, "Reply-To"),
		headerText("return_path", `The address that bounces go to, as your server noted it; "" for a bounce itself.`, `return_path endsWith "@bounces.example.org"`, (*facts.Header).ReturnPath, "Return-Path"))
}

func recipientFields() []Field {
	own := func(name, doc, example string, get func(*snapshot) any, kind kind, headers ...string) Field {
		return Field{Name: name, typ: typ{kind: kind}, needs: fromHeader(headers...), Doc: doc, Example: example, value: get}
	}
	all := []string{"To", "Cc", "Bcc", "Delivered-To"}
	return []Field{
		addressList("to", "The addresses of To.", `any(to, .address == "me@example.org")`, func(s *snapshot) []facts.Address { return s.header.Addresses("To") }, "To"),
		addressList("cc", "The addresses of Cc.", `len(cc) > 10`, func(s *snapshot) []facts.Address { return s.header.Addresses("Cc") }, "Cc"),
		addressList("recipients", "The addresses of To, Cc, Bcc and Delivered-To, each once.", `any(recipients, .local == "office")`,
			func(s *snapshot) []facts.Address { return s.header.Recipients() }, all...),
		own("to_me", "Whether one of the account's own addresses is among the recipients, with or without a +tag.", "not to_me and is_bulk",
			func(s *snapshot) any {
				me := s.header.ToMe(s.account.Addresses)
				return unlessCrowded(s, me, me, all)
			}, boolKind, all...),
		own("only_to_me", "Whether To and Cc hold own addresses of the account and no other.", "only_to_me and not is_bulk",
			func(s *snapshot) any { return s.header.OnlyToMe(s.account.Addresses) }, boolKind, "To", "Cc"),
		own("my_tag", `The tag of the own address it went to: "shop" of me+shop@example.org, "" if there is none: a rule that files by it asks for my_tag != "" first.`, "move: Tags/${my_tag}",
			func(s *snapshot) any {
				tag := s.header.Tag(s.account.Addresses)
				return unlessCrowded(s, tag, tag != "", all)
			}, textKind, "Delivered-To", "To", "Cc"),
	}
}

// unlessCrowded is a value that is certain, or the error where an address that
// was not looked at could change it.
func unlessCrowded(s *snapshot, value any, certain bool, fields []string) any {
	if err := s.header.Crowded(fields...); err != nil && !certain {
		return err
	}
	return value
}

func addressList(name, doc, example string, get func(*snapshot) []facts.Address, headers ...string) Field {
	return Field{Name: name, typ: listOf(addressKind), needs: fromHeader(headers...), Doc: doc, Example: example,
		value: func(s *snapshot) any {
			if err := s.header.Crowded(headers...); err != nil {
				return err
			}
			return addressMaps(get(s))
		}}
}

// addressMaps gives each part also in its folded form, under its name and "~".
func addressMaps(list []facts.Address) []map[string]string {
	out := make([]map[string]string, len(list))
	for i, a := range list {
		out[i] = map[string]string{
			"address": a.Address, "domain": a.Domain, "ascii": a.ASCII, "local": a.Local, "name": a.Name,
			"address~": fold(a.Address), "domain~": fold(a.Domain), "ascii~": fold(a.ASCII), "local~": fold(a.Local), "name~": fold(a.Name),
		}
	}
	return out
}

// headerText is a fact that a method of the header gives.
func headerText(name, doc, example string, get func(*facts.Header) string, headers ...string) Field {
	return Field{Name: name, typ: typ{kind: textKind}, needs: fromHeader(headers...), first: true, Doc: doc, Example: example,
		value: func(s *snapshot) any { return get(s.header) }}
}

func headerTruth(name, doc, example string, get func(*facts.Header) bool, headers ...string) Field {
	return Field{Name: name, typ: typ{kind: boolKind}, needs: fromHeader(headers...), Doc: doc, Example: example,
		value: func(s *snapshot) any { return get(s.header) }}
}

func headerFields() []Field {
	return []Field{
		headerText("subject", "The subject, decoded.", `has(subject, "invoice", "receipt")`, (*facts.Header).Subject, "Subject"),
		headerText("message_id", "The Message-ID with its angle brackets.", `message_id endsWith "@github.com>"`, (*facts.Header).MessageID, "Message-ID"),
		headerText("priority", `"high", "normal" or "low", as its sender marked it.`, `priority == "high"`, (*facts.Header).Priority,
			"X-Priority", "Importance", "Priority", "X-MSMail-Priority"),
		{Name: "header_names", typ: listOf(textKind), needs: Needs{WholeHeader: true}, Doc: "The names of all header fields, each once. It needs the whole header.",
			Example: `"X-Spam-Status" in header_names`, value: func(s *snapshot) any { return s.header.Names() }},
	}
}

func threadFields() []Field {
	return []Field{
		headerText("in_reply_to", `The Message-ID that it answers, "" if there is none.`, `in_reply_to endsWith "@example.org>"`, (*facts.Header).InReplyTo, "In-Reply-To"),
		{Name: "references", typ: listOf(textKind), needs: fromHeader("References"), Doc: "The Message-IDs of its thread, in order.", Example: `len(references) > 20`,
			value: func(s *snapshot) any { return s.header.References() }},
		headerTruth("is_reply", "Whether it answers another message (In-Reply-To or References).", "is_reply and to_me", (*facts.Header).IsReply, "In-Reply-To", "References"),
	}
}

func listFields() []Field {
	leave := func(name string, kind kind, doc, example string, get func(facts.Unsubscribe) any) Field {
		return Field{Name: "unsubscribe." + name, typ: typ{kind: kind}, needs: fromHeader("List-Unsubscribe", "List-Unsubscribe-Post"), Doc: doc, Example: example,
			value: func(s *snapshot) any { return get(s.header.Unsubscribe()) }}
	}
	return []Field{
		headerText("list.id", `The identifier of the mailing list (RFC 2919), "" if there is none.`, `list.id endsWith ".debian.org"`, (*facts.Header).ListID, "List-ID"),
		headerText("list.name", "The first label of list.id: golang-nuts of golang-nuts.googlegroups.com.", "move: Lists/${list.name}", (*facts.Header).ListName, "List-ID"),
		headerText("list.title", "The title of the list, decoded.", `list.title contains "announce"`, (*facts.Header).ListTitle, "List-ID"),
		leave("url", textKind, `The web address to leave the list by (RFC 2369), "" if there is none.`, `unsubscribe.url != ""`, func(u facts.Unsubscribe) any { return u.URL }),
		leave("mailto", textKind, `The mailto: address to leave the list by, such as mailto:leave@lists.example?subject=leave, "" if there is none.`, `unsubscribe.mailto != ""`, func(u facts.Unsubscribe) any { return u.Mailto }),
		leave("one_click", boolKind, "Whether one request leaves the list (RFC 8058). It is the sender who says so: ask for auth.dkim too.",
			`unsubscribe.one_click and auth.dkim == "pass"`, func(u facts.Unsubscribe) any { return u.OneClick }),
		headerTruth("is_bulk", "Whether it says that it went to many: a mailing list or a newsletter.", "is_bulk and not flagged", (*facts.Header).IsBulk,
			"Precedence", "List-ID", "List-Unsubscribe", "List-Post"),
	}
}

// originFields tell who wrote a message and who vouches for that.
func originFields() []Field {
	result := func(name, doc, example string, get func(facts.Auth) any, t typ) Field {
		return Field{Name: "auth." + name, typ: t, needs: fromHeader("Authentication-Results"), first: true, Doc: doc, Example: example,
			value: func(s *snapshot) any { return get(s.auth()) }}
	}
	text := typ{kind: textKind}
	return []Field{
		headerTruth("is_auto", "Whether a program wrote it unasked: a notification, an absence note, a bounce (RFC 3834).", "is_auto and not to_me", (*facts.Header).IsAuto,
			"Auto-Submitted", "Precedence", "X-Autoreply", "X-Autorespond"),
		result("spf", `What a server of trusted_authserv found of SPF (may that machine send for the domain?): "pass", "fail", "softfail" and so on, "none" if no such server says anything.`, `auth.spf in ["fail", "softfail"]`, func(a facts.Auth) any { return a.SPF }, text),
		result("dkim", `The same of DKIM (is it signed by a domain, and unchanged since?): "pass", "fail", "none" and so on.`, `auth.dkim == "pass"`, func(a facts.Auth) any { return a.DKIM }, text),
		result("dmarc", `The same of DMARC (does one of the two vouch for the domain of From?): "pass", "fail", "none" and so on.`, `auth.dmarc == "fail"`, func(a facts.Auth) any { return a.DMARC }, text),
		result("domains", "The domains that one of the three vouches for.", `"paypal.com" in auth.domains`, func(a facts.Auth) any { return a.Domains }, listOf(textKind)),
	}
}
