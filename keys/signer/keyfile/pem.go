package keyfile

import (
	"encoding/pem"
	"fmt"

	"github.com/zkkex/zkkex/keys/signer"
)

// convert tells how to turn an encrypted or odd PEM file into one that is read.
const convert = "on P-256, ssh-keygen -p -f FILE writes it as an OpenSSH key and keeps a passphrase; otherwise openssl pkcs8 -topk8 -nocrypt -in FILE -out FILE.pem writes it without one"

// parsePEM reads a PEM file (RFC 7468) with one private key. Certificates, public keys
// and parameters beside it are passed over.
func parsePEM(text []byte, passphrase func() (string, error)) (*private, error) {
	block, err := onePrivate(text)
	if err != nil {
		return nil, err
	}
	defer clear(block.Bytes)
	if block.Headers["Proc-Type"] != "" {
		return nil, fmt.Errorf("%w: a PEM file encrypted in the way of old versions of OpenSSL, without a MAC; %s", signer.ErrUnsupportedKey, convert)
	}
	switch block.Type {
	case "PRIVATE KEY":
		return parsePKCS8(block.Bytes)
	case "EC PRIVATE KEY":
		return parseSEC1(block.Bytes, 0)
	case "OPENSSH PRIVATE KEY":
		return parseOpenSSH(block, passphrase)
	case "ENCRYPTED PRIVATE KEY":
		return parseEncryptedPKCS8(block.Bytes, passphrase)
	}
	return nil, fmt.Errorf("%w: %q, expected an elliptic curve key", signer.ErrUnsupportedKey, block.Type)
}

// onePrivate returns the one block of a file that holds a private key.
func onePrivate(text []byte) (*pem.Block, error) {
	var found *pem.Block
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		switch block.Type {
		case "EC PARAMETERS", "CERTIFICATE", "PUBLIC KEY":
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("%w: the file holds several private keys, expected one to a file", signer.ErrAmbiguous)
		}
		found = block
	}
	if found == nil {
		return nil, malformed("no private key in PEM")
	}
	return found, nil
}
