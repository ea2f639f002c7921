package registry

import (
	"encoding/binary"
	"fmt"

	"github.com/zkkex/zkkex"
)

// OperationKind says what an operation does.
type OperationKind uint8

// Kinds of operation.
const (
	// Admit puts a leaf into an empty index.
	Admit OperationKind = 1
	// Revoke empties the index of a live leaf.
	Revoke OperationKind = 2
	// Grow raises the capacity from 2^20 to 2^32. Every other field is zero.
	Grow OperationKind = 3
)

// String returns "admit", "revoke" or "grow".
func (k OperationKind) String() string {
	switch k {
	case Admit:
		return "admit"
	case Revoke:
		return "revoke"
	case Grow:
		return "grow"
	default:
		return fmt.Sprintf("operation-%d", uint8(k))
	}
}

// OperationSize is the size of an encoded operation, in bytes.
const OperationSize = 1 + 1 + 2 + 8 + 32

const operationFormat = "registry operation"

// Operation is one entry of a registry's log.
type Operation struct {
	// Kind is what the operation does.
	Kind OperationKind
	// KeyType is the type of the member's key. A revocation repeats it, so
	// that live counts follow from the log alone.
	KeyType zkkex.KeyType
	// Index is the leaf's position in the member tree.
	Index uint64
	// Leaf is the member's commitment. A revocation repeats it.
	Leaf zkkex.Commitment
}

// AppendBinary appends the encoding of o to b: kind (1 byte), zero (1), key
// type (2), index (8) and leaf (32), integers big-endian. It returns an error
// wrapping [zkkex.ErrMalformed] or [zkkex.ErrUnsupported] if
// [ParseOperation] would refuse the result.
func (o Operation) AppendBinary(b []byte) ([]byte, error) {
	if err := o.check(); err != nil {
		return b, err
	}
	b = append(b, byte(o.Kind), 0)
	b = binary.BigEndian.AppendUint16(b, uint16(o.KeyType))
	b = binary.BigEndian.AppendUint64(b, o.Index)
	return append(b, o.Leaf[:]...), nil
}

// ParseOperation decodes an operation. It returns an error wrapping
// [zkkex.ErrMalformed] for anything but what [Operation.AppendBinary] writes,
// and [zkkex.ErrUnsupported] for an unknown kind or key type.
func ParseOperation(b []byte) (Operation, error) {
	if len(b) != OperationSize {
		return Operation{}, malformed(operationFormat, "expected %d bytes, got %d", OperationSize, len(b))
	}
	if b[1] != 0 {
		return Operation{}, malformed(operationFormat, "byte 1 is %#02x, expected 0", b[1])
	}
	o := Operation{
		Kind:    OperationKind(b[0]),
		KeyType: zkkex.KeyType(binary.BigEndian.Uint16(b[2:])),
		Index:   binary.BigEndian.Uint64(b[4:]),
		Leaf:    zkkex.Commitment(b[12:]),
	}
	if err := o.check(); err != nil {
		return Operation{}, err
	}
	return o, nil
}

// check says whether o can stand in any log, whatever the tree holds.
func (o Operation) check() error {
	switch o.Kind {
	case Admit, Revoke:
		return o.checkLeaf()
	case Grow:
		if o != (Operation{Kind: Grow}) {
			return malformed(operationFormat, "a grow operation carries key type %d, index %d and leaf %v, expected zeros", o.KeyType, o.Index, o.Leaf)
		}
		return nil
	default:
		return fmt.Errorf("%w: operation kind %d, expected 1 (admit), 2 (revoke) or 3 (grow)", zkkex.ErrUnsupported, o.Kind)
	}
}

func (o Operation) checkLeaf() error {
	if !o.KeyType.Known() {
		return fmt.Errorf("%w: key type %#04x in a registry operation, expected one of %v", zkkex.ErrUnsupported, uint16(o.KeyType), zkkex.KeyTypes())
	}
	if o.Index>>LargeCapacityBits != 0 {
		return malformed(operationFormat, "index %d, expected below 2^%d", o.Index, LargeCapacityBits)
	}
	if o.Leaf.IsEmpty() {
		return malformed(operationFormat, "the leaf is the empty leaf")
	}
	if _, err := zkkex.ParseCommitment(o.Leaf[:]); err != nil {
		return malformed(operationFormat, "%w", err)
	}
	return nil
}
