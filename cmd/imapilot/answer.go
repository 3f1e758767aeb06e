package main

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
)

// answers reads what is typed from here on: what a terminal holds by then was typed
// before the question could be read, and answers nothing.
func (a *app) answers() *bufio.Reader {
	if f, ok := a.in.(*os.File); ok && isTerminal(f) {
		forgetTyped(int(f.Fd()))
	}
	return bufio.NewReader(a.in)
}

// agrees asks a question to which the answer is y, or else no.
func (a *app) agrees(question string) bool {
	in := a.answers()
	fmt.Fprint(a.out, question+"? [y/N] ")
	answer, err := in.ReadString('\n')
	if err != nil {
		fmt.Fprintln(a.out)
	}
	return slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(answer)))
}
