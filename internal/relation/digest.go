// Package relation names compiled constraint systems by digest, independently
// of how gnark serialises them.
package relation

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark/constraint"
	cs "github.com/consensys/gnark/constraint/bn254"

	"github.com/zkkex/zkkex/internal/domain"
)

// Size is the numbers of a constraint system. The constant wire counts as
// public.
type Size struct {
	Constraints, Public, Secret, Internal int
	// Commitments is the number of commitments of a rank-1 system, and Committed
	// the number of private wires that they are to.
	Commitments, Committed int
}

// Wires returns the number of wires.
func (s Size) Wires() int { return s.Public + s.Secret + s.Internal }

// Private returns the number of wires that Groth16's K has a point for: all but
// public and committed ones and those that challenges go to.
func (s Size) Private() int { return s.Secret + s.Internal - s.Committed - s.Commitments }

// System is a constraint system, of either kind.
type System interface {
	GetNbConstraints() int
	GetNbPublicVariables() int
	GetNbSecretVariables() int
	GetNbInternalVariables() int
	GetCommitments() constraint.Commitments
}

// SizeOf returns the numbers of a constraint system. A sparse one has no constant
// wire.
func SizeOf(system System) Size {
	size := Size{
		Constraints: system.GetNbConstraints(),
		Public:      system.GetNbPublicVariables(),
		Secret:      system.GetNbSecretVariables(),
		Internal:    system.GetNbInternalVariables(),
	}
	commitments, _ := system.GetCommitments().(constraint.Groth16Commitments)
	for _, c := range commitments {
		size.Commitments++
		size.Committed += len(c.PrivateCommitted)
	}
	return size
}

// Digest returns the digest of a relation: SHA-256 over the framed tag, the
// numbers of constraints and of public, secret and internal wires (uint32
// each), and every constraint in order. A constraint is its three linear
// expressions L, R and O, with L*R = O; an expression is the number of its terms
// (uint32), and of every term the wire (uint32) and the coefficient (32 bytes).
// Integers are big-endian. Wires are numbered constant first, then public,
// secret and internal ones.
//
// The solver's instructions are left out: they decide whether a proof can be
// made, never what it proves.
func Digest(system *cs.R1CS) [sha256.Size]byte {
	d := newDigester(domain.Circuit, system, system.Coefficients)
	constraints := system.GetR1CIterator()
	for c := constraints.Next(); c != nil; c = constraints.Next() {
		d.expression(c.L)
		d.expression(c.R)
		d.expression(c.O)
	}
	commitments, _ := system.CommitmentInfo.(constraint.Groth16Commitments)
	for _, c := range commitments {
		d.number(c.CommitmentIndex)
		d.wires(c.PublicAndCommitmentCommitted)
		d.wires(c.PrivateCommitted)
	}
	return [sha256.Size]byte(d.h.Sum(nil))
}

// DigestSparse returns the digest of a sparse relation: SHA-256 over its own
// framed tag, the numbers of constraints and of public, secret and internal wires
// (uint32 each), and every constraint in order. A constraint is
//
//	qL*a + qR*b + qM*a*b + qO*c + qC = 0
//
// written as its wires a, b and c (uint32 each) and qL, qR, qM, qO and qC (32
// bytes each). Integers are big-endian. Wires are numbered public first, then
// secret and internal ones; a coefficient of 0 leaves its wire in, as PLONK's
// permutation covers it.
func DigestSparse(system *cs.SparseR1CS) [sha256.Size]byte {
	d := newDigester(domain.SparseCircuit, system, system.Coefficients)
	constraints := system.GetSparseR1CIterator()
	for c := constraints.Next(); c != nil; c = constraints.Next() {
		for _, wire := range []uint32{c.XA, c.XB, c.XC} {
			d.number(int(wire))
		}
		for _, id := range []uint32{c.QL, c.QR, c.QM, c.QO, c.QC} {
			d.coefficient(int(id))
		}
	}
	return [sha256.Size]byte(d.h.Sum(nil))
}

type digester struct {
	h            hash.Hash
	coefficients []fr.Element
}

// newDigester begins with the tag and the numbers of the system.
func newDigester(tag domain.Tag, system System, coefficients []fr.Element) *digester {
	d := &digester{h: sha256.New(), coefficients: coefficients}
	d.h.Write(domain.Frame(tag))
	size := SizeOf(system)
	for _, n := range []int{size.Constraints, size.Public, size.Secret, size.Internal} {
		d.number(n)
	}
	return d
}

func (d *digester) number(n int) {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(n))
	d.h.Write(b[:])
}

func (d *digester) wires(wires []int) {
	d.number(len(wires))
	for _, wire := range wires {
		d.number(wire)
	}
}

func (d *digester) coefficient(id int) {
	b := d.coefficients[id].Bytes()
	d.h.Write(b[:])
}

func (d *digester) expression(terms constraint.LinearExpression) {
	d.number(len(terms))
	for _, term := range terms {
		d.number(term.WireID())
		d.coefficient(term.CoeffID())
	}
}
