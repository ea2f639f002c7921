// Package provingkey reads Groth16 proving keys, strictly: gnark's own reader
// allocates by lengths it has not checked and ignores what follows the key.
package provingkey

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/pedersen"
	gnark "github.com/consensys/gnark/backend/groth16/bn254"
	"golang.org/x/sync/errgroup"

	"github.com/zkkex/zkkex/internal/groth16"
	"github.com/zkkex/zkkex/internal/relation"
)

// Reasons why a proving key is refused. Each is wrapped with the name of the
// part.
var (
	// ErrShape reports a part whose length is not the one that the circuit
	// gives.
	ErrShape = errors.New("wrong shape")
	// ErrPoint reports a point that is at infinity, not canonical, not on the
	// curve or not in the subgroup.
	ErrPoint = errors.New("bad point")
	// ErrForeign reports a proving key that does not belong to the verifying
	// key.
	ErrForeign = errors.New("does not belong to the verifying key")
)

// Trust says what is known about a key before it is parsed.
type Trust bool

// How much of a key is checked.
const (
	// Untrusted keys have every point checked for its subgroup.
	Untrusted Trust = false
	// Vetted keys have had their subgroups checked before, under the same
	// digest. Everything else is checked again.
	Vetted Trust = true
)

// Parse decodes the proving key of a circuit of the given size, with one
// commitment at most. The format is what gnark writes uncompressed;
// docs/spec/params.md has it byte by byte. Every length follows from the circuit,
// nothing may follow the key, and alpha, beta and delta must be the verifying
// key's, as must the number of commitments.
func Parse(b []byte, size relation.Size, vk *groth16.Points, trust Trust) (*gnark.ProvingKey, error) {
	if got := vk.Commitments(); got != size.Commitments {
		return nil, fmt.Errorf("number of commitments: %w: the circuit has %d, the verifying key %d", ErrForeign, size.Commitments, got)
	}
	var pk gnark.ProvingKey
	domain := fft.NewDomain(uint64(size.Constraints))
	pk.Domain = *domain
	r := &reader{rest: b}
	r.domain(domain)

	r.g1("alpha", &pk.G1.Alpha)
	r.g1("beta", &pk.G1.Beta)
	r.g1("delta", &pk.G1.Delta)
	r.g1s("A", &pk.G1.A, size.Wires())
	r.g1s("B", &pk.G1.B, size.Wires())
	r.g1s("Z", &pk.G1.Z, int(domain.Cardinality)-1)
	r.g1s("K", &pk.G1.K, size.Private())
	r.g2("beta in G2", &pk.G2.Beta)
	r.g2("delta in G2", &pk.G2.Delta)
	r.g2s("B in G2", &pk.G2.B, size.Wires())
	r.number64("number of wires", uint64(size.Wires()))
	pk.NbInfinityA = r.uint64()
	pk.NbInfinityB = r.uint64()
	pk.InfinityA = r.flags("A at infinity", size.Wires())
	pk.InfinityB = r.flags("B at infinity", size.Wires())
	r.number32("number of commitments", uint32(size.Commitments))
	r.commitmentKeys(&pk, size)
	r.end()
	if r.err != nil {
		return nil, r.err
	}
	if err := checkLengths(&pk, size); err != nil {
		return nil, err
	}
	if err := r.decode(trust); err != nil {
		return nil, err
	}
	return &pk, checkBelongs(&pk, vk)
}

// checkLengths compares the lengths that may vary: of a wire that no left side
// uses there is no A, of one that no right side uses no B.
func checkLengths(pk *gnark.ProvingKey, size relation.Size) error {
	for _, part := range []struct {
		name      string
		flags     []bool
		stated    uint64
		got, wide int
	}{
		{"A", pk.InfinityA, pk.NbInfinityA, len(pk.G1.A), size.Wires()},
		{"B", pk.InfinityB, pk.NbInfinityB, len(pk.G1.B), size.Wires()},
		{"B in G2", pk.InfinityB, pk.NbInfinityB, len(pk.G2.B), size.Wires()},
	} {
		infinite := 0
		for _, set := range part.flags {
			if set {
				infinite++
			}
		}
		if uint64(infinite) != part.stated {
			return fmt.Errorf("%s: %w: %d points at infinity stated, %d flagged", part.name, ErrShape, part.stated, infinite)
		}
		if want := part.wide - infinite; part.got != want {
			return fmt.Errorf("%s: %w: expected %d points, got %d", part.name, ErrShape, want, part.got)
		}
	}
	if want := size.Private(); len(pk.G1.K) != want {
		return fmt.Errorf("points K: %w: expected %d points, got %d", ErrShape, want, len(pk.G1.K))
	}
	for _, key := range pk.CommitmentKeys {
		if len(key.Basis) != size.Committed || len(key.BasisExpSigma) != size.Committed {
			return fmt.Errorf("commitment key: %w: expected %d points twice, got %d and %d",
				ErrShape, size.Committed, len(key.Basis), len(key.BasisExpSigma))
		}
	}
	if want := int(pk.Domain.Cardinality) - 1; len(pk.G1.Z) != want {
		return fmt.Errorf("points Z: %w: expected %d points, got %d", ErrShape, want, len(pk.G1.Z))
	}
	return nil
}

func checkBelongs(pk *gnark.ProvingKey, vk *groth16.Points) error {
	switch {
	case !pk.G1.Alpha.Equal(&vk.Alpha1):
		return fmt.Errorf("alpha: %w", ErrForeign)
	case !pk.G1.Beta.Equal(&vk.Beta1) || !pk.G2.Beta.Equal(&vk.Beta2):
		return fmt.Errorf("beta: %w", ErrForeign)
	case !pk.G1.Delta.Equal(&vk.Delta1) || !pk.G2.Delta.Equal(&vk.Delta2):
		return fmt.Errorf("delta: %w", ErrForeign)
	}
	return nil
}

// reader takes the parts off a key, keeps the first error, and puts off the
// decoding of points until the whole shape is known.
type reader struct {
	rest []byte
	err  error
	jobs []func(trust Trust) error
}

// decode decodes every point, on all processors.
func (r *reader) decode(trust Trust) error {
	var group errgroup.Group
	group.SetLimit(maxWorkers())
	for _, job := range r.jobs {
		group.Go(func() error { return job(trust) })
	}
	return group.Wait()
}

func (r *reader) take(name string, n int) []byte {
	if r.err == nil && len(r.rest) < n {
		r.err = fmt.Errorf("%s: %w: expected %d more bytes, got %d", name, ErrShape, n, len(r.rest))
	}
	if r.err != nil {
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) end() {
	if r.err == nil && len(r.rest) > 0 {
		r.err = fmt.Errorf("end: %w: %d more bytes", ErrShape, len(r.rest))
	}
}

func (r *reader) domain(want *fft.Domain) {
	var b bytes.Buffer
	if _, err := want.WriteTo(&b); err != nil {
		r.err = err
		return
	}
	if got := r.take("domain", b.Len()); r.err == nil && !bytes.Equal(got, b.Bytes()) {
		r.err = fmt.Errorf("domain: %w: expected the one of %d elements", ErrShape, want.Cardinality)
	}
}

func (r *reader) number32(name string, want uint32) {
	if b := r.take(name, 4); r.err == nil && binary.BigEndian.Uint32(b) != want {
		r.err = fmt.Errorf("%s: %w: expected %d, got %d", name, ErrShape, want, binary.BigEndian.Uint32(b))
	}
}

func (r *reader) number64(name string, want uint64) {
	if got := r.uint64(); r.err == nil && got != want {
		r.err = fmt.Errorf("%s: %w: expected %d, got %d", name, ErrShape, want, got)
	}
}

func (r *reader) uint64() uint64 {
	b := r.take("number", 8)
	if r.err != nil {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

// flags reads one byte for each wire, 0 or 1.
func (r *reader) flags(name string, n int) []bool {
	b := r.take(name, n)
	out := make([]bool, len(b))
	for i, v := range b {
		if v > 1 {
			r.err = fmt.Errorf("%s: %w: flag %d, expected 0 or 1", name, ErrShape, v)
			return nil
		}
		out[i] = v == 1
	}
	return out
}

// length reads the number of points of a part, at most limit.
func (r *reader) length(name string, limit int) int {
	b := r.take(name, 4)
	if r.err != nil {
		return 0
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(limit) {
		r.err = fmt.Errorf("%s: %w: expected at most %d points, got %d", name, ErrShape, limit, n)
		return 0
	}
	return int(n)
}

func (r *reader) g1(name string, p *curve.G1Affine) {
	b := r.take(name, g1Size)
	r.jobs = append(r.jobs, func(Trust) error { return decodeG1(name, p, b) })
}

func (r *reader) g2(name string, p *curve.G2Affine) {
	b := r.take(name, g2Size)
	r.jobs = append(r.jobs, func(Trust) error { return decodeG2(name, p, b, Untrusted) })
}

func (r *reader) g1s(name string, points *[]curve.G1Affine, limit int) {
	n := r.length(name, limit)
	b := r.take(name, n*g1Size)
	if r.err != nil {
		return
	}
	*points = make([]curve.G1Affine, n)
	r.chunks(n, func(i int, _ Trust) error {
		return decodeG1(name, &(*points)[i], b[i*g1Size:(i+1)*g1Size])
	})
}

func (r *reader) g2s(name string, points *[]curve.G2Affine, limit int) {
	n := r.length(name, limit)
	b := r.take(name, n*g2Size)
	if r.err != nil {
		return
	}
	*points = make([]curve.G2Affine, n)
	r.chunks(n, func(i int, trust Trust) error {
		return decodeG2(name, &(*points)[i], b[i*g2Size:(i+1)*g2Size], trust)
	})
}

// commitmentKeys reads the key of the commitment, if the circuit has one.
func (r *reader) commitmentKeys(pk *gnark.ProvingKey, size relation.Size) {
	if size.Commitments == 0 {
		return
	}
	pk.CommitmentKeys = make([]pedersen.ProvingKey, 1)
	r.g1s("commitment key", &pk.CommitmentKeys[0].Basis, size.Committed)
	r.g1s("commitment key to the exponent", &pk.CommitmentKeys[0].BasisExpSigma, size.Committed)
}

// chunks makes jobs of n points.
func (r *reader) chunks(n int, decode func(i int, trust Trust) error) {
	const chunk = 512
	for start := 0; start < n; start += chunk {
		r.jobs = append(r.jobs, func(trust Trust) error {
			for i := start; i < min(start+chunk, n); i++ {
				if err := decode(i, trust); err != nil {
					return fmt.Errorf("point %d: %w", i, err)
				}
			}
			return nil
		})
	}
}
