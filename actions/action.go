package actions

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

// Kind names an action as the configuration spells it.
type Kind string

// The actions. [Table] describes each.
const (
	AddFlags     Kind = "add_flags"
	RemoveFlags  Kind = "remove_flags"
	SetFlags     Kind = "set_flags"
	AddLabels    Kind = "add_labels"
	RemoveLabels Kind = "remove_labels"
	Copy         Kind = "copy"
	AppendTo     Kind = "append"
	Move         Kind = "move"
	Trash        Kind = "trash"
	Archive      Kind = "archive"
	Junk         Kind = "junk"
	Snooze       Kind = "snooze"
	Expunge      Kind = "expunge"
	Webhook      Kind = "webhook"
	Exec         Kind = "exec"

	SaveAttachments Kind = "save_attachments"
	Unsubscribe     Kind = "unsubscribe"
	Forward         Kind = "forward"
	Reply           Kind = "reply"
)

// Action is one thing that a rule does to a message, with every argument
// resolved. The zero value is invalid.
type Action struct {
	Kind Kind `json:"kind"`
	// Flags are the system flags or keywords of add_flags, remove_flags and
	// set_flags.
	Flags []imap.Flag `json:"flags,omitempty"`
	// Labels are those of add_labels and remove_labels: system labels, or names with "/"
	// between levels.
	Labels []string `json:"labels,omitempty"`
	// Mailbox is the target of copy, append and move in configuration spelling: "/"
	// separates hierarchy levels whatever the server uses. "role:junk" is the
	// mailbox that has the role.
	Mailbox string `json:"mailbox,omitempty"`
	// Until is when a message comes back that snooze puts away, to the second, in
	// the time zone of the configuration.
	Until time.Time `json:"until,omitzero"`
	// Account is the account of the target of copy, append and move, as the configuration
	// names it; "" is that of the message.
	Account string `json:"account,omitempty"`
	// Endpoint is the webhook's name in the configuration.
	Endpoint string `json:"endpoint,omitempty"`
	// When is [WhenDone] for a webhook that is sent after all other actions on its
	// message, "" for one that is sent with the decision.
	When string `json:"when,omitempty"`
	// Title and Body are a text for people that goes with a webhook's document,
	// JSON is what is sent in its place.
	Title string          `json:"title,omitempty"`
	Body  string          `json:"body,omitempty"`
	JSON  json.RawMessage `json:"json,omitempty"`
	// URL is what the ${expressions} in the URL of a webhook gave, by their texts.
	URL map[string]string `json:"url,omitempty"`
	// Include says what the document of a webhook has besides, of [Included]; RawLimit
	// is how many octets of the message, where that is one of it.
	Include  []string `json:"include,omitempty"`
	RawLimit int      `json:"raw_limit,omitempty"`
	// Command is the program of exec.
	Command *Command `json:"command,omitempty"`
	// Save is what save_attachments does.
	Save *Saving `json:"save,omitempty"`
	// Letter is what forward and reply send.
	Letter *Letter `json:"letter,omitempty"`
	// Append is what append adds.
	Append *Append `json:"append,omitempty"`
}

// WhenDone is an Action.When.
const WhenDone = "done"

// What the document of a webhook may include.
const (
	IncludeHeaders     = "headers"
	IncludeText        = "text"
	IncludeAttachments = "attachments"
	IncludeRaw         = "raw"
)

// Included lists what the document of a webhook may include.
func Included() []string {
	return []string{IncludeHeaders, IncludeText, IncludeAttachments, IncludeRaw}
}

// MaxSnooze is for how long a message is snoozed at most.
const MaxSnooze = 366 * 24 * time.Hour

// String prints the action as the configuration would spell it, for dry runs,
// logs and tables: "move: Lists/go", "add_flags: [\Seen]", "trash". A command is
// printed as [Command.String] does, what is saved as [Saving.String], a letter as
// [Letter.String].
func (a Action) String() string {
	switch a.Kind.Spec().Arg {
	case ArgFlags:
		return string(a.Kind) + ": [" + joinFlags(a.Flags) + "]"
	case ArgLabels:
		return string(a.Kind) + ": [" + quotedLabels(a.Labels) + "]"
	case ArgMailbox:
		if a.Account != "" {
			return fmt.Sprintf("%s: {account: %s, mailbox: %s}", a.Kind, a.Account, a.Mailbox)
		}
		return string(a.Kind) + ": " + a.Mailbox
	case ArgUntil:
		return fmt.Sprintf("%s: {until: %s}", a.Kind, a.Until.Format(time.RFC3339))
	case ArgEndpoint:
		if a.When != "" {
			return fmt.Sprintf("%s: {to: %s, when: %s}", a.Kind, a.Endpoint, a.When)
		}
		return string(a.Kind) + ": " + a.Endpoint
	case ArgAppend:
		return string(a.Kind) + ": " + a.shownAppend()
	case ArgCommand:
		return string(a.Kind) + ": " + a.Command.String()
	case ArgFolder:
		return string(a.Kind) + ": " + a.Save.String()
	case ArgRecipients, ArgAnswer:
		return string(a.Kind) + ": " + a.Letter.String()
	default:
		return string(a.Kind)
	}
}

// Equal reports whether two actions do the same. Flags and labels compare as sets and
// without case (RFC 9051 section 2.3.2). Two calls of a webhook are the same
// whatever they say, and so are two runs of a program with the same arguments,
// whatever their environment. [Letter.Tells] says it of letters.
func (a Action) Equal(b Action) bool {
	return a.Kind == b.Kind && a.Mailbox == b.Mailbox && a.Account == b.Account && a.Endpoint == b.Endpoint && a.When == b.When &&
		a.Until.Equal(b.Until) && a.Command.equal(b.Command) && a.Save.equal(b.Save) && a.Letter.equal(b.Letter) && a.Append.equal(b.Append) &&
		slices.Equal(foldFlags(a.Flags), foldFlags(b.Flags)) && slices.Equal(foldLabels(a.Labels), foldLabels(b.Labels))
}

// rolePrefix is before a role that stands in the place of a mailbox.
const rolePrefix = "role:"

// Role is the role (RFC 6154) of the mailbox that the action leads to, "" where it
// leads to none, or to one by its name.
func (a Action) Role() string {
	if role := a.Kind.Spec().Role; role != "" {
		return role
	}
	if role, ok := strings.CutPrefix(a.Mailbox, rolePrefix); ok {
		return role
	}
	return ""
}

// Says tells whether a message has a flag once the action was done. told is false
// where the action leaves the flag as it is.
func (a Action) Says(f imap.Flag) (has, told bool) {
	named := slices.ContainsFunc(a.Flags, func(g imap.Flag) bool { return strings.EqualFold(string(f), string(g)) })
	switch a.Kind {
	case AddFlags:
		return true, named
	case RemoveFlags:
		return false, named
	case SetFlags:
		return named, true
	}
	return false, false
}

func joinFlags(flags []imap.Flag) string {
	parts := make([]string, len(flags))
	for i, f := range flags {
		parts[i] = string(f)
	}
	return strings.Join(parts, ", ")
}

func foldFlags(flags []imap.Flag) []string {
	out := make([]string, 0, len(flags))
	for _, f := range flags {
		out = append(out, strings.ToLower(string(f)))
	}
	slices.Sort(out)
	return slices.Compact(out)
}
