package keyfile

import (
	"encoding/asn1"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys/signer"
)

var (
	oidECPublicKey = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidP256        = asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}
	oidSecp256k1   = asn1.ObjectIdentifier{1, 3, 132, 0, 10}
)

// otherKeys and otherCurves name what people take for the right kind of key.
var (
	otherKeys = map[string]string{
		"1.2.840.113549.1.1.1":  "RSA",
		"1.2.840.113549.1.1.10": "RSA-PSS",
		"1.3.101.110":           "X25519",
		"1.3.101.112":           "Ed25519",
		"1.3.132.1.12":          "ECDH",
	}
	otherCurves = map[string]string{
		"1.3.132.0.33":          "P-224",
		"1.3.132.0.34":          "P-384",
		"1.3.132.0.35":          "P-521",
		"1.3.36.3.3.2.8.1.1.7":  "brainpoolP256r1",
		"1.2.156.10197.1.301":   "SM2",
		"1.2.840.10045.3.1.1":   "P-192",
		"1.3.36.3.3.2.8.1.1.11": "brainpoolP384r1",
	}
)

var (
	contextZero = der.Tag(0).ContextSpecific()
	contextOne  = der.Tag(1).ContextSpecific()
)

// parsePKCS8 reads a PrivateKeyInfo (RFC 5208) or OneAsymmetricKey (RFC 5958).
func parsePKCS8(b []byte) (*private, error) {
	var info, algorithm, key, attributes, public cryptobyte.String
	var version int
	var hasAttributes, hasPublic bool
	var oid asn1.ObjectIdentifier
	s := cryptobyte.String(b)
	if !s.ReadASN1(&info, der.SEQUENCE) || !s.Empty() ||
		!info.ReadASN1Integer(&version) ||
		!info.ReadASN1(&algorithm, der.SEQUENCE) ||
		!algorithm.ReadASN1ObjectIdentifier(&oid) ||
		!info.ReadASN1(&key, der.OCTET_STRING) ||
		!info.ReadOptionalASN1(&attributes, &hasAttributes, contextZero.Constructed()) ||
		!info.ReadOptionalASN1(&public, &hasPublic, contextOne) || !info.Empty() ||
		version != 0 && version != 1 || hasPublic && version != 1 {
		return nil, malformed("not a PKCS#8 private key (RFC 5958)")
	}
	if !oid.Equal(oidECPublicKey) {
		return nil, fmt.Errorf("%w: %s, expected an elliptic curve key", signer.ErrUnsupportedKey, named(oid, otherKeys))
	}
	curve, err := readCurve(&algorithm)
	if err != nil {
		return nil, err
	}
	k, err := parseSEC1(key, curve)
	if err != nil || !hasPublic {
		return k, err
	}
	if len(public) == 0 || public[0] != 0 {
		return nil, malformed("the public key in it is not a whole number of bytes")
	}
	return checked(curve, k.scalar, public[1:])
}

// parseSEC1 reads an ECPrivateKey (RFC 5915). curve is 0 unless the curve is known
// already; it must then be the one in it, if there is one.
func parseSEC1(b []byte, curve eckey.Curve) (*private, error) {
	var key, scalar, parameters, public cryptobyte.String
	var version int
	var hasParameters, hasPublic bool
	s := cryptobyte.String(b)
	if !s.ReadASN1(&key, der.SEQUENCE) || !s.Empty() ||
		!key.ReadASN1Integer(&version) || version != 1 ||
		!key.ReadASN1(&scalar, der.OCTET_STRING) ||
		!key.ReadOptionalASN1(&parameters, &hasParameters, contextZero.Constructed()) ||
		!key.ReadOptionalASN1(&public, &hasPublic, contextOne.Constructed()) || !key.Empty() {
		return nil, malformed("not an EC private key (RFC 5915)")
	}
	if hasParameters {
		inner, err := readCurve(&parameters)
		if err != nil {
			return nil, err
		}
		if curve != 0 && inner != curve {
			return nil, malformed("it names two curves, %v and %v", curve, inner)
		}
		curve = inner
	}
	if curve == 0 {
		return nil, malformed("it names no curve")
	}
	if len(scalar) != 32 {
		return nil, malformed("the private key has %d bytes, expected 32; openssl pkey -in FILE -out FILE.pem pads it", len(scalar))
	}
	if !hasPublic {
		return checked(curve, scalar)
	}
	var point []byte
	if !public.ReadASN1BitStringAsBytes(&point) || !public.Empty() {
		return nil, malformed("the public key in it is not a bit string of whole bytes")
	}
	return checked(curve, scalar, point)
}

// readCurve reads the name of a curve, and nothing after it.
func readCurve(s *cryptobyte.String) (eckey.Curve, error) {
	var oid asn1.ObjectIdentifier
	switch {
	case s.PeekASN1Tag(der.SEQUENCE):
		return 0, fmt.Errorf("%w: given by its parameters, expected its name: openssl ec -param_enc named_curve -in FILE -out FILE.pem", signer.ErrWrongCurve)
	case !s.ReadASN1ObjectIdentifier(&oid) || !s.Empty():
		return 0, malformed("it names no curve")
	case oid.Equal(oidP256):
		return eckey.P256, nil
	case oid.Equal(oidSecp256k1):
		return eckey.Secp256k1, nil
	}
	return 0, fmt.Errorf("%w: %s, expected P-256 or secp256k1", signer.ErrWrongCurve, named(oid, otherCurves))
}

func named(oid asn1.ObjectIdentifier, names map[string]string) string {
	if name, ok := names[oid.String()]; ok {
		return name
	}
	return "object identifier " + oid.String()
}
