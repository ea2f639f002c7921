package canonical

import (
	"errors"
	"math/big"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

func TestOrderIsTheFields(t *testing.T) {
	r := Order()
	if new(big.Int).SetBytes(r[:]).Cmp(fr.Modulus()) != 0 {
		t.Fatalf("order is %x, the field's is %x", r, fr.Modulus())
	}
}

func TestCheckAtTheEdges(t *testing.T) {
	one := big.NewInt(1)
	top := new(big.Int).Sub(new(big.Int).Lsh(one, 256), one)
	cases := []struct {
		value *big.Int
		ok    bool
	}{
		{new(big.Int), true},
		{one, true},
		{new(big.Int).Sub(fr.Modulus(), one), true},
		{fr.Modulus(), false},
		{new(big.Int).Add(fr.Modulus(), one), false},
		{new(big.Int).Lsh(fr.Modulus(), 1), false},
		{top, false},
	}
	for _, c := range cases {
		b := [Size]byte(c.value.FillBytes(make([]byte, Size)))
		err := Check(&b)
		if c.ok != (err == nil) {
			t.Errorf("%x: %v", b, err)
		}
		if err != nil && !errors.Is(err, ErrNotCanonical) {
			t.Errorf("%x: %v is not ErrNotCanonical", b, err)
		}
	}
}

// Check agrees with the field's own strict decoder, on any bytes.
func FuzzCheck(f *testing.F) {
	r := Order()
	f.Add(r[:])
	f.Add(make([]byte, Size))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) != Size {
			return
		}
		b := [Size]byte(data)
		var e fr.Element
		strict := e.SetBytesCanonical(data)
		if (Check(&b) == nil) != (strict == nil) {
			t.Fatalf("%x: disagrees with SetBytesCanonical: %v", b, strict)
		}
	})
}
