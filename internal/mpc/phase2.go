package mpc

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/consensys/gnark-crypto/ecc"
	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex/internal/point"
	"github.com/zkkex/zkkex/internal/relation"
)

// Phase2 is a state of phase 2: where it begins, or what it is after a
// contribution. It is not changed once it is made.
type Phase2 struct {
	delta1 curve.G1Affine
	delta2 curve.G2Affine
	// k are the points of the private wires, divided by delta.
	k []curve.G1Affine
	// z are the powers of tau times the domain's vanishing polynomial at tau,
	// divided by delta, in bit-reversed order.
	z     []curve.G1Affine
	proof proof
	// challenge is the hash of the state before; there is none at the beginning.
	challenge []byte
}

// Domain returns the domain of a circuit: its number of constraints, rounded up
// to a power of two.
func Domain(size relation.Size) int {
	return int(max(ecc.NextPowerOfTwo(uint64(max(size.Constraints, 0))), MinDomain))
}

// lengths returns the numbers of points K and Z.
func lengths(size relation.Size) (k, z int) { return size.Secret + size.Internal, Domain(size) - 1 }

// Phase2Size returns the size of an encoded contribution to phase 2 in bytes.
func Phase2Size(size relation.Size) int {
	k, z := lengths(size)
	return 2 + point.G1Size + 4 + k*point.G1Size + 4 + z*point.G1Size + point.G2Size + proofSize + 1 + challengeSize
}

// ParsePhase2 decodes a contribution to phase 2, strictly: the size is that of
// the circuit, every point is canonical, on the curve, in the subgroup and
// finite, and the challenge has 32 bytes. It returns a [CheckError] of
// [CheckEncoding]. The contribution is checked by [Phase2.Verify].
func ParsePhase2(b []byte, size relation.Size) (*Phase2, error) {
	if err := CheckDomain(Domain(size)); err != nil {
		return nil, &CheckError{Check: CheckEncoding, Err: err}
	}
	r, p := read(b, Phase2Size(size)), new(Phase2)
	k, z := lengths(size)
	r.number("number of commitments", 2, 0)
	r.g1("delta in G1", &p.delta1)
	p.k = r.vector("K", k)
	p.z = r.vector("Z", z)
	r.g2("delta in G2", &p.delta2)
	r.proof(CheckDeltaProof, &p.proof)
	p.challenge = r.challenge()
	if err := r.finish(); err != nil {
		return nil, err
	}
	return p, nil
}

// vector reads n points behind their number.
func (r *reader) vector(name string, n int) []curve.G1Affine {
	r.number("number of points "+name, 4, n)
	if r.err != nil {
		return nil
	}
	points := make([]curve.G1Affine, n)
	r.g1s(name, points)
	return points
}

// Bytes encodes the state: the number of commitments (2 bytes, 0), delta in G1,
// the points K and Z, each behind their number (4 bytes), delta in G2, the proof
// of delta, and the challenge behind its length (1 byte). Numbers are
// big-endian.
func (p *Phase2) Bytes() []byte {
	b := make([]byte, 2, 2+4+4+(1+len(p.k)+len(p.z))*point.G1Size+point.G2Size+proofSize+1+challengeSize)
	b = appendG1(b, p.delta1)
	b = binary.BigEndian.AppendUint32(b, uint32(len(p.k)))
	b = appendG1(b, p.k...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(p.z)))
	b = appendG1(b, p.z...)
	b = appendG2(b, p.delta2)
	b = p.proof.append(b)
	return appendChallenge(b, p.challenge)
}

// hash returns what the next contribution has as its challenge.
func (p *Phase2) hash() []byte {
	h := sha256.Sum256(p.Bytes())
	return h[:]
}

// Contribute returns the state after a contribution with a secret of its own,
// made of 64 fresh bytes from the system's generator and of entropy, which may be
// empty. The secret is forgotten. It looks at ctx every 64 points and returns
// its error.
func (p *Phase2) Contribute(ctx context.Context, entropy []byte, progress Progress) (*Phase2, error) {
	delta, err := newSource(entropy).secret("delta")
	if err != nil {
		return nil, err
	}
	defer func() { delta = fr.Element{} }()
	return p.contribute(ctx, &delta, progress)
}

func (p *Phase2) contribute(ctx context.Context, delta *fr.Element, progress Progress) (*Phase2, error) {
	next := &Phase2{challenge: p.hash()}
	next.proof = prove(delta, next.challenge, separateDelta)
	next.delta1 = timesG1(&p.delta1, delta)
	next.delta2 = timesG2(&p.delta2, delta)

	var inverse fr.Element
	inverse.Inverse(delta)
	by := constant(&inverse)
	defer by.wipe()
	inverse = fr.Element{}

	w := newStep("delta", 0, progress).part()
	next.k = scaleG1(w, p.k, by)
	next.z = scaleG1(w, p.z, by)
	if err := w.run(ctx); err != nil {
		return nil, err
	}
	return next, nil
}

// Verify checks that next is a contribution made upon p, which the caller has
// verified or begun with. It changes neither, and returns a [CheckError] with the
// first check that fails, or the error of ctx, looked at between checks.
func (p *Phase2) Verify(ctx context.Context, next *Phase2) error {
	if err := sameLength(CheckZ, p.z, next.z); err != nil {
		return err
	}
	if err := sameLength(CheckK, p.k, next.k); err != nil {
		return err
	}
	return verify(ctx, p.checks(next))
}

func (p *Phase2) checks(next *Phase2) []check {
	challenge := p.hash()
	delta := newFactor(&next.proof, challenge, separateDelta)
	return []check{
		isChallenge(challenge, next.challenge),
		delta.known(CheckDeltaProof),
		delta.scaledG1(CheckDeltaG1, &next.delta1, &p.delta1),
		delta.scaledG2(CheckDeltaG2, &next.delta2, &p.delta2),
		delta.divided(CheckZ, next.z, p.z),
		delta.divided(CheckK, next.k, p.k),
	}
}

// isChallenge is the check that a contribution names the state before it.
func isChallenge(want, got []byte) check {
	return check{
		name:  CheckChallenge,
		says:  fmt.Sprintf("made upon a state with the hash %x, expected %x", got, want),
		holds: func() bool { return bytes.Equal(got, want) },
	}
}

// sameLength refuses a state of another domain or circuit.
func sameLength[P any](name string, was, is []P) error {
	if len(was) == len(is) {
		return nil
	}
	return &CheckError{Check: CheckEncoding, Err: fmt.Errorf("%s: expected %d points, got %d: another domain or circuit", name, len(was), len(is))}
}
