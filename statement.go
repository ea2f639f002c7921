package zkkex

import (
	"encoding/binary"
)

// Statement is what a proof proves, the same for every circuit:
//
//	"I know a key whose commitment is in the registry with root Root, and
//	Nullifier is its pseudorandom value for Scope and a slot below Limit; this
//	proof authorises Binding, and nothing else."
//
// Root, Nullifier and Limit enter the circuit as they are; Scope and Binding
// are mapped to the field, in one place (docs/spec/statement.md).
type Statement struct {
	// Circuit is the relation, and so the key type.
	Circuit CircuitID
	// Limit is the number of slots a member has per epoch in this scope, at
	// least 1.
	Limit uint32
	// Root is the root of the registry's member tree.
	Root Root
	// Scope is the context in which nullifiers are comparable.
	Scope Scope
	// Nullifier is the pseudonym of this one slot.
	Nullifier Nullifier
	// Binding covers everything the proof authorises.
	Binding Binding
}

// StatementSize is the size of an encoded statement, in bytes.
const StatementSize = 2 + 4 + 4*32

// AppendBinary appends the encoding of s to b: circuit and limit big-endian (2
// and 4 bytes), then root, scope, nullifier and binding (32 bytes each). It
// never fails; the error is there for [encoding.BinaryAppender].
func (s *Statement) AppendBinary(b []byte) ([]byte, error) {
	b = binary.BigEndian.AppendUint16(b, uint16(s.Circuit))
	b = binary.BigEndian.AppendUint32(b, s.Limit)
	b = append(b, s.Root[:]...)
	b = append(b, s.Scope[:]...)
	b = append(b, s.Nullifier[:]...)
	b = append(b, s.Binding[:]...)
	return b, nil
}

// ParseStatement decodes a statement. It returns an error wrapping
// [ErrMalformed] if the length is not [StatementSize], if root or nullifier are
// not canonical, or if the limit is 0, and [ErrUnsupported] if the circuit is
// unknown.
func ParseStatement(b []byte) (*Statement, error) {
	const format = "statement"
	if len(b) != StatementSize {
		return nil, malformed(format, "expected %d bytes, got %d", StatementSize, len(b))
	}
	circuit := CircuitID(binary.BigEndian.Uint16(b))
	if !circuit.Known() {
		return nil, unsupportedCircuit(circuit)
	}
	limit := binary.BigEndian.Uint32(b[2:])
	if limit == 0 {
		return nil, malformed(format, "limit is 0, expected at least 1")
	}
	root, err := ParseRoot(b[6:38])
	if err != nil {
		return nil, malformed(format, "%w", err)
	}
	nullifier, err := ParseNullifier(b[70:102])
	if err != nil {
		return nil, malformed(format, "%w", err)
	}
	return &Statement{
		Circuit:   circuit,
		Limit:     limit,
		Root:      root,
		Scope:     Scope(b[38:70]),
		Nullifier: nullifier,
		Binding:   Binding(b[102:134]),
	}, nil
}
