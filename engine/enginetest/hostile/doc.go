// Package hostile sets the real binary against servers and mail that mean it
// harm, and looks at it from outside: what it sends, what it writes, how much
// memory it takes, and whether it goes on with its work afterwards. It holds only
// tests.
//
// The server is a real one with a liar between it and the client: the liar says
// something of its own at one point, and is quiet from then on. So the test
// knows what the mailboxes hold, and every other answer is a true one.
package hostile
