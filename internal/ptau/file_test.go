package ptau_test

import (
	"testing"
)

func TestHappy(t *testing.T) {
	for _, n := range []string{"one.ptau", "beacon.ptau", "prepared.ptau", "cut03.ptau"} {
		f := open(t, made(t, n))
		for _, c := range f.Chain().Contributions() {
			t.Logf("%d %q %x %x %v", c.Number, c.Name, c.Response[:8], c.Next[:8], c.Beacon)
		}
		if err := f.Verify(t.Context(), nil); err != nil {
			t.Error(err)
		}
		if _, err := f.Groth16(t.Context(), 8, nil); err != nil {
			t.Error(err)
		}
		if _, err := f.KZG(t.Context(), 15, nil); err != nil {
			t.Error(err)
		}
	}
}
