// Package observer is another client of a test server: it delivers, counts and
// looks, through its own plain connection, so that what a test claims about a
// mailbox does not rest on the code under test.
//
// It selects with EXAMINE and fetches with PEEK, so looking changes nothing.
package observer

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// Message is what a mailbox says of one message.
type Message struct {
	UID       imap.UID
	Flags     []imap.Flag // without \Recent, sorted
	MessageID string      // with its angle brackets
	Size      int64
	Received  time.Time // INTERNALDATE
}

// Observer keeps one connection and renews it when it broke. It is safe for
// concurrent use.
type Observer struct {
	Username, Password string
	// Dial opens a plain connection to the server.
	Dial func(ctx context.Context) (net.Conn, error)

	mu     sync.Mutex
	client *imapclient.Client
}

// Close ends the connection.
func (o *Observer) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.drop()
}

func (o *Observer) drop() error {
	if o.client == nil {
		return nil
	}
	err := o.client.Close()
	o.client = nil
	return err
}

// with runs f on a connection that answered just now.
func (o *Observer) with(f func(c *imapclient.Client) error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.client != nil && o.client.Noop().Wait() != nil {
		_ = o.drop() // it is broken: that is why it is dropped
	}
	if o.client == nil {
		if err := o.connect(); err != nil {
			return err
		}
	}
	return f(o.client)
}

func (o *Observer) connect() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := o.Dial(ctx)
	if err != nil {
		return err
	}
	c := imapclient.New(conn, nil)
	if err := c.Login(o.Username, o.Password).Wait(); err != nil {
		return errors.Join(err, c.Close())
	}
	o.client = c
	return nil
}

// Append delivers a message and returns its UID, 0 when the server does not
// tell. A missing mailbox is created. A zero date means now.
func (o *Observer) Append(mailbox string, flags []imap.Flag, date time.Time, raw []byte) (uid imap.UID, err error) {
	err = o.with(func(c *imapclient.Client) error {
		uid, err = appendTo(c, mailbox, flags, date, raw)
		return err
	})
	var refused *imap.Error
	if errors.As(err, &refused) && refused.Code == imap.ResponseCodeTryCreate {
		if err = o.Create(mailbox); err != nil {
			return 0, err
		}
		err = o.with(func(c *imapclient.Client) error {
			uid, err = appendTo(c, mailbox, flags, date, raw)
			return err
		})
	}
	return uid, err
}

func appendTo(c *imapclient.Client, mailbox string, flags []imap.Flag, date time.Time, raw []byte) (imap.UID, error) {
	cmd := c.Append(mailbox, int64(len(raw)), &imap.AppendOptions{Flags: flags, Time: date})
	_, werr := cmd.Write(raw)
	cerr := cmd.Close()
	data, err := cmd.Wait()
	if err := cmp.Or(err, werr, cerr); err != nil {
		return 0, fmt.Errorf("APPEND to %s: %w", mailbox, err)
	}
	return data.UID, nil
}

// Create makes a mailbox.
func (o *Observer) Create(mailbox string) error {
	return o.with(func(c *imapclient.Client) error { return c.Create(mailbox, nil).Wait() })
}

// Subscribe subscribes to a mailbox.
func (o *Observer) Subscribe(mailbox string) error {
	return o.with(func(c *imapclient.Client) error { return c.Subscribe(mailbox).Wait() })
}

// Delete removes a mailbox with all its messages.
func (o *Observer) Delete(mailbox string) error {
	return o.with(func(c *imapclient.Client) error { return c.Delete(mailbox).Wait() })
}

// Rename gives a mailbox another name.
func (o *Observer) Rename(from, to string) error {
	return o.with(func(c *imapclient.Client) error { return c.Rename(from, to, nil).Wait() })
}

// Move moves every message of one mailbox to another, as a user would.
func (o *Observer) Move(from, to string) error {
	return o.change(from, func(c *imapclient.Client, all imap.UIDSet) error {
		if _, err := c.Copy(all, to).Wait(); err != nil {
			return err
		}
		return remove(c, all)
	})
}

// Empty removes every message of a mailbox.
func (o *Observer) Empty(mailbox string) error { return o.change(mailbox, remove) }

// Store changes flags of every message of a mailbox.
func (o *Observer) Store(mailbox string, op imap.StoreFlagsOp, flags ...imap.Flag) error {
	return o.change(mailbox, func(c *imapclient.Client, all imap.UIDSet) error {
		return c.Store(all, &imap.StoreFlags{Op: op, Silent: true, Flags: flags}, nil).Close()
	})
}

func remove(c *imapclient.Client, all imap.UIDSet) error {
	deleted := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}
	if err := c.Store(all, deleted, nil).Close(); err != nil {
		return err
	}
	return c.Expunge().Close() // this client owns the whole mailbox
}

// change selects a mailbox and hands every UID in it to f.
func (o *Observer) change(mailbox string, f func(c *imapclient.Client, all imap.UIDSet) error) error {
	return o.with(func(c *imapclient.Client) error {
		if _, err := c.Select(mailbox, nil).Wait(); err != nil {
			return err
		}
		data, err := c.UIDSearch(&imap.SearchCriteria{}, nil).Wait()
		if err == nil && len(data.AllUIDs()) > 0 {
			err = f(c, imap.UIDSetNum(data.AllUIDs()...))
		}
		return errors.Join(err, c.Unselect().Wait())
	})
}

// Mailboxes lists the names of all mailboxes that can be selected, sorted.
func (o *Observer) Mailboxes() (names []string, err error) {
	err = o.with(func(c *imapclient.Client) error {
		list, err := c.List("", "*", nil).Collect()
		for _, l := range list {
			if !slices.Contains(l.Attrs, imap.MailboxAttrNoSelect) && !slices.Contains(l.Attrs, imap.MailboxAttrNonExistent) {
				names = append(names, l.Mailbox)
			}
		}
		return err
	})
	slices.Sort(names)
	return names, err
}

// UIDValidity asks for the UIDVALIDITY of a mailbox.
func (o *Observer) UIDValidity(mailbox string) (validity uint32, err error) {
	err = o.with(func(c *imapclient.Client) error {
		data, err := c.Status(mailbox, &imap.StatusOptions{UIDValidity: true}).Wait()
		if err == nil {
			validity = data.UIDValidity
		}
		return err
	})
	return validity, err
}

// Texts are the messages of a mailbox as they are, by UID; none when it does not exist.
func (o *Observer) Texts(mailbox string) (out []string, err error) {
	err = o.look(mailbox, func(c *imapclient.Client) (err error) { out, err = texts(c); return err })
	return out, err
}

func texts(c *imapclient.Client) ([]string, error) {
	section := &imap.FetchItemBodySection{Peek: true}
	var all imap.UIDSet
	all.AddRange(1, 0)
	list, err := c.Fetch(all, &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
	slices.SortFunc(list, func(a, b *imapclient.FetchMessageBuffer) int { return cmp.Compare(a.UID, b.UID) })
	var out []string
	for _, m := range list {
		out = append(out, string(m.FindBodySection(section)))
	}
	return out, err
}

// Messages lists what a mailbox holds, by UID; none when it does not exist.
func (o *Observer) Messages(mailbox string) (out []Message, err error) {
	err = o.look(mailbox, func(c *imapclient.Client) (err error) { out, err = fetch(c); return err })
	return out, err
}

// look selects a mailbox that holds something.
func (o *Observer) look(mailbox string, f func(c *imapclient.Client) error) error {
	return o.with(func(c *imapclient.Client) error {
		sel, err := c.Select(mailbox, &imap.SelectOptions{ReadOnly: true}).Wait()
		var refused *imap.Error
		if errors.As(err, &refused) && refused.Type == imap.StatusResponseTypeNo {
			return nil
		}
		if err != nil {
			return err
		}
		if sel.NumMessages > 0 {
			err = f(c)
		}
		return errors.Join(err, c.Unselect().Wait())
	})
}

func fetch(c *imapclient.Client) ([]Message, error) {
	section := &imap.FetchItemBodySection{Specifier: imap.PartSpecifierHeader, HeaderFields: []string{"Message-ID"}, Peek: true}
	var all imap.UIDSet
	all.AddRange(1, 0)
	list, err := c.Fetch(all, &imap.FetchOptions{UID: true, Flags: true, InternalDate: true, RFC822Size: true,
		BodySection: []*imap.FetchItemBodySection{section}}).Collect()
	if err != nil {
		return nil, err
	}
	var out []Message
	for _, m := range list {
		flags := slices.DeleteFunc(m.Flags, func(f imap.Flag) bool { return strings.EqualFold(string(f), `\Recent`) })
		slices.Sort(flags)
		out = append(out, Message{UID: m.UID, Flags: flags, Size: m.RFC822Size, Received: m.InternalDate,
			MessageID: messageID(m.FindBodySection(section))})
	}
	slices.SortFunc(out, func(a, b Message) int { return cmp.Compare(a.UID, b.UID) })
	return out, nil
}

// messageID reads the first Message-ID line, folded or not.
func messageID(header []byte) string {
	unfolded := bytes.ReplaceAll(bytes.ReplaceAll(header, []byte("\r\n "), []byte(" ")), []byte("\r\n\t"), []byte(" "))
	for line := range strings.SplitSeq(string(unfolded), "\r\n") {
		name, value, ok := strings.Cut(line, ":")
		if ok && strings.EqualFold(strings.TrimSpace(name), "Message-ID") {
			return textproto.TrimString(value)
		}
	}
	return ""
}
