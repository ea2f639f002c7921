package ptau

import (
	"encoding/binary"
	"strings"
	"unicode"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"golang.org/x/crypto/blake2b"
)

// Contribution says who took part in the ceremony, by their own words. The name
// and the order are what whoever wrote the file claims: [Chain.Verify] shows
// that each contribution was made by somebody who knew its secret, not by whom. A
// contributor recognises their own contribution by its response, which snarkjs
// showed them and which they may have published.
type Contribution struct {
	// Number counts from 1.
	Number int
	// Name is what the contributor called themselves, at most 255 characters;
	// whatever in it cannot be printed is replaced by U+FFFD, and spaces around
	// it are removed. It may be empty.
	Name string
	// Response is the BLAKE2b-512 hash that snarkjs prints as the contribution's
	// response hash.
	Response [blake2b.Size]byte
	// Next is the BLAKE2b-512 hash that snarkjs prints as the next challenge: of
	// the response and of all points after the contribution.
	Next [blake2b.Size]byte
	// Beacon is the public randomness of a contribution that anyone can
	// compute, and nil for all others.
	Beacon *Beacon
}

// Beacon is public randomness: everybody knows the secrets that follow from it.
type Beacon struct {
	// Value is 1 to 255 bytes that nobody could know beforehand.
	Value []byte
	// Exponent: the secrets follow from the value hashed 2^Exponent times.
	Exponent int
}

func (b *Beacon) clone() *Beacon {
	if b == nil {
		return nil
	}
	return &Beacon{Value: append([]byte(nil), b.Value...), Exponent: b.Exponent}
}

// printable replaces what would do something to a terminal, and trims spaces.
func printable(name []byte) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, string(name)))
}

// contribution is one contribution as the file has it.
type contribution struct {
	after    accumulator
	keys     keys
	response [blake2b.Size]byte
	next     [blake2b.Size]byte
	name     []byte
	beacon   *Beacon
}

// accumulator is the points that say what the secrets are after a contribution.
type accumulator struct {
	tau1, alpha1, beta1 curve.G1Affine
	tau2, beta2         curve.G2Affine
}

// key is a contributor's proof that they knew what they changed one secret by:
// x, where sx = x*s, and spx = x*sp for the point sp that hashing gives.
type key struct {
	s, sx curve.G1Affine
	spx   curve.G2Affine
}

// keys are a contributor's proofs for the three secrets.
type keys struct {
	tau, alpha, beta key
}

// Sizes of a contribution's parts in bytes.
const (
	accumulatorSize = 3*g1Size + 2*g2Size
	keysSize        = 6*g1Size + 3*g2Size
	fixedSize       = accumulatorSize + keysSize + partialSize + blake2b.Size + 4 + 4
	maxParameters   = 2 + 255 + 2 + 2 + 255
)

// Types of contributions, and of their parameters.
const (
	typeContribution  = 0
	typeBeacon        = 1
	parameterName     = 1
	parameterExponent = 2
	parameterBeacon   = 3
	maxBeaconExponent = 63
)

// parse decodes a contribution at the start of b and returns its size.
func (c *contribution) parse(b []byte) (int, *Error) {
	if len(b) < fixedSize {
		return 0, refuse("", CheckFormat, "expected at least %d bytes, got %d", fixedSize, len(b))
	}
	if err := c.points(b); err != nil {
		return 0, err
	}
	at := accumulatorSize + keysSize
	state, err := resume([partialSize]byte(b[at:]))
	if err != nil {
		return 0, err
	}
	public, _ := uncompressed(nil, b[accumulatorSize:accumulatorSize+6*g1Size], g1Size)
	public, _ = uncompressed(public, b[accumulatorSize+6*g1Size:at], g2Size)
	state.Write(public)
	state.Sum(c.response[:0])
	at += partialSize
	at += copy(c.next[:], b[at:])
	kind, size := binary.LittleEndian.Uint32(b[at:]), binary.LittleEndian.Uint32(b[at+4:])
	at += 4 + 4
	if uint64(size) > uint64(len(b)-at) || size > maxParameters {
		return 0, refuse("", CheckFormat, "the parameters claim %d bytes, %d follow and %d are allowed", size, len(b)-at, maxParameters)
	}
	end := at + int(size)
	return end, c.parameters(kind, b[at:end])
}

// points decodes the accumulator and the keys.
func (c *contribution) points(b []byte) *Error {
	a, k := &c.after, &c.keys
	for _, p := range []any{
		&a.tau1, &a.tau2, &a.alpha1, &a.beta1, &a.beta2,
		&k.tau.s, &k.tau.sx, &k.alpha.s, &k.alpha.sx, &k.beta.s, &k.beta.sx,
		&k.tau.spx, &k.alpha.spx, &k.beta.spx,
	} {
		var err *Error
		switch p := p.(type) {
		case *curve.G1Affine:
			err, b = decodeG1(b, p), b[g1Size:]
		case *curve.G2Affine:
			err, b = decodeG2(b, p), b[g2Size:]
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// parameters decodes the name and the beacon: each parameter is its type, in
// rising order, for texts their length, and the value.
func (c *contribution) parameters(kind uint32, b []byte) *Error {
	if kind != typeContribution && kind != typeBeacon {
		return refuse("", CheckFormat, "expected type %d or %d, got %d", typeContribution, typeBeacon, kind)
	}
	var exponent, value []byte
	last := byte(0)
	for len(b) > 0 {
		parameter := b[0]
		if parameter <= last {
			return refuse("", CheckFormat, "expected parameters in rising order, got %d after %d", parameter, last)
		}
		last = parameter
		var into *[]byte
		switch parameter {
		case parameterName:
			into = &c.name
		case parameterExponent:
			into = &exponent
		case parameterBeacon:
			into = &value
		default:
			return refuse("", CheckFormat, "expected parameters 1 to 3, got %d", parameter)
		}
		var ok bool
		if *into, b, ok = take(b[1:], parameter != parameterExponent); !ok {
			return refuse("", CheckFormat, "parameter %d is longer than what is left", parameter)
		}
	}
	if kind == typeContribution {
		if exponent != nil || value != nil {
			return refuse("", CheckFormat, "expected no beacon in a contribution")
		}
		return nil
	}
	if len(exponent) != 1 || exponent[0] > maxBeaconExponent || len(value) == 0 {
		return refuse("", CheckFormat, "expected a beacon of 1 to 255 bytes and an exponent of at most %d", maxBeaconExponent)
	}
	c.beacon = &Beacon{Value: value, Exponent: int(exponent[0])}
	return nil
}

// take takes a value off b: one byte, or as many as the first one says.
func take(b []byte, prefixed bool) (value, rest []byte, ok bool) {
	n := 1
	if prefixed {
		if len(b) == 0 {
			return nil, nil, false
		}
		n, b = int(b[0]), b[1:]
	}
	if n > len(b) {
		return nil, nil, false
	}
	return b[:n:n], b[n:], true
}
