package ethereum

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/bits"
	"strings"

	"golang.org/x/crypto/scrypt"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys/signer"
)

// Bounds of what a keystore may ask for, so that a file from elsewhere cannot take all
// memory or hours. What geth writes takes 256 MiB and 2^21 units of work.
const (
	// MaxKeystore bounds the file, in bytes.
	MaxKeystore = 64 << 10
	// MaxScryptMemory bounds 128*n*r, in bytes.
	MaxScryptMemory = 1 << 30
	// MaxScryptWork bounds n*r*p.
	MaxScryptWork = 1 << 24
	// MaxPBKDF2Iterations bounds c.
	MaxPBKDF2Iterations = 10_000_000
)

// keystore is a keystore of version 3 (Web3 Secret Storage), parsed and not yet opened.
type keystore struct {
	address    *Address // nil if the file does not tell it
	iv         []byte   // 16 bytes
	ciphertext []byte   // 1 to 32 bytes
	mac        []byte   // 32 bytes
	derive     func(passphrase string) ([]byte, error)
}

// The JSON of a keystore. Members that are not here (id, name) are passed over.
type (
	keystoreJSON struct {
		Version int         `json:"version"`
		Address *string     `json:"address"`
		Crypto  *cryptoJSON `json:"crypto"`
	}
	cryptoJSON struct {
		Cipher       string          `json:"cipher"`
		CipherParams cipherJSON      `json:"cipherparams"`
		Ciphertext   string          `json:"ciphertext"`
		KDF          string          `json:"kdf"`
		KDFParams    json.RawMessage `json:"kdfparams"`
		MAC          string          `json:"mac"`
	}
	cipherJSON struct {
		IV string `json:"iv"`
	}
	scryptJSON struct {
		DKLen int    `json:"dklen"`
		N     int    `json:"n"`
		R     int    `json:"r"`
		P     int    `json:"p"`
		Salt  string `json:"salt"`
	}
	pbkdf2JSON struct {
		DKLen int    `json:"dklen"`
		C     int    `json:"c"`
		PRF   string `json:"prf"`
		Salt  string `json:"salt"`
	}
)

const keystoreFormat = "keystore"

// parseKeystore decodes a keystore. It returns an error wrapping [zkkex.ErrMalformed],
// or [zkkex.ErrUnsupported] for another version, cipher or key derivation.
func parseKeystore(text []byte) (*keystore, error) {
	if len(text) > MaxKeystore {
		return nil, malformed(keystoreFormat, "expected at most %d bytes, got more", MaxKeystore)
	}
	var j keystoreJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return nil, malformed(keystoreFormat, "expected the JSON of Web3 Secret Storage: %w", err)
	}
	if j.Version != 3 {
		return nil, fmt.Errorf("%w: a keystore of version %d, expected 3: import it into a wallet and export it again", zkkex.ErrUnsupported, j.Version)
	}
	if j.Crypto == nil {
		return nil, malformed(keystoreFormat, "it has no %q", "crypto")
	}
	k := &keystore{}
	if err := k.parseCipher(j.Crypto); err != nil {
		return nil, err
	}
	if err := k.parseKDF(j.Crypto); err != nil {
		return nil, err
	}
	if j.Address == nil || *j.Address == "" {
		return k, nil
	}
	address, err := ParseAddress("0x" + strings.TrimPrefix(*j.Address, "0x"))
	if err != nil {
		return nil, err
	}
	k.address = &address
	return k, nil
}

func (k *keystore) parseCipher(c *cryptoJSON) (err error) {
	if c.Cipher != "aes-128-ctr" {
		return fmt.Errorf("%w: a keystore encrypted with %q, expected aes-128-ctr", zkkex.ErrUnsupported, c.Cipher)
	}
	if k.iv, err = parseHex("iv", c.CipherParams.IV, aes.BlockSize, aes.BlockSize); err != nil {
		return err
	}
	// Some programs left out the leading zeros of a key.
	if k.ciphertext, err = parseHex("ciphertext", c.Ciphertext, 1, 32); err != nil {
		return err
	}
	k.mac, err = parseHex("mac", c.MAC, 32, 32)
	return err
}

func (k *keystore) parseKDF(c *cryptoJSON) (err error) {
	switch c.KDF {
	case "scrypt":
		k.derive, err = parseScrypt(c.KDFParams)
	case "pbkdf2":
		k.derive, err = parsePBKDF2(c.KDFParams)
	default:
		err = fmt.Errorf("%w: a keystore with the key derivation %q, expected scrypt or pbkdf2", zkkex.ErrUnsupported, c.KDF)
	}
	return err
}

func parseScrypt(params json.RawMessage) (func(string) ([]byte, error), error) {
	var p scryptJSON
	if err := json.Unmarshal(params, &p); err != nil {
		return nil, malformed(keystoreFormat, "parameters of scrypt: %w", err)
	}
	salt, err := parseHex("salt", p.Salt, 1, 1024)
	if err != nil {
		return nil, err
	}
	if p.DKLen != 32 || p.N < 2 || bits.OnesCount(uint(p.N)) != 1 || p.R < 1 || p.P < 1 {
		return nil, malformed(keystoreFormat, "scrypt with dklen %d, n %d, r %d, p %d, expected dklen 32, a power of two, and two positive numbers", p.DKLen, p.N, p.R, p.P)
	}
	if p.N > MaxScryptMemory/128 || p.R > MaxScryptMemory/128/p.N || p.P > MaxScryptWork/(p.N*p.R) {
		return nil, malformed(keystoreFormat, "scrypt with n %d, r %d, p %d takes more than %d MiB or too long", p.N, p.R, p.P, MaxScryptMemory>>20)
	}
	return func(passphrase string) ([]byte, error) {
		return scrypt.Key([]byte(passphrase), salt, p.N, p.R, p.P, p.DKLen)
	}, nil
}

func parsePBKDF2(params json.RawMessage) (func(string) ([]byte, error), error) {
	var p pbkdf2JSON
	if err := json.Unmarshal(params, &p); err != nil {
		return nil, malformed(keystoreFormat, "parameters of pbkdf2: %w", err)
	}
	salt, err := parseHex("salt", p.Salt, 1, 1024)
	if err != nil {
		return nil, err
	}
	if p.PRF != "hmac-sha256" {
		return nil, fmt.Errorf("%w: a keystore with pbkdf2 over %q, expected hmac-sha256", zkkex.ErrUnsupported, p.PRF)
	}
	if p.DKLen != 32 || p.C < 1 || p.C > MaxPBKDF2Iterations {
		return nil, malformed(keystoreFormat, "pbkdf2 with dklen %d and c %d, expected 32, and 1 to %d", p.DKLen, p.C, MaxPBKDF2Iterations)
	}
	return func(passphrase string) ([]byte, error) {
		return pbkdf2.Key(sha256.New, passphrase, salt, p.C, p.DKLen)
	}, nil
}

// open returns the private key, 32 bytes. It returns an error wrapping [signer.ErrMAC]
// for a wrong passphrase or a changed file.
func (k *keystore) open(passphrase string) ([]byte, error) {
	derived, err := k.derive(passphrase)
	if err != nil {
		return nil, malformed(keystoreFormat, "%w", err)
	}
	defer clear(derived)
	if subtle.ConstantTimeCompare(keccak(derived[16:32], k.ciphertext), k.mac) != 1 {
		return nil, signer.ErrMAC
	}
	block, err := aes.NewCipher(derived[:16])
	if err != nil {
		return nil, err
	}
	key := make([]byte, 32)
	cipher.NewCTR(block, k.iv).XORKeyStream(key[32-len(k.ciphertext):], k.ciphertext)
	return key, nil
}

// parseHex decodes hexadecimal digits, of as many bytes as are expected.
func parseHex(name, s string, least, most int) ([]byte, error) {
	b, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	if err != nil || len(b) < least || len(b) > most {
		return nil, malformed(keystoreFormat, "%q is not %d to %d bytes in hexadecimal digits", name, least, most)
	}
	return b, nil
}
