package registrar

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/canonical"
	"github.com/zkkex/zkkex/registry"
)

// Layout of a journal record; integers are big-endian.
const (
	keyOffset      = registry.OperationSize // public key, filled up with zeros
	hashOffset     = keyOffset + maxKeySize // H(nk)
	sequenceOffset = hashOffset + 32        // number of the record
	durableOffset  = sequenceOffset + 8     // records known durable when it was written
	timeOffset     = durableOffset + 8      // Unix seconds
	sumOffset      = timeOffset + 8         // CRC-32C of everything before
	recordSize     = sumOffset + crc32.Size // 168 bytes
	recordFormat   = "journal record"
	latestUnix     = 253402300799 // the last second of the year 9999
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errChecksum reports a record whose checksum is wrong: an interrupted write,
// or damage.
var errChecksum = errors.New("the checksum is wrong")

// record is one entry of the journal: an operation, and for an admission what
// only the registrar knows.
type record struct {
	op            registry.Operation
	key           [maxKeySize]byte
	nullifierHash [32]byte
	sequence      uint64
	// durable is the number of records that were durable, and may have been
	// acknowledged, when this one was written. It tells an interrupted write
	// from damage.
	durable uint64
	unix    int64

	// admission is, of a revocation, the record it takes back. It is not
	// written.
	admission *record
}

// appendTo appends the encoding of the record to b. It returns an error if
// parseRecord would refuse the result.
func (rec *record) appendTo(b []byte) ([]byte, error) {
	if err := rec.check(); err != nil {
		return b, err
	}
	start := len(b)
	b, err := rec.op.AppendBinary(b)
	if err != nil {
		return b[:start], err
	}
	b = append(b, rec.key[:]...)
	b = append(b, rec.nullifierHash[:]...)
	b = binary.BigEndian.AppendUint64(b, rec.sequence)
	b = binary.BigEndian.AppendUint64(b, rec.durable)
	b = binary.BigEndian.AppendUint64(b, uint64(rec.unix))
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[start:], castagnoli)), nil
}

// parseRecord decodes a record. It returns an error wrapping errChecksum if the
// checksum is wrong, and one wrapping [zkkex.ErrMalformed] or
// [zkkex.ErrUnsupported] if the checksum is right and the content is not.
func parseRecord(b []byte) (*record, error) {
	if len(b) != recordSize {
		return nil, malformed(recordFormat, "expected %d bytes, got %d", recordSize, len(b))
	}
	want := binary.BigEndian.Uint32(b[sumOffset:])
	if got := crc32.Checksum(b[:sumOffset], castagnoli); got != want {
		return nil, fmt.Errorf("%w: CRC-32C is %08x, expected %08x", errChecksum, got, want)
	}
	op, err := registry.ParseOperation(b[:keyOffset])
	if err != nil {
		return nil, err
	}
	rec := &record{
		op:            op,
		key:           [maxKeySize]byte(b[keyOffset:]),
		nullifierHash: [32]byte(b[hashOffset:]),
		sequence:      binary.BigEndian.Uint64(b[sequenceOffset:]),
		durable:       binary.BigEndian.Uint64(b[durableOffset:]),
		unix:          int64(binary.BigEndian.Uint64(b[timeOffset:])),
	}
	if err := rec.check(); err != nil {
		return nil, err
	}
	return rec, nil
}

// check says whether the fields beside the operation fit it.
func (rec *record) check() error {
	if rec.durable > rec.sequence {
		return malformed(recordFormat, "record %d was written when %d were durable", rec.sequence, rec.durable)
	}
	if rec.unix < 0 || rec.unix > latestUnix {
		return malformed(recordFormat, "time %d, expected 0 to %d", rec.unix, latestUnix)
	}
	size := 0
	if rec.op.Kind == registry.Admit {
		size = keySize(rec.op.KeyType)
		if err := canonical.Check(&rec.nullifierHash); err != nil {
			return malformed(recordFormat, "hash of the nullifier key: %w", err)
		}
	} else if rec.nullifierHash != ([32]byte{}) {
		return malformed(recordFormat, "a hash of a nullifier key in a %v record", rec.op.Kind)
	}
	for i, c := range rec.key[size:] {
		if c != 0 {
			return malformed(recordFormat, "byte %d of the public key is %#02x, expected 0 from byte %d on", size+i, c, size)
		}
	}
	return nil
}

func malformed(format, msg string, args ...any) error {
	return &zkkex.ParseError{Format: format, Err: fmt.Errorf(msg, args...)}
}
