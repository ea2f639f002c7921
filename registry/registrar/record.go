package registrar

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/canonical"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
)

// Layout of a journal record; integers are big-endian.
const (
	keyOffset      = registry.OperationSize     // public key and delegation, filled up with zeros
	untilOffset    = keyOffset + keys.PointSize // of a delegate: end of the delegation, Unix seconds
	deviceOffset   = untilOffset + 8            // of a delegate: number of the record that admitted its device
	paddingOffset  = deviceOffset + 8           // of a delegate: zeros up to H(nk)
	hashOffset     = keyOffset + maxKeySize     // H(nk)
	sequenceOffset = hashOffset + 32            // number of the record
	durableOffset  = sequenceOffset + 8         // records known durable when it was written
	timeOffset     = durableOffset + 8          // Unix seconds
	sumOffset      = timeOffset + 8             // CRC-32C of everything before
	recordSize     = sumOffset + crc32.Size     // 168 bytes
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
	delegation    delegation
	sequence      uint64
	// durable is the number of records that were durable, and may have been
	// acknowledged, when this one was written. It tells an interrupted write
	// from damage.
	durable uint64
	unix    int64

	// What follows is not written.

	// admission is, of a revocation, the record it takes back.
	admission *record
	// keepsIndex says, of a revocation, that the next record admits another leaf
	// at its index.
	keepsIndex bool
	// deviceIndex is, of a delegate's admission, where its device is.
	deviceIndex uint64
}

// delegation is what a delegate's admission says beside its key. It is zero in
// every other record.
type delegation struct {
	until  int64  // when it ends, Unix seconds, not 0
	device uint64 // the number of the record that admitted the device
}

// isDelegate reports whether the record admits a delegate.
func (rec *record) isDelegate() bool { return rec.delegation.until != 0 }

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
	if rec.isDelegate() {
		binary.BigEndian.PutUint64(b[start+untilOffset:], uint64(rec.delegation.until))
		binary.BigEndian.PutUint64(b[start+deviceOffset:], rec.delegation.device)
	}
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
	if until := int64(binary.BigEndian.Uint64(b[untilOffset:])); until != 0 && rec.mayBeDelegate() {
		rec.delegation = delegation{until: until, device: binary.BigEndian.Uint64(b[deviceOffset:])}
		clear(rec.key[untilOffset-keyOffset : paddingOffset-keyOffset])
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
	if err := rec.checkDelegation(); err != nil {
		return err
	}
	size := 0
	if rec.op.Kind == registry.Admit {
		size = keys.PublicSize(rec.op.KeyType)
		if size == eckey.KeySize && rec.key[0]|1 != 3 {
			return malformed(recordFormat, "the public key begins with %#02x, expected 2 or 3", rec.key[0])
		}
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

// mayBeDelegate reports whether a record of its kind and key type can be a
// delegate's.
func (rec *record) mayBeDelegate() bool {
	return rec.op.Kind == registry.Admit && rec.op.KeyType == delegateType
}

func (rec *record) checkDelegation() error {
	switch d := rec.delegation; {
	case d == delegation{}:
		return nil
	case !rec.mayBeDelegate():
		return malformed(recordFormat, "a delegation in a record that admits no key of type %v", delegateType)
	case d.until <= 0 || d.until > latestUnix:
		return malformed(recordFormat, "the end of the delegation is %d, expected 1 to %d", d.until, latestUnix)
	case d.device >= rec.sequence:
		return malformed(recordFormat, "record %d is of a delegate of record %d", rec.sequence, d.device)
	}
	return nil
}

func malformed(format, msg string, args ...any) error {
	return &zkkex.ParseError{Format: format, Err: fmt.Errorf(msg, args...)}
}
