package params_test

import (
	"bytes"
	"errors"
	"testing"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/groth16"
	"github.com/zkkex/zkkex/setup/params"
)

// TestVerifyProofs gives every claim the verdict that it gets alone, at its
// place. Batches with proofs that verify are tested by package verifier.
func TestVerifyProofs(t *testing.T) {
	set, err := params.OpenVerifying(folder(t, zkkex.BabyJubjub20), params.Accept{Dev: true})
	if err != nil {
		t.Fatal(err)
	}
	_, _, g1, g2 := curve.Generators()
	points := (&groth16.Proof{A: g1, B: g2, C: g1}).Bytes()
	st := &zkkex.Statement{Circuit: zkkex.BabyJubjub20, Limit: 1}
	other, spelled := *st, *st
	other.Circuit = zkkex.BabyJubjub32
	spelled.Root = zkkex.Root(bytes.Repeat([]byte{0xff}, 32))
	claims := []params.Claim{{st, nil}, {st, points}, {&other, points}, {st, points}, {&spelled, points}, {st, points[1:]}, {st, points}}
	verdicts, searched := set.VerifyProofs(claims)
	if len(verdicts) != len(claims) || !searched {
		t.Fatalf("%d verdicts for %d claims, searched %t", len(verdicts), len(claims), searched)
	}
	for i, c := range claims {
		want := set.VerifyProof(c.Statement, c.Proof)
		if verdicts[i] == nil || verdicts[i].Error() != want.Error() || errors.Is(verdicts[i], zkkex.ErrRejected) != errors.Is(want, zkkex.ErrRejected) {
			t.Errorf("claim %d: %v, expected %v", i, verdicts[i], want)
		}
	}
	if verdicts, searched := set.VerifyProofs(nil); len(verdicts) != 0 || searched {
		t.Errorf("no claims: %v, %t", verdicts, searched)
	}
}
