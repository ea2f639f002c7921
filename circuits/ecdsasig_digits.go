package circuits

import "math/big"

const (
	// scalarBits is the width of c, in bits.
	scalarBits = 256
	// shortBits is the width of a and b, in bits.
	shortBits = scalarBits / 2
	// jointWindows is the number of windows, of two bits each, of a and of b.
	jointWindows = shortBits / 2
)

// oddBits returns the number U whose bits stand for an odd number v in signed odd
// digits: v = 2U + 1 - 2^width. Each odd number between -2^width and 2^width has
// one.
//
// A window of w bits, u, stands for the digit 2u + 1 - 2^w: odd, so never 0,
// between -2^w and 2^w. The digits' sum over the windows' places is v, for windows
// of any widths: the places telescope.
func oddBits(v *big.Int, width uint) *big.Int {
	u := new(big.Int).Lsh(big.NewInt(1), width)
	return u.Add(u, v).Rsh(u, 1)
}

// splitOdd returns an odd number and 0 or 1 whose sum is v.
func splitOdd(v *big.Int) (odd *big.Int, rest uint) {
	rest = 1 - v.Bit(0)
	return new(big.Int).Sub(v, big.NewInt(int64(rest))), rest
}

// oddResidue returns the odd one of c and c-n, for c from 0 to n-1 and an odd n.
func oddResidue(c, n *big.Int) *big.Int {
	if c.Bit(0) == 1 {
		return c
	}
	return new(big.Int).Sub(c, n)
}
