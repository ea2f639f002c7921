package descriptor

import (
	"crypto"
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"
)

// Algorithm is a signature algorithm: the bytes that a key's encoding begins
// with in a signed note (c2sp.org/signed-note), which are one byte where that
// specification assigns one. A new algorithm gets new bytes; none changes its
// meaning, and none begins with those of another.
type Algorithm string

const (
	// Ed25519 is RFC 8032's signature, of the type 1. Every identity has one such
	// key, because witnesses know it.
	Ed25519 Algorithm = "\x01"
	// MLDSA65 is FIPS 204's ML-DSA-65, with a context string. The specification
	// of signed notes assigns no type to it (6 is that of timestamped
	// cosignatures with ML-DSA-44), so its type is 255, which is for such
	// algorithms, and the name that is recommended after it.
	MLDSA65 Algorithm = "\xffzkkex/v1 ML-DSA-65"
)

// String returns the algorithm's name, or its type if it is not known here.
func (a Algorithm) String() string {
	switch {
	case a == "":
		return "none"
	case a == Ed25519:
		return "Ed25519"
	case a == MLDSA65:
		return "ML-DSA-65"
	default:
		return fmt.Sprintf("algorithm %d", a[0])
	}
}

// seedSize is the length of the seed of a private key, in bytes: RFC 8032's
// private key, and the ξ of FIPS 204.
const seedSize = 32

// algorithm is what an identity needs to know of an algorithm.
type algorithm struct {
	// line is the name of the line of a key file that holds the seed.
	line string
	// keySize is the length of a public key, in bytes.
	keySize int
	// verifier returns what verifies with a public key of that length.
	verifier func(key []byte) func(message, signature []byte) bool
	// fromSeed returns the private key of a seed.
	fromSeed func(seed [seedSize]byte) crypto.Signer
}

// algorithms is a table of them.
type algorithms map[Algorithm]algorithm

// known are the algorithms of this version.
func known() algorithms {
	return algorithms{
		Ed25519: {
			line: "ed25519", keySize: ed25519.PublicKeySize, verifier: verifierEd25519,
			fromSeed: func(seed [seedSize]byte) crypto.Signer { return ed25519.NewKeyFromSeed(seed[:]) },
		},
		MLDSA65: {line: "mldsa65", keySize: mldsaKeySize, verifier: verifierMLDSA, fromSeed: mldsaFromSeed},
	}
}

// cut splits a key's encoding into the algorithm and the public key.
func (t algorithms) cut(encoded []byte) (Algorithm, []byte, bool) {
	for a := range t {
		if key, ok := strings.CutPrefix(string(encoded), string(a)); ok {
			return a, []byte(key), true
		}
	}
	return "", nil, false
}

// names lists the algorithms, for errors.
func (t algorithms) names() string {
	var names []string
	for a := range t {
		names = append(names, a.String())
	}
	slices.Sort(names)
	return strings.Join(names, " or ")
}

func verifierEd25519(key []byte) func(message, signature []byte) bool {
	return func(message, signature []byte) bool { return ed25519.Verify(key, message, signature) }
}
