package order

import (
	"math/big"
	"slices"
	"testing"
)

// The same signature has one spelling: RFC 8032, section 5.1.7, refuses s + L.
func TestProofIsNotMalleable(t *testing.T) {
	secret, binding := NewSecret(), [32]byte{1}
	id := ID{1}
	r := &OrderCancelRequest{ClOrdID: ID{2}, OrigClOrdID: id}
	var err error
	if r.Proof, err = secret.Prove(binding, r); err != nil {
		t.Fatal(err)
	}
	key := secret.OwnerKey(id)
	if err := VerifyProof(key, binding, r); err != nil {
		t.Fatal(err)
	}
	l, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	s := slices.Clone(r.Proof[32:])
	slices.Reverse(s)
	b := new(big.Int).Add(new(big.Int).SetBytes(s), l).FillBytes(make([]byte, 32))
	slices.Reverse(b)
	copy(r.Proof[32:], b)
	if VerifyProof(key, binding, r) == nil {
		t.Error("a proof with s + L was taken")
	}
}

// A proof is for one request: the same cancel under another ID, or another kind of
// request about the same order, takes another one.
func TestProofIsForOneRequest(t *testing.T) {
	secret, binding := NewSecret(), [32]byte{1}
	id := ID{1}
	cancel := &OrderCancelRequest{ClOrdID: ID{2}, OrigClOrdID: id}
	proof, err := secret.Prove(binding, cancel)
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]Request{
		"another ID":     &OrderCancelRequest{ClOrdID: ID{3}, OrigClOrdID: id, Proof: proof},
		"another order":  &OrderCancelRequest{ClOrdID: ID{2}, OrigClOrdID: ID{9}, Proof: proof},
		"a status":       &OrderStatusRequest{ID: ID{2}, ClOrdID: id, Proof: proof},
		"a quote cancel": &QuoteCancel{ID: ID{2}, QuoteID: id, Proof: proof},
		"a replacement":  &OrderCancelReplaceRequest{ClOrdID: ID{2}, OrigClOrdID: id, Proof: proof},
	} {
		if VerifyProof(secret.OwnerKey(id), binding, r) == nil {
			t.Errorf("the proof of a cancel is taken for %s", name)
		}
	}
}
