package exporttest

import (
	"math/big"
	"testing"
)

// Numbers of a call: five public inputs and the coordinates of three points.
const (
	inputs      = 5
	coordinates = 8
)

// Names of the coordinates, in the order of Numbers. An element of Fp2 is its
// imaginary part, then its real part, as in EIP-197.
const (
	ax = iota
	ay
	bxIm
	bxRe
	byIm
	byRe
	cx
	cy
)

// Numbers are what stands in the places of a proof and of its public inputs.
type Numbers struct {
	// Inputs are the public inputs.
	Inputs [inputs]*big.Int
	// Points are the coordinates of A, B and C.
	Points [coordinates]*big.Int
}

// Decode reads the data of a call of verifyProof, by the ABI's rules alone.
func Decode(t testing.TB, calldata []byte) Numbers {
	t.Helper()
	const head = 4 + 32*(1+inputs)
	if len(calldata) != head+32+32*coordinates {
		t.Fatalf("%d bytes of calldata", len(calldata))
	}
	var n Numbers
	word := func(at int) *big.Int { return new(big.Int).SetBytes(calldata[at : at+32]) }
	if offset, size := word(4).Int64(), word(head).Int64(); offset != head-4 || size != 32*coordinates {
		t.Fatalf("%d bytes of proof at %d", size, offset)
	}
	for i := range n.Inputs {
		n.Inputs[i] = word(4 + 32*(1+i))
	}
	for i := range n.Points {
		n.Points[i] = word(head + 32 + 32*i)
	}
	return n
}

// Clone returns a deep copy.
func (n Numbers) Clone() Numbers {
	for _, list := range [][]*big.Int{n.Inputs[:], n.Points[:]} {
		for i := range list {
			list[i] = new(big.Int).Set(list[i])
		}
	}
	return n
}

// Arguments returns the arguments of verifyProof.
func (n Numbers) Arguments() (proof []byte, input [inputs]*big.Int) {
	for _, c := range n.Points {
		proof = append(proof, c.FillBytes(make([]byte, 32))...)
	}
	return proof, n.Inputs
}

// SnarkjsProof is a proof in the form of snarkjs.
type SnarkjsProof struct {
	A        [3]string    `json:"pi_a"`
	B        [3][2]string `json:"pi_b"`
	C        [3]string    `json:"pi_c"`
	Protocol string       `json:"protocol"`
	Curve    string       `json:"curve"`
}

// Snarkjs returns public inputs and proof in the form of snarkjs.
func (n Numbers) Snarkjs() (public []string, proof SnarkjsProof) {
	for _, input := range n.Inputs {
		public = append(public, input.String())
	}
	p := &n.Points
	return public, SnarkjsProof{
		A:        projective(p[ax], p[ay]),
		B:        projectiveB(p),
		C:        projective(p[cx], p[cy]),
		Protocol: "groth16",
		Curve:    "bn128",
	}
}

// projective writes the EVM's point at infinity, (0, 0), as that of snarkjs.
func projective(x, y *big.Int) [3]string {
	if x.Sign() == 0 && y.Sign() == 0 {
		return [3]string{"0", "1", "0"}
	}
	return [3]string{x.String(), y.String(), "1"}
}

func projectiveB(p *[coordinates]*big.Int) [3][2]string {
	if sum := new(big.Int).Add(new(big.Int).Add(p[bxIm], p[bxRe]), new(big.Int).Add(p[byIm], p[byRe])); sum.Sign() == 0 {
		return [3][2]string{{"0", "0"}, {"1", "0"}, {"0", "0"}}
	}
	return [3][2]string{
		{p[bxRe].String(), p[bxIm].String()},
		{p[byRe].String(), p[byIm].String()},
		{"1", "0"},
	}
}
