package mirror

import (
	"encoding/binary"
	"fmt"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex/registry"
)

// bundleSize is the number of operations in a full entry bundle.
const bundleSize = torchwood.TileWidth

// entrySize is the size of an entry in a bundle: a length of two bytes, and
// the operation (c2sp.org/tlog-tiles).
const entrySize = 2 + registry.OperationSize

// bundle is one entry bundle of a log of a certain size.
type bundle struct {
	number uint64
	width  uint64 // operations in it: bundleSize, or fewer in the last one
}

// bundleAt returns the bundle with a number, of a log of size operations.
func bundleAt(number, size uint64) bundle {
	return bundle{number: number, width: min(bundleSize, size-number*bundleSize)}
}

// first is the number of the bundle's first operation.
func (b bundle) first() uint64 { return b.number * bundleSize }

func (b bundle) tile() tlog.Tile {
	return tlog.Tile{H: torchwood.TileHeight, L: -1, N: int64(b.number), W: int(b.width)}
}

// indexes are the log's hashes that authenticate the bundle: the one of its
// subtree, or, if the bundle is not full, those of its records.
func (b bundle) indexes() []int64 {
	if b.width == bundleSize {
		return []int64{tlog.StoredHashIndex(torchwood.TileHeight, int64(b.number))}
	}
	indexes := make([]int64, b.width)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, int64(b.first())+int64(i))
	}
	return indexes
}

// matches reports whether operations, in their binary form, are those that the
// hashes at the bundle's indexes authenticate.
func (b bundle) matches(ops []byte, hashes []tlog.Hash) bool {
	if uint64(len(ops)) != b.width*registry.OperationSize {
		return false
	}
	var l logHash
	for i := range b.width {
		record := ops[i*registry.OperationSize : (i+1)*registry.OperationSize]
		if b.width < bundleSize {
			if tlog.RecordHash(record) != hashes[i] {
				return false
			}
			continue
		}
		l.append(record)
	}
	return b.width < bundleSize || l.root() == hashes[0]
}

// cut takes the lengths out of a bundle's bytes, which must have the bundle's
// size. It returns an error wrapping [zkkex.ErrMalformed].
func (b bundle) cut(data []byte) ([]byte, error) {
	ops := make([]byte, 0, b.width*registry.OperationSize)
	for i := range b.width {
		entry := data[i*entrySize : (i+1)*entrySize]
		if n := binary.BigEndian.Uint16(entry); n != registry.OperationSize {
			return nil, malformed(fmt.Sprintf("entry bundle %d", b.number), "entry %d has %d bytes, expected %d", i, n, registry.OperationSize)
		}
		ops = append(ops, entry[2:]...)
	}
	return ops, nil
}
