package params

import (
	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/public"
)

// Claim is a proof, and the statement that it is to be checked for.
type Claim struct {
	Statement *zkkex.Statement
	Proof     zkkex.Proof
}

// VerifyProofs returns for each claim what [Verifying.VerifyProof] returns, and
// whether proofs that were checked together had to be told apart because one of
// them is bad. Like VerifyProof it checks proofs and nothing else. With Groth16 it
// takes less time than one by one from three claims on, and a quarter for 64;
// proofs of PLONK are checked one by one.
func (v *Verifying) VerifyProofs(claims []Claim) (verdicts []error, searched bool) {
	verdicts = make([]error, len(claims))
	var decoded []claim
	var places []int
	for i, c := range claims {
		one, err := v.claim(c.Statement, c.Proof)
		if err != nil {
			verdicts[i] = err
			continue
		}
		decoded, places = append(decoded, one), append(places, i)
	}
	answers, searched := v.system.verifyAll(decoded)
	for i, err := range answers {
		verdicts[places[i]] = err
	}
	return verdicts, searched
}

// claim checks everything about a claim but the proof.
func (v *Verifying) claim(st *zkkex.Statement, proof zkkex.Proof) (claim, error) {
	if st.Circuit != v.Circuit() {
		return claim{}, zkkex.Reject(zkkex.WrongCircuit, "the statement is of circuit %v, the parameters are of %v", st.Circuit, v.Circuit())
	}
	inputs, err := public.Inputs(st)
	if err != nil {
		return claim{}, &zkkex.ParseError{Format: "statement", Err: err}
	}
	return claim{proof: proof, inputs: inputs}, nil
}
