package frost_test

import (
	"bytes"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"math/big"
	"os"
	"testing"

	"github.com/zkkex/zkkex/keys/eddsa"
	"github.com/zkkex/zkkex/threshold/babyjubjub"
	"github.com/zkkex/zkkex/threshold/frost"
)

var update = flag.Bool("update", false, "write the vector of the Baby Jubjub ciphersuite")

const ownVector = "testdata/frost-babyjubjub-poseidon2.json"

// The vector of our own ciphersuite has the RFC's form and passes the RFC's checks,
// and its inputs are hashes of labels.
func TestBabyJubjubVector(t *testing.T) {
	made := makeVector(t)
	if *update {
		if err := os.WriteFile(ownVector, made, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(ownVector)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, made) {
		t.Errorf("the vector differs from what its labels give:\n%s", made)
	}
	var v vector
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	checkVector(t, babyjubjub.Suite(), &v)
	sig := [64]byte(unhex(t, v.Final.Sig))
	if err := eddsa.Verify([32]byte(unhex(t, v.Inputs.Key)), [32]byte(unhex(t, v.Inputs.Message)), sig); err != nil {
		t.Errorf("package eddsa: %v", err)
	}
}

// seed returns SHA-512 of a label.
func seed(label string) []byte {
	sum := sha512.Sum512([]byte("FROST(Baby Jubjub, Poseidon2) vector: " + label))
	return sum[:]
}

// makeVector makes the vector of two signers, 1 and 3, of three.
func makeVector(t *testing.T) []byte {
	t.Helper()
	s := babyjubjub.Suite()
	scalar := func(label string) *big.Int { n := new(big.Int).SetBytes(seed(label)); return n.Mod(n, s.Order()) }
	encode := func(n *big.Int) string { return hex.EncodeToString(s.EncodeScalar(n)) }
	msg := s.EncodeScalar(scalar("message"))
	secret, slope := scalar("group secret key"), scalar("share polynomial coefficient 1")
	g := &frost.Group{Suite: s, Threshold: 2, Key: s.Base().Mul(secret)}
	var v vector
	v.Config.Name = s.Name()
	v.Inputs.Participants = []frost.Identifier{1, 3}
	v.Inputs.Secret, v.Inputs.Coefficients = encode(secret), []string{encode(slope)}
	v.Inputs.Key, v.Inputs.Message = hex.EncodeToString(g.Key.Bytes()), hex.EncodeToString(msg)
	for id := int64(1); id <= 3; id++ {
		share := new(big.Int).Mul(slope, big.NewInt(id))
		share.Mod(share.Add(share, secret), s.Order())
		g.Shares = append(g.Shares, s.Base().Mul(share))
		v.Inputs.Shares = append(v.Inputs.Shares, participantVector{ID: frost.Identifier(id), Share: encode(share)})
	}
	shares, nonces, commitments := roundOne(t, g, &v)
	inputs, factors := g.BindingFactors(msg, commitments)
	var parts []*big.Int
	for i, share := range shares {
		v.RoundOne.Outputs[i].BindingFactorInput = hex.EncodeToString(inputs[i])
		v.RoundOne.Outputs[i].BindingFactor = encode(factors[i])
		z, err := g.Sign(share, nonces[i], msg, commitments)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, z)
		v.RoundTwo.Outputs = append(v.RoundTwo.Outputs, participantVector{ID: share.ID(), SigShare: encode(z)})
	}
	sig, err := g.Aggregate(msg, commitments, parts)
	if err != nil {
		t.Fatal(err)
	}
	v.Final.Sig = hex.EncodeToString(append(sig.R.Bytes(), s.EncodeScalar(sig.S)...))
	text, err := json.MarshalIndent(&v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// roundOne fills in the vector's first round.
func roundOne(t *testing.T, g *frost.Group, v *vector) (shares []*frost.KeyShare, nonces []*frost.Nonces, commitments []frost.Commitment) {
	t.Helper()
	for _, id := range v.Inputs.Participants {
		share, err := g.NewKeyShare(id, unhex(t, v.Inputs.Shares[id-1].Share))
		if err != nil {
			t.Fatal(err)
		}
		hidingSeed, bindingSeed := seed(fmt.Sprintf("hiding %d", id))[:32], seed(fmt.Sprintf("binding %d", id))[:32]
		n, err := g.CommitFrom(share, bytes.NewReader(append(hidingSeed, bindingSeed...)))
		if err != nil {
			t.Fatal(err)
		}
		hiding, binding := n.Values()
		v.RoundOne.Outputs = append(v.RoundOne.Outputs, participantVector{
			ID:               id,
			HidingRandomness: hex.EncodeToString(hidingSeed), BindingRandomness: hex.EncodeToString(bindingSeed),
			HidingNonce:      hex.EncodeToString(g.Suite.EncodeScalar(hiding)),
			BindingNonce:     hex.EncodeToString(g.Suite.EncodeScalar(binding)),
			HidingCommitment: hex.EncodeToString(n.Commitment().Hiding.Bytes()), BindingCommitment: hex.EncodeToString(n.Commitment().Binding.Bytes()),
		})
		shares, nonces, commitments = append(shares, share), append(nonces, n), append(commitments, n.Commitment())
	}
	return shares, nonces, commitments
}
