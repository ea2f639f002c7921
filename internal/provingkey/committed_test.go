package provingkey_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	gnark "github.com/consensys/gnark/backend/groth16/bn254"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"
	"github.com/consensys/gnark/std/rangecheck"

	"github.com/zkkex/zkkex/internal/groth16"
	"github.com/zkkex/zkkex/internal/provingkey"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/internal/quiet"
	"github.com/zkkex/zkkex/internal/relation"
)

// ranged has gnark's range check, and so a commitment.
type ranged struct {
	Public [public.Count]frontend.Variable `gnark:",public"`
	Secret frontend.Variable
}

func (c *ranged) Define(api frontend.API) error {
	rangecheck.New(api).Check(c.Secret, 40)
	for _, x := range c.Public {
		api.AssertIsEqual(api.Mul(x, x), api.Mul(c.Secret, c.Secret, x))
	}
	return nil
}

// committed returns what the key of a circuit with a commitment is parsed with, as
// gnark makes it.
var committed = sync.OnceValues(func() (*set, error) {
	quiet.Gnark()
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, new(ranged))
	if err != nil {
		return nil, err
	}
	system := compiled.(*cs.R1CS)
	var pk gnark.ProvingKey
	var vk gnark.VerifyingKey
	if err := gnark.Setup(system, &pk, &vk); err != nil {
		return nil, err
	}
	var proving, verifying bytes.Buffer
	if _, err := pk.WriteRawTo(&proving); err != nil {
		return nil, err
	}
	if _, err := vk.WriteTo(&verifying); err != nil {
		return nil, err
	}
	points, err := groth16.ParsePoints(verifying.Bytes())
	return &set{pk: proving.Bytes(), size: relation.SizeOf(system), vk: points}, err
})

func TestCommittedKeyIsParsedStrictly(t *testing.T) {
	s, err := committed()
	if err != nil {
		t.Fatal(err)
	}
	pk, err := provingkey.Parse(s.pk, s.size, s.vk, provingkey.Untrusted)
	if err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if _, err := pk.WriteRawTo(&again); err != nil || !bytes.Equal(again.Bytes(), s.pk) {
		t.Fatalf("gnark writes the key differently: %v", err)
	}
	if s.size.Commitments != 1 || s.size.Committed < 2 || len(pk.G1.K) != s.size.Private() {
		t.Fatalf("%+v, and %d K's", s.size, len(pk.G1.K))
	}
	with := func(at int, part ...byte) []byte {
		out := bytes.Clone(s.pk)
		copy(out[at:], part)
		return out
	}
	n := 64 * s.size.Committed
	exponents := len(s.pk) - n - 4
	basis := exponents - n - 4
	one := s.size
	one.Commitments, one.Committed = 0, 0
	for _, test := range []struct {
		name string
		key  []byte
		want error
		says string
	}{
		{"truncated", s.pk[:len(s.pk)-1], provingkey.ErrShape, "commitment key to the exponent"},
		{"trailing byte", append(bytes.Clone(s.pk), 0), provingkey.ErrShape, "end"},
		{"no commitment key", with(basis-4, 0, 0, 0, 0), provingkey.ErrShape, "number of commitments"},
		{"two commitment keys", with(basis-4, 0, 0, 0, 2), provingkey.ErrShape, "number of commitments"},
		{"bases without end", with(basis, 0xff, 0xff, 0xff, 0xff), provingkey.ErrShape, "commitment key"},
		{"one basis less", append(with(basis, countMinusOne(s.pk[basis:])...)[:exponents-64], s.pk[exponents:]...), provingkey.ErrShape, "commitment key"},
		{"one exponent less", with(exponents, countMinusOne(s.pk[exponents:])...)[:len(s.pk)-64], provingkey.ErrShape, "commitment key"},
		{"a basis at infinity", with(basis+4, make([]byte, 64)...), provingkey.ErrPoint, "commitment key"},
		{"an exponent off the curve", with(len(s.pk)-1, s.pk[len(s.pk)-1]^1), provingkey.ErrPoint, "commitment key to the exponent"},
	} {
		if _, err := provingkey.Parse(test.key, s.size, s.vk, provingkey.Untrusted); !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %v that says %q", test.name, err, test.want, test.says)
		}
	}
	if _, err := provingkey.Parse(s.pk, one, s.vk, provingkey.Untrusted); !errors.Is(err, provingkey.ErrForeign) {
		t.Errorf("for a circuit without a commitment: %v, want %v", err, provingkey.ErrForeign)
	}
}
