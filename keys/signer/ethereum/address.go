package ethereum

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/sha3"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
)

// ErrChecksum reports an address in mixed case whose checksum (EIP-55) is wrong: a
// letter or digit was mistyped.
var ErrChecksum = errors.New("the address's checksum is wrong: check it for typing errors")

// Address is an Ethereum address: the last 20 bytes of the Keccak-256 hash of a public
// key's coordinates.
type Address [20]byte

// ParseAddress decodes 0x and 40 hexadecimal digits: all of one case, or with EIP-55's
// checksum in the case of its letters. It returns an error wrapping
// [zkkex.ErrMalformed], and [ErrChecksum] if that is it.
func ParseAddress(s string) (Address, error) {
	var a Address
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok || len(digits) != 2*len(a) {
		return a, malformed("address", "expected 0x and %d hexadecimal digits", 2*len(a))
	}
	if _, err := hex.Decode(a[:], []byte(digits)); err != nil {
		return Address{}, malformed("address", "expected 0x and %d hexadecimal digits", 2*len(a))
	}
	oneCase := digits == strings.ToLower(digits) || digits == strings.ToUpper(digits)
	if !oneCase && s != a.String() {
		return Address{}, malformed("address", "%w", ErrChecksum)
	}
	return a, nil
}

// AddressOf returns the address of a compressed secp256k1 public key, 33 bytes. It
// returns an error wrapping [zkkex.ErrMalformed] if that is no public key.
func AddressOf(public []byte) (Address, error) {
	key, err := eckey.Secp256k1.Parse(public)
	if err != nil {
		return Address{}, err
	}
	point := key.Uncompressed()
	hash := keccak(point[1:])
	return Address(hash[12:]), nil
}

// String returns 0x and 40 hexadecimal digits, with EIP-55's checksum in the case of
// the letters.
func (a Address) String() string {
	text := []byte(hex.EncodeToString(a[:]))
	hash := keccak(text)
	for i, c := range text {
		if c >= 'a' && hash[i/2]>>(4*(1-i%2))&8 != 0 {
			text[i] = c - 'a' + 'A'
		}
	}
	return "0x" + string(text)
}

func keccak(fields ...[]byte) []byte {
	h := sha3.NewLegacyKeccak256()
	for _, f := range fields {
		h.Write(f)
	}
	return h.Sum(nil)
}

func malformed(format, msg string, args ...any) error {
	return &zkkex.ParseError{Format: format, Err: fmt.Errorf(msg, args...)}
}
