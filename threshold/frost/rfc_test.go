package frost_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"github.com/zkkex/zkkex/threshold/frost"
	"github.com/zkkex/zkkex/threshold/frost/internal/suitestest"
)

// vector is a vector in the format of RFC 9591's appendix E, less what tests do
// not read.
type vector struct {
	Config struct {
		Name string `json:"name"`
	} `json:"config"`
	Inputs struct {
		Participants []frost.Identifier  `json:"participant_list"`
		Secret       string              `json:"group_secret_key"`
		Key          string              `json:"group_public_key"`
		Message      string              `json:"message"`
		Coefficients []string            `json:"share_polynomial_coefficients"`
		Shares       []participantVector `json:"participant_shares"`
	} `json:"inputs"`
	RoundOne struct {
		Outputs []participantVector `json:"outputs"`
	} `json:"round_one_outputs"`
	RoundTwo struct {
		Outputs []participantVector `json:"outputs"`
	} `json:"round_two_outputs"`
	Final struct {
		Sig string `json:"sig"`
	} `json:"final_output"`
}

type participantVector struct {
	ID                 frost.Identifier `json:"identifier"`
	Share              string           `json:"participant_share,omitempty"`
	HidingRandomness   string           `json:"hiding_nonce_randomness,omitempty"`
	BindingRandomness  string           `json:"binding_nonce_randomness,omitempty"`
	HidingNonce        string           `json:"hiding_nonce,omitempty"`
	BindingNonce       string           `json:"binding_nonce,omitempty"`
	HidingCommitment   string           `json:"hiding_nonce_commitment,omitempty"`
	BindingCommitment  string           `json:"binding_nonce_commitment,omitempty"`
	BindingFactorInput string           `json:"binding_factor_input,omitempty"`
	BindingFactor      string           `json:"binding_factor,omitempty"`
	SigShare           string           `json:"sig_share,omitempty"`
}

func TestRFC9591(t *testing.T) {
	folder := filepath.Join("..", "..", "..", "shared", "vectors", "frost")
	if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
		t.Logf("RFC 9591's vectors are not here (%s): only our own are run", folder)
		return
	}
	for name, suite := range map[string]frost.Ciphersuite{
		"ed25519-sha512":   suitestest.Ed25519(),
		"p256-sha256":      suitestest.P256(),
		"secp256k1-sha256": suitestest.Secp256k1(),
	} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(folder, "frost-"+name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			var v vector
			if err := json.Unmarshal(text, &v); err != nil {
				t.Fatal(err)
			}
			checkVector(t, suite, &v)
		})
	}
}

// checkVector computes every value of the vector and compares.
func checkVector(t *testing.T, s frost.Ciphersuite, v *vector) {
	t.Helper()
	if len(v.Inputs.Shares) != 3 || len(v.RoundOne.Outputs) != 2 || len(v.RoundTwo.Outputs) != 2 || len(v.Inputs.Coefficients) != 1 {
		t.Fatal("expected 2 of 3, and 2 signers")
	}
	g := groupOf(t, s, v)
	msg := unhex(t, v.Inputs.Message)
	shares := make(map[frost.Identifier]*frost.KeyShare)
	for _, p := range v.Inputs.Shares {
		share, err := g.NewKeyShare(p.ID, unhex(t, p.Share))
		if err != nil {
			t.Fatal(err)
		}
		shares[p.ID] = share
	}
	var commitments []frost.Commitment
	var nonces []*frost.Nonces
	for i, p := range v.RoundOne.Outputs {
		if p.ID != v.Inputs.Participants[i] {
			t.Fatalf("output %d is of %d", i, p.ID)
		}
		n, err := g.CommitFrom(shares[p.ID], bytes.NewReader(unhex(t, p.HidingRandomness+p.BindingRandomness)))
		if err != nil {
			t.Fatal(err)
		}
		hiding, binding := n.Values()
		same(t, "hiding nonce", s.EncodeScalar(hiding), p.HidingNonce)
		same(t, "binding nonce", s.EncodeScalar(binding), p.BindingNonce)
		same(t, "hiding commitment", n.Commitment().Hiding.Bytes(), p.HidingCommitment)
		same(t, "binding commitment", n.Commitment().Binding.Bytes(), p.BindingCommitment)
		nonces = append(nonces, n)
		commitments = append(commitments, n.Commitment())
	}
	inputs, factors := g.BindingFactors(msg, commitments)
	var parts []*big.Int
	for i, p := range v.RoundTwo.Outputs {
		same(t, "binding factor input", inputs[i], v.RoundOne.Outputs[i].BindingFactorInput)
		same(t, "binding factor", s.EncodeScalar(factors[i]), v.RoundOne.Outputs[i].BindingFactor)
		z, err := g.Sign(shares[p.ID], nonces[i], msg, commitments)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "share", s.EncodeScalar(z), p.SigShare)
		if err := g.VerifyShare(p.ID, z, msg, commitments); err != nil {
			t.Error(err)
		}
		parts = append(parts, z)
	}
	sig, err := g.Aggregate(msg, commitments, parts)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "signature", append(sig.R.Bytes(), s.EncodeScalar(sig.S)...), v.Final.Sig)
}

// groupOf makes the group from the vector's polynomial.
func groupOf(t *testing.T, s frost.Ciphersuite, v *vector) *frost.Group {
	t.Helper()
	var commitments []frost.Element
	for _, c := range append([]string{v.Inputs.Secret}, v.Inputs.Coefficients...) {
		k, err := s.DecodeScalar(unhex(t, c))
		if err != nil {
			t.Fatal(err)
		}
		commitments = append(commitments, s.Base().Mul(k))
	}
	g := &frost.Group{Suite: s, Threshold: len(commitments), Key: commitments[0]}
	for _, p := range v.Inputs.Shares {
		k, err := s.DecodeScalar(unhex(t, p.Share))
		if err != nil {
			t.Fatal(err)
		}
		g.Shares = append(g.Shares, s.Base().Mul(k))
	}
	if err := g.Check(); err != nil {
		t.Fatal(err)
	}
	same(t, "key", g.Key.Bytes(), v.Inputs.Key)
	key, err := s.DecodeElement(unhex(t, v.Inputs.Key))
	if err != nil || !key.Equal(g.Key) {
		t.Fatalf("decoding the key: %v", err)
	}
	return g
}

func same(t *testing.T, what string, got []byte, want string) {
	t.Helper()
	if hex.EncodeToString(got) != want {
		t.Errorf("%s is %x, want %s", what, got, want)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
