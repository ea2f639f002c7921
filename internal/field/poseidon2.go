package field

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/poseidon2"
)

// FullRounds is the number of full rounds of every width: the Poseidon2
// paper's minimum with its security margin (ePrint 2023/323, section 6).
const FullRounds = 8

// PartialRounds returns the number of partial rounds for a width: 56 for
// widths 2, 3 and 4, and 57 for width 8.
func PartialRounds(width int) int {
	if width == 8 {
		return 57
	}
	return 56
}

var (
	permutation2 = poseidon2.NewPermutation(2, FullRounds, PartialRounds(2))
	permutation3 = poseidon2.NewPermutation(3, FullRounds, PartialRounds(3))
	permutation4 = poseidon2.NewPermutation(4, FullRounds, PartialRounds(4))
	permutation8 = poseidon2.NewPermutation(8, FullRounds, PartialRounds(8))
)

// Compress2 is f_2(x) = P_2(x)[0] + x[0].
func Compress2(x [2]Element) Element { return compress(permutation2, x[:]) }

// Compress3 is f_3(x) = P_3(x)[0] + x[0].
func Compress3(x [3]Element) Element { return compress(permutation3, x[:]) }

// Compress4 is f_4(x) = P_4(x)[0] + x[0], the node at the top of the tree.
func Compress4(x [4]Element) Element { return compress(permutation4, x[:]) }

// Compress8 is f_8(x) = P_8(x)[0] + x[0], the node below the top.
func Compress8(x [8]Element) Element { return compress(permutation8, x[:]) }

// compress overwrites x. The lane that is added MUST be the lane that is put
// out: with another lane, the inverse permutation finds preimages.
func compress(p *poseidon2.Permutation, x []Element) Element {
	first := x[0]
	if err := p.Permutation(x); err != nil {
		panic("zkkex: internal error: " + err.Error()) // width and length are both ours
	}
	first.Add(&first, &x[0])
	return first
}
