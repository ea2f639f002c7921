package mirror

import (
	"crypto/sha256"

	"golang.org/x/mod/sumdb/tlog"
)

// logHash computes the RFC 6962 tree head of a log that records are appended
// to. It keeps the right edge: the heads of the complete subtrees, the largest
// first.
type logHash struct {
	size  uint64
	edge  []tlog.Hash
	sizes []uint64 // of the subtrees, powers of two
}

// append adds a record.
func (l *logHash) append(record []byte) {
	h, n := tlog.RecordHash(record), uint64(1)
	l.size++
	for len(l.sizes) > 0 && l.sizes[len(l.sizes)-1] == n {
		last := len(l.sizes) - 1
		h, n = tlog.NodeHash(l.edge[last], h), 2*n
		l.edge, l.sizes = l.edge[:last], l.sizes[:last]
	}
	l.edge, l.sizes = append(l.edge, h), append(l.sizes, n)
}

// root returns the tree head. The empty log's is the hash of nothing.
func (l *logHash) root() tlog.Hash {
	if len(l.edge) == 0 {
		return sha256.Sum256(nil)
	}
	last := len(l.edge) - 1
	h := l.edge[last]
	for i := last - 1; i >= 0; i-- {
		h = tlog.NodeHash(l.edge[i], h)
	}
	return h
}
