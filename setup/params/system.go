package params

import (
	"errors"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
	"github.com/zkkex/zkkex/internal/groth16"
	"github.com/zkkex/zkkex/internal/plonk"
	"github.com/zkkex/zkkex/internal/public"
)

// system checks proofs with one verifying key of one proof system. It is safe for
// concurrent use.
type system interface {
	// verify returns nil, or a rejection for [zkkex.BadProof].
	verify(c claim) error
	// verifyAll returns for each claim what verify returns, and whether claims
	// that were checked together had to be told apart.
	verifyAll(claims []claim) (verdicts []error, searched bool)
}

// claim is an encoded proof, and the public inputs that it is to be checked for.
type claim struct {
	proof  []byte
	inputs [public.Count]field.Element
}

// newSystem checks an encoded verifying key and prepares it.
func newSystem(m *Manifest, encoded []byte) (system, error) {
	if m.ProofSystem == PlonkProofSystem {
		return newPlonkSystem(m, encoded)
	}
	points, err := groth16.ParsePoints(encoded)
	if err != nil {
		return nil, &MismatchError{File: VerifyingKeyFile, Check: "points", Err: err}
	}
	key, err := groth16.NewVerifyingKey(points)
	if err != nil {
		return nil, &MismatchError{File: VerifyingKeyFile, Check: "key", Err: err}
	}
	return groth16System{key}, nil
}

func newPlonkSystem(m *Manifest, encoded []byte) (system, error) {
	points, err := plonk.ParsePoints(encoded)
	if err != nil {
		return nil, &MismatchError{File: VerifyingKeyFile, Check: "points", Err: err}
	}
	if want := plonk.DomainFor(m.Circuit.Constraints); points.Domain != want {
		return nil, mismatch(VerifyingKeyFile, "domain", "expected %d for %d constraints, got %d", want, m.Circuit.Constraints, points.Domain)
	}
	return plonkSystem{plonk.NewVerifyingKey(points)}, nil
}

type groth16System struct{ key *groth16.VerifyingKey }

func (s groth16System) verify(c claim) error {
	p, err := s.key.ParseProof(c.proof)
	if err != nil {
		return badProof(err)
	}
	return rejected(s.key.Verify(p, c.inputs), groth16.ErrNoProof)
}

func (s groth16System) verifyAll(claims []claim) ([]error, bool) {
	verdicts := make([]error, len(claims))
	var parsed []groth16.Claim
	var places []int
	for i, c := range claims {
		p, err := s.key.ParseProof(c.proof)
		if err != nil {
			verdicts[i] = badProof(err)
			continue
		}
		parsed, places = append(parsed, groth16.Claim{Proof: p, Inputs: c.inputs}), append(places, i)
	}
	answers, work := s.key.VerifyBatch(parsed)
	for i, err := range answers {
		verdicts[places[i]] = rejected(err, groth16.ErrNoProof)
	}
	return verdicts, work.Failed > 0
}

type plonkSystem struct{ key *plonk.VerifyingKey }

func (s plonkSystem) verify(c claim) error {
	p, err := plonk.ParseProof(c.proof)
	if err != nil {
		return badProof(err)
	}
	return rejected(s.key.Verify(p, c.inputs), plonk.ErrNoProof)
}

// verifyAll checks one proof after the other.
func (s plonkSystem) verifyAll(claims []claim) ([]error, bool) {
	verdicts := make([]error, len(claims))
	for i, c := range claims {
		verdicts[i] = s.verify(c)
	}
	return verdicts, false
}

// rejected turns an equation that does not hold into a rejection.
func rejected(err, noProof error) error {
	if errors.Is(err, noProof) {
		return badProof(err)
	}
	return err
}

func badProof(err error) error { return zkkex.Reject(zkkex.BadProof, "%v", err) }
