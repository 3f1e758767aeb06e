// Package smtp is the way out of a message as a message: it forwards one to
// somebody else, or answers its sender, and hands the result to a submission
// server (RFC 6409).
//
// Building and sending are apart. The builders are pure; what they return is
// the same each time for the same input, so that it may be built again for a
// later attempt or kept:
//
//	message, envelope, err := smtp.Forward(raw, smtp.Forwarding{
//		ID: id, Account: "home", From: "me@example.org", To: []string{"ann@example.net"}, At: decided,
//	})
//	r := smtp.NewClient().Send(ctx, server, envelope, message)
//
// The caller keeps what is owed, counts the attempts, and remembers who was
// answered and when ([Sender] gives the key). This package keeps nothing.
//
// What it promises:
//
//   - A message is delivered at least once, if at all. The answer to the last
//     line of a message can get lost ([Result.Unknown]); the Message-ID comes from
//     the id that is given and stays, so that a receiver can tell a second copy.
//     To all recipients, or to none.
//   - Nothing of a message gets into an SMTP command, and into a header only
//     decoded, cleaned and encoded anew: a subject, ids of messages, loop marks
//     and, for [Reply], the address that is answered. Recipients of [Forward] come
//     from the configuration. A line has at most 998 octets, CR and LF occur only
//     together, there is no NUL: [Client.Send] refuses anything else, so that no
//     receiver can see the end of a message where there is none.
//   - Mail does not go round. What was made here bears the account's mark, and
//     what bears it is neither forwarded nor answered; neither is what went through
//     too many hands, nor, where nothing else is said, what a program sent or what
//     went to many. Nobody who asked not to be answered is (RFC 3834). What is
//     not done ends in a [Refusal], whose text is for a person.
//   - TLS is 1.2 or later and verified. STARTTLS that is not offered ends the
//     attempt. A password goes over plain text to a loopback address only, and is
//     in no error and no printed [Server].
//   - All has a limit: an attempt [Timeout], a server's talk, a message
//     [MaxMessage], a header, a subject, references, recipients.
//
// Where to look: server.go says where a message goes, client.go with
// transaction.go sends it, and result.go reads what came of it. forward.go and
// reply.go build; read.go reads the message that came, automatic.go judges
// it, and word.go, address.go, compose.go and body.go each write one thing.
package smtp
