package descriptor

import (
	"crypto"
	"io"

	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
)

const (
	// mldsaKeySize is the length of a public key of ML-DSA-65, in bytes.
	mldsaKeySize = mldsa65.PublicKeySize // 1,952
	// mldsaContext is the context string (FIPS 204, section 5.2) of everything that
	// an identity signs: the key's signatures for other uses are none here.
	mldsaContext = "zkkex/v1 venue identity"
)

// MLDSAOptions is what a signer gets as its options if its key is of ML-DSA.
type MLDSAOptions struct {
	// Context is the context string of FIPS 204.
	Context string
}

// HashFunc returns 0: the message is signed, not a hash of it.
func (MLDSAOptions) HashFunc() crypto.Hash { return 0 }

// mldsaKey is a private key in memory. It signs hedged, as FIPS 204 recommends,
// and with the context of its options, which that of package mldsa65 ignores.
type mldsaKey struct{ private *mldsa65.PrivateKey }

func mldsaFromSeed(seed [seedSize]byte) crypto.Signer {
	_, private := mldsa65.NewKeyFromSeed(&seed)
	return mldsaKey{private}
}

func (k mldsaKey) Public() crypto.PublicKey { return k.private.Public() }

func (k mldsaKey) Sign(_ io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	var context string
	if o, ok := opts.(MLDSAOptions); ok {
		context = o.Context
	}
	signature := make([]byte, mldsa65.SignatureSize)
	err := mldsa65.SignTo(k.private, message, []byte(context), true, signature)
	return signature, err
}

// verifierMLDSA unpacks a key once: that takes as long as a verification. Every
// string of its length is a key.
func verifierMLDSA(key []byte) func(message, signature []byte) bool {
	var public mldsa65.PublicKey
	public.Unpack((*[mldsaKeySize]byte)(key))
	return func(message, signature []byte) bool {
		return len(signature) == mldsa65.SignatureSize && mldsa65.Verify(&public, message, []byte(mldsaContext), signature)
	}
}
