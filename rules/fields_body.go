package rules

import "imapilot/rules/facts"

func bodyFields() []Field {
	text := typ{kind: textKind}
	inText := Needs{Contents: []facts.Content{facts.TextContent}}
	structure := Needs{Structure: true}
	return []Field{
		{Name: "body.text", typ: text, needs: inText, Doc: "The text, decoded; of a message that has only HTML the text that one reads. Only so much as the limit under body: says.",
			Example: `body.text contains "tracking number"`, value: certain(facts.TextContent, func(m *facts.Message) any { return m.Text.Text })},
		{Name: "body.html", typ: text, needs: Needs{Contents: []facts.Content{facts.HTMLContent}}, Doc: "The HTML as it stands, within the same limit.",
			Example: `body.html contains "<form"`, value: certain(facts.HTMLContent, func(m *facts.Message) any { return m.HTML.Text })},
		{Name: "body.truncated", typ: typ{kind: boolKind}, needs: inText, Doc: "Whether the text goes on beyond the limit, so that body.text lacks its end.",
			Example: `body.truncated or has(body.text, "unsubscribe")`, value: certain(facts.TextContent, func(m *facts.Message) any { return m.Text.Truncated })},
		{Name: "attachments", typ: listOf(attachmentKind), needs: structure, Doc: "The attachments. They are described by the structure of the message; nothing of them is fetched.",
			Example: `any(attachments, .name endsWith ".pdf" and .size < mb(5))`, value: attachmentsOf},
		{Name: "has_attachment", typ: typ{kind: boolKind}, needs: structure, Doc: "Whether there is an attachment, as clients show it by a paperclip: pictures that the HTML itself shows do not count.", Example: "has_attachment and size > mb(10)",
			value: func(s *snapshot) any {
				has, err := s.message.Structure.HasAttachment()
				if err != nil {
					return err
				}
				return has
			}},
	}
}

// certain reads a content, or gives the error where it may be in a part that
// was not seen.
func certain(c facts.Content, get func(*facts.Message) any) func(*snapshot) any {
	return func(s *snapshot) any {
		if err := s.message.Structure.Unseen(c); err != nil {
			return err
		}
		return get(s.message)
	}
}

// attachmentsOf gives the names and types also folded, under their name and "~".
func attachmentsOf(s *snapshot) any {
	list, err := s.message.Structure.Attachments()
	if err != nil {
		return err
	}
	out := make([]map[string]any, len(list))
	for i, a := range list {
		out[i] = recordOf(a)
	}
	return out
}

func recordOf(a facts.Attachment) map[string]any {
	return map[string]any{"name": a.Name, "name~": fold(a.Name), "type": a.Type, "type~": fold(a.Type), "size": int(a.Size), "inline": a.Inline}
}

func bounceFields() []Field {
	report := Needs{Contents: []facts.Content{facts.ReportContent}}
	text := typ{kind: textKind}
	return []Field{
		headerTruth("is_bounce", "Whether it is a delivery status notification (RFC 3464): a bounce, or news of a delay.", "is_bounce", (*facts.Header).IsBounce, "Content-Type"),
		{Name: "bounce.status", typ: text, needs: report, Doc: `The status of the delivery that failed, "5.1.1" (RFC 3463), "" if it is no bounce.`,
			Example: `is_bounce and bounce.status startsWith "5."`, value: certain(facts.ReportContent, func(m *facts.Message) any { return m.Report.Status })},
		{Name: "bounce.recipient", typ: text, needs: report, Doc: `The address that was not reached, "" if it is no bounce.`,
			Example: `is_bounce and bounce.recipient endsWith "@example.org"`, value: certain(facts.ReportContent, func(m *facts.Message) any { return m.Report.Recipient })},
	}
}

func historyFields() []Field {
	truth := func(name, doc, example string, get func(*facts.History) bool) Field {
		return Field{Name: name, typ: typ{kind: boolKind}, needs: Needs{History: true}, Doc: doc, Example: example,
			value: func(s *snapshot) any { return get(s.message.History) }}
	}
	return []Field{
		truth("duplicate", "Whether it came a second time: a message with its Message-ID was seen before in this account, and this is not that one moved, nor a copy of it. Drafts and sent messages do not count. Whoever sends mail chooses its Message-ID: move duplicates where you can find them, do not expunge them.", "duplicate and not flagged", func(h *facts.History) bool { return h.Duplicate }),
		truth("has_reply", "Whether a later message of the account, as far as it is watched, refers to it.", "not has_reply and age > days(3)", func(h *facts.History) bool { return h.HasReply }),
		truth("by_user", "Whether another mail client moved it here, from a mailbox that is watched.", `by_user and moved_from == "INBOX"`, func(h *facts.History) bool { return h.ByUser }),
		{Name: "moved_from", typ: typ{kind: textKind}, needs: Needs{History: true}, Doc: `The mailbox that it was moved from, "" if it was not.`, Example: `moved_from == "INBOX" and mailbox == "Junk"`,
			value: func(s *snapshot) any { return s.message.History.MovedFrom }},
	}
}
