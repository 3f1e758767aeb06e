package disk

// Clone returns a disk with the same files, synced or not, and a seed of its
// own: a prepared disk for each of many tests, or a backup.
func (d *Disk) Clone(seed uint64) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	return register(seed, d.folder.clone())
}
