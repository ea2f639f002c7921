package prover

import (
	"errors"

	"github.com/consensys/gnark/backend/witness"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/groth16prover"
	"github.com/zkkex/zkkex/internal/plonk"
	"github.com/zkkex/zkkex/setup/params"
)

// engine makes proofs of one circuit with one proof system. It is safe for
// concurrent use.
type engine interface {
	// prove returns the encoded proof of a full witness.
	prove(w witness.Witness) (zkkex.Proof, error)
	// newSession returns a session that has nothing to build upon yet.
	newSession() engineSession
	// precompute makes later proofs cheaper, where that is possible, and takes
	// tableSize bytes.
	precompute()
	tableSize() int
}

// engineSession makes proofs that may build upon each other. It is safe for
// concurrent use.
type engineSession interface {
	// prove is engine.prove. It returns errSessionClosed if the session was
	// closed before it was done with what the session keeps.
	prove(w witness.Witness) (zkkex.Proof, error)
	// close wipes what the session keeps.
	close()
}

// errSessionClosed reports an engineSession that was closed.
var errSessionClosed = groth16prover.ErrClosed

// newEngine compiles the circuit of a set and opens its keys.
func newEngine(set *params.Proving) (engine, error) {
	switch system := set.Circuit().ProofSystem(); system {
	case zkkex.Groth16:
		return openGroth16(set)
	case zkkex.Plonk:
		return openPlonk(set)
	default:
		return nil, errors.New("prover: no engine for " + system.String())
	}
}

// groth16Engine proves with Groth16.
type groth16Engine struct{ key *groth16prover.Key }

func (e groth16Engine) prove(w witness.Witness) (zkkex.Proof, error) {
	proof, err := e.key.Prove(w)
	if err != nil {
		return nil, err
	}
	return proof.Bytes(), nil
}

func (e groth16Engine) newSession() engineSession { return groth16Session{e.key.NewSession()} }
func (e groth16Engine) precompute()               { e.key.Precompute() }
func (e groth16Engine) tableSize() int            { return e.key.TableSize() }

type groth16Session struct{ session *groth16prover.Session }

func (s groth16Session) prove(w witness.Witness) (zkkex.Proof, error) {
	proof, err := s.session.Prove(w)
	if err != nil {
		return nil, err
	}
	return proof.Bytes(), nil
}

func (s groth16Session) close() { s.session.Close() }

// plonkEngine proves with PLONK, each proof in full: its quotient and openings
// depend on every wire.
type plonkEngine struct{ key *plonk.ProvingKey }

func (e plonkEngine) prove(w witness.Witness) (zkkex.Proof, error) {
	proof, err := e.key.Prove(w)
	if err != nil {
		return nil, err
	}
	return proof.Bytes(), nil
}

func (e plonkEngine) newSession() engineSession { return e }
func (plonkEngine) close()                      {}
func (plonkEngine) precompute()                 {}
func (plonkEngine) tableSize() int              { return 0 }
