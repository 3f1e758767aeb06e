package engine

import (
	"crypto/x509"
	"io/fs"
	"os"
	"sync"
)

// authorities are the files with authorities that accounts name, each read once for all of
// them and again when it has changed.
type authorities struct {
	mu   sync.Mutex
	read map[string]authority
}

type authority struct {
	file fs.FileInfo
	pool *x509.CertPool
}

// of is rootsOf.
func (a *authorities) of(file string) (*x509.CertPool, error) {
	if file == "" {
		return rootsOf(file)
	}
	now, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if had, ok := a.read[file]; ok && os.SameFile(had.file, now) && had.file.ModTime().Equal(now.ModTime()) && had.file.Size() == now.Size() {
		return had.pool, nil
	}
	pool, err := rootsOf(file)
	if err != nil {
		return nil, err
	}
	if a.read == nil {
		a.read = map[string]authority{}
	}
	a.read[file] = authority{now, pool}
	return pool, nil
}
