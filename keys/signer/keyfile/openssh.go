package keyfile

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/ssh"

	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys/signer"
)

// MaxBcryptRounds bounds what an OpenSSH key may ask for: some seconds. ssh-keygen
// writes 16 to 24.
const MaxBcryptRounds = 1024

// parseOpenSSH reads OpenSSH's own format (PROTOCOL.key of OpenSSH), encrypted or not.
func parseOpenSSH(block *pem.Block, passphrase func() (string, error)) (*private, error) {
	encrypted, outer, err := checkOpenSSH(block.Bytes)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(block)
	defer clear(text)
	key, err := rawOpenSSH(text, encrypted, passphrase)
	if err != nil {
		return nil, err
	}
	k, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%w: %T, expected ECDSA on P-256: ssh-keygen -t ecdsa -b 256 makes one", signer.ErrUnsupportedKey, key)
	}
	if k.Curve != elliptic.P256() {
		return nil, fmt.Errorf("%w: %s, expected P-256: ssh-keygen -t ecdsa -b 256 makes one", signer.ErrWrongCurve, k.Curve.Params().Name)
	}
	scalar, err := k.Bytes()
	if err != nil {
		return nil, malformed("%w", err)
	}
	defer clear(scalar)
	point, err := k.PublicKey.Bytes()
	if err != nil {
		return nil, malformed("%w", err)
	}
	return checked(eckey.P256, scalar, point, outer)
}

func rawOpenSSH(text []byte, encrypted bool, passphrase func() (string, error)) (any, error) {
	if !encrypted {
		key, err := ssh.ParseRawPrivateKey(text)
		if err != nil {
			return nil, malformed("%w", err)
		}
		return key, nil
	}
	password, err := passphrase()
	if err != nil {
		return nil, err
	}
	key, err := ssh.ParseRawPrivateKeyWithPassphrase(text, []byte(password))
	if errors.Is(err, x509.IncorrectPasswordError) {
		return nil, fmt.Errorf("%w: the passphrase is wrong", signer.ErrPIN)
	}
	if err != nil {
		return nil, malformed("%w", err)
	}
	return key, nil
}

// checkOpenSSH reads the head of a key, which says what work its passphrase takes and,
// outside of the encrypted part, what its public key is. It tells whether it is encrypted,
// and the encoding of the point.
func checkOpenSSH(b []byte) (encrypted bool, point []byte, err error) {
	s := cryptobyte.String(b)
	var magic []byte
	var cipher, kdf, options, public, algorithm, curve cryptobyte.String
	var n uint32
	if !s.ReadBytes(&magic, 15) || !bytes.Equal(magic, []byte("openssh-key-v1\x00")) ||
		!readString(&s, &cipher) || !readString(&s, &kdf) || !readString(&s, &options) ||
		!s.ReadUint32(&n) || !readString(&s, &public) || !readString(&public, &algorithm) {
		return false, nil, malformed("not an OpenSSH private key (PROTOCOL.key)")
	}
	if n != 1 {
		return false, nil, fmt.Errorf("%w: the file holds %d private keys, expected one", signer.ErrAmbiguous, n)
	}
	switch string(algorithm) {
	case ssh.KeyAlgoECDSA256:
		if !readString(&public, &curve) || string(curve) != "nistp256" || !readString(&public, (*cryptobyte.String)(&point)) || !public.Empty() {
			return false, nil, malformed("not a public key of %s", algorithm)
		}
	case ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521:
		return false, nil, fmt.Errorf("%w: %s, expected P-256: ssh-keygen -t ecdsa -b 256 makes one", signer.ErrWrongCurve, algorithm)
	default:
		return false, nil, fmt.Errorf("%w: %q, expected %s: ssh-keygen -t ecdsa -b 256 makes one", signer.ErrUnsupportedKey, []byte(algorithm), ssh.KeyAlgoECDSA256)
	}
	if string(kdf) == "none" {
		return false, point, nil
	}
	var salt cryptobyte.String
	var rounds uint32
	if string(kdf) != "bcrypt" || !readString(&options, &salt) || !options.ReadUint32(&rounds) || !options.Empty() {
		return false, nil, malformed("its passphrase is stretched by %q, expected bcrypt", []byte(kdf))
	}
	if rounds < 1 || rounds > MaxBcryptRounds {
		return false, nil, malformed("%d rounds of bcrypt, expected 1 to %d", rounds, MaxBcryptRounds)
	}
	return true, point, nil
}

// readString reads a string of SSH: its length in 4 bytes, and it.
func readString(s, out *cryptobyte.String) bool {
	var n uint32
	var b []byte
	if !s.ReadUint32(&n) || uint64(n) > uint64(len(*s)) || !s.ReadBytes(&b, int(n)) {
		return false
	}
	*out = b
	return true
}
