package params

import (
	"errors"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/groth16"
	"github.com/zkkex/zkkex/internal/public"
)

// Claim is a proof, and the statement that it is to be checked for.
type Claim struct {
	Statement *zkkex.Statement
	Proof     zkkex.Proof
}

// VerifyProofs returns for each claim what [Verifying.VerifyProof] returns, and
// whether proofs that were checked together had to be told apart because one of
// them is bad. Like VerifyProof it checks proofs and nothing else. From three
// claims on it takes less time than one by one, and a quarter for 64.
func (v *Verifying) VerifyProofs(claims []Claim) (verdicts []error, searched bool) {
	verdicts = make([]error, len(claims))
	var decoded []groth16.Claim
	var places []int
	for i, c := range claims {
		claim, err := v.decode(c.Statement, c.Proof)
		if err != nil {
			verdicts[i] = err
			continue
		}
		decoded, places = append(decoded, claim), append(places, i)
	}
	answers, work := v.key.VerifyBatch(decoded)
	for i, err := range answers {
		verdicts[places[i]] = rejected(err)
	}
	return verdicts, work.Failed > 0
}

// decode checks everything about a claim but the pairing equation.
func (v *Verifying) decode(st *zkkex.Statement, proof zkkex.Proof) (groth16.Claim, error) {
	if st.Circuit != v.Circuit() {
		return groth16.Claim{}, zkkex.Reject(zkkex.WrongCircuit, "the statement is of circuit %v, the parameters are of %v", st.Circuit, v.Circuit())
	}
	inputs, err := public.Inputs(st)
	if err != nil {
		return groth16.Claim{}, &zkkex.ParseError{Format: "statement", Err: err}
	}
	p, err := groth16.ParseProof(proof)
	if err != nil {
		return groth16.Claim{}, zkkex.Reject(zkkex.BadProof, "%v", err)
	}
	return groth16.Claim{Proof: p, Inputs: inputs}, nil
}

// rejected turns an equation that does not hold into a rejection.
func rejected(err error) error {
	if errors.Is(err, groth16.ErrNoProof) {
		return zkkex.Reject(zkkex.BadProof, "%v", err)
	}
	return err
}
