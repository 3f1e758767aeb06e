// Imapilot watches mailboxes on IMAP servers and files, flags and forwards what
// arrives by the user's rules.
//
// Each subcommand is one file. main is os.Exit(run(...)), so that tests run
// the same program. The exit codes are those of exit.go.
package main
