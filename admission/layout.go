package admission

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/zkkex/zkkex"
)

// Keys in the database of a [Dir]; docs/spec/admission.md has them. The end of
// the epoch comes first, so that whole epochs are one range.
const (
	spaceMeta    byte = 0
	spaceRecords byte = 1
)

// Kinds of entries in a shard.
const (
	kindNullifier byte = 1 // nullifier: the record
	kindKey       byte = 2 // session key: the nullifier
	kindOpen      byte = 3 // nullifier, counter: nothing
	kindBan       byte = 4 // pseudonym: nothing
)

var (
	formatKey = []byte{spaceMeta, 0}
	closedKey = []byte{spaceMeta, 1}
)

// shardKeySize is the size of what every key of a shard begins with, in bytes.
const shardKeySize = 1 + 8 + 32

// endKey is what is before all keys of epochs that end then or later, and after
// all others.
func endKey(end int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{spaceRecords}, uint64(end))
}

func (s shardKey) prefix(kind byte) []byte {
	return append(append(endKey(s.end), s.scope[:]...), kind)
}

func (s shardKey) nullifier(n zkkex.Nullifier) []byte {
	return append(s.prefix(kindNullifier), n[:]...)
}

func (s shardKey) sessionKey(key [32]byte) []byte {
	return append(s.prefix(kindKey), key[:]...)
}

func (s shardKey) open(n zkkex.Nullifier, counter uint32) []byte {
	return binary.BigEndian.AppendUint32(append(s.prefix(kindOpen), n[:]...), counter)
}

func (s shardKey) ban(p Pseudonym) []byte { return append(s.prefix(kindBan), p[:]...) }

// endOf returns the end of the epoch in a key of a record or an open.
func endOf(key []byte) (int64, error) {
	if len(key) < shardKeySize {
		return 0, fmt.Errorf("%w: a key of %d bytes", ErrDamaged, len(key))
	}
	return parseEnd(key[1:9])
}

func parseEnd(b []byte) (int64, error) {
	if len(b) != 8 {
		return 0, fmt.Errorf("%w: the end of an epoch of %d bytes, expected 8", ErrDamaged, len(b))
	}
	end := binary.BigEndian.Uint64(b)
	if end > latestUnix {
		return 0, fmt.Errorf("%w: an epoch that ends %d seconds after 1970", ErrDamaged, end)
	}
	return int64(end), nil
}

// parseStored decodes a record that was found under a nullifier.
func parseStored(s shardKey, n zkkex.Nullifier, b []byte) (*Record, error) {
	r, err := ParseRecord(b)
	if err != nil {
		return nil, errors.Join(ErrDamaged, err)
	}
	shard, err := r.Shard()
	if err != nil {
		return nil, errors.Join(ErrDamaged, err)
	}
	if key, err := shard.key(); err != nil || key != s || r.Statement.Nullifier != n {
		return nil, fmt.Errorf("%w: a record is under another's nullifier", ErrDamaged)
	}
	return r, nil
}
