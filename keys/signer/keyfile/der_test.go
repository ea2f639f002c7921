package keyfile

import (
	"bytes"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/keys/signer"
	"github.com/zkkex/zkkex/keys/signer/internal/softkey"
)

// The structures of RFC 5915 and RFC 5958, as the standard library writes them.
type (
	ecPrivateKey struct {
		Version    int
		PrivateKey []byte
		Parameters asn1.ObjectIdentifier `asn1:"optional,explicit,tag:0"`
		PublicKey  asn1.BitString        `asn1:"optional,explicit,tag:1"`
	}
	privateKeyInfo struct {
		Version    int
		Algorithm  algorithmIdentifier
		PrivateKey []byte
		PublicKey  asn1.BitString `asn1:"optional,tag:1"`
	}
	algorithmIdentifier struct {
		Algorithm  asn1.ObjectIdentifier
		Parameters asn1.ObjectIdentifier `asn1:"optional"`
	}
)

func encode(t *testing.T, v any) []byte {
	t.Helper()
	b, err := asn1.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// point returns the public key of a scalar.
func point(t *testing.T, curve eckey.Curve, scalar []byte) eckey.PublicKey {
	t.Helper()
	k, err := softkey.New(curve, scalar, envelope.Raw, "")
	if err != nil {
		t.Fatal(err)
	}
	return k.Public()
}

func bitString(b []byte) asn1.BitString { return asn1.BitString{Bytes: b, BitLength: 8 * len(b)} }

// Each of these differs from a good key in one thing.
func TestDERRefused(t *testing.T) {
	for _, curve := range []eckey.Curve{eckey.P256, eckey.Secp256k1} {
		oid := map[eckey.Curve]asn1.ObjectIdentifier{eckey.P256: oidP256, eckey.Secp256k1: oidSecp256k1}[curve]
		scalar := unhex(t, scalars[curve])
		uncompressed := point(t, curve, scalar).Uncompressed()
		compressed := point(t, curve, scalar).Bytes()
		other := point(t, curve, append(make([]byte, 31), 2)).Uncompressed()
		offCurve := bytes.Clone(uncompressed[:])
		offCurve[64] ^= 1
		hybrid := bytes.Clone(uncompressed[:])
		hybrid[0] = 6 + hybrid[64]&1
		large := append([]byte{4}, append(curve.Field().Bytes(), uncompressed[33:]...)...)
		order := curve.Order().Bytes()
		good := ecPrivateKey{1, scalar, oid, bitString(uncompressed[:])}
		for name, c := range map[string]struct {
			change func(k *ecPrivateKey)
			want   error
		}{
			"good":             {func(*ecPrivateKey) {}, nil},
			"compressed":       {func(k *ecPrivateKey) { k.PublicKey = bitString(compressed[:]) }, nil},
			"no public key":    {func(k *ecPrivateKey) { k.PublicKey = asn1.BitString{} }, nil},
			"version 2":        {func(k *ecPrivateKey) { k.Version = 2 }, zkkex.ErrMalformed},
			"scalar 0":         {func(k *ecPrivateKey) { k.PrivateKey = make([]byte, 32); k.PublicKey = asn1.BitString{} }, softkey.ErrRange},
			"scalar = order":   {func(k *ecPrivateKey) { k.PrivateKey = order; k.PublicKey = asn1.BitString{} }, softkey.ErrRange},
			"scalar, 31 bytes": {func(k *ecPrivateKey) { k.PrivateKey = scalar[1:] }, zkkex.ErrMalformed},
			"scalar, 33 bytes": {func(k *ecPrivateKey) { k.PrivateKey = append([]byte{0}, scalar...) }, zkkex.ErrMalformed},
			"no curve":         {func(k *ecPrivateKey) { k.Parameters = nil }, zkkex.ErrMalformed},
			"another curve":    {func(k *ecPrivateKey) { k.Parameters = asn1.ObjectIdentifier{1, 3, 132, 0, 33} }, signer.ErrWrongCurve},
			"another's point":  {func(k *ecPrivateKey) { k.PublicKey = bitString(other[:]) }, zkkex.ErrMalformed},
			"off the curve":    {func(k *ecPrivateKey) { k.PublicKey = bitString(offCurve) }, eckey.ErrNotOnCurve},
			"hybrid":           {func(k *ecPrivateKey) { k.PublicKey = bitString(hybrid) }, eckey.ErrKeyEncoding},
			"x above field":    {func(k *ecPrivateKey) { k.PublicKey = bitString(large) }, eckey.ErrKeyEncoding},
			"infinity":         {func(k *ecPrivateKey) { k.PublicKey = bitString([]byte{0}) }, eckey.ErrKeyEncoding},
			"half a byte":      {func(k *ecPrivateKey) { k.PublicKey.BitLength -= 4 }, zkkex.ErrMalformed},
		} {
			k := good
			c.change(&k)
			der := encode(t, k)
			if _, err := parseSEC1(der, 0); !errors.Is(err, c.want) {
				t.Errorf("%v: %s: %v, expected %v", curve, name, err, c.want)
			}
			if _, err := parseSEC1(append(der, 0), 0); !errors.Is(err, zkkex.ErrMalformed) {
				t.Errorf("%v: %s, with a byte after it: %v", curve, name, err)
			}
		}
		inner := encode(t, good)
		bare := encode(t, ecPrivateKey{Version: 1, PrivateKey: scalar})
		another := map[eckey.Curve]asn1.ObjectIdentifier{eckey.P256: oidSecp256k1, eckey.Secp256k1: oidP256}[curve]
		for name, c := range map[string]struct {
			info privateKeyInfo
			want error
		}{
			"good":            {privateKeyInfo{0, algorithmIdentifier{oidECPublicKey, oid}, inner, asn1.BitString{}}, nil},
			"bare":            {privateKeyInfo{0, algorithmIdentifier{oidECPublicKey, oid}, bare, asn1.BitString{}}, nil},
			"with public key": {privateKeyInfo{1, algorithmIdentifier{oidECPublicKey, oid}, bare, bitString(uncompressed[:])}, nil},
			"another's":       {privateKeyInfo{1, algorithmIdentifier{oidECPublicKey, oid}, bare, bitString(other[:])}, zkkex.ErrMalformed},
			"too early":       {privateKeyInfo{0, algorithmIdentifier{oidECPublicKey, oid}, bare, bitString(uncompressed[:])}, zkkex.ErrMalformed},
			"version 2":       {privateKeyInfo{2, algorithmIdentifier{oidECPublicKey, oid}, inner, asn1.BitString{}}, zkkex.ErrMalformed},
			"two curves":      {privateKeyInfo{0, algorithmIdentifier{oidECPublicKey, another}, inner, asn1.BitString{}}, zkkex.ErrMalformed},
			"no curve":        {privateKeyInfo{0, algorithmIdentifier{oidECPublicKey, nil}, inner, asn1.BitString{}}, zkkex.ErrMalformed},
			"ECDH":            {privateKeyInfo{0, algorithmIdentifier{asn1.ObjectIdentifier{1, 3, 132, 1, 12}, oid}, inner, asn1.BitString{}}, signer.ErrUnsupportedKey},
		} {
			if _, err := parsePKCS8(encode(t, c.info)); !errors.Is(err, c.want) {
				t.Errorf("%v: PKCS#8, %s: %v, expected %v", curve, name, err, c.want)
			}
		}
	}
}

// What an encrypted file asks for is bounded before it is done.
func TestPBES2Refused(t *testing.T) {
	block, _ := pem.Decode(testdata(t, "p256-pbes2.pem"))
	good, err := parsePBES2(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if good.iterations != 2048 || good.keySize != 32 {
		t.Fatalf("%d iterations, %d bytes", good.iterations, good.keySize)
	}
	iterations := []byte{2, 2, 0x08, 0x00}
	for name, c := range map[string]struct {
		old, replacement []byte
		want             error
	}{
		"no iterations":       {iterations, []byte{2, 2, 0x80, 0x00}, zkkex.ErrMalformed}, // negative
		"other than PBKDF2":   {encode(t, oidPBKDF2), encode(t, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 14}), signer.ErrUnsupportedKey},
		"other than PBES2":    {encode(t, oidPBES2), encode(t, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 14}), signer.ErrUnsupportedKey},
		"other than AES":      {[]byte{0x65, 3, 4, 1, 0x2a}, []byte{0x65, 3, 4, 1, 0x2b}, signer.ErrUnsupportedKey},
		"other than SHA-2":    {[]byte{0x0d, 2, 9}, []byte{0x0d, 2, 3}, signer.ErrUnsupportedKey},
		"IV of another size":  {good.iv, good.iv[:15], zkkex.ErrMalformed},
		"half a block sealed": {good.sealed, good.sealed[:len(good.sealed)-8], zkkex.ErrMalformed},
	} {
		changed := bytes.Replace(block.Bytes, c.old, c.replacement, 1)
		if bytes.Equal(changed, block.Bytes) {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := parsePBES2(changed); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, expected %v", name, err, c.want)
		}
	}
	for iterations, want := range map[int]error{MaxPBKDF2Iterations: nil, MaxPBKDF2Iterations + 1: zkkex.ErrMalformed, 0: zkkex.ErrMalformed} {
		kdf := struct {
			OID        asn1.ObjectIdentifier
			Parameters struct {
				Salt       []byte
				Iterations int
			}
		}{OID: oidPBKDF2}
		kdf.Parameters.Salt, kdf.Parameters.Iterations = []byte("salt"), iterations
		der := encode(t, kdf)
		if err := new(pbes2).parseKDF(der[2:]); !errors.Is(err, want) {
			t.Errorf("%d iterations: %v", iterations, err)
		}
	}
}

// Padding that is right by chance, as it is for one passphrase in 256, does not make a
// wrong passphrase right.
func TestPBES2ChancePadding(t *testing.T) {
	block, _ := pem.Decode(testdata(t, "p256-pbes2.pem"))
	const chance = "wrong 783"
	p, err := parsePBES2(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.open(chance); err != nil {
		t.Fatalf("the padding is not right: %v", err)
	}
	for _, passphrase := range []string{chance, "wrong 784"} {
		if _, err := parseEncryptedPKCS8(block.Bytes, func() (string, error) { return passphrase, nil }); !errors.Is(err, signer.ErrPIN) || errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %v", passphrase, err)
		}
	}
}

// The parameters of PBKDF2 may name the length of the key, which is then the cipher's.
func TestPBKDF2Parameters(t *testing.T) {
	type parameters struct {
		Salt       []byte
		Iterations int
		KeyLength  int `asn1:"optional"`
		Function   algorithmIdentifier
	}
	sha256 := algorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}}
	for name, c := range map[string]struct {
		parameters parameters
		want       error
	}{
		"no length":    {parameters{[]byte("salt"), 1, 0, sha256}, nil},
		"its length":   {parameters{[]byte("salt"), 1, 32, sha256}, nil},
		"other length": {parameters{[]byte("salt"), 1, 16, sha256}, zkkex.ErrMalformed},
	} {
		der := encode(t, struct {
			OID        asn1.ObjectIdentifier
			Parameters parameters
		}{oidPBKDF2, c.parameters})
		p := &pbes2{keySize: 32}
		if err := p.parseKDF(der[2:]); !errors.Is(err, c.want) || err == nil && p.function == nil {
			t.Errorf("%s: %v, expected %v", name, err, c.want)
		}
	}
}
