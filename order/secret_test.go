package order

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
)

// identifierVectors are written by testdata/orderid/derive.py, with another
// implementation of everything.
type identifierVectors struct {
	Comment     string             `json:"comment"`
	Identifiers []identifierVector `json:"identifiers"`
	Proofs      []proofVector      `json:"proofs"`
}

type identifierVector struct {
	Name      string `json:"name"`
	Secret    string `json:"secret"`
	Nullifier string `json:"nullifier"`
	N         string `json:"n"`
	ID        string `json:"id"`
	OwnerKey  string `json:"owner_key"`
}

type proofVector struct {
	Name     string `json:"name"`
	Expect   string `json:"expect"`
	Reason   string `json:"reason"`
	Secret   string `json:"secret"`
	OwnerKey string `json:"owner_key"`
	Binding  string `json:"binding"`
	Request  string `json:"request"`
	Digest   string `json:"digest"`
	Proof    string `json:"proof"`
}

func readIdentifierVectors(t *testing.T) *identifierVectors {
	t.Helper()
	b, err := os.ReadFile("../testdata/orderid/identifiers.json")
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var v identifierVectors
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	if len(v.Identifiers) < 5 || len(v.Proofs) < 13 {
		t.Fatalf("found %d identifiers and %d proofs, expected more", len(v.Identifiers), len(v.Proofs))
	}
	return &v
}

func bytes32(t *testing.T, s string) [32]byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 {
		t.Fatalf("expected 32 bytes, found %q", s)
	}
	return [32]byte(b)
}

func secretOf(t *testing.T, s string) *Secret {
	t.Helper()
	secret, err := ParseSecret(bytes32(t, s))
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func TestIdentifierVectors(t *testing.T) {
	for _, v := range readIdentifierVectors(t).Identifiers {
		n, err := strconv.ParseUint(v.N, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		s := secretOf(t, v.Secret)
		id := s.ID(bytes32(t, v.Nullifier), n)
		if id.String() != v.ID {
			t.Errorf("%s: ID %s, want %s", v.Name, id, v.ID)
		}
		if key := s.OwnerKey(id); hex.EncodeToString(key[:]) != v.OwnerKey {
			t.Errorf("%s: key %x, want %s", v.Name, key, v.OwnerKey)
		}
	}
}

func TestProofVectors(t *testing.T) {
	for _, v := range readIdentifierVectors(t).Proofs {
		encoded, err := hex.DecodeString(v.Request)
		if err != nil {
			t.Fatal(err)
		}
		r, err := ParseRequest(encoded)
		if err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		if d := RequestDigest(r); hex.EncodeToString(d[:]) != v.Digest {
			t.Errorf("%s: digest %x, want %s", v.Name, d, v.Digest)
		}
		proof, err := hex.DecodeString(v.Proof)
		if err != nil || len(proof) != 64 {
			t.Fatalf("%s: no proof: %v", v.Name, err)
		}
		made, err := secretOf(t, v.Secret).Prove(bytes32(t, v.Binding), r)
		if err != nil || v.Expect == "ok" && !bytes.Equal(made[:], proof) {
			t.Errorf("%s: made %x, %v", v.Name, made, err)
		}
		_, place, _ := owned(r)
		*place = Proof(proof)
		err = VerifyProof(bytes32(t, v.OwnerKey), bytes32(t, v.Binding), r)
		switch v.Expect {
		case "ok":
			if err != nil {
				t.Errorf("%s: %v", v.Name, err)
			}
		case "refused":
			if !errors.Is(err, ErrProof) || !strings.Contains(err.Error(), v.Reason) {
				t.Errorf("%s: %v, want one that says %q", v.Name, err, v.Reason)
			}
		default:
			t.Fatalf("%s: unknown class %q", v.Name, v.Expect)
		}
	}
}

// The sample of the specification is the first vector of each kind.
func TestIdentifierSpec(t *testing.T) {
	text, err := os.ReadFile("../docs/spec/order-identifiers.md")
	if err != nil {
		t.Fatal(err)
	}
	v := readIdentifierVectors(t)
	i, p := v.Identifiers[0], v.Proofs[0]
	for _, want := range []string{i.Secret, i.Nullifier, i.ID, i.OwnerKey, p.Binding, p.Request, p.Digest, p.Proof[:64], p.Proof[64:], p.OwnerKey, BindingLabel} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the specification does not show %s", want)
		}
	}
}

// What takes no proof is refused by both sides.
func TestProofOfOtherRequests(t *testing.T) {
	s := NewSecret()
	for _, r := range []Request{&NewOrderSingle{}, &OrderMassCancelRequest{}, &Quote{}, &OrderMassStatusRequest{}, &QuoteRequest{}, &QuoteResponse{}} {
		if _, err := s.Prove([32]byte{}, r); !errors.Is(err, ErrProof) {
			t.Errorf("%T: Prove: %v", r, err)
		}
		if err := VerifyProof([32]byte{1}, [32]byte{}, r); !errors.Is(err, ErrProof) {
			t.Errorf("%T: VerifyProof: %v", r, err)
		}
	}
}

// 32 zeros are a point of small order: without the check, about one message in four
// has an easy signature under it.
func TestZeroKeyOwnsNothing(t *testing.T) {
	r := &OrderCancelRequest{ClOrdID: ID{1}, OrigClOrdID: ID{2}}
	for i := range 64 {
		// R = the identity, s = 0: valid under a key of small order for some digests.
		r.ClOrdID[1], r.Proof = byte(i), Proof{0: 1}
		if err := VerifyProof([32]byte{}, [32]byte{}, r); !errors.Is(err, ErrProof) {
			t.Fatal(err)
		}
	}
}

func TestSecretNeverPrints(t *testing.T) {
	s := NewSecret()
	raw := s.Reveal()
	shown := fmt.Sprintf("%v %+v %#v %s %x %q", s, s, s, s, s, *s)
	b, err := json.Marshal(map[string]any{"s": s})
	if err != nil {
		t.Fatal(err)
	}
	shown += string(b)
	if strings.Contains(shown, hex.EncodeToString(raw[:8])) || strings.Contains(shown, fmt.Sprint(raw[:4])[1:8]) {
		t.Errorf("shown: %s", shown)
	}
}

func TestSecretIsKept(t *testing.T) {
	s := NewSecret()
	again, err := ParseSecret(s.Reveal())
	if err != nil || !s.Equal(again) || s.Equal(NewSecret()) {
		t.Errorf("a secret that was kept is another one: %v", err)
	}
	again.Wipe()
	if again.Reveal() != [32]byte{} || s.Reveal() == [32]byte{} {
		t.Error("Wipe does not wipe, or wipes another")
	}
	if _, err := ParseSecret([32]byte{}); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("zeros: %v", err)
	}
}

// Trap O7: an ID tells others nothing of who made it, of the session, and of how
// many there were before.
func TestIDsTellNothing(t *testing.T) {
	const perSession, sessions = 4096, 4
	a, b := NewSecret(), NewSecret()
	seen := map[ID]string{}
	ones := make([]int, 128)
	var pairs [sessions][]ID
	for s := range sessions {
		nullifier := [32]byte{31: byte(s)}
		for n := range uint64(perSession) {
			id := a.ID(nullifier, n)
			pairs[s] = append(pairs[s], id)
			for bit := range 128 {
				ones[bit] += int(id[bit/8] >> (bit % 8) & 1)
			}
			for _, other := range []ID{id, b.ID(nullifier, n)} {
				if was, ok := seen[other]; ok {
					t.Fatalf("session %d, number %d: the same ID as %s", s, n, was)
				}
				seen[other] = fmt.Sprintf("session %d, number %d", s, n)
			}
		}
	}
	// Every bit is a coin: 6 standard deviations of 16,384 throws are 384.
	const throws = perSession * sessions
	limit := 6 * math.Sqrt(throws) / 2
	for bit, n := range ones {
		if math.Abs(float64(n)-throws/2) > limit {
			t.Errorf("bit %d is set in %d of %d IDs", bit, n, throws)
		}
	}
	// Neighbours of a session, and the same numbers of two, differ in half of the
	// bits: as two IDs of nothing in common do.
	limit = 6 * math.Sqrt(128*perSession) / 2
	for name, other := range map[string]func(n int) ID{
		"the next number": func(n int) ID { return pairs[0][(n+1)%perSession] },
		"another session": func(n int) ID { return pairs[1][n] },
		"another member":  func(n int) ID { return b.ID([32]byte{}, uint64(n)) },
	} {
		differ := 0
		for n, id := range pairs[0] {
			o := other(n)
			for i := range id {
				for x := id[i] ^ o[i]; x != 0; x &= x - 1 {
					differ++
				}
			}
		}
		if math.Abs(float64(differ)-64*perSession) > limit {
			t.Errorf("%s: %d of %d bits differ", name, differ, 128*perSession)
		}
	}
}
