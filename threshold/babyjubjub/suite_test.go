package babyjubjub

import (
	"bytes"
	"errors"
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"

	inner "github.com/zkkex/zkkex/internal/babyjubjub"
	"github.com/zkkex/zkkex/keys/eddsa"
)

// torsion returns a point of order 8 on the curve, outside of the subgroup.
func torsion(t *testing.T) twistededwards.PointAffine {
	t.Helper()
	for y := byte(2); y < 255; y++ {
		var b [32]byte
		b[0] = y
		var p twistededwards.PointAffine
		if _, err := p.SetBytes(b[:]); err != nil || !p.IsOnCurve() {
			continue
		}
		p.ScalarMultiplication(&p, Suite().Order())
		var q twistededwards.PointAffine
		if q.ScalarMultiplication(&p, big.NewInt(4)); !q.IsZero() {
			return p
		}
	}
	t.Fatal("found no point of order 8")
	return twistededwards.PointAffine{}
}

func TestDecodeElement(t *testing.T) {
	s := Suite()
	small := torsion(t)
	curve := twistededwards.GetEdwardsCurve()
	var mixed twistededwards.PointAffine
	mixed.Add(&curve.Base, &small)
	for name, c := range map[string]struct {
		bytes []byte
		want  error
	}{
		"identity":     {s.Identity().Bytes(), inner.ErrIdentity},
		"small order":  {element{small}.Bytes(), inner.ErrSmallOrder},
		"mixed order":  {element{mixed}.Bytes(), inner.ErrNotInSubgroup},
		"y not below":  {bytes.Repeat([]byte{0x7f}, 32), inner.ErrEncoding},
		"signed zero":  {append([]byte{1}, append(make([]byte, 30), 0x80)...), inner.ErrEncoding},
		"not a square": {append([]byte{2}, make([]byte, 31)...), inner.ErrNotOnCurve},
	} {
		if _, err := s.DecodeElement(c.bytes); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	for _, size := range []int{0, 31, 33} {
		if _, err := s.DecodeElement(make([]byte, size)); err == nil {
			t.Errorf("%d bytes are accepted", size)
		}
	}
	p, err := s.DecodeElement(s.Base().Bytes())
	if err != nil || !p.Equal(s.Base()) {
		t.Errorf("the base: %v", err)
	}
}

func TestDecodeScalar(t *testing.T) {
	s := Suite()
	last := new(big.Int).Sub(s.Order(), big.NewInt(1))
	for name, c := range map[string]struct {
		bytes []byte
		ok    bool
	}{
		"zero":       {make([]byte, 32), true},
		"last":       {last.FillBytes(make([]byte, 32)), true},
		"order":      {s.Order().FillBytes(make([]byte, 32)), false},
		"all ones":   {bytes.Repeat([]byte{0xff}, 32), false},
		"31 bytes":   {make([]byte, 31), false},
		"33 bytes":   {make([]byte, 33), false},
		"no bytes":   {nil, false},
		"order + 32": {append(make([]byte, 1), s.Order().Bytes()...), false},
	} {
		v, err := s.DecodeScalar(c.bytes)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrScalar) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil && !bytes.Equal(s.EncodeScalar(v), c.bytes) {
			t.Errorf("%s is encoded as %x", name, s.EncodeScalar(v))
		}
	}
}

// The challenge is that of package eddsa.
func TestChallenge(t *testing.T) {
	s := Suite()
	r, a := s.Base().Mul(big.NewInt(7)), s.Base().Mul(big.NewInt(11))
	m := eddsa.Message([32]byte(bytes.Repeat([]byte{0xee}, 32)))
	got, err := s.Challenge(r, a, m[:])
	if err != nil {
		t.Fatal(err)
	}
	want, err := eddsa.Challenge([32]byte(r.Bytes()), [32]byte(a.Bytes()), m)
	if err != nil {
		t.Fatal(err)
	}
	e := new(big.Int).SetBytes(want[:])
	if e.Mod(e, s.Order()); e.Cmp(got) != 0 {
		t.Errorf("got %x, package eddsa has %x", got, e)
	}
	for name, msg := range map[string][]byte{"short": m[:31], "long": append(m[:], 0), "not canonical": bytes.Repeat([]byte{0xff}, 32)} {
		if _, err := s.Challenge(r, a, msg); !errors.Is(err, ErrMessage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecodeElement(f *testing.F) {
	f.Add(Suite().Base().Bytes())
	f.Add(Suite().Identity().Bytes())
	f.Add(make([]byte, 32))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Suite().DecodeElement(b)
		if err == nil && !bytes.Equal(p.Bytes(), b) {
			t.Errorf("%x is encoded as %x", b, p.Bytes())
		}
	})
}
