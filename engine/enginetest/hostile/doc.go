// Package hostile sets the real binary against servers and mail that mean it
// harm, and looks at it from outside: what it sends, what it writes, how much
// memory it takes, and whether it goes on with its work afterwards. It holds only
// tests.
//
// The server is a real one with a liar between it and the client: the liar says
// something of its own at one point, and is quiet from then on. So the test
// knows what the mailboxes hold, and every other answer is a true one.
//
// What it found, and how to see each again when its cure is taken away, with
// go test ./engine/enginetest/hostile -run TestBinary/servers/NAME:
//
//	alerts_without_end, remarks_without_end   each of them was a line of the log
//	alert_in_the_greeting                     2,000 more before the connection closed
//	copy_unheard_of                           the code of a BYE reached the terminal raw
//	list_of_hostile_names                     so did names of mailboxes, with C1 controls and directions, in JSON too
//	password_echoed                           a refusal that repeats the command put the password into the log
//	idle_with_junk                            continuation requests without end kept an IDLE busy for ever
//	search_of_everything                      40 bytes named four billion messages, and all were listed in memory
//	a_million_flags                           154 MB, and half a minute for 36 MB
//	list_of_many_names                        45,000 mailboxes took minutes of CPU, with a line of the log for each
package hostile
