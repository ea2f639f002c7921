package keys

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/twistededwards"

	"github.com/zkkex/zkkex"
)

func identity() twistededwards.PointAffine {
	var p twistededwards.PointAffine
	p.Y.SetOne()
	return p
}

// torsion returns a point of the given order: 2, 4 or 8.
func torsion(t testing.TB, order int64) twistededwards.PointAffine {
	t.Helper()
	for y := uint64(2); ; y++ {
		p, ok := pointAt(y)
		if !ok {
			continue
		}
		p.ScalarMultiplication(&p, refOrder) // kills the part of prime order
		var q twistededwards.PointAffine
		if q.ScalarMultiplication(&p, big.NewInt(4)); q.IsZero() {
			continue // not of order 8
		}
		return *p.ScalarMultiplication(&p, big.NewInt(8/order))
	}
}

// pointAt returns a point with the y coordinate, if there is one.
func pointAt(y uint64) (twistededwards.PointAffine, bool) {
	var p twistededwards.PointAffine
	var e fr.Element
	e.SetUint64(y)
	b := e.Bytes()
	slices.Reverse(b[:])
	if _, err := p.SetBytes(b[:]); err != nil {
		return p, false
	}
	return p, p.IsOnCurve()
}

func offCurve(t testing.TB) []byte {
	t.Helper()
	for y := uint64(2); ; y++ {
		if _, ok := pointAt(y); !ok {
			return append([]byte{byte(y)}, make([]byte, 31)...)
		}
	}
}

// plusTorsion adds a point of small order to R.
func plusTorsion(t testing.TB, sig [SignatureSize]byte, order int64) twistededwards.PointAffine {
	t.Helper()
	r, err := parsePoint([32]byte(sig[:32]))
	if err != nil {
		t.Fatal(err)
	}
	q := torsion(t, order)
	return *r.Add(&r, &q)
}

func encoded(p twistededwards.PointAffine) []byte { return p.Marshal() }

// nonCanonical adds the field's order to y, and keeps the sign.
func nonCanonical(b []byte) []byte {
	out := bytes.Clone(b)
	sign := out[31] & 0x80
	out[31] &= 0x7f
	slices.Reverse(out)
	v := new(big.Int).SetBytes(out)
	v.Add(v, refP).FillBytes(out)
	slices.Reverse(out)
	out[31] |= sign
	return out
}

// Of the eight cosets of the subgroup, one is accepted; gnark-crypto's own test
// of the subgroup, which is of another kind, agrees about all.
func TestParseAcceptsOneCosetOfEight(t *testing.T) {
	generator := torsion(t, 8)
	for _, label := range []string{"a", "b", "c", "d"} {
		key, err := parsePoint([PointSize]byte(vectorSecret(t, label).Public().Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		for i := range int64(8) {
			var small, p twistededwards.PointAffine
			small.ScalarMultiplication(&generator, big.NewInt(i))
			p.Add(&key, &small)
			_, err := parsePoint(p.Bytes())
			if inside := i == 0; (err == nil) != inside || p.IsInSubGroup() != inside {
				t.Errorf("key %s plus %d times the torsion point: %v, gnark-crypto says %v", label, i, err, p.IsInSubGroup())
			}
			if i != 0 && !errors.Is(err, ErrNotInSubgroup) {
				t.Errorf("key %s plus %d times the torsion point: %v; want ErrNotInSubgroup", label, i, err)
			}
			_, err = parsePoint(small.Bytes())
			if want := []error{ErrIdentity, ErrSmallOrder}[min(i, 1)]; !errors.Is(err, want) {
				t.Errorf("%d times the torsion point: %v; want %v", i, err, want)
			}
		}
	}
}

func TestParseRefusesTheSignOfZero(t *testing.T) {
	for _, order := range []int64{1, 2} { // the two points with x = 0
		b := encoded(identity())
		if order == 2 {
			b = encoded(torsion(t, 2))
		}
		if _, err := parsePoint([32]byte(flipped(b, 31, 0x80))); !errors.Is(err, ErrPointEncoding) {
			t.Errorf("the point of order %d with the sign set: %v; want ErrPointEncoding", order, err)
		}
	}
}

func FuzzParsePublic(f *testing.F) {
	key := vectorSecret(f, "a").Public()
	good := key.Bytes()
	fromECDSA, _ := hex.DecodeString("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798") // SEC 2's generator
	hash := key.NullifierKeyHash()
	f.Add(uint16(1), good[:], hash[:])
	f.Add(uint16(2), good[:], hash[:])
	f.Add(uint16(3), fromECDSA, hash[:])
	f.Add(uint16(4), good[:], hash[:])
	f.Add(uint16(1), flipped(good[:], 31, 0x80), make([]byte, 32))
	f.Add(uint16(1), nonCanonical(good[:]), hash[:])
	f.Add(uint16(1), encoded(torsion(f, 8)), hash[:])
	f.Add(uint16(1), offCurve(f), bytes.Repeat([]byte{0xff}, 32))
	f.Fuzz(func(t *testing.T, keyType uint16, key, hash []byte) {
		if len(hash) != 32 {
			return // the type excludes it
		}
		p, err := ParsePublic(zkkex.KeyType(keyType), key, [32]byte(hash))
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) && !errors.Is(err, zkkex.ErrUnsupported) {
				t.Fatalf("an error of no class: %v", err)
			}
			return
		}
		again, h := p.Bytes(), p.NullifierKeyHash()
		if !bytes.Equal(again, key) || !bytes.Equal(h[:], hash) {
			t.Fatalf("read %x %x, wrote %x %x", key, hash, again, h)
		}
		if len(key) != PointSize {
			return // internal/eckey fuzzes these
		}
		point, err := parsePoint([PointSize]byte(again))
		if err != nil || !point.IsInSubGroup() || point.IsZero() {
			t.Fatalf("accepted %x: %v", key, err)
		}
	})
}
