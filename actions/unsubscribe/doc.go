// Package unsubscribe leaves a list on behalf of its reader, with one request
// and without a page to look at (RFC 8058).
//
//	offer, err := unsubscribe.Verify(ctx, net.DefaultResolver, raw)
//	if err != nil { ... } // says for a person why not; [Temporary] tells whether to ask again
//	r := unsubscribe.Do(ctx, webhook.NewClient(version), offer, id)
//
// An [Offer] is one that was verified; nothing else can make one, so that [Do]
// calls no address that only somebody on the way wrote. [Read] alone says what a
// header claims, without a look at the signatures, for showing it. To act later
// than that, keep the message and verify it again: keys are taken back, and an
// offer that was stored is only a text.
//
// # What must hold
//
// RFC 8058 section 4 asks for one thing of authentication: that a valid DKIM
// signature covers List-Unsubscribe and List-Unsubscribe-Post, both named in
// its h= tag; a receiver should offer nothing for a message without it. It does
// not ask who signed. We do: the domain of the signature must be that of From,
// or share its organizational domain (as DMARC's relaxed alignment has it, RFC
// 7489 section 3.1.1). Section 3.2 forbids the request without the consent of the
// user, and what he consented to is a rule that speaks of a sender, as From
// names him. Anybody can put a valid signature of a domain of his own under
// somebody else's From; without alignment he would have the request sent where
// he likes, which shows him that the mailbox lives. Senders of bulk mail sign for
// From anyway, because large receivers ask for it.
//
// Beyond that:
//
//   - List-Unsubscribe holds exactly one https address (section 3.1: others may
//     be neither https nor http), each of both fields comes once and
//     List-Unsubscribe-Post is exactly "List-Unsubscribe=One-Click".
//   - The whole header is well-formed. Where two programs can read two things
//     in it, one verifies what the other does not call.
//   - A signature with l= counts for nothing, as does one that is expired, made
//     with SHA-1 or a short key, or whose key says that its owner only tests
//     (t=y, RFC 6376 section 3.6.1).
//   - The request goes out under [webhook.Confined]: https to public addresses
//     on port 443, no redirect, no cookie, nothing of ours.
//
// # Limits
//
// Eight signatures and ten seconds for their keys, of which only those of From's
// domain are asked for; 256 KiB of header, 64 MiB of message, 4 KiB of address.
//
// Where to look: header.go splits a header strictly, claim.go reads the offer in
// it, source.go bounds a message, verify.go asks DKIM, align.go compares domains,
// key.go bounds what DNS answers, do.go makes the request.
package unsubscribe
