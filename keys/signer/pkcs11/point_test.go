package pkcs11

import (
	"errors"
	"math/big"
	"slices"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys/signer"
)

// A token's public key is a point in one of the four forms, or an error.
func FuzzParsePoint(f *testing.F) {
	for _, c := range []eckey.Curve{eckey.P256, eckey.Secp256k1} {
		point := publicOf(&testing.T{}, c, big.NewInt(7))
		long, short := point.Uncompressed(), point.Bytes()
		for _, b := range [][]byte{long[:], short[:], append([]byte{4, 65}, long[:]...), append([]byte{4, 33}, short[:]...)} {
			f.Add(b, uint8(c))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, curve uint8) {
		c := eckey.P256
		if curve%2 == 0 {
			c = eckey.Secp256k1
		}
		p, err := parsePoint(c, b)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) {
				t.Errorf("%v is no ErrMalformed", err)
			}
			return
		}
		long, short := p.Uncompressed(), p.Bytes()
		for _, form := range [][]byte{long[:], short[:], append([]byte{4, 65}, long[:]...), append([]byte{4, 33}, short[:]...)} {
			if slices.Equal(form, b) {
				return
			}
		}
		t.Errorf("%x is read as %x", b, short)
	})
}

func TestParseCurve(t *testing.T) {
	for name, params := range map[string][]byte{
		"none": nil, "cut": {0x06, 0x08, 0x2a}, "trailing": {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a, 0},
		"Ed25519": {0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01}, "explicit": append([]byte{0x30, 0x81, 0xe0}, make([]byte, 0xe0)...),
	} {
		if _, err := parseCurve(params); !errors.Is(err, signer.ErrWrongCurve) {
			t.Errorf("%s: %v, want ErrWrongCurve", name, err)
		}
	}
}
