package keyfile

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"

	"golang.org/x/crypto/cryptobyte"
	der "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys/signer"
)

// MaxPBKDF2Iterations bounds what an encrypted PKCS#8 file may ask for: some seconds.
// OpenSSL writes 2048.
const MaxPBKDF2Iterations = 10_000_000

// Object identifiers of RFC 8018 and NIST's CSOR.
var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}

	ciphers = map[string]int{ // AES-CBC, by the length of its key in bytes
		"2.16.840.1.101.3.4.1.2":  16,
		"2.16.840.1.101.3.4.1.22": 24,
		"2.16.840.1.101.3.4.1.42": 32,
	}
	functions = map[string]func() hash.Hash{ // HMAC with
		"1.2.840.113549.2.7":  sha1.New,
		"1.2.840.113549.2.9":  sha256.New,
		"1.2.840.113549.2.11": sha512.New,
	}
)

// pbes2 is how a file is encrypted: PBKDF2 and AES-CBC.
type pbes2 struct {
	salt, iv   []byte
	iterations int
	keySize    int
	function   func() hash.Hash
	sealed     []byte
}

// parseEncryptedPKCS8 reads an EncryptedPrivateKeyInfo (RFC 5958) under PBES2 (RFC 8018).
// There is no MAC: a wrong passphrase shows in what comes out, and cannot be told from a
// damaged file.
func parseEncryptedPKCS8(b []byte, passphrase func() (string, error)) (*private, error) {
	p, err := parsePBES2(b)
	if err != nil {
		return nil, err
	}
	password, err := passphrase()
	if err != nil {
		return nil, err
	}
	plain, err := p.open(password)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	k, err := parsePKCS8(plain)
	if errors.Is(err, zkkex.ErrMalformed) {
		return nil, errPassphrase()
	}
	return k, err
}

func errPassphrase() error {
	return fmt.Errorf("%w: the passphrase is wrong, or the file is damaged", signer.ErrPIN)
}

// open decrypts with the key of a password.
func (p *pbes2) open(password string) ([]byte, error) {
	key, err := pbkdf2.Key(p.function, password, p.salt, p.iterations, p.keySize)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(p.sealed))
	cipher.NewCBCDecrypter(block, p.iv).CryptBlocks(plain, p.sealed)
	padding := int(plain[len(plain)-1])
	if padding == 0 || padding > aes.BlockSize {
		clear(plain)
		return nil, errPassphrase()
	}
	for _, b := range plain[len(plain)-padding:] {
		if int(b) != padding {
			clear(plain)
			return nil, errPassphrase()
		}
	}
	return plain[:len(plain)-padding], nil
}

// parsePBES2 reads how a file is encrypted, and with what work.
func parsePBES2(b []byte) (*pbes2, error) {
	var info, algorithm, parameters, kdf, scheme, sealed cryptobyte.String
	var oid asn1.ObjectIdentifier
	s := cryptobyte.String(b)
	if !s.ReadASN1(&info, der.SEQUENCE) || !s.Empty() ||
		!info.ReadASN1(&algorithm, der.SEQUENCE) ||
		!info.ReadASN1(&sealed, der.OCTET_STRING) || !info.Empty() ||
		!algorithm.ReadASN1ObjectIdentifier(&oid) {
		return nil, malformed("not an encrypted PKCS#8 private key (RFC 5958)")
	}
	if !oid.Equal(oidPBES2) {
		return nil, fmt.Errorf("%w: encrypted by %v, expected PBES2; openssl pkcs8 -topk8 -in FILE -out FILE.pem writes it so", signer.ErrUnsupportedKey, oid)
	}
	if !algorithm.ReadASN1(&parameters, der.SEQUENCE) || !algorithm.Empty() ||
		!parameters.ReadASN1(&kdf, der.SEQUENCE) || !parameters.ReadASN1(&scheme, der.SEQUENCE) || !parameters.Empty() {
		return nil, malformed("not the parameters of PBES2 (RFC 8018)")
	}
	if len(sealed) == 0 || len(sealed)%aes.BlockSize != 0 {
		return nil, malformed("the encrypted part has %d bytes, expected whole blocks of %d", len(sealed), aes.BlockSize)
	}
	p := &pbes2{sealed: sealed}
	if err := p.parseScheme(scheme); err != nil {
		return nil, err
	}
	return p, p.parseKDF(kdf)
}

// parseScheme reads the cipher.
func (p *pbes2) parseScheme(s cryptobyte.String) error {
	var oid asn1.ObjectIdentifier
	if !s.ReadASN1ObjectIdentifier(&oid) {
		return malformed("it names no cipher")
	}
	size, ok := ciphers[oid.String()]
	if !ok {
		return fmt.Errorf("%w: encrypted with the cipher %v, expected AES-CBC; openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out FILE.pem writes it so", signer.ErrUnsupportedKey, oid)
	}
	p.keySize = size
	if !s.ReadASN1Bytes(&p.iv, der.OCTET_STRING) || !s.Empty() || len(p.iv) != aes.BlockSize {
		return malformed("expected an initialisation vector of %d bytes", aes.BlockSize)
	}
	return nil
}

// parseKDF reads PBKDF2-params. The function is SHA-1's HMAC if it is left out.
func (p *pbes2) parseKDF(s cryptobyte.String) error {
	var oid asn1.ObjectIdentifier
	var parameters, function cryptobyte.String
	if !s.ReadASN1ObjectIdentifier(&oid) {
		return malformed("it names no key derivation")
	}
	if !oid.Equal(oidPBKDF2) {
		return fmt.Errorf("%w: its key is derived by %v, expected PBKDF2; openssl pkcs8 -topk8 -in FILE -out FILE.pem writes it so", signer.ErrUnsupportedKey, oid)
	}
	var hasFunction bool
	if !s.ReadASN1(&parameters, der.SEQUENCE) || !s.Empty() ||
		!parameters.ReadASN1Bytes(&p.salt, der.OCTET_STRING) ||
		!parameters.ReadASN1Integer(&p.iterations) ||
		!p.readKeyLength(&parameters) ||
		!parameters.ReadOptionalASN1(&function, &hasFunction, der.SEQUENCE) || !parameters.Empty() {
		return malformed("not the parameters of PBKDF2 (RFC 8018)")
	}
	if p.iterations < 1 || p.iterations > MaxPBKDF2Iterations {
		return malformed("%d iterations of PBKDF2, expected 1 to %d", p.iterations, MaxPBKDF2Iterations)
	}
	p.function = sha1.New
	if !hasFunction {
		return nil
	}
	if !function.ReadASN1ObjectIdentifier(&oid) {
		return malformed("it names no function for PBKDF2")
	}
	if p.function = functions[oid.String()]; p.function == nil {
		return fmt.Errorf("%w: PBKDF2 with %v, expected HMAC with SHA-1, SHA-256 or SHA-512", signer.ErrUnsupportedKey, oid)
	}
	return nil
}

// readKeyLength passes over the optional length of the key, if it is the cipher's.
func (p *pbes2) readKeyLength(s *cryptobyte.String) bool {
	if !s.PeekASN1Tag(der.INTEGER) {
		return true
	}
	var n int
	return s.ReadASN1Integer(&n) && n == p.keySize
}
