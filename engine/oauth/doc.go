// Package oauth keeps the OAuth2 tokens of accounts (RFC 6749): it gets them from a
// person with a browser on some other machine, stores them, and renews them. It is the
// only user of golang.org/x/oauth2.
//
// A [Client] asks one authorization server: by the device flow (RFC 8628, device.go),
// or by an address that the person pastes (RFC 8252 with PKCE, code.go), or to renew a
// token (client.go). Each reply is bounded in time and size, no redirect is followed,
// and only TLS is spoken but to this machine. What an error says of a reply is
// printable, short, and holds no secret.
//
// A [Keeper] has the [Grant] of one account. In the store (store.go) it is encrypted
// and in a file of its own. Of all processes one at a time renews it, under a lock that
// the system releases when the process ends: it reads the file again, takes what
// another one got meanwhile, and else asks and writes the new grant to the disk before
// anybody uses it. Where that fails the grant stays in memory, the lock is kept, so
// that nobody shows the old refresh token again, and the next call writes it first.
//
// One gap is left, and cannot be closed from here: a server that takes a refresh token
// and answers with another one, and a process that dies before the answer is on the
// disk. Then the account needs another login, which is what the error says.
package oauth
