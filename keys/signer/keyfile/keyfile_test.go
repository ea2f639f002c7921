package keyfile

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/internal/regularfile"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/keys/signer"
)

// The private keys of testdata, as openssl ec -text shows them.
var scalars = map[eckey.Curve]string{
	eckey.P256:      "798275c909041b259229d60c0c4f7e2780bf010b329ac8e141fa239f9ceb8661",
	eckey.Secp256k1: "9517e956446b624b4f18d82e479e2809ba51c9658a44b1ece70c68f210dfdcec",
}

const testPassphrase = "passphrase"

// stored writes a key file that only its owner may read, and returns its path.
func stored(t *testing.T, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// answering returns options that answer with a passphrase, and how often they did.
func answering(passphrase string) (signer.Options, *int) {
	asked := 0
	return signer.Options{PIN: func(string) (string, error) { asked++; return passphrase, nil }}, &asked
}

// openText opens a key from its text.
func openText(t *testing.T, text []byte, o signer.Options) (signer.Signer, error) {
	t.Helper()
	return signer.Open(context.Background(), "file:"+stored(t, text), o)
}

func certificate() *envelope.Message {
	return &envelope.Message{Purpose: envelope.Certificate, Binding: zkkex.Binding{1, 2, 3}}
}

// Every form in which OpenSSL and OpenSSH write a key is read, and signs.
func TestFormats(t *testing.T) {
	for name, c := range map[string]struct {
		curve     eckey.Curve
		questions int
	}{
		"p256-sec1.pem":            {eckey.P256, 0},
		"p256-sec1-params.pem":     {eckey.P256, 0},
		"p256-sec1-compressed.pem": {eckey.P256, 0},
		"p256-sec1-no-public.pem":  {eckey.P256, 0},
		"p256-pkcs8.pem":           {eckey.P256, 0},
		"p256-pbes2.pem":           {eckey.P256, 1},
		"p256-pbes2-sha1.pem":      {eckey.P256, 1},
		"p256-pbes2-sha512.pem":    {eckey.P256, 1},
		"p256-openssh":             {eckey.P256, 0},
		"p256-openssh-encrypted":   {eckey.P256, 1},
		"secp256k1-sec1.pem":       {eckey.Secp256k1, 0},
		"secp256k1-pkcs8.pem":      {eckey.Secp256k1, 0},
		"secp256k1-pbes2.pem":      {eckey.Secp256k1, 1},
	} {
		o, asked := answering(testPassphrase)
		s, err := openText(t, testdata(t, name), o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if *asked != c.questions || s.KeyType() != c.curve.KeyType() || s.Envelope() != envelope.Raw || s.Name() != `file "key"` {
			t.Errorf("%s: %d questions, a key of type %v in %v, called %s", name, *asked, s.KeyType(), s.Envelope(), s.Name())
		}
		checkSigner(t, name, s, c.curve)
	}
}

// checkSigner checks what a signer of testdata's key of a curve does, and closes it.
func checkSigner(t *testing.T, name string, s signer.Signer, curve eckey.Curve) {
	t.Helper()
	for range 4 { // a high s comes every other time
		sig, err := s.Sign(context.Background(), certificate())
		if err != nil || !bytes.Equal(sig.PublicKey, s.PublicKey()) {
			t.Fatalf("%s: %v", name, err)
		}
		if err := s.Envelope().Verify(s.KeyType(), s.PublicKey(), certificate(), sig.Bytes); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	var held []byte
	if err := s.(signer.ScalarHolder).WithScalar(func(sk []byte) error {
		held = sk
		if hex.EncodeToString(sk) != scalars[curve] {
			t.Errorf("%s: another scalar", name)
		}
		return nil
	}); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	if !bytes.Equal(held, make([]byte, 32)) {
		t.Errorf("%s: the scalar was not wiped", name)
	}
	shown := fmt.Sprintf("%v %+v %#v %x %q", s, s, s, s, s)
	if strings.Contains(shown, scalars[curve][:8]) || strings.Contains(shown, hex.EncodeToString([]byte(scalars[curve][:8]))) {
		t.Errorf("%s: it is shown as %s", name, shown)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Sign(ctx, certificate()); !errors.Is(err, context.Canceled) {
		t.Errorf("%s: cancelled: %v", name, err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	if _, err := s.Sign(context.Background(), certificate()); !errors.Is(err, signer.ErrClosed) {
		t.Errorf("%s: closed: %v", name, err)
	}
}

func TestWrongPassphrase(t *testing.T) {
	for _, name := range []string{"p256-pbes2.pem", "p256-pbes2-sha1.pem", "secp256k1-pbes2.pem", "p256-openssh-encrypted"} {
		o, asked := answering("Passphrase")
		if _, err := openText(t, testdata(t, name), o); !errors.Is(err, signer.ErrPIN) || *asked != 1 {
			t.Errorf("%s: %v after %d questions", name, err, *asked)
		}
		if _, err := openText(t, testdata(t, name), signer.Options{}); !errors.Is(err, signer.ErrPIN) {
			t.Errorf("%s, nobody to ask: %v", name, err)
		}
		own := errors.New("the terminal is closed")
		o.PIN = func(string) (string, error) { return "", own }
		if _, err := openText(t, testdata(t, name), o); !errors.Is(err, own) {
			t.Errorf("%s, nobody answers: %v", name, err)
		}
	}
}

// Kinds of keys that are refused say why, and what to do.
func TestRefused(t *testing.T) {
	two := append(testdata(t, "p256-sec1.pem"), testdata(t, "secp256k1-sec1.pem")...)
	for name, c := range map[string]struct {
		text []byte
		want error
		says string
	}{
		"P-384":              {testdata(t, "bad-p384-sec1.pem"), signer.ErrWrongCurve, "P-384"},
		"P-384 in PKCS#8":    {testdata(t, "bad-p384-pkcs8.pem"), signer.ErrWrongCurve, "P-384"},
		"P-384 of OpenSSH":   {testdata(t, "bad-openssh-p384"), signer.ErrWrongCurve, "ssh-keygen -t ecdsa -b 256"},
		"explicit curve":     {testdata(t, "bad-explicit.pem"), signer.ErrWrongCurve, "-param_enc named_curve"},
		"Ed25519":            {testdata(t, "bad-ed25519.pem"), signer.ErrUnsupportedKey, "Ed25519"},
		"Ed25519 of OpenSSH": {testdata(t, "bad-openssh-ed25519"), signer.ErrUnsupportedKey, "ssh-ed25519"},
		"RSA":                {testdata(t, "bad-rsa.pem"), signer.ErrUnsupportedKey, "RSA"},
		"triple DES":         {testdata(t, "bad-pbes2-des3.pem"), signer.ErrUnsupportedKey, "-v2 aes-256-cbc"},
		"scrypt":             {testdata(t, "bad-pbes2-scrypt.pem"), signer.ErrUnsupportedKey, "openssl pkcs8"},
		"old encryption":     {testdata(t, "bad-sec1-encrypted.pem"), signer.ErrUnsupportedKey, "openssl pkcs8"},
		"two keys":           {two, signer.ErrAmbiguous, "several"},
		"public key":         {testdata(t, "bad-public.pem"), zkkex.ErrMalformed, "no private key"},
		"SSH public key":     {[]byte("ecdsa-sha2-nistp256 AAAA me"), zkkex.ErrMalformed, "ssh-agent:"},
		"key of zkkex":       {[]byte("zkkex/v1 key\n"), zkkex.ErrMalformed, "of zkkex"},
		"DER":                {[]byte{0x30, 0}, zkkex.ErrMalformed, "-inform DER"},
		"other PEM":          {[]byte("-----BEGIN X-----\nAAAA\n-----END X-----\n"), signer.ErrUnsupportedKey, `"X"`},
		"broken PEM":         {[]byte("-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----\n"), zkkex.ErrMalformed, "no private key"},
		"nothing":            {nil, zkkex.ErrMalformed, "-----BEGIN"},
		"large":              {bytes.Repeat([]byte(" "), MaxFile+1), zkkex.ErrMalformed, "65536"},
	} {
		o, asked := answering(testPassphrase)
		s, err := openText(t, c.text, o)
		if s != nil || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, expected %v about %s", name, err, c.want, c.says)
		}
		if *asked != 0 {
			t.Errorf("%s: a passphrase was asked for in vain", name)
		}
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	if _, err := signer.Open(context.Background(), "file:"+filepath.Join(dir, "none"), signer.Options{}); !errors.Is(err, signer.ErrNoKey) {
		t.Errorf("missing: %v", err)
	}
	if _, err := signer.Open(context.Background(), "file:"+dir, signer.Options{}); !errors.Is(err, regularfile.ErrIrregular) {
		t.Errorf("folder: %v", err)
	}
	path := stored(t, testdata(t, "p256-pkcs8.pem"))
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := signer.Open(context.Background(), "file:"+path, signer.Options{}); !errors.Is(err, keys.ErrFileMode) || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Dir(path))
	s, err := signer.Open(context.Background(), "file:key", signer.Options{})
	if err != nil {
		t.Fatalf("a relative path: %v", err)
	}
	s.Close()
}
