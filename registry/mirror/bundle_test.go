package mirror

import (
	"bytes"
	"encoding/binary"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex/registry"
)

func FuzzBundle(f *testing.F) {
	l := newTestLog(f, registry.SmallCapacityBits)
	l.admit(f, 0, 3)
	good, ok := l.tile("tile/entries/000.p/3")
	if !ok {
		f.Fatal("no bundle")
	}
	f.Add(good)
	f.Add(good[:entrySize])
	f.Add(append(append([]byte(nil), good...), 0))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		b := bundle{width: uint64(len(data) / entrySize)}
		if len(data)%entrySize != 0 || b.width > bundleSize {
			return // refused by its size
		}
		ops, err := b.cut(data)
		if err != nil {
			return
		}
		var again []byte
		for ; len(ops) > 0; ops = ops[registry.OperationSize:] {
			if again, err = torchwood.AppendTileEntry(again, ops[:registry.OperationSize]); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(again, data) {
			t.Fatalf("cut and put together again: %x; want %x", again, data)
		}
	})
}

// TestLogHash compares our tree heads with those of package tlog.
func TestLogHash(t *testing.T) {
	var l logHash
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			out[i] = stored[index]
		}
		return out, nil
	})
	for n := range int64(300) {
		want, err := tlog.TreeHash(n, reader)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.root(); got != want {
			t.Fatalf("head of %d records is %v; want %v", n, got, want)
		}
		record := binary.BigEndian.AppendUint64(nil, uint64(n))
		hashes, err := tlog.StoredHashes(n, record, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
		l.append(record)
	}
}
