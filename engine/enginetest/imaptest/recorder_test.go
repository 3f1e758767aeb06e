package imaptest

import (
	"bufio"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
)

func TestRecorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := Scripted(t, func(c *Script) {
			c.Send("* OK hello")
			c.Drain()
		})
		r := Record(srv.DialContext)
		conn, err := r.DialContext(t.Context(), "tcp", "x:143")
		if err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || r.Received() != int64(len(line)) {
			t.Errorf("%q, %v, and %d bytes were counted", line, err, r.Received())
		}
		// Pieces end anywhere, and a literal may hold what looks like a command.
		for _, piece := range []string{"T1 UID FET", "CH 1 (UID BODY.PEEK[1]<0.5>)\r", "\nT2 APPEND Box {14}\r\n", "T9 UID FETCH\r\n", " (x)\r\n", "T3 LOGIN {1+}\r\na b\r\nT4 IDLE\r\nDONE\r\n"} {
			fmt.Fprint(conn, piece)
		}
		want := []string{"UID FETCH 1 (UID BODY.PEEK[1]<0.5>)", "APPEND Box {14} (x)", "LOGIN {1+} b", "IDLE", "DONE"}
		if got := r.Commands(); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		if got := r.Sent("body.peek[1]"); len(got) != 1 {
			t.Errorf("%q", got)
		}
		if r.Reset(); len(r.Commands()) != 0 || r.Received() != 0 {
			t.Error("something is remembered")
		}
		conn.Close()
		srv.Wait()
	})
}
