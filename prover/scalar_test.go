package prover_test

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"math/big"
	"os"
	"testing"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/world"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/prover"
)

// newScalarOwner returns an owner of a fresh ECDSA key, with the key itself.
func newScalarOwner(t *testing.T, keyType zkkex.KeyType, nullifiers *keys.Secret) (*prover.Owner, []byte) {
	t.Helper()
	scalar, encoded := newECKey(t, keyType)
	public, err := keys.ParsePublic(keyType, encoded, nullifiers.Public().NullifierKeyHash())
	if err != nil {
		t.Fatal(err)
	}
	return &prover.Owner{
		Public:       public,
		NullifierKey: nullifiers.RevealNullifierKey(),
		WithScalar:   func(use func([]byte) error) error { return use(scalar) },
	}, scalar
}

// newECKey returns a private key and its compressed public key, from the libraries
// that people have them from.
func newECKey(t *testing.T, keyType zkkex.KeyType) (scalar, public []byte) {
	t.Helper()
	if keyType == zkkex.KeySecp256k1 {
		key, err := secp256k1.GeneratePrivateKey()
		if err != nil {
			t.Fatal(err)
		}
		return key.Serialize(), key.PubKey().SerializeCompressed()
	}
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point := key.PublicKey().Bytes() // 4, x, y
	return key.Bytes(), append([]byte{2 + point[64]&1}, point[1:33]...)
}

// newScalarScene is newScene with an owner of an ECDSA key.
func newScalarScene(t *testing.T, p *prover.Prover) (*scene, []byte) {
	t.Helper()
	s := &scene{World: world.New(t, p.Circuit().CapacityBits()), slots: new(world.Slots)}
	s.config = prover.HolderConfig{Prover: p, Paths: s, Slots: s.slots, MinMembers: 1}
	s.Member(t)
	secret, err := keys.Generate()
	if err != nil {
		t.Fatal(err)
	}
	owner, scalar := newScalarOwner(t, p.Circuit().KeyType(), secret)
	s.secret, s.config.Owner = secret, owner
	s.Admit(t, owner.Public)
	s.Checkpoint(t, time.Now())
	s.config.Registry = s.Roots.Registry()
	return s, scalar
}

// From a key of another library to a proof that verifies, under parameters that are
// derived on the way.
func TestScalarOwnerProves(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	ids := []zkkex.CircuitID{zkkex.P256Key20}
	if os.Getenv("ZKKEX_DEEP") != "" {
		ids = append(ids, zkkex.P256Key32, zkkex.Secp256k1Key20, zkkex.Secp256k1Key32)
	}
	for _, id := range ids {
		set, p := openFor(t, id)
		s, scalar := newScalarScene(t, p)
		kept := [32]byte(scalar)
		h, claim := s.holder(t), s.claim(t, 2)
		for slot := range uint32(2) { // the second one builds upon the first
			got, err := h.Prove(context.Background(), claim)
			if err != nil {
				t.Fatalf("%v: %v", id, err)
			}
			if err := set.VerifyProof(&got.Statement, got.Proof); err != nil {
				t.Errorf("%v: %v", id, err)
			}
			if got.Statement.Nullifier != s.secret.Nullifier(claim.Scope, slot) || len(got.Proof) != id.ProofSize() {
				t.Errorf("%v: nullifier %v, a proof of %d bytes", id, got.Statement.Nullifier, len(got.Proof))
			}
			other := got.Statement
			other.Binding[0] ^= 1
			if err := set.VerifyProof(&other, got.Proof); err == nil {
				t.Errorf("%v: the proof verifies for another binding", id)
			}
		}
		if [32]byte(scalar) != kept {
			t.Errorf("%v: the owner's own key was overwritten", id)
		}
		checkScalarOwnerWastesNoSlot(t, s, scalar)
		h.Close()
	}
}

// checkScalarOwnerWastesNoSlot lends what is not the member's private key.
func checkScalarOwnerWastesNoSlot(t *testing.T, s *scene, scalar []byte) {
	t.Helper()
	locked := errors.New("the keystore is locked")
	other, _ := newECKey(t, s.config.Owner.Public.KeyType())
	tooLong := new(big.Int).Lsh(big.NewInt(1), 256).Bytes()
	for name, lend := range map[string]func(use func([]byte) error) error{
		"nothing":     func(func([]byte) error) error { return locked },
		"another key": func(use func([]byte) error) error { return use(other) },
		"zeros":       func(use func([]byte) error) error { return use(make([]byte, 32)) },
		"too short":   func(use func([]byte) error) error { return use(scalar[1:]) },
		"too long":    func(use func([]byte) error) error { return use(tooLong) },
	} {
		owner := *s.config.Owner
		owner.WithScalar = lend
		config := s.config
		config.Owner = &owner
		h, err := prover.NewHolder(config)
		if err != nil {
			t.Fatal(err)
		}
		claim := s.claim(t, 3)
		before := s.slots.Taken(claim.Scope)
		_, err = h.Prove(context.Background(), claim)
		var witnessErr *circuits.WitnessError
		if err == nil || name == "nothing" && !errors.Is(err, locked) || name == "another key" && !errors.As(err, &witnessErr) {
			t.Errorf("lending %s: %v", name, err)
		}
		if s.slots.Taken(claim.Scope) != before {
			t.Errorf("lending %s took a slot", name)
		}
	}
}

func TestOwnerHasOneWayToShow(t *testing.T) {
	_, p := openFor(t, zkkex.EdDSA20)
	s := newScene(t, p)
	owner := *s.config.Owner
	owner.WithScalar = func(use func([]byte) error) error { return use(make([]byte, 32)) }
	config := s.config
	config.Owner = &owner
	if _, err := prover.NewHolder(config); err == nil {
		t.Error("an owner with Sign and WithScalar is accepted")
	}
}
