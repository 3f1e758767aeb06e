// Package attachment saves the attachments of a message as files.
//
//	folder := attachment.Folder{Path: "/srv/invoices", Name: pattern}
//	result, err := attachment.Save(ctx, folder, raw, func(p attachment.Part) bool {
//		return p.Type == "application/pdf"
//	})
//
// What is an attachment, and what it is called, is what a rule sees (package
// facts): the parts that clients show as files, without signatures and the
// like. The octets are those that were attached, the transfer encoding undone and
// nothing else; a damaged encoding is read as far as clients read it. The message
// is read once and from front to end, and never held in memory.
//
// What it promises:
//
//   - A file is there whole or not at all: it is written under a temporary name,
//     brought to the disk (fsync), and only then given its own, which is brought
//     to the disk before Save says that it is done. Its mode is 0600.
//   - Nothing is ever overwritten. Where the name is taken by the same content,
//     that is the file, so that a repeat after a crash changes nothing; where it
//     is taken by anything else, the next name is "a (2).pdf".
//   - Nothing leaves the folder, whatever a message calls its files, and whatever
//     links there are in the folder ([os.Root]). The folder must exist; only the
//     folders below it that a pattern names are made, with mode 0700.
//   - A name is one that every system can take: see [Piece].
//   - A temporary file that a crash left is removed by the next Save that writes,
//     once ten minutes are over: before that it may be of another process.
//   - An error is an [Error], temporary (the disk is full) or not (it is
//     read-only, a file is too large). What could be saved is in the [Result] all
//     the same.
//
// Limits: the parts and the depth that facts has too (500 and 32), [Folder].MaxFile
// for one file, [Folder].MaxTotal for those of a message, and 512 MiB of message.
//
// Where to look: save.go is the way of one message, walk.go finds its parts line
// by line and decode.go undoes their encoding, name.go makes names, draft.go and
// place.go write files and name them, leftover.go cleans up, disk.go is all that
// touches the disk, error.go says what went wrong.
package attachment
