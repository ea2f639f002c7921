package sshagent

import (
	"crypto/ecdsa"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys/signer"
)

// fingerprintPrefix begins a fingerprint, which is the SHA-256 of the key's blob in
// base64 without padding.
const fingerprintPrefix = "SHA256:"

// maxListed bounds how many keys an error lists.
const maxListed = 32

// checkName returns an error wrapping [zkkex.ErrMalformed] for what begins like a
// fingerprint and is none.
func checkName(name string) error {
	encoded, is := strings.CutPrefix(name, fingerprintPrefix)
	if !is {
		return nil
	}
	if b, err := base64.RawStdEncoding.Strict().DecodeString(encoded); err != nil || len(b) != 32 {
		return &zkkex.ParseError{Format: "ssh-agent URI", Err: fmt.Errorf("expected a fingerprint as ssh-add -l shows it: %s and 43 characters", fingerprintPrefix)}
	}
	return nil
}

// choose returns the one key with a fingerprint or a comment that can sign. It returns
// an error wrapping [signer.ErrNoKey], [signer.ErrAmbiguous], [signer.ErrWrongCurve],
// [signer.ErrUnsupportedKey] or [zkkex.ErrMalformed].
func choose(keys []*agent.Key, name string) (*agent.Key, error) {
	var fits []*agent.Key
	var refused error
	for _, k := range keys {
		if k.Comment != name && ssh.FingerprintSHA256(k) != name {
			continue
		}
		if err := usable(k.Format); err != nil {
			refused = fmt.Errorf("%w: %s is of type %.64q", err, ssh.FingerprintSHA256(k), k.Format)
			continue
		}
		fits = append(fits, k)
	}
	switch {
	case len(fits) == 1:
		return fits[0], nil
	case len(fits) > 1:
		return nil, &signer.KeysError{Err: signer.ErrAmbiguous, Where: "the ssh-agent", Keys: list(fits)}
	case refused != nil:
		return nil, refused
	case len(keys) == 0:
		return nil, fmt.Errorf("%w: the ssh-agent shows no keys: add one with ssh-add, or unlock the agent with ssh-add -X if it is locked", signer.ErrNoKey)
	default:
		return nil, &signer.KeysError{Err: signer.ErrNoKey, Where: "the ssh-agent", Keys: list(keys)}
	}
}

// list names keys by their fingerprints.
func list(keys []*agent.Key) (uris []string) {
	for i, k := range keys {
		if i == maxListed {
			return append(uris, "and others")
		}
		note := ""
		if usable(k.Format) != nil {
			note = ", which cannot be used"
		}
		uris = append(uris, fmt.Sprintf("%s:%s (%.64q, %.64s%s)", scheme.Name, ssh.FingerprintSHA256(k), k.Comment, k.Format, note))
	}
	return uris
}

// usable returns nil for the one type of keys that a registry admits.
func usable(format string) error {
	switch format {
	case ssh.KeyAlgoECDSA256:
		return nil
	case ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521:
		return fmt.Errorf("%w: expected ecdsa-sha2-nistp256, made with ssh-keygen -t ecdsa -b 256", signer.ErrWrongCurve)
	case ssh.KeyAlgoSKECDSA256, ssh.KeyAlgoSKED25519:
		return fmt.Errorf("%w: a FIDO token signs flags and a counter of its own together with the message, which no circuit reads; expected ecdsa-sha2-nistp256, which may live in the token's PIV or PKCS#11 part", signer.ErrUnsupportedKey)
	case ssh.CertAlgoECDSA256v01, ssh.CertAlgoSKECDSA256v01:
		return fmt.Errorf("%w: it is a certificate; name the key itself", signer.ErrUnsupportedKey)
	default:
		return fmt.Errorf("%w: expected ecdsa-sha2-nistp256, made with ssh-keygen -t ecdsa -b 256", signer.ErrUnsupportedKey)
	}
}

// publicKey decodes the key's blob (RFC 5656, section 3.1).
func publicKey(k *agent.Key) (eckey.PublicKey, error) {
	parsed, err := ssh.ParsePublicKey(k.Blob)
	if err != nil {
		return eckey.PublicKey{}, malformed(err)
	}
	if string(parsed.Marshal()) != string(k.Blob) {
		return eckey.PublicKey{}, malformed(fmt.Errorf("the key is not encoded in the one way"))
	}
	holder, ok := parsed.(ssh.CryptoPublicKey)
	if !ok {
		return eckey.PublicKey{}, malformed(fmt.Errorf("%T is no ECDSA key", parsed))
	}
	key, ok := holder.CryptoPublicKey().(*ecdsa.PublicKey)
	if !ok {
		return eckey.PublicKey{}, malformed(fmt.Errorf("%T is no ECDSA key", holder.CryptoPublicKey()))
	}
	encoded, err := key.Bytes()
	if err != nil {
		return eckey.PublicKey{}, malformed(err)
	}
	return eckey.P256.FromUncompressed(encoded)
}
