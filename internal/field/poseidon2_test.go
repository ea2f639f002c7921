package field

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/poseidon2"
	"golang.org/x/crypto/sha3"
)

const vectorsFile = "../../testdata/poseidon2/compress.json"

type compressVector struct {
	Width int      `json:"width"`
	In    []string `json:"in"`
	Out   string   `json:"out"`
}

func readVectors(t *testing.T) []compressVector {
	t.Helper()
	data, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []compressVector
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	return vectors
}

func TestCompressVectors(t *testing.T) {
	perWidth := make(map[int]int)
	for _, v := range readVectors(t) {
		in := make([]Element, len(v.In))
		for i, s := range v.In {
			in[i] = parseHex(t, s)
		}
		want := parseHex(t, v.Out)
		if got := compressAny(t, in); !got.Equal(&want) {
			t.Errorf("width %d: got %x", v.Width, got.Bytes())
		}
		if got := plainCompress(in); !got.Equal(&want) {
			t.Errorf("width %d: the plain implementation gives %x", v.Width, got.Bytes())
		}
		perWidth[v.Width]++
	}
	for _, width := range []int{2, 3, 4, 8} {
		if perWidth[width] < 3 {
			t.Errorf("%d vectors of width %d, expected 3 or more", perWidth[width], width)
		}
	}
}

// The permutation of 0, 1, 2, 3, as other implementations of Poseidon2 over
// BN254 with HorizenLabs' constants publish it (Noir and Barretenberg).
func TestWidth4IsTheOneOthersUse(t *testing.T) {
	state := []Element{FromUint64(0), FromUint64(1), FromUint64(2), FromUint64(3)}
	if err := permutation4.Permutation(state); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"01bd538c2ee014ed5141b29e9ae240bf8db3fe5b9a38629a9647cf8d76c01737",
		"239b62e7db98aa3a2a8f6a0d2fa1709e7a35959aa6c7034814d9daa90cbac662",
		"04cbb44c61d928ed06808456bf758cbf0c18d1e15a7b6dbc8245fa7515d5e3cb",
		"2e11c5cff2a22c64d01304b778d78f6998eff1ab73163a35603f54794c30847a",
	}
	for i := range state {
		if got := fmt.Sprintf("%x", state[i].Bytes()); got != want[i] {
			t.Errorf("lane %d: got %s, expected %s", i, got, want[i])
		}
	}
}

// The constants of widths 2 and 3 follow from a seed that names the parameters.
func TestRoundConstantsFollowFromTheSeed(t *testing.T) {
	for _, width := range []int{2, 3} {
		params := poseidon2.NewParameters(width, FullRounds, PartialRounds(width))
		seed := fmt.Sprintf("Poseidon2-BN254[t=%d,rF=%d,rP=%d,d=5]", width, FullRounds, PartialRounds(width))
		next := keccakChain(seed)
		for round, keys := range params.RoundKeys {
			for lane := range keys {
				if want := next(); !keys[lane].Equal(&want) {
					t.Fatalf("width %d, round %d, lane %d does not follow from the seed", width, round, lane)
				}
			}
		}
	}
}

// keccakChain yields Keccak-256 of the seed, hashed again and again.
func keccakChain(seed string) func() Element {
	digest := keccak([]byte(seed))
	return func() (e Element) {
		digest = keccak(digest)
		e.SetBytes(digest)
		return e
	}
}

func keccak(b []byte) []byte {
	h := sha3.NewLegacyKeccak256()
	h.Write(b)
	return h.Sum(nil)
}

func TestRoundNumbers(t *testing.T) {
	for width, partial := range map[int]int{2: 56, 3: 56, 4: 56, 8: 57} {
		params := poseidon2.NewParameters(width, FullRounds, PartialRounds(width))
		if PartialRounds(width) != partial || len(params.RoundKeys) != 8+partial {
			t.Errorf("width %d has %d rounds, expected 8 full and %d partial", width, len(params.RoundKeys), partial)
		}
	}
}

func compressAny(t *testing.T, in []Element) Element {
	t.Helper()
	switch len(in) {
	case 2:
		return Compress2([2]Element(in))
	case 3:
		return Compress3([3]Element(in))
	case 4:
		return Compress4([4]Element(in))
	case 8:
		return Compress8([8]Element(in))
	}
	t.Fatalf("no compression of width %d", len(in))
	return Element{}
}

// plainCompress is f_t with big integers and whole matrices: the paper's text,
// with none of the library's shortcuts.
func plainCompress(in []Element) Element {
	width := len(in)
	params := poseidon2.NewParameters(width, FullRounds, PartialRounds(width))
	state := make([]*big.Int, width)
	for i := range in {
		state[i] = in[i].BigInt(new(big.Int))
	}
	external, internal := externalMatrix(width), internalMatrix(params)
	state = multiply(external, state)
	for round, keys := range params.RoundKeys {
		for i := range keys {
			state[i].Add(state[i], keys[i].BigInt(new(big.Int)))
		}
		partial := round >= FullRounds/2 && round < FullRounds/2+PartialRounds(width)
		if partial {
			state[0] = power5(state[0])
			state = multiply(internal, state)
			continue
		}
		for i := range state {
			state[i] = power5(state[i])
		}
		state = multiply(external, state)
	}
	var out Element
	out.SetBigInt(state[0])
	return *out.Add(&out, &in[0])
}

func externalMatrix(width int) [][]int64 {
	m4 := [][]int64{{5, 7, 1, 3}, {4, 6, 1, 1}, {1, 3, 5, 7}, {1, 1, 4, 6}}
	if width == 4 {
		return m4
	}
	m := make([][]int64, width)
	for i := range m {
		m[i] = make([]int64, width)
		for j := range m[i] {
			switch {
			case width < 4 && i == j:
				m[i][j] = 2
			case width < 4:
				m[i][j] = 1
			case i/4 == j/4:
				m[i][j] = 2 * m4[i%4][j%4]
			default:
				m[i][j] = m4[i%4][j%4]
			}
		}
	}
	return m
}

func internalMatrix(params *poseidon2.Parameters) [][]*big.Int {
	diagonal := map[int][]int64{2: {2, 3}, 3: {2, 2, 3}}[params.Width]
	m := make([][]*big.Int, params.Width)
	for i := range m {
		m[i] = make([]*big.Int, params.Width)
		for j := range m[i] {
			m[i][j] = big.NewInt(1)
		}
		if diagonal != nil {
			m[i][i] = big.NewInt(diagonal[i])
			continue
		}
		m[i][i] = params.DiagM1[i].BigInt(new(big.Int))
		m[i][i].Add(m[i][i], big.NewInt(1))
	}
	return m
}

func multiply[T int64 | *big.Int](m [][]T, x []*big.Int) []*big.Int {
	out := make([]*big.Int, len(x))
	for i := range m {
		sum := new(big.Int)
		for j := range m[i] {
			sum.Add(sum, new(big.Int).Mul(integer(m[i][j]), x[j]))
		}
		out[i] = sum.Mod(sum, fr.Modulus())
	}
	return out
}

func integer(v any) *big.Int {
	if n, ok := v.(int64); ok {
		return big.NewInt(n)
	}
	return v.(*big.Int)
}

func power5(x *big.Int) *big.Int { return new(big.Int).Exp(x, big.NewInt(5), fr.Modulus()) }

func parseHex(t *testing.T, s string) Element {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 {
		t.Fatalf("bad element %q", s)
	}
	e, err := Parse([32]byte(b))
	if err != nil {
		t.Fatal(err)
	}
	return e
}
