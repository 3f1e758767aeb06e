package main

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"imapilot/engine/enginetest/model"
)

// gmailKey is where the Gmail of a script is kept.
type gmailKey struct{}

// gmailServer starts a server that has Gmail's labels, and sets $HOST and $PORT to it.
func gmailServer(ts *testscript.TestScript, _ bool, _ []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	server := model.New(model.Options{Gmail: true}, nil, nil)
	ts.Defer(func() {
		_ = l.Close() // this is what ends accepting
		server.Cut()
	})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			server.Serve(conn)
		}
	}()
	*ts.Value(gmailKey{}).(**model.Server) = server
	host, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Setenv("HOST", host)
	ts.Setenv("PORT", port)
}

// originOf finds a message by its Message-ID.
func originOf(ts *testscript.TestScript, id string) (*model.Server, int) {
	server := *ts.Value(gmailKey{}).(**model.Server)
	for _, p := range server.All() {
		if p.ID == id {
			return server, p.Origin
		}
	}
	ts.Fatalf("there is no message %s", id)
	return nil, 0
}

// label changes labels as another client would: label ID +Work -Old.
func label(ts *testscript.TestScript, _ bool, args []string) {
	server, origin := originOf(ts, args[0])
	for _, change := range args[1:] {
		server.Label(origin, change[1:], change[0] == '+')
	}
}

// labels demands those of a message: labels ID LABEL...
func labels(ts *testscript.TestScript, _ bool, args []string) {
	server, origin := originOf(ts, args[0])
	if got := server.Labels(origin); !slices.Equal(got, args[1:]) {
		ts.Fatalf("%s has the labels %s, want %s", args[0], strconv.Quote(strings.Join(got, " ")), strconv.Quote(strings.Join(args[1:], " ")))
	}
}
