package bench

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"math/big"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	secp256k1ecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/bench/internal/ecdsacircuit"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/setup/dev"
)

// Limits of circuits for keys that exist already: the share of the CPU time of
// gnark's verification of a signature alone that a proof may take, with membership and
// nullifier, and how many times the native circuit's that a verification may.
const (
	scalarLimit    = 0.2
	signatureLimit = 1
	foreignLimit   = 2
)

// foreign is a member whose key is on another curve, and the two circuits that prove
// it: its scalar, or a signature.
type foreign struct {
	scalar, signature zkkex.CircuitID
}

// foreigners are the curves. A quick run has the first alone, and its scalar.
func (r *runner) foreigners() []foreign {
	all := []foreign{
		{zkkex.P256Key20, zkkex.P256Sig20},
		{zkkex.Secp256k1Key20, zkkex.Secp256k1Sig20},
	}
	if r.options.Quick {
		return all[:1]
	}
	return all
}

// keys proves with keys on P-256 and secp256k1, beside gnark's verification of an ECDSA
// signature alone, and verifies beside the native circuit.
func (r *runner) keys(ctx context.Context) error {
	native, err := r.prepared()
	if err != nil {
		return err
	}
	for _, f := range r.foreigners() {
		if err := r.foreign(ctx, native, f); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) foreign(ctx context.Context, native *member, f foreign) error {
	ids := []zkkex.CircuitID{f.scalar}
	if !r.options.Quick {
		ids = append(ids, f.signature)
	}
	var proving, verifying []task
	for _, id := range ids {
		r.progress(Keys, "deriving the development set of %v, and making a member", id)
		m, err := newForeigner(ctx, id)
		if err != nil {
			return err
		}
		proof, err := m.prove()
		if err != nil {
			return err
		}
		proving = append(proving, task{name: id.String() + ", witness checked, proof verified", run: func() error {
			_, err := m.prove()
			return err
		}})
		verifying = append(verifying, task{name: id.String() + ", proof from its bytes", batch: verifyBatch, run: func() error {
			return m.verifying.VerifyProof(m.st, proof)
		}})
	}
	r.report.count("peak memory after proofs of "+f.scalar.String()+" and its like", int(peakMemory()), "bytes")
	if err := r.foreignVerify(ctx, native, ids, verifying); err != nil {
		return err
	}
	if r.options.Quick {
		_, err := r.measure(ctx, Keys, 0, 1, proving...)
		return err
	}
	return r.besideGnark(ctx, f, proving)
}

// foreignVerify compares verifications with the native circuit's.
func (r *runner) foreignVerify(ctx context.Context, native *member, ids []zkkex.CircuitID, verifying []task) error {
	proof, err := native.prove()
	if err != nil {
		return err
	}
	tasks := append([]task{{name: circuit.String() + ", proof from its bytes", batch: verifyBatch, run: func() error {
		return native.verifying.VerifyProof(native.st, proof)
	}}}, verifying...)
	timings, err := r.measure(ctx, Keys, 0, r.options.rounds(), tasks...)
	if err != nil {
		return err
	}
	for i, id := range ids {
		r.report.ratio(fmt.Sprintf("keys: verify %v / %v", id, circuit), timings[i+1], timings[0], foreignLimit)
	}
	return nil
}

// besideGnark proves in turn with gnark's circuit that verifies one signature.
func (r *runner) besideGnark(ctx context.Context, f foreign, proving []task) error {
	curve := eckey.CurveOf(f.scalar.KeyType())
	r.progress(Keys, "setting up gnark's verification of an ECDSA signature on %v", curve)
	theirs, err := ecdsacircuit.New(curve)
	if err != nil {
		return err
	}
	r.report.count("gnark's ECDSA verification, "+curve.String(), theirs.Constraints(), "constraints")
	r.progress(Keys, "%v, %v and gnark's, %d rounds", f.scalar, f.signature, r.few())
	timings, err := r.measure(ctx, Keys, 0, r.few(), append(proving, task{name: "ECDSA verification on " + curve.String() + " alone, gnark", run: theirs.Prove})...)
	if err != nil {
		return err
	}
	r.report.ratio(fmt.Sprintf("keys: prove %v / gnark's ECDSA verification", f.scalar), timings[0], timings[2], scalarLimit)
	r.report.ratio(fmt.Sprintf("keys: prove %v / gnark's ECDSA verification", f.signature), timings[1], timings[2], signatureLimit)
	return nil
}

// newForeigner makes a member with a key of a circuit's type. Making its signature is
// no part of its proofs.
func newForeigner(ctx context.Context, id zkkex.CircuitID) (*member, error) {
	if err := dev.Prepare(ctx, id, nil); err != nil {
		return nil, err
	}
	set, err := openProving(id)
	if err != nil {
		return nil, err
	}
	p, err := prover.Open(set)
	if err != nil {
		return nil, err
	}
	nullifiers, err := keys.Generate()
	if err != nil {
		return nil, err
	}
	key, err := newForeignKey(eckey.CurveOf(id.KeyType()))
	if err != nil {
		return nil, err
	}
	public, err := keys.ParsePublic(id.KeyType(), key.public, nullifiers.Public().NullifierKeyHash())
	if err != nil {
		return nil, err
	}
	st, w, err := statementOf(id, nullifiers, public.Commitment())
	if err != nil {
		return nil, err
	}
	w.Owner = &circuits.Owner{Public: public, NullifierKey: nullifiers.RevealNullifierKey()}
	if kind := envelope.OfCircuit(id); kind == 0 {
		w.Owner.Scalar = key.scalar
	} else if w.Owner.Signature, err = key.sign(kind, st.Binding); err != nil {
		return nil, err
	}
	return &member{prover: p, verifying: set.Verifying, st: st, witness: w}, nil
}

// foreignKey is an ECDSA key.
type foreignKey struct {
	curve  eckey.Curve
	public []byte
	scalar [32]byte
}

func newForeignKey(curve eckey.Curve) (*foreignKey, error) {
	k := &foreignKey{curve: curve}
	if curve == eckey.Secp256k1 {
		private, err := secp256k1.GeneratePrivateKey()
		if err != nil {
			return nil, err
		}
		k.public, k.scalar = private.PubKey().SerializeCompressed(), [32]byte(private.Serialize())
		return k, nil
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	scalar, err := private.Bytes()
	if err != nil {
		return nil, err
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		return nil, err
	}
	k.public, k.scalar = append([]byte{2 + point[64]&1}, point[1:33]...), [32]byte(scalar)
	return k, nil
}

// sign signs that a proof is authorised.
func (k *foreignKey) sign(kind envelope.Kind, binding zkkex.Binding) (sig [64]byte, err error) {
	digest, err := kind.Digest(&envelope.Message{Purpose: envelope.Certificate, Binding: binding})
	if err != nil {
		return sig, err
	}
	if k.curve == eckey.Secp256k1 {
		return [64]byte(secp256k1ecdsa.SignCompact(secp256k1.PrivKeyFromBytes(k.scalar[:]), digest[:], true)[1:]), nil
	}
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), k.scalar[:])
	if err != nil {
		return sig, err
	}
	var r, s *big.Int
	if r, s, err = ecdsa.Sign(rand.Reader, private, digest[:]); err != nil {
		return sig, err
	}
	return k.curve.Normalize(r, s)
}
