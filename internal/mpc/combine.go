package mpc

import (
	"crypto/rand"
	"runtime"

	"github.com/consensys/gnark-crypto/ecc"
	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// weightSize is the size of a random weight in bytes: points that are not equal
// one by one have equal sums with probability 2^-128.
const weightSize = 16

// weights returns n random numbers for the linear combination of points. They
// are drawn after the points are fixed.
func weights(n int) []fr.Element {
	random := make([]byte, n*weightSize)
	rand.Read(random) // never fails
	w := make([]fr.Element, n)
	for i := range w {
		w[i].SetBytes(random[i*weightSize : (i+1)*weightSize])
	}
	return w
}

// sumG1 returns the sum of the points times the weights.
func sumG1(points []curve.G1Affine, w []fr.Element) curve.G1Affine {
	var sum curve.G1Affine
	if _, err := sum.MultiExp(points, w, ecc.MultiExpConfig{NbTasks: runtime.GOMAXPROCS(0)}); err != nil {
		panic("mpc: sum in G1: " + err.Error()) // for lists of different lengths only
	}
	return sum
}

// sumG2 is sumG1 in the other group.
func sumG2(points []curve.G2Affine, w []fr.Element) curve.G2Affine {
	var sum curve.G2Affine
	if _, err := sum.MultiExp(points, w, ecc.MultiExpConfig{NbTasks: runtime.GOMAXPROCS(0)}); err != nil {
		panic("mpc: sum in G2: " + err.Error()) // for lists of different lengths only
	}
	return sum
}
