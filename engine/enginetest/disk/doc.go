// Package disk is a disk in memory that SQLite can live on, and that fails,
// dies and loses power on demand.
//
//	d := disk.New(seed)
//	defer d.Close()
//	db, err := sqlite.OpenWith(ctx, "/j.db", sqlite.Options{VFS: d.Name(), Exclusive: true})
//	d.CrashAt(17)
//	... // work until it fails
//	left := d.AfterPowerLoss()
//	defer left.Close()
//	db, err = sqlite.OpenWith(ctx, "/j.db", sqlite.Options{VFS: left.Name(), Exclusive: true})
//
// # What survives
//
// A killed process leaves what it wrote, synced or not ([Disk.AfterKill]). A
// power loss leaves what was synced ([Disk.AfterPowerLoss]); of what was
// written since, any state that a real disk may be in:
//
//   - each sector of 512 bytes is as it was at one moment since the last sync,
//     whatever its neighbours are; it is never torn, and bytes beside a write
//     are never harmed (SQLite's SQLITE_IOCAP_POWERSAFE_OVERWRITE, which its
//     own file systems claim too);
//   - a file's length is one that it had since the last sync, and what was
//     never written between may be zeros or noise;
//   - a name that was created or deleted may be as it was before, until its
//     folder was synced: by the first sync of a log or rollback journal, or a
//     delete that asks for it, as SQLite does on Unix. There is one folder.
//
// A sync that fails leaves in doubt for good what it was to save: later syncs
// succeed and do not save it, as on Linux. A write that fails may have written
// its first sectors.
//
// # What it is good for
//
// It has no goroutine, timer or file of the operating system, waits for
// nothing and so works in testing/synctest bubbles. All that is drawn comes
// from the seed: the same calls leave the same bytes. It does not offer shared
// memory, so a write-ahead log needs SQLite's exclusive locking mode. Disks are
// independent of one another and safe for concurrent use.
package disk
