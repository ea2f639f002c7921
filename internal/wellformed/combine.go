package wellformed

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"

	"github.com/consensys/gnark-crypto/ecc"
	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
	"github.com/consensys/gnark-crypto/utils"
)

// weightSize is the size of a random weight in bytes. Two lists of points of a
// group of prime order that differ have the same sum with one weight in 2^128, at
// most, of those of any point in which they differ.
const weightSize = 16

// compare returns a check of a list of n points. The weights are drawn when it
// runs, after the keys were made. If the lists differ it looks for one point that
// is wrong and names it by its index, counted from offset.
func (c *checker) compare(index string, offset, n int, holds func(w []fr.Element) (bool, error)) func(context.Context) error {
	return func(ctx context.Context) error {
		w, err := weights(n)
		if err != nil {
			return err
		}
		equal, err := holds(w)
		if err != nil || equal {
			return err
		}
		culprit, err := search(ctx, w, holds)
		if err != nil {
			return err
		}
		return fmt.Errorf("%s %d: not the point that the circuit and the first phase give", index, offset+culprit)
	}
}

// search halves a list whose sum is wrong until one point is left. When ctx ends
// it returns the first point of what is left.
func search(ctx context.Context, w []fr.Element, holds func(w []fr.Element) (bool, error)) (int, error) {
	low, high := 0, len(w)
	for high-low > 1 && ctx.Err() == nil {
		middle := (low + high) / 2
		part := make([]fr.Element, len(w))
		copy(part[low:middle], w[low:middle])
		equal, err := holds(part)
		if err != nil {
			return 0, err
		}
		if equal {
			low = middle
		} else {
			high = middle
		}
	}
	return low, nil
}

// weights draws n weights.
func weights(n int) ([]fr.Element, error) {
	b := make([]byte, n*weightSize)
	if _, err := rand.Read(b); err != nil {
		return nil, fmt.Errorf("drawing weights: %w", err)
	}
	out := make([]fr.Element, 0, n)
	for chunk := range slices.Chunk(b, weightSize) {
		var e fr.Element
		e.SetBytes(chunk)
		out = append(out, e)
	}
	return out, nil
}

// interpolate replaces the values of a polynomial on the domain by its
// coefficients.
func (c *checker) interpolate(values []fr.Element) {
	c.domain.FFTInverse(values, fft.DIF)
	utils.BitReverse(values)
}

func sumG1(points []curve.G1Affine, w []fr.Element) (curve.G1Affine, error) {
	var sum curve.G1Affine
	if len(points) == 0 {
		return sum, nil
	}
	_, err := sum.MultiExp(points, w, ecc.MultiExpConfig{})
	return sum, err
}

func sumG2(points []curve.G2Affine, w []fr.Element) (curve.G2Affine, error) {
	var sum curve.G2Affine
	if len(points) == 0 {
		return sum, nil
	}
	_, err := sum.MultiExp(points, w, ecc.MultiExpConfig{})
	return sum, err
}
