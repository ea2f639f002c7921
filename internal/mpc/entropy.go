package mpc

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha512"
	"fmt"
	"io"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex/internal/domain"
)

// Sizes in bytes.
const (
	// freshSize is what the system's generator gives to each secret.
	freshSize = 64
	// wideSize is what a secret is reduced from: the bias is below 2^-256.
	wideSize = 64
)

// source is where secrets come from: the system's generator and bytes of the
// contributor's own. A secret is safe if one of the two is.
type source struct {
	random io.Reader
	own    []byte
}

func newSource(own []byte) *source { return &source{random: rand.Reader, own: own} }

// secret draws the factor of the given name: HKDF with SHA-512 from fresh bytes
// and the contributor's, with the framed tag as salt and the name as info,
// reduced from 512 bits. It is never 0, 1 or -1.
func (s *source) secret(name string) (fr.Element, error) {
	x, err := nonTrivial(func() (fr.Element, error) { return s.draw(name) })
	if err != nil {
		return fr.Element{}, fmt.Errorf("drawing the secret factor of %s: %w", name, err)
	}
	return x, nil
}

// nonTrivial draws until what comes is not 0, 1 or -1.
func nonTrivial(draw func() (fr.Element, error)) (fr.Element, error) {
	for {
		x, err := draw()
		if err != nil || !isTrivial(&x) {
			return x, err
		}
	}
}

func (s *source) draw(name string) (fr.Element, error) {
	var x fr.Element
	input := make([]byte, freshSize, freshSize+len(s.own))
	input = append(input, s.own...)
	defer clear(input)
	if _, err := io.ReadFull(s.random, input[:freshSize]); err != nil {
		return x, err
	}
	wide, err := hkdf.Key(sha512.New, input, domain.Frame(domain.CeremonySecret), name, wideSize)
	if err != nil {
		return x, err
	}
	defer clear(wide)
	k := new(big.Int)
	defer wipe(k)
	x.SetBigInt(k.SetBytes(wide))
	return x, nil
}

// isTrivial reports whether a factor is 0, 1 or -1: it destroys, does nothing, or
// may as well do nothing.
func isTrivial(x *fr.Element) bool {
	var negated fr.Element
	negated.Neg(x)
	return x.IsZero() || x.IsOne() || negated.IsOne()
}
