package memserver

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

const delimiter = '/'

// user is the store's user, with what the store does not tell: the names of
// its mailboxes, their roles, and what is to be refused.
type user struct {
	*memoryUser
	name, password string

	mu         sync.Mutex
	roles      map[string]imap.MailboxAttr // by mailbox; "" is an ordinary one
	subscribed map[string]bool
	refused    map[string]imap.ResponseCode
}

func newUser(name, password string, o Options) (*user, error) {
	u := &user{
		memoryUser: imapmemserver.NewUser(name, password), name: name, password: password,
		roles: map[string]imap.MailboxAttr{}, subscribed: map[string]bool{}, refused: map[string]imap.ResponseCode{},
	}
	roles := o.Roles
	if roles == nil {
		roles = map[string]imap.MailboxAttr{
			"Archive": imap.MailboxAttrArchive, "Drafts": imap.MailboxAttrDrafts, "Junk": imap.MailboxAttrJunk,
			"Sent": imap.MailboxAttrSent, "Trash": imap.MailboxAttrTrash,
		}
	}
	for _, mailbox := range append([]string{"INBOX"}, sortedKeys(roles)...) {
		if err := u.ensure(mailbox); err != nil {
			return nil, err
		}
		u.roles[mailbox] = roles[mailbox]
	}
	return u, nil
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// ensure creates a mailbox unless it exists.
func (u *user) ensure(mailbox string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, ok := u.roles[mailbox]; ok {
		return nil
	}
	if err := u.Create(mailbox, nil); err != nil {
		return err
	}
	u.roles[mailbox] = ""
	return nil
}

func (u *user) refuse(mailbox string, code imap.ResponseCode) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if code == "" {
		delete(u.refused, mailbox)
		return
	}
	u.refused[mailbox] = code
}

// refusal is the error for putting something into a mailbox, nil if it may be.
func (u *user) refusal(mailbox string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if code, ok := u.refused[mailbox]; ok {
		return &imap.Error{Type: imap.StatusResponseTypeNo, Code: code, Text: "Refused by the test"}
	}
	return nil
}

// session is a connection's view of the server.
type session struct {
	*imapmemserver.UserSession // nil before login
	server                     *MemoryServer
}

func (s *session) Login(username, password string) error {
	u := s.server.user
	if username != u.name || password != u.password {
		return imapserver.ErrAuthFailed
	}
	s.UserSession = imapmemserver.NewUserSession(u.memoryUser)
	return nil
}

func (s *session) Search(kind imapserver.NumKind, criteria *imap.SearchCriteria, options *imap.SearchOptions) (*imap.SearchData, error) {
	data, err := s.UserSession.Search(kind, criteria, options)
	s.server.mu.Lock()
	hidden, late := s.server.hidden, s.server.late
	s.server.mu.Unlock()
	if hidden == nil || onlyUIDs(criteria) {
		hidden = late
	}
	found, ok := imap.UIDSet(nil), false
	if err == nil && hidden != nil {
		found, ok = data.All.(imap.UIDSet)
	}
	if !ok {
		return data, err
	}
	nums, _ := found.Nums()
	data.All = imap.UIDSetNum(slices.DeleteFunc(nums, hidden)...)
	return data, nil
}

// Fetch leaves out what is not visible yet.
func (s *session) Fetch(w *imapserver.FetchWriter, numSet imap.NumSet, options *imap.FetchOptions) error {
	s.server.mu.Lock()
	late := s.server.late
	s.server.mu.Unlock()
	uids, ok := numSet.(imap.UIDSet)
	nums, closed := uids.Nums()
	if late == nil || !ok || !closed {
		return s.UserSession.Fetch(w, numSet, options)
	}
	nums = slices.DeleteFunc(nums, late)
	if len(nums) == 0 {
		return nil
	}
	return s.UserSession.Fetch(w, imap.UIDSetNum(nums...), options)
}

func onlyUIDs(c *imap.SearchCriteria) bool {
	return len(c.Flag)+len(c.NotFlag)+len(c.Header)+len(c.Not)+len(c.Or) == 0 && c.Larger == 0 && c.Smaller == 0
}

func (s *session) Create(mailbox string, options *imap.CreateOptions) error {
	u := s.server.user
	if err := u.refusal(mailbox); err != nil {
		return err
	}
	if err := s.UserSession.Create(mailbox, options); err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.roles[strings.TrimRight(mailbox, string(delimiter))] = ""
	return nil
}

func (s *session) Delete(mailbox string) error {
	if err := s.UserSession.Delete(mailbox); err != nil {
		return err
	}
	u := s.server.user
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.roles, mailbox)
	delete(u.subscribed, mailbox)
	return nil
}

func (s *session) Rename(from, to string, options *imap.RenameOptions) error {
	if err := s.UserSession.Rename(from, to, options); err != nil {
		return err
	}
	u := s.server.user
	u.mu.Lock()
	defer u.mu.Unlock()
	u.roles[to] = u.roles[from]
	delete(u.roles, from)
	return nil
}

func (s *session) Subscribe(mailbox string) error   { return s.subscribe(mailbox, true) }
func (s *session) Unsubscribe(mailbox string) error { return s.subscribe(mailbox, false) }

func (s *session) subscribe(mailbox string, on bool) error {
	u := s.server.user
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, ok := u.roles[mailbox]; !ok {
		return &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeNonExistent, Text: "No such mailbox"}
	}
	u.subscribed[mailbox] = on
	return nil
}

// List answers LIST itself, because the store knows no roles.
func (s *session) List(w *imapserver.ListWriter, ref string, patterns []string, options *imap.ListOptions) error {
	if len(patterns) == 0 {
		return w.WriteList(&imap.ListData{Attrs: []imap.MailboxAttr{imap.MailboxAttrNoSelect}, Delim: delimiter})
	}
	for _, data := range s.matching(ref, patterns, options) {
		if options.ReturnStatus != nil {
			status, err := s.Status(data.Mailbox, options.ReturnStatus)
			if err != nil {
				return err
			}
			data.Status = status
		}
		if err := w.WriteList(&data); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) matching(ref string, patterns []string, options *imap.ListOptions) []imap.ListData {
	u := s.server.user
	u.mu.Lock()
	defer u.mu.Unlock()
	var out []imap.ListData
	for _, name := range sortedKeys(u.roles) {
		match := slices.ContainsFunc(patterns, func(p string) bool { return imapserver.MatchList(name, delimiter, ref, p) })
		role := u.roles[name]
		if !match || options.SelectSubscribed && !u.subscribed[name] || options.SelectSpecialUse && role == "" {
			continue
		}
		data := imap.ListData{Mailbox: name, Delim: delimiter}
		if role != "" && !s.server.opts.NoSpecialUse {
			data.Attrs = append(data.Attrs, role)
		}
		if u.subscribed[name] && (options.ReturnSubscribed || options.SelectSubscribed) {
			data.Attrs = append(data.Attrs, imap.MailboxAttrSubscribed)
		}
		out = append(out, data)
	}
	return out
}

func (s *session) Append(mailbox string, r imap.LiteralReader, options *imap.AppendOptions) (*imap.AppendData, error) {
	if err := s.server.user.refusal(mailbox); err != nil {
		return nil, err
	}
	// The store keeps a part of a message, too, when the connection ends.
	raw, err := io.ReadAll(r)
	if err == nil && int64(len(raw)) < r.Size() {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	data, err := s.UserSession.Append(mailbox, literal{bytes.NewReader(raw), r.Size()}, options)
	if err != nil || s.server.opts.NoUIDPlus {
		return nil, err // without UIDPLUS there is no APPENDUID
	}
	return data, nil
}

func (s *session) Copy(numSet imap.NumSet, target string) (*imap.CopyData, error) {
	if err := s.server.user.refusal(target); err != nil {
		return nil, err
	}
	data, err := s.UserSession.Copy(numSet, target)
	// An empty COPYUID cannot be written (RFC 4315 section 3).
	if err != nil || s.server.opts.NoUIDPlus || len(data.SourceUIDs) == 0 {
		return nil, err
	}
	return data, nil
}

func (s *session) Move(w *imapserver.MoveWriter, numSet imap.NumSet, target string) error {
	if s.server.opts.NoMove {
		return unknown("MOVE")
	}
	if err := s.server.user.refusal(target); err != nil {
		return err
	}
	if uids, ok := numSet.(imap.UIDSet); ok && !s.holds(uids) {
		return nil // as Cyrus does: OK, and no COPYUID, which cannot be empty
	}
	return s.UserSession.Move(w, numSet, target)
}

// holds reports whether the selected mailbox has one of some messages.
func (s *session) holds(uids imap.UIDSet) bool {
	found, err := s.UserSession.Search(imapserver.NumKindUID, &imap.SearchCriteria{UID: []imap.UIDSet{uids}}, &imap.SearchOptions{})
	return err != nil || len(found.AllUIDs()) > 0
}

func (s *session) Expunge(w *imapserver.ExpungeWriter, uids *imap.UIDSet) error {
	if uids != nil && s.server.opts.NoUIDPlus {
		return unknown("UID EXPUNGE")
	}
	return s.UserSession.Expunge(w, uids)
}

// idleTick is how soon a change is announced.
const idleTick = 25 * time.Millisecond

// Idle announces changes, those too that came between the last command and
// IDLE: the store's own Idle keeps them back until the next change.
func (s *session) Idle(w *imapserver.UpdateWriter, stop <-chan struct{}) error {
	ticker := time.NewTicker(idleTick)
	defer ticker.Stop()
	for {
		if err := s.Poll(w, true); err != nil {
			return err
		}
		select {
		case <-stop:
			return nil
		case <-ticker.C:
		}
	}
}

func unknown(command string) error {
	return &imap.Error{Type: imap.StatusResponseTypeBad, Text: command + " is not offered"}
}
