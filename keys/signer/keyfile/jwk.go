package keyfile

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys/signer"
)

// maxMembers bounds the members of a JWK.
const maxMembers = 32

// jwk is the members of a JSON Web Key that are understood. Others are ignored, as RFC
// 7517, section 4, says they must be.
type jwk map[string]json.RawMessage

// parseJWK reads an EC private key as a JSON Web Key (RFC 7517; RFC 7518, section 6.2;
// RFC 8812 for secp256k1). No member stands in it twice, coordinates have their full 32
// bytes, and base64url is canonical.
func parseJWK(text []byte) (*private, error) {
	k, err := readMembers(text)
	if err != nil {
		return nil, err
	}
	if err := k.checkKind(); err != nil {
		return nil, err
	}
	curve, err := k.curve()
	if err != nil {
		return nil, err
	}
	if err := k.checkUse(curve); err != nil {
		return nil, err
	}
	var point = []byte{4}
	for _, name := range []string{"x", "y"} {
		b, err := k.coordinate(name)
		if err != nil {
			return nil, err
		}
		point = append(point, b...)
	}
	d, err := k.coordinate("d")
	if err != nil {
		return nil, err
	}
	defer clear(d)
	return checked(curve, d, point)
}

// readMembers decodes an object whose members have different names.
func readMembers(text []byte) (jwk, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, malformed("not a JSON object")
	}
	k := jwk{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, malformed("not JSON")
		}
		name, ok := token.(string)
		if !ok {
			return nil, malformed("not JSON")
		}
		if _, twice := k[name]; twice || len(k) == maxMembers {
			return nil, malformed("a JWK with the member %q twice, or with more than %d", name, maxMembers)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, malformed("not JSON")
		}
		k[name] = value
	}
	if _, err := decoder.Token(); err != nil {
		return nil, malformed("not JSON")
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, malformed("something follows the JWK")
	}
	return k, nil
}

// text returns a member that is a string, or "" if there is none.
func (k jwk) text(name string) (string, error) {
	raw, ok := k[name]
	if !ok {
		return "", nil
	}
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil || *s == "" {
		return "", malformed("JWK: %q is not a string", name)
	}
	return *s, nil
}

func (k jwk) checkKind() error {
	if _, ok := k["crypto"]; ok {
		return malformed("this is an Ethereum keystore, expected a JWK: name it eth:PATH")
	}
	if _, ok := k["Crypto"]; ok {
		return malformed("this is an Ethereum keystore, expected a JWK: name it eth:PATH")
	}
	if _, ok := k["keys"]; ok {
		return malformed("this is a set of JWKs, expected one: take it out of the list")
	}
	kind, err := k.text("kty")
	if err != nil {
		return err
	}
	if kind == "" {
		return malformed("a JSON object without %q, expected a JWK", "kty")
	}
	if kind != "EC" {
		return fmt.Errorf("%w: a JWK of the type %q, expected EC", signer.ErrUnsupportedKey, kind)
	}
	if _, ok := k["d"]; !ok {
		return malformed("JWK: no %q: this is a public key, expected a private one", "d")
	}
	return nil
}

func (k jwk) curve() (eckey.Curve, error) {
	name, err := k.text("crv")
	if err != nil {
		return 0, err
	}
	for _, c := range []eckey.Curve{eckey.P256, eckey.Secp256k1} {
		if name == c.String() {
			return c, nil
		}
	}
	return 0, fmt.Errorf("%w: %q, expected P-256 or secp256k1", signer.ErrWrongCurve, name)
}

// checkUse refuses a key whose owner said that it is for something else than signing.
func (k jwk) checkUse(curve eckey.Curve) error {
	use, err := k.text("use")
	if err != nil {
		return err
	}
	algorithm, err := k.text("alg")
	if err != nil {
		return err
	}
	var operations []string
	if raw, ok := k["key_ops"]; ok {
		if err := json.Unmarshal(raw, &operations); err != nil || operations == nil {
			return malformed("JWK: %q is not a list of strings", "key_ops")
		}
	}
	expected := map[eckey.Curve]string{eckey.P256: "ES256", eckey.Secp256k1: "ES256K"}[curve]
	switch {
	case use != "" && use != "sig":
		return fmt.Errorf("%w: the JWK's use is %q, expected sig", signer.ErrUnsupportedKey, use)
	case algorithm != "" && algorithm != expected:
		return fmt.Errorf("%w: the JWK's alg is %q, expected %s", signer.ErrUnsupportedKey, algorithm, expected)
	case operations != nil && !slices.Contains(operations, "sign"):
		return fmt.Errorf("%w: the JWK's key_ops are %q, expected sign among them", signer.ErrUnsupportedKey, operations)
	}
	return nil
}

// coordinate returns a member of 32 bytes.
func (k jwk) coordinate(name string) ([]byte, error) {
	s, err := k.text(name)
	if err != nil {
		return nil, err
	}
	encoding := base64.RawURLEncoding.Strict()
	b, err := encoding.DecodeString(s)
	if err != nil || len(b) != 32 || encoding.EncodeToString(b) != s { // it passes over line ends
		return nil, malformed("JWK: %q is not 32 bytes in base64url without padding", name)
	}
	return b, nil
}
