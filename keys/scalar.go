package keys

import (
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex/internal/domain"
)

// ScalarSize is the size of an encoded scalar, in bytes.
const ScalarSize = 32

// ErrScalarRange reports a scalar that is not in [1, order of the subgroup).
var ErrScalarRange = errors.New("not a scalar in [1, order): one key would have several secrets")

// wideSize is twice the size of a scalar: reducing this many uniform bytes
// leaves a bias below 2^-256.
const wideSize = 64

// reduceWide returns the big-endian integer in wide modulo m, encoded.
func reduceWide(wide *[wideSize]byte, m *big.Int) (out [ScalarSize]byte) {
	v := new(big.Int).SetBytes(wide[:])
	defer wipeInt(v)
	v.Mod(v, m)
	v.FillBytes(out[:])
	return out
}

// hashToScalar returns SHA-512 over the framed tag and fields, modulo the order
// of the subgroup.
func hashToScalar(tag domain.Tag, fields ...[]byte) [ScalarSize]byte {
	framed := domain.Frame(tag, fields...)
	defer clear(framed)
	wide := sha512.Sum512(framed)
	defer clear(wide[:])
	return reduceWide(&wide, order())
}

// uniform returns a uniform value in [1, m), encoded, from 64 bytes of random.
func uniform(random io.Reader, m *big.Int) (out [ScalarSize]byte, err error) {
	var wide [wideSize]byte
	defer clear(wide[:])
	for {
		if _, err := io.ReadFull(random, wide[:]); err != nil {
			return out, fmt.Errorf("reading randomness: %w", err)
		}
		if out = reduceWide(&wide, m); out != [ScalarSize]byte{} {
			return out, nil
		}
	}
}

// checkScalar returns [ErrScalarRange] unless b is in [1, order).
func checkScalar(b *[ScalarSize]byte) error {
	v := new(big.Int).SetBytes(b[:])
	defer wipeInt(v)
	if v.Sign() == 0 || v.Cmp(order()) >= 0 {
		return ErrScalarRange
	}
	return nil
}

// fieldOrder returns the order of BN254's scalar field.
func fieldOrder() *big.Int { return fr.Modulus() }

// wipeInt overwrites the words of v.
func wipeInt(v *big.Int) { clear(v.Bits()) }
