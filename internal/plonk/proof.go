package plonk

import (
	"errors"
	"fmt"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/kzg"
	gnark "github.com/consensys/gnark/backend/plonk/bn254"

	"github.com/zkkex/zkkex/internal/point"
)

const (
	proofPoints  = 9
	proofScalars = openedValues + 1
	// openedValues is the number of values at zeta: of the linearised
	// polynomial, a, b, c and the first two of the permutation.
	openedValues = 6
)

// ProofSize is the size of an encoded proof in bytes.
const ProofSize = proofPoints*point.G1Size + proofScalars*fr.Bytes

// Reasons why bytes are no proof, beside those of package point. Each is wrapped
// with the name of the part.
var (
	// ErrLength reports an encoding of another size.
	ErrLength = errors.New("wrong length")
	// ErrScalar reports a scalar that is not below the order of the scalar
	// field.
	ErrScalar = errors.New("not below the order of the scalar field")
)

// Proof is a decoded proof, in the notation of ePrint 2019/953, section 8.4. Its
// points are on the curve, which is the subgroup, and finite.
type Proof struct {
	// Wires are the commitments to the wire polynomials a, b and c.
	Wires [3]curve.G1Affine
	// Permutation is the commitment to the permutation polynomial z.
	Permutation curve.G1Affine
	// Quotient are the commitments to the parts of the quotient polynomial.
	Quotient [3]curve.G1Affine
	// Opening and ShiftedOpening are the proofs of the values at zeta, and at
	// zeta times the generator of the domain.
	Opening, ShiftedOpening curve.G1Affine
	// Values are those at zeta of the linearised polynomial, a, b, c and the
	// permutation's first two.
	Values [openedValues]fr.Element
	// ShiftedValue is that of z at zeta times the generator.
	ShiftedValue fr.Element
}

// namedPoint is a point of a proof and its name.
type namedPoint struct {
	name  string
	point *curve.G1Affine
}

// namedPoints lists the points in their order.
func (p *Proof) namedPoints() [proofPoints]namedPoint {
	return [proofPoints]namedPoint{
		{"a", &p.Wires[0]}, {"b", &p.Wires[1]}, {"c", &p.Wires[2]},
		{"z", &p.Permutation},
		{"t_lo", &p.Quotient[0]}, {"t_mid", &p.Quotient[1]}, {"t_hi", &p.Quotient[2]},
		{"W_zeta", &p.Opening}, {"W_zeta_omega", &p.ShiftedOpening},
	}
}

// namedScalar is a scalar of a proof and its name.
type namedScalar struct {
	name   string
	scalar *fr.Element
}

// namedScalars lists the scalars in their order.
func (p *Proof) namedScalars() [proofScalars]namedScalar {
	return [proofScalars]namedScalar{
		{"r(zeta)", &p.Values[0]},
		{"a(zeta)", &p.Values[1]}, {"b(zeta)", &p.Values[2]}, {"c(zeta)", &p.Values[3]},
		{"s1(zeta)", &p.Values[4]}, {"s2(zeta)", &p.Values[5]},
		{"z(zeta omega)", &p.ShiftedValue},
	}
}

// ParseProof decodes a proof: nine compressed points, then seven scalars,
// big-endian, in the order of [Proof]. It accepts exactly what [Proof.Bytes]
// returns for finite points, and returns an error wrapping one of the reasons of
// this package or of package point for anything else.
func ParseProof(b []byte) (*Proof, error) {
	if len(b) != ProofSize {
		return nil, fmt.Errorf("%w: expected %d bytes, got %d", ErrLength, ProofSize, len(b))
	}
	var p Proof
	for _, part := range p.namedPoints() {
		if err := point.ParseG1(part.point, b[:point.G1Size]); err != nil {
			return nil, fmt.Errorf("point %s: %w", part.name, err)
		}
		b = b[point.G1Size:]
	}
	for _, part := range p.namedScalars() {
		if err := part.scalar.SetBytesCanonical(b[:fr.Bytes]); err != nil {
			return nil, fmt.Errorf("scalar %s: %w", part.name, ErrScalar)
		}
		b = b[fr.Bytes:]
	}
	return &p, nil
}

// Bytes returns the encoding of p, [ProofSize] bytes.
func (p *Proof) Bytes() []byte {
	out := make([]byte, 0, ProofSize)
	for _, part := range p.namedPoints() {
		b := part.point.Bytes()
		out = append(out, b[:]...)
	}
	for _, part := range p.namedScalars() {
		b := part.scalar.Bytes()
		out = append(out, b[:]...)
	}
	return out
}

// fromGnark takes over a proof that gnark made. It returns an error wrapping
// [ErrLength] or [point.ErrInfinity] for one that has no encoding here.
func fromGnark(g *gnark.Proof) (*Proof, error) {
	if len(g.BatchedProof.ClaimedValues) != openedValues || len(g.Bsb22Commitments) != 0 {
		return nil, fmt.Errorf("%w: %d values and %d commitments, expected %d and none",
			ErrLength, len(g.BatchedProof.ClaimedValues), len(g.Bsb22Commitments), openedValues)
	}
	p := &Proof{
		Wires: g.LRO, Permutation: g.Z, Quotient: g.H,
		Opening: g.BatchedProof.H, ShiftedOpening: g.ZShiftedOpening.H,
		Values: [openedValues]fr.Element(g.BatchedProof.ClaimedValues), ShiftedValue: g.ZShiftedOpening.ClaimedValue,
	}
	for _, part := range p.namedPoints() {
		if part.point.IsInfinity() {
			return nil, fmt.Errorf("point %s: %w", part.name, point.ErrInfinity)
		}
	}
	return p, nil
}

// gnark returns the proof as gnark takes it.
func (p *Proof) gnark() *gnark.Proof {
	return &gnark.Proof{
		LRO: p.Wires, Z: p.Permutation, H: p.Quotient,
		BatchedProof:    kzg.BatchOpeningProof{H: p.Opening, ClaimedValues: p.Values[:]},
		ZShiftedOpening: kzg.OpeningProof{H: p.ShiftedOpening, ClaimedValue: p.ShiftedValue},
	}
}
