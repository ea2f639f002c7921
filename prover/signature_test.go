package prover_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"math/big"
	"os"
	"testing"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	secp256k1ecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/internal/world"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/prover"
)

// newDevice returns an owner whose key signs, in the circuit's envelope, and is not
// lent.
func newDevice(t *testing.T, id zkkex.CircuitID, nullifiers *keys.Secret) *prover.Owner {
	t.Helper()
	scalar, encoded := newECKey(t, id.KeyType())
	public, err := keys.ParsePublic(id.KeyType(), encoded, nullifiers.Public().NullifierKeyHash())
	if err != nil {
		t.Fatal(err)
	}
	sign := func(_ context.Context, binding zkkex.Binding) (sig [64]byte, err error) {
		digest, err := envelope.OfCircuit(id).Digest(&envelope.Message{Purpose: envelope.Certificate, Binding: binding})
		if err != nil {
			return sig, err
		}
		return signDigest(id.KeyType(), scalar, digest)
	}
	return &prover.Owner{Public: public, NullifierKey: nullifiers.RevealNullifierKey(), Sign: sign}
}

// signDigest signs with the libraries that people's keys are used with.
func signDigest(keyType zkkex.KeyType, scalar []byte, digest [32]byte) (sig [64]byte, err error) {
	curve := eckey.CurveOf(keyType)
	if keyType == zkkex.KeySecp256k1 {
		compact := secp256k1ecdsa.SignCompact(secp256k1.PrivKeyFromBytes(scalar), digest[:], true)
		return curve.Normalize(new(big.Int).SetBytes(compact[1:33]), new(big.Int).SetBytes(compact[33:]))
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		return sig, err
	}
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		return sig, err
	}
	return curve.Normalize(r, s)
}

// From a signature of another library to a proof that verifies, under parameters
// that are derived on the way: a minute each.
func TestDeviceProves(t *testing.T) {
	ids := []zkkex.CircuitID{zkkex.P256SSH20, zkkex.Secp256k1EIP71220}
	if os.Getenv("ZKKEX_DEEP") == "" {
		ids = nil // the circuits alone are tested in package circuits
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	for _, id := range ids {
		set, p := openFor(t, id)
		s := &scene{World: world.New(t, id.CapacityBits()), slots: new(world.Slots)}
		s.config = prover.HolderConfig{Prover: p, Paths: s, Slots: s.slots, MinMembers: 1}
		s.Member(t)
		secret, err := keys.Generate()
		if err != nil {
			t.Fatal(err)
		}
		s.secret, s.config.Owner = secret, newDevice(t, id, secret)
		s.Admit(t, s.config.Owner.Public)
		s.Checkpoint(t, time.Now())
		s.config.Registry = s.Roots.Registry()
		h, claim := s.holder(t), s.claim(t, 2)
		got, err := h.Prove(context.Background(), claim)
		if err != nil {
			t.Fatalf("%v: %v", id, err)
		}
		if err := set.VerifyProof(&got.Statement, got.Proof); err != nil {
			t.Errorf("%v: %v", id, err)
		}
		for what, change := range map[string]func(st *zkkex.Statement){
			"binding": func(st *zkkex.Statement) { st.Binding[0] ^= 1 },
			"limit":   func(st *zkkex.Statement) { st.Limit++ },
			"scope":   func(st *zkkex.Statement) { st.Scope[0] ^= 1 },
		} {
			other := got.Statement
			change(&other)
			if err := set.VerifyProof(&other, got.Proof); err == nil {
				t.Errorf("%v: the proof verifies for another %s", id, what)
			}
		}
		h.Close()
	}
}
