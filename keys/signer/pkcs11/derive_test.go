package pkcs11

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/internal/hashtocurve"
	"github.com/zkkex/zkkex/keys/signer"
)

func deriver(t *testing.T, s signer.Signer) signer.Deriver {
	t.Helper()
	d, ok := s.(signer.Deriver)
	if !ok {
		t.Fatal("the key does not derive")
	}
	return d
}

// expected computes with the private key what a token must give.
func expected(t *testing.T, o *fakeObject, label string) [32]byte {
	t.Helper()
	point, err := hashtocurve.Hash(o.curve, []byte(label), string(domain.DevicePoint))
	if err != nil {
		t.Fatal(err)
	}
	encoded := point.Uncompressed()
	out, err := stretch(publicOf(t, o.curve, o.sk), multiple(o.curve, o.sk, encoded[:]), label)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDerive(t *testing.T) {
	for _, c := range []eckey.Curve{eckey.P256, eckey.Secp256k1} {
		f, token, private := desk(t, c)
		s := mustOpen(t, f, "?"+modulePath, (&person{pin: rightPIN}).options())
		d := deriver(t, s)
		seen := map[[32]byte]string{}
		for _, label := range []string{"delegate 1", "delegate 2", "x"} {
			got, err := d.Derive(t.Context(), label)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := d.Derive(t.Context(), label); err != nil || again != got {
				t.Errorf("%v, %q: %x, then %x, %v", c, label, got, again, err)
			}
			if got != expected(t, private, label) {
				t.Errorf("%v, %q: not HKDF of ECDH with the hash of the label", c, label)
			}
			if other, taken := seen[got]; taken {
				t.Errorf("%q and %q give the same", label, other)
			}
			seen[got] = label
		}
		if len(token.objects) != 2 {
			t.Errorf("%d objects, want 2: derived secrets stay in the token", len(token.objects))
		}
	}
}

// A shared x with zeros in front is 32 bytes, too.
func TestDeriveLeadingZero(t *testing.T) {
	f, _, private := desk(t, eckey.P256)
	d := deriver(t, mustOpen(t, f, "?"+modulePath, (&person{pin: rightPIN}).options()))
	label := leadingZero(t, private)
	if got, err := d.Derive(t.Context(), label); err != nil || got != expected(t, private, label) {
		t.Errorf("%v", err)
	}
}

// leadingZero returns a label whose shared x begins with a zero byte.
func leadingZero(t *testing.T, o *fakeObject) string {
	t.Helper()
	for i := range 1 << 13 { // one in 256 will do
		label := fmt.Sprint("delegate ", i)
		point, err := hashtocurve.Hash(o.curve, []byte(label), string(domain.DevicePoint))
		if err != nil {
			t.Fatal(err)
		}
		encoded := point.Uncompressed()
		if multiple(o.curve, o.sk, encoded[:])[0] == 0 {
			return label
		}
	}
	t.Fatal("no label found")
	return ""
}

func TestDeriveLabel(t *testing.T) {
	f, _, _ := desk(t, eckey.P256)
	d := deriver(t, mustOpen(t, f, "?"+modulePath, (&person{pin: rightPIN}).options()))
	for _, label := range []string{"", strings.Repeat("x", maxLabel+1)} {
		if _, err := d.Derive(t.Context(), label); err == nil || !strings.Contains(err.Error(), "label") {
			t.Errorf("%d bytes: %v", len(label), err)
		}
	}
	if f.count("deriveECDH") != 0 {
		t.Error("the token was asked")
	}
}

func TestNotADeriver(t *testing.T) {
	for name, change := range map[string]func(*fakeToken, *fakeObject){
		"the key may not":   func(_ *fakeToken, o *fakeObject) { o.attributes[attrDerive] = false },
		"the token cannot":  func(t *fakeToken, _ *fakeObject) { t.methods = []uint{mechanismECDSA} },
		"nothing about it ": func(_ *fakeToken, o *fakeObject) { delete(o.attributes, attrDerive) },
	} {
		f, token, private := desk(t, eckey.P256)
		change(token, private)
		if _, ok := mustOpen(t, f, "?"+modulePath, (&person{pin: rightPIN}).options()).(signer.Deriver); ok {
			t.Errorf("%s: it derives", name)
		}
	}
}

// Tokens that keep derived secrets to themselves say so when it is tried.
func TestDeriveNotAllowed(t *testing.T) {
	for _, v := range []rv{rvTemplateInconsistent, rvAttributeValueInvalid, rvKeyFunctionNotPermitted, rvMechanismParamInvalid, rvFunctionNotSupported} {
		f, _, _ := desk(t, eckey.P256)
		d := deriver(t, mustOpen(t, f, "?"+modulePath, (&person{pin: rightPIN}).options()))
		f.faults["deriveECDH"] = func() error { return v }
		if _, err := d.Derive(t.Context(), "x"); !errors.Is(err, signer.ErrUnsupportedKey) || !errors.Is(err, zkkex.ErrUnsupported) || !errors.Is(err, v) {
			t.Errorf("%v: %v, want ErrUnsupportedKey and ErrUnsupported", v, err)
		}
	}
	f, _, _ := desk(t, eckey.P256)
	d := deriver(t, mustOpen(t, f, "?"+modulePath, (&person{pin: rightPIN}).options()))
	f.faults["attribute"] = func() error { return rvAttributeSensitive }
	if _, err := d.Derive(t.Context(), "x"); !errors.Is(err, zkkex.ErrUnsupported) || f.count("destroy") != 1 {
		t.Errorf("sensitive: %v, %d destroyed", err, f.count("destroy"))
	}
}

// Something else than ECDH would give another delegate tomorrow.
func TestDeriveWrong(t *testing.T) {
	for name, c := range map[string]struct {
		secret func([]byte) []byte
		want   error
	}{
		"another":   {func(x []byte) []byte { x[5] ^= 1; return x }, signer.ErrBadSignature},
		"backwards": {func(x []byte) []byte { slices.Reverse(x); return x }, signer.ErrBadSignature},
		"constant":  {func([]byte) []byte { return make([]byte, 32) }, signer.ErrBadSignature},
		"cut":       {func(x []byte) []byte { return x[1:] }, signer.ErrUnsupportedKey},
		"both":      {func(x []byte) []byte { return append(x, x...) }, signer.ErrUnsupportedKey},
		"nothing":   {func([]byte) []byte { return nil }, signer.ErrUnsupportedKey},
		"from memory": {func() func([]byte) []byte {
			m := make([]byte, 32)
			m[0] = 9
			return func([]byte) []byte { return slices.Clone(m) }
		}(), signer.ErrBadSignature},
	} {
		f, token, _ := desk(t, eckey.P256)
		d := deriver(t, mustOpen(t, f, "?"+modulePath, (&person{pin: rightPIN}).options()))
		token.secret = c.secret
		if out, err := d.Derive(t.Context(), "x"); !errors.Is(err, c.want) || out != [32]byte{} {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestDeriveTokenComesBack(t *testing.T) {
	f, _, private := desk(t, eckey.P256)
	p := &person{pin: rightPIN}
	s := mustOpen(t, f, "?"+modulePath, p.options())
	f.insert(0, f.remove(0))
	if got, err := deriver(t, s).Derive(t.Context(), "x"); err != nil || got != expected(t, private, "x") || len(p.asked) != 1 {
		t.Errorf("%v, asked %q", err, p.asked)
	}
}
