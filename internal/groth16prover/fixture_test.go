package groth16prover

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	gnark "github.com/consensys/gnark/backend/groth16/bn254"
	"github.com/consensys/gnark/backend/witness"
	"github.com/consensys/gnark/frontend"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/groth16"
	"github.com/zkkex/zkkex/internal/provingkey"
	"github.com/zkkex/zkkex/internal/relation"
	"github.com/zkkex/zkkex/internal/world"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/setup/params"
)

// fixture is a member of a registry with the key of one circuit.
type fixture struct {
	id        zkkex.CircuitID
	proving   *gnark.ProvingKey
	verifying gnark.VerifyingKey
	plain     *Key          // never tabulated
	key       *Key          // tabulated
	secret    *keys.Secret  // nullifiers alone, if there is a signer
	signer    *world.Signer // for circuits of signatures
	root      zkkex.Root
	path      registry.Path
}

var fixtures sync.Map // of a function that makes one, by circuit

// load returns the fixture of a circuit, which tests share.
func load(t testing.TB, id zkkex.CircuitID) *fixture {
	t.Helper()
	once, _ := fixtures.LoadOrStore(id, sync.OnceValue(func() *fixture { return newFixture(t, id) }))
	f := once.(func() *fixture)()
	if f == nil || f.key == nil {
		t.Fatal("the fixture could not be made")
	}
	return f
}

func newFixture(t testing.TB, id zkkex.CircuitID) *fixture {
	t.Helper()
	f := &fixture{id: id}
	set := world.Params(t, id)
	system, err := circuits.Compile(id)
	if err != nil {
		t.Fatal(err)
	}
	points, err := groth16.ParsePoints(set.VerifyingKey())
	if err != nil {
		t.Fatal(err)
	}
	if f.proving, err = provingkey.Parse(set.ProvingKey(), relation.SizeOf(system), points, provingkey.Vetted); err != nil {
		t.Fatal(err)
	}
	if _, err := f.verifying.ReadFrom(bytes.NewReader(set.VerifyingKey())); err != nil {
		t.Fatal(err)
	}
	for _, k := range []**Key{&f.plain, &f.key} {
		if *k, err = New(system, f.proving); err != nil {
			t.Fatal(err)
		}
	}
	f.join(t, set)
	f.key.Precompute()
	return f
}

// join makes a registry of a few members, and one of them the fixture's.
func (f *fixture) join(t testing.TB, set *params.Proving) {
	t.Helper()
	w := world.New(t, set.Circuit().CapacityBits())
	var commitment zkkex.Commitment
	for i := range 5 {
		switch {
		case i != 2:
			w.Member(t)
		case set.Circuit().KeyType() == zkkex.KeyEdDSA:
			f.signer = w.Signer(t)
			f.secret, commitment = f.signer.Nullifiers, f.signer.Public.Commitment()
		default:
			f.secret = w.Member(t)
			commitment = f.secret.Commitment()
		}
	}
	checkpoint := w.Checkpoint(t, time.Now())
	f.root = checkpoint.Root
	var err error
	if f.path, _, err = w.Path(commitment); err != nil {
		t.Fatal(err)
	}
}

// statement is what changes from proof to proof.
type statement struct {
	scope   zkkex.Scope
	binding zkkex.Binding
	slot    uint32
	limit   uint32
}

func randomStatement() statement {
	s := statement{limit: rand.Uint32()>>rand.IntN(32) | 1}
	s.slot = rand.Uint32N(s.limit)
	for i := range s.scope {
		s.scope[i], s.binding[i] = byte(rand.Uint32()), byte(rand.Uint32())
	}
	return s
}

// witness returns the full witness of a statement.
func (f *fixture) witness(t testing.TB, s statement) witness.Witness {
	t.Helper()
	w := &circuits.Witness{Secret: f.secret, Path: f.path, Slot: s.slot}
	if f.signer != nil {
		signature, err := f.signer.Sign(t.Context(), s.binding)
		if err != nil {
			t.Fatal(err)
		}
		w.Secret = nil
		w.Owner = &circuits.Owner{Public: f.signer.Public, NullifierKey: f.secret.RevealNullifierKey(), Signature: signature}
	}
	assignment, err := circuits.Assign(&zkkex.Statement{
		Circuit: f.id, Limit: s.limit, Root: f.root, Scope: s.scope, Binding: s.binding,
		Nullifier: f.secret.Nullifier(s.scope, s.slot),
	}, w)
	if err != nil {
		t.Fatal(err)
	}
	return full(t, assignment)
}

func full(t testing.TB, assignment frontend.Circuit) witness.Witness {
	t.Helper()
	w, err := frontend.NewWitness(assignment, ecc.BN254.ScalarField())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// verify verifies with gnark's verifier.
func (f *fixture) verify(proof *groth16.Proof, w witness.Witness) error {
	return verify(proof, &f.verifying, w)
}

func verify(proof *groth16.Proof, key *gnark.VerifyingKey, w witness.Witness) error {
	public, err := w.Public()
	if err != nil {
		return err
	}
	return gnark.Verify(&gnark.Proof{Ar: proof.A, Bs: proof.B, Krs: proof.C}, key, public.Vector().(fr.Vector))
}
