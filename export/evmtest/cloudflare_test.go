package evmtest

import (
	"encoding/json"
	"errors"
	"math/big"
	"testing"

	bn256 "github.com/ethereum/go-ethereum/crypto/bn256/cloudflare"

	"github.com/zkkex/zkkex/export/internal/exporttest"
)

// On most machines go-ethereum computes pairings with gnark-crypto, as we do.
// TestAnotherPairing takes its other library, which shares no code with it.
func TestAnotherPairing(t *testing.T) {
	for _, id := range exporttest.Circuits() {
		key := exporttest.Key(t, id)
		presentations := exporttest.Presentations(t, id)
		honest := exporttest.Decode(t, exporttest.Proof(t, key, presentations[0]).Calldata())
		another := exporttest.Decode(t, exporttest.Proof(t, key, presentations[1]).Calldata())
		v := newPairingVerifier(t, key.Snarkjs())
		for _, n := range []exporttest.Numbers{honest, another, exporttest.Rerandomised(honest)} {
			if err := v.verify(n); err != nil {
				t.Errorf("%v: an honest proof: %v", id, err)
			}
		}
		cases := append(exporttest.Tampered(honest, another), exporttest.Aliased(honest)...)
		for _, c := range cases {
			if v.verify(c.Numbers) == nil {
				t.Errorf("%v: %s: accepted", id, c.Name)
			}
		}
		if len(cases) < 55 {
			t.Errorf("%d cases, expected more", len(cases))
		}
	}
}

// pairingVerifier is the pairing equation of docs/spec/proof.md, on a key as it
// was exported for snarkjs.
type pairingVerifier struct {
	alpha              *bn256.G1
	beta, gamma, delta *bn256.G2
	k                  []*bn256.G1
}

func newPairingVerifier(t *testing.T, text []byte) *pairingVerifier {
	t.Helper()
	var key struct {
		Alpha [3]*decimal    `json:"vk_alpha_1"`
		Beta  [3][2]*decimal `json:"vk_beta_2"`
		Gamma [3][2]*decimal `json:"vk_gamma_2"`
		Delta [3][2]*decimal `json:"vk_delta_2"`
		IC    [][3]*decimal  `json:"IC"`
	}
	if err := json.Unmarshal(text, &key); err != nil {
		t.Fatal(err)
	}
	var failed error
	g1 := func(p [3]*decimal) *bn256.G1 {
		q, err := pointG1(&p[0].Int, &p[1].Int)
		failed = errors.Join(failed, err)
		return q
	}
	g2 := func(p [3][2]*decimal) *bn256.G2 {
		q, err := pointG2(&p[0][1].Int, &p[0][0].Int, &p[1][1].Int, &p[1][0].Int)
		failed = errors.Join(failed, err)
		return q
	}
	v := &pairingVerifier{alpha: g1(key.Alpha), beta: g2(key.Beta), gamma: g2(key.Gamma), delta: g2(key.Delta)}
	for _, p := range key.IC {
		v.k = append(v.k, g1(p))
	}
	if failed != nil || len(v.k) != 6 {
		t.Fatalf("the key: %v, %d points of inputs", failed, len(v.k))
	}
	return v
}

// decimal is a number that JSON has as a string.
type decimal struct{ big.Int }

func (d *decimal) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	if _, ok := d.SetString(text, 10); !ok {
		return errors.New("no decimal number")
	}
	return nil
}

func (v *pairingVerifier) verify(n exporttest.Numbers) error {
	l := v.k[0]
	for i, input := range n.Inputs {
		if input.Cmp(bn256.Order) >= 0 {
			return errors.New("input not below the order")
		}
		l = new(bn256.G1).Add(l, new(bn256.G1).ScalarMult(v.k[i+1], input))
	}
	p := &n.Points
	a, errA := pointG1(p[0], p[1])
	b, errB := pointG2(p[2], p[3], p[4], p[5])
	c, errC := pointG1(p[6], p[7])
	if err := errors.Join(errA, errB, errC); err != nil {
		return err
	}
	if !bn256.PairingCheck([]*bn256.G1{new(bn256.G1).Neg(a), v.alpha, l, c}, []*bn256.G2{b, v.beta, v.gamma, v.delta}) {
		return errors.New("the equation does not hold")
	}
	return nil
}

func pointG1(coordinates ...*big.Int) (*bn256.G1, error) {
	p := new(bn256.G1)
	_, err := p.Unmarshal(words(coordinates))
	return p, err
}

// pointG2 takes the imaginary part of a coordinate before the real one.
func pointG2(coordinates ...*big.Int) (*bn256.G2, error) {
	p := new(bn256.G2)
	_, err := p.Unmarshal(words(coordinates))
	return p, err
}

func words(numbers []*big.Int) (out []byte) {
	for _, n := range numbers {
		out = append(out, n.FillBytes(make([]byte, 32))...)
	}
	return out
}
