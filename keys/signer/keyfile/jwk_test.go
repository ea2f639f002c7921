package keyfile

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/keys/signer"
	"github.com/zkkex/zkkex/keys/signer/internal/softkey"
)

// The key of RFC 7515, appendix A.3.
const rfcJWK = `{"kty":"EC",
 "crv":"P-256",
 "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
 "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
 "d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"
}`

func TestJWKVector(t *testing.T) {
	k, err := parse([]byte(rfcJWK), nil)
	if err != nil || k.curve != eckey.P256 {
		t.Fatalf("%v", err)
	}
	if d := base64.RawURLEncoding.EncodeToString(k.scalar); !strings.Contains(rfcJWK, `"d":"`+d) {
		t.Error("another scalar")
	}
}

// jwkOf returns testdata's key of a curve as a JWK.
func jwkOf(t *testing.T, curve eckey.Curve) string {
	t.Helper()
	scalar := unhex(t, scalars[curve])
	p := point(t, curve, scalar)
	x, y := p.X(), p.Y()
	e := base64.RawURLEncoding.EncodeToString
	return fmt.Sprintf(`{"kty":"EC","crv":"%v","x":"%s","y":"%s","d":"%s"}`, curve, e(x[:]), e(y[:]), e(scalar))
}

func TestJWKSigns(t *testing.T) {
	for _, curve := range []eckey.Curve{eckey.P256, eckey.Secp256k1} {
		s, err := openText(t, []byte(jwkOf(t, curve)), signer.Options{})
		if err != nil {
			t.Fatal(err)
		}
		checkSigner(t, curve.String(), s, curve)
	}
}

func TestJWKRefused(t *testing.T) {
	good := jwkOf(t, eckey.P256)
	x := good[strings.Index(good, `"x":"`)+5:][:43]
	d := good[strings.Index(good, `"d":"`)+5:][:43]
	// 32 bytes have 43 digits, of which the last carries two bits that mean nothing.
	twin := d[:42] + string(d[42]+1)
	zero := base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	order := base64.RawURLEncoding.EncodeToString(eckey.P256.Order().Bytes())
	for name, c := range map[string]struct {
		old, replacement string
		want             error
		says             string
	}{
		"unknown member":   {`{`, `{"kid":"1","iat":0,"x5c":["a"],`, nil, ""},
		"use":              {`{`, `{"use":"sig","alg":"ES256","key_ops":["verify","sign"],"ext":true,`, nil, ""},
		"for encryption":   {`{`, `{"use":"enc",`, signer.ErrUnsupportedKey, "enc"},
		"other algorithm":  {`{`, `{"alg":"ES256K",`, signer.ErrUnsupportedKey, "ES256"},
		"for ECDH":         {`{`, `{"key_ops":["deriveBits"],`, signer.ErrUnsupportedKey, "deriveBits"},
		"operations":       {`{`, `{"key_ops":"sign",`, zkkex.ErrMalformed, "key_ops"},
		"no operations":    {`{`, `{"key_ops":null,`, zkkex.ErrMalformed, "key_ops"},
		"RSA":              {`"EC"`, `"RSA"`, signer.ErrUnsupportedKey, "RSA"},
		"symmetric":        {`"EC"`, `"oct"`, signer.ErrUnsupportedKey, "oct"},
		"no type":          {`"kty":"EC",`, ``, zkkex.ErrMalformed, "kty"},
		"type's type":      {`"EC"`, `7`, zkkex.ErrMalformed, "kty"},
		"P-384":            {`P-256`, `P-384`, signer.ErrWrongCurve, "P-384"},
		"the other curve":  {`P-256`, `secp256k1`, eckey.ErrNotOnCurve, ""},
		"no curve":         {`"crv":"P-256",`, ``, signer.ErrWrongCurve, ""},
		"curve's type":     {`"P-256"`, `256`, zkkex.ErrMalformed, "crv"},
		"use's type":       {`{`, `{"use":["sig"],`, zkkex.ErrMalformed, "use"},
		"algorithm's type": {`{`, `{"alg":7,`, zkkex.ErrMalformed, "alg"},
		"name's type":      {`{`, `{7:"x",`, zkkex.ErrMalformed, "JSON"},
		"no value":         {`"EC"`, ``, zkkex.ErrMalformed, "JSON"},
		"older keystore":   {good, `{"version":3,"Crypto":{}}`, zkkex.ErrMalformed, "eth:PATH"},
		"public":           {`,"d":"` + d + `"`, ``, zkkex.ErrMalformed, "public key"},
		"twice":            {`"d":`, `"d":"` + d + `","d":`, zkkex.ErrMalformed, "twice"},
		"null":             {`"` + d + `"`, `null`, zkkex.ErrMalformed, `"d"`},
		"no canonical d":   {d, twin, zkkex.ErrMalformed, `"d"`},
		"padding":          {d, d + "=", zkkex.ErrMalformed, `"d"`},
		"line end":         {d, d[:20] + `\n` + d[20:], zkkex.ErrMalformed, `"d"`},
		"other alphabet":   {d, "+" + d[1:], zkkex.ErrMalformed, `"d"`},
		"31 bytes":         {d, d[:42], zkkex.ErrMalformed, `"d"`},
		"33 bytes":         {d, d[:42] + "AA", zkkex.ErrMalformed, `"d"`},
		"d is 0":           {d, zero, softkey.ErrRange, ""},
		"d is the order":   {d, order, softkey.ErrRange, ""},
		"another's d":      {d, zero[:42] + "E", zkkex.ErrMalformed, "not that of"},
		"off the curve":    {x, zero[:42] + "A", eckey.ErrNotOnCurve, ""},
		"no x":             {`"x":"` + x + `",`, ``, zkkex.ErrMalformed, `"x"`},
		"set":              {good, `{"keys":[` + good + `]}`, zkkex.ErrMalformed, "set of JWKs"},
		"keystore":         {good, `{"version":3,"crypto":{}}`, zkkex.ErrMalformed, "eth:PATH"},
		"something after":  {`}`, `}{}`, zkkex.ErrMalformed, "follows"},
		"truncated":        {`}`, ``, zkkex.ErrMalformed, "JSON"},
		"too many members": {`{`, `{` + many(), zkkex.ErrMalformed, "32"},
	} {
		text := strings.Replace(good, c.old, c.replacement, 1)
		if text == good {
			t.Fatalf("%s: nothing was changed", name)
		}
		_, err := parse([]byte(text), nil)
		if !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, expected %v about %s", name, err, c.want, c.says)
		}
		if err != nil && strings.Contains(err.Error(), d[:8]) {
			t.Errorf("%s: the error tells the key: %v", name, err)
		}
	}
}

func many() string {
	var b strings.Builder
	for i := range maxMembers {
		fmt.Fprintf(&b, `"m%d":0,`, i)
	}
	return b.String()
}

// FuzzParse checks that every file is read as a key that fits or gives a typed error.
func FuzzParse(f *testing.F) {
	f.Add([]byte(rfcJWK))
	for _, name := range []string{
		"p256-sec1-params.pem", "p256-pkcs8.pem", "p256-openssh", "secp256k1-pkcs8.pem",
		"p256-pbes2.pem", "p256-openssh-encrypted", "bad-explicit.pem", "bad-rsa.pem",
	} {
		f.Add(testdata(f, name))
	}
	noPassphrase := errors.New("no passphrase")
	typed := []error{
		zkkex.ErrMalformed, signer.ErrWrongCurve, signer.ErrUnsupportedKey, signer.ErrAmbiguous, noPassphrase,
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		k, err := parse(text, func() (string, error) { return "", noPassphrase })
		if err != nil {
			for _, want := range typed {
				if errors.Is(err, want) {
					return
				}
			}
			t.Fatalf("untyped: %v", err)
		}
		if _, err := softkey.New(k.curve, k.scalar, envelope.Raw, ""); err != nil {
			t.Fatalf("%s: %v", hex.EncodeToString(k.scalar), err)
		}
	})
}
