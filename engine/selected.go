package engine

import (
	"context"

	"github.com/emersion/go-imap/v2"

	"imapilot/engine/imapsession"
)

// use selects a mailbox unless it is selected already.
func (c *connection) use(ctx context.Context, name string) error {
	if c.selected == name {
		return nil
	}
	_, err := c.sel(ctx, name)
	return err
}

// back selects a mailbox again whose UIDs were in use before another one was
// selected. They mean other messages when it was renumbered meanwhile.
func (c *connection) back(ctx context.Context, name string, validity uint32) error {
	if err := c.use(ctx, name); err != nil {
		return err
	}
	if c.validity == validity {
		return nil
	}
	return &imapsession.Error{Op: "SELECT", Subject: name, Status: "OK", Class: imapsession.TryAgain, Unknown: true,
		Text: "the server renumbered the mailbox meanwhile; its messages wait for the next scan"}
}

// sel sends SELECT, which also refreshes the server's view of a mailbox that
// is selected already.
func (c *connection) sel(ctx context.Context, name string) (imapsession.Selected, error) {
	c.selected = ""
	open := c.session.Select
	if c.planning {
		open = c.session.Examine
	}
	sel, err := open(ctx, name)
	c.nowSelected(name, sel, err)
	return sel, err
}

// selAbove is sel and a search for the messages from a UID on.
func (c *connection) selAbove(ctx context.Context, name string, from imap.UID) (imapsession.Selected, imap.UIDSet, bool, error) {
	c.selected = ""
	sel, listed, found, err := c.session.SelectAbove(ctx, name, from)
	c.nowSelected(name, sel, err)
	if found && c.session.Capabilities().ESearch {
		c.fallbacks.worked("ESEARCH")
	}
	return sel, listed, found, err
}

func (c *connection) nowSelected(name string, sel imapsession.Selected, err error) {
	if idled := c.session.LeftNews(); idled != "" {
		c.covered.hear(idled)
		c.wake.mailbox(idled)
	}
	if err != nil {
		delete(c.targets, name)
		return
	}
	c.selected, c.validity, c.permanent = name, sel.UIDValidity, sel.PermanentFlags
	if st, ok := c.targets[name]; ok && st.UIDValidity != sel.UIDValidity {
		delete(c.targets, name)
	}
}
