package registrar

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex/registry"
)

const (
	// tileHeight is the number of levels in a tile, and tileWidth the number
	// of hashes in one (c2sp.org/tlog-tiles).
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// logHashes is the RFC 6962 tree over the operations. Only the roots of
// complete tiles are in memory, an eighth of a byte per operation; the hashes
// below are computed again from at most 256 records when they are asked for,
// so there is no second file that could disagree with the journal.
type logHashes struct {
	journal *journal
	// roots[k][i] is the hash of operations i*256^(k+1) to (i+1)*256^(k+1)-1.
	roots [][]tlog.Hash
	// tail are the hashes of the operations after the last complete tile.
	tail []tlog.Hash
}

// size returns the number of operations.
func (l *logHashes) size() uint64 {
	n := uint64(len(l.tail))
	if len(l.roots) > 0 {
		n += tileWidth * uint64(len(l.roots[0]))
	}
	return n
}

// append adds an encoded operation.
func (l *logHashes) append(operation []byte) {
	l.tail = append(l.tail, tlog.RecordHash(operation))
	if len(l.tail) < tileWidth {
		return
	}
	root := fold(l.tail)
	l.tail = l.tail[:0]
	for k := 0; ; k++ {
		if k == len(l.roots) {
			l.roots = append(l.roots, nil)
		}
		l.roots[k] = append(l.roots[k], root)
		n := len(l.roots[k])
		if n%tileWidth != 0 {
			return
		}
		root = fold(l.roots[k][n-tileWidth:])
	}
}

// fold returns the root over a power of two of hashes.
func fold(hashes []tlog.Hash) tlog.Hash {
	level := append([]tlog.Hash(nil), hashes...)
	for len(level) > 1 {
		for i := range len(level) / 2 {
			level[i] = tlog.NodeHash(level[2*i], level[2*i+1])
		}
		level = level[:len(level)/2]
	}
	return level[0]
}

// ReadHashes implements [tlog.HashReader].
func (l *logHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		width := uint64(1) << (level % tileHeight)
		below, err := l.row(level/tileHeight, uint64(n)*width, width)
		if err != nil {
			return nil, err
		}
		out[i] = fold(below)
	}
	return out, nil
}

// row returns count hashes from the first on, of level 8*tileLevel of the tree.
// They must not reach over the end of a tile.
func (l *logHashes) row(tileLevel int, first, count uint64) ([]tlog.Hash, error) {
	if tileLevel == 0 {
		return l.recordHashes(first, count)
	}
	if tileLevel > len(l.roots) || first+count > uint64(len(l.roots[tileLevel-1])) {
		return nil, fmt.Errorf("the log of %d operations has no hashes %d to %d at level %d", l.size(), first, first+count, tileLevel*tileHeight)
	}
	return l.roots[tileLevel-1][first : first+count], nil
}

func (l *logHashes) recordHashes(first, count uint64) ([]tlog.Hash, error) {
	if complete := l.size() - uint64(len(l.tail)); first >= complete {
		if first+count > l.size() {
			return nil, fmt.Errorf("the log has %d operations, not %d", l.size(), first+count)
		}
		return l.tail[first-complete : first-complete+count], nil
	}
	out := make([]tlog.Hash, 0, count)
	err := l.operations(first, count, func(operation []byte) { out = append(out, tlog.RecordHash(operation)) })
	return out, err
}

// operations calls yield for encoded operations, read from the journal.
func (l *logHashes) operations(first, count uint64, yield func([]byte)) error {
	raw := make([]byte, count*recordSize)
	if err := l.journal.readRaw(raw, first); err != nil {
		return err
	}
	for i := range count {
		b := raw[i*recordSize : (i+1)*recordSize]
		if _, err := parseRecord(b); err != nil {
			return damagedAt(first+i, err)
		}
		yield(b[:registry.OperationSize])
	}
	return nil
}
