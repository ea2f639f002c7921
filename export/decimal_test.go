package export

import (
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// TestDecimalIsNeverNegative: the largest elements, which gnark-crypto's String
// writes as -1 and so on, and snarkjs would refuse.
func TestDecimalIsNeverNegative(t *testing.T) {
	var one, r fr.Element
	one.SetOne()
	r.Neg(&one)
	var p fp.Element
	p.SetOne()
	p.Neg(&p)
	for _, test := range []struct{ got, want string }{
		{decimal(new(fr.Element)), "0"},
		{decimal(&one), "1"},
		{decimal(&r), "21888242871839275222246405745257275088548364400416034343698204186575808495616"},
		{decimal(&p), "21888242871839275222246405745257275088696311157297823662689037894645226208582"},
	} {
		if test.got != test.want {
			t.Errorf("%s, want %s", test.got, test.want)
		}
	}
	if r.String() != "-1" {
		t.Errorf("gnark-crypto writes %s: decimal may not be needed any more", r.String())
	}
}
