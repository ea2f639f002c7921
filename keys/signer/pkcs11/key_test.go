package pkcs11

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/keys/signer"
)

const modulePath = "module-path=/lib/token.so"

// person types a PIN, and keeps what they were asked.
type person struct {
	pin   string
	asked []string
	told  []string
}

func (p *person) options() *signer.Options {
	return &signer.Options{
		PIN:    func(what string) (string, error) { p.asked = append(p.asked, what); return p.pin, nil },
		Notify: func(text string) { p.told = append(p.told, text) },
	}
}

func message(seed byte) *envelope.Message {
	return &envelope.Message{Purpose: envelope.Certificate, Binding: zkkex.Binding{seed, 1}}
}

// desk is a library with one token with one key.
func desk(t *testing.T, c eckey.Curve) (*fake, *fakeToken, *fakeObject) {
	t.Helper()
	private, public := newPair(t, c, "mm-1", "\x01")
	token := newToken("desk", private, public)
	return newFake(t, token), token, private
}

// open opens a key until the test's end. An error leaves nothing open.
func open(t *testing.T, f *fake, rest string, o *signer.Options) (signer.Signer, error) {
	t.Helper()
	s, err := openKey(t.Context(), rest, o, f.load)
	if err != nil {
		if left := f.leaks(); left != nil {
			t.Errorf("after %v: %v", err, left)
		}
		return nil, err
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	})
	return s, nil
}

func mustOpen(t *testing.T, f *fake, rest string, o *signer.Options) signer.Signer {
	t.Helper()
	s, err := open(t, f, rest, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// verify checks a signature without the package's own check.
func verify(t *testing.T, s signer.Signer, m *envelope.Message, sig *signer.Signature) {
	t.Helper()
	if string(sig.PublicKey) != string(s.PublicKey()) {
		t.Errorf("signed with %x, the key is %x", sig.PublicKey, s.PublicKey())
	}
	if err := s.Envelope().Verify(s.KeyType(), sig.PublicKey, m, sig.Bytes); err != nil {
		t.Error(err)
	}
}

func TestSign(t *testing.T) {
	for _, c := range []eckey.Curve{eckey.P256, eckey.Secp256k1} {
		f, _, _ := desk(t, c)
		p := &person{pin: rightPIN}
		s := mustOpen(t, f, "token=desk;object=mm-1?"+modulePath, p.options())
		if s.KeyType() != c.KeyType() || s.Envelope() != envelope.Raw {
			t.Errorf("%v in %v, want %v", s.KeyType(), s.Envelope(), c)
		}
		for i := range byte(8) {
			sig, err := s.Sign(t.Context(), message(i))
			if err != nil {
				t.Fatal(err)
			}
			verify(t, s, message(i), sig)
		}
		if len(p.asked) != 1 || p.asked[0] != `the PIN of token "desk"` || len(p.told) != 0 {
			t.Errorf("asked %q, told %q", p.asked, p.told)
		}
		if s.Name() != `token "desk", key "mm-1"` {
			t.Error(s.Name())
		}
	}
}

// Tokens write the public key in four ways, in one of two places.
func TestPublicKeyForms(t *testing.T) {
	for _, c := range []eckey.Curve{eckey.P256, eckey.Secp256k1} {
		for _, inPrivate := range []bool{false, true} {
			f, token, private := desk(t, c)
			public := publicOf(t, c, private.sk)
			long, short := public.Uncompressed(), public.Bytes()
			for name, b := range map[string][]byte{
				"DER": append([]byte{4, 65}, long[:]...), "raw": long[:],
				"compressed DER": append([]byte{4, 33}, short[:]...), "compressed": short[:],
			} {
				if inPrivate {
					private.attributes[attrECPoint] = b
					token.objects = []*fakeObject{private}
				} else {
					token.objects[1].attributes[attrECPoint] = b
				}
				s, err := openKey(t.Context(), "?"+modulePath, (&person{pin: rightPIN}).options(), f.load)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if string(s.PublicKey()) != string(short[:]) {
					t.Errorf("%s: %x, want %x", name, s.PublicKey(), short)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

func TestPublicKeyRefused(t *testing.T) {
	for name, b := range map[string][]byte{
		"none": {}, "a header": {4}, "too short": {4, 2, 4, 1}, "a long form": append([]byte{4, 0x81, 65, 4}, make([]byte, 64)...),
		"trailing bytes": append([]byte{4, 65, 4}, make([]byte, 65)...), "not on the curve": append([]byte{4}, make([]byte, 64)...),
		"infinity": {0}, "hybrid": append([]byte{6}, make([]byte, 64)...), "huge": make([]byte, 1<<16),
	} {
		f, token, _ := desk(t, eckey.P256)
		token.objects[1].attributes[attrECPoint] = b
		if _, err := open(t, f, "?"+modulePath, (&person{pin: rightPIN}).options()); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
}

// Both halves are answered with the lower one.
func TestHighS(t *testing.T) {
	for _, c := range []eckey.Curve{eckey.P256, eckey.Secp256k1} {
		f, token, _ := desk(t, c)
		s := mustOpen(t, f, "?"+modulePath, (&person{pin: rightPIN}).options())
		half := new(big.Int).Rsh(c.Order(), 1)
		for _, high := range []bool{true, false} {
			token.answer = func(sig []byte) []byte {
				if value := new(big.Int).SetBytes(sig[32:]); (value.Cmp(half) > 0) != high {
					new(big.Int).Sub(c.Order(), value).FillBytes(sig[32:])
				}
				return sig
			}
			sig, err := s.Sign(t.Context(), message(1))
			if err != nil {
				t.Fatal(err)
			}
			verify(t, s, message(1), sig)
			if new(big.Int).SetBytes(sig.Bytes[32:]).Cmp(half) > 0 {
				t.Errorf("%v: s is high", c)
			}
		}
	}
}

func TestBadSignatures(t *testing.T) {
	f, token, private := desk(t, eckey.P256)
	s := mustOpen(t, f, "?"+modulePath, (&person{pin: rightPIN}).options())
	other, _ := newPair(t, eckey.P256, "", "")
	for name, answer := range map[string]func([]byte) []byte{
		"none":        func([]byte) []byte { return nil },
		"63 bytes":    func(b []byte) []byte { return b[1:] },
		"65 bytes":    func(b []byte) []byte { return append(b, 0) },
		"DER":         func(b []byte) []byte { return append([]byte{0x30, 68, 2, 32}, append(b, 2, 32, 0, 0)...) },
		"r is 0":      func(b []byte) []byte { clear(b[:32]); return b },
		"s is 0":      func(b []byte) []byte { clear(b[32:]); return b },
		"r is n":      func(b []byte) []byte { eckey.P256.Order().FillBytes(b[:32]); return b },
		"another one": func([]byte) []byte { return ecdsaSign(eckey.P256, private.sk, make([]byte, 32)) },
		"another key": func([]byte) []byte {
			digest, _ := envelope.Raw.Digest(message(1))
			return ecdsaSign(eckey.P256, other.sk, digest[:])
		},
	} {
		token.answer = answer
		if sig, err := s.Sign(t.Context(), message(1)); !errors.Is(err, signer.ErrBadSignature) || sig != nil {
			t.Errorf("%s: %v, want ErrBadSignature", name, err)
		}
	}
	token.answer = nil
	if _, err := s.Sign(t.Context(), message(1)); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if _, err := s.Sign(t.Context(), &envelope.Message{}); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("no message: %v", err)
	}
}

func TestWrongPINIsTriedOnce(t *testing.T) {
	f, token, _ := desk(t, eckey.P256)
	p := &person{pin: "wrong-pin"}
	_, err := open(t, f, "?"+modulePath, p.options())
	if !errors.Is(err, signer.ErrPIN) || !strings.Contains(err.Error(), "CKR_PIN_INCORRECT") {
		t.Errorf("%v, want ErrPIN", err)
	}
	if strings.Contains(fmt.Sprint(err), "wrong-pin") {
		t.Error("the error tells the PIN")
	}
	if len(token.tries) != 1 || len(p.asked) != 1 {
		t.Errorf("tried %q, asked %q", token.tries, p.asked)
	}
}

func TestPINErrors(t *testing.T) {
	for v, want := range map[rv]error{
		rvPINLocked: signer.ErrPINLocked, rvPINInvalid: signer.ErrPIN, rvPINLenRange: signer.ErrPIN, rvPINExpired: signer.ErrPIN,
		rvUserPINNotInitialized: signer.ErrPIN, rvDeviceRemoved: signer.ErrGone, rvFunctionCanceled: signer.ErrRefused,
	} {
		f, _, _ := desk(t, eckey.P256)
		f.faults["login"] = func() error { return v }
		if _, err := open(t, f, "?"+modulePath, (&person{pin: rightPIN}).options()); !errors.Is(err, want) || !errors.Is(err, v) {
			t.Errorf("%v: %v, want %v", v, err, want)
		}
		if n := f.count("login"); n != 1 {
			t.Errorf("%v: %d logins, want 1", v, n)
		}
	}
}

func TestNobodyToAsk(t *testing.T) {
	f, _, _ := desk(t, eckey.P256)
	if _, err := open(t, f, "?"+modulePath, &signer.Options{}); !errors.Is(err, signer.ErrPIN) {
		t.Errorf("%v, want ErrPIN", err)
	}
	if f.count("login") != 0 {
		t.Error("tried without a PIN")
	}
}

func pinFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPINFile(t *testing.T) {
	f, token, _ := desk(t, eckey.P256)
	p := &person{}
	s := mustOpen(t, f, "?"+modulePath+"&pin-source="+pinFile(t, rightPIN+"\n"), p.options())
	if _, err := s.Sign(t.Context(), message(1)); err != nil {
		t.Error(err)
	}
	if len(p.asked) != 0 || len(token.tries) != 1 {
		t.Errorf("asked %q, tried %q", p.asked, token.tries)
	}
	if _, err := open(t, newFake(t, newToken("desk")), "?"+modulePath+"&pin-source=/none/such", p.options()); !errors.Is(err, signer.ErrPIN) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v, want ErrPIN", err)
	}
}

// A program that is started again and again with a wrong PIN in a file locks nothing.
func TestNoLockOut(t *testing.T) {
	f, token, _ := desk(t, eckey.P256)
	rest := "?" + modulePath + "&pin-source=" + pinFile(t, "wrong-pin")
	if _, err := open(t, f, rest, &signer.Options{}); !errors.Is(err, signer.ErrPIN) {
		t.Fatalf("%v, want ErrPIN", err)
	}
	for range 10 {
		if _, err := open(t, f, rest, &signer.Options{}); !errors.Is(err, signer.ErrPINLocked) || !strings.Contains(err.Error(), "by hand once") {
			t.Errorf("%v, want ErrPINLocked", err)
		}
	}
	if len(token.tries) != 1 {
		t.Errorf("tried %d times, want once", len(token.tries))
	}
	unattended := (&person{pin: rightPIN}).options()
	unattended.Unattended = true
	if _, err := open(t, f, "?"+modulePath, unattended); !errors.Is(err, signer.ErrPINLocked) || len(token.tries) != 1 {
		t.Errorf("unattended: %v, want ErrPINLocked", err)
	}
	// A person may try, and is told; then the file is used again.
	p := &person{pin: rightPIN}
	mustOpen(t, f, "?"+modulePath, p.options())
	if len(p.asked) != 1 || !strings.Contains(p.asked[0], "a wrong PIN was given before") {
		t.Errorf("asked %q", p.asked)
	}
}

func TestLastTry(t *testing.T) {
	f, token, _ := desk(t, eckey.P256)
	token.info.flags |= flagPINFinalTry
	if _, err := open(t, f, "?"+modulePath+"&pin-source="+pinFile(t, rightPIN), &signer.Options{}); !errors.Is(err, signer.ErrPINLocked) || f.count("login") != 0 {
		t.Errorf("from a file: %v after %d tries, want ErrPINLocked after none", err, f.count("login"))
	}
	p := &person{pin: rightPIN}
	mustOpen(t, f, "?"+modulePath, p.options())
	if len(p.asked) != 1 || !strings.Contains(p.asked[0], "the last try") {
		t.Errorf("asked %q", p.asked)
	}
}

func TestLockedIsNotAsked(t *testing.T) {
	for _, pad := range []uint{0, flagPINPad} {
		f, token, _ := desk(t, eckey.P256)
		token.info.flags |= flagPINLocked | pad
		p := &person{pin: rightPIN}
		if _, err := open(t, f, "?"+modulePath, p.options()); !errors.Is(err, signer.ErrPINLocked) || len(p.asked) != 0 || f.count("login") != 0 {
			t.Errorf("%v, asked %q", err, p.asked)
		}
	}
}

func TestPINPad(t *testing.T) {
	f, token, _ := desk(t, eckey.P256)
	token.info.flags |= flagPINPad
	token.pin = "" // typed at the token
	p := &person{}
	s := mustOpen(t, f, "?"+modulePath, p.options())
	if _, err := s.Sign(t.Context(), message(1)); err != nil {
		t.Error(err)
	}
	if len(p.asked) != 0 || len(p.told) != 1 || p.told[0] != `type the PIN at token "desk"` {
		t.Errorf("asked %q, told %q", p.asked, p.told)
	}
}

func TestLoggedInAlready(t *testing.T) {
	f, token, _ := desk(t, eckey.P256)
	p, q := &person{pin: rightPIN}, &person{pin: "wrong-pin"}
	mustOpen(t, f, "?"+modulePath, p.options())
	s := mustOpen(t, f, "?"+modulePath, q.options())
	if _, err := s.Sign(t.Context(), message(1)); err != nil {
		t.Error(err)
	}
	if len(q.asked) != 0 || len(token.tries) != 1 {
		t.Errorf("asked %q, tried %q", q.asked, token.tries)
	}
}

func TestNoLoginNeeded(t *testing.T) {
	f, token, _ := desk(t, eckey.P256)
	token.info.flags &^= flagLoginRequired
	s := mustOpen(t, f, "?"+modulePath, &signer.Options{})
	if _, err := s.Sign(t.Context(), message(1)); err != nil || f.count("login") != 0 {
		t.Errorf("%v after %d logins", err, f.count("login"))
	}
}

// Keys that want the PIN for every signature get it from memory.
func TestAlwaysAuthenticate(t *testing.T) {
	f, token, private := desk(t, eckey.P256)
	private.attributes[attrAlwaysAuthenticate] = true
	p := &person{pin: rightPIN}
	s := mustOpen(t, f, "?"+modulePath, p.options())
	for i := range byte(2) {
		if _, err := s.Sign(t.Context(), message(i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.asked) != 1 || len(token.tries) != 3 {
		t.Errorf("asked %q, tried %d times, want 3", p.asked, len(token.tries))
	}
	token.pin = "changed"
	if _, err := s.Sign(t.Context(), message(3)); !errors.Is(err, signer.ErrPIN) {
		t.Errorf("%v, want ErrPIN", err)
	}
	tries := len(token.tries)
	for range 5 {
		if _, err := s.Sign(t.Context(), message(3)); !errors.Is(err, signer.ErrPIN) && !errors.Is(err, signer.ErrPINLocked) {
			t.Errorf("%v, want ErrPIN", err)
		}
	}
	if len(token.tries) != tries || len(p.asked) != 1 {
		t.Errorf("tried %d times more, asked %q", len(token.tries)-tries, p.asked)
	}
}

// A token that does not count aloud is given a wrong PIN once, too, and nobody is asked
// again: not even where another key's login lasts.
func TestMuteToken(t *testing.T) {
	f, token, private := desk(t, eckey.P256)
	token.mute = true
	mustOpen(t, f, "?"+modulePath, (&person{pin: rightPIN}).options())
	private.attributes[attrAlwaysAuthenticate] = true
	p := &person{pin: "wrong-pin"}
	s := mustOpen(t, f, "?"+modulePath, p.options())
	for range 5 {
		if _, err := s.Sign(t.Context(), message(1)); !errors.Is(err, signer.ErrPIN) {
			t.Errorf("%v, want ErrPIN", err)
		}
	}
	if len(p.asked) != 1 || len(token.tries) != 2 {
		t.Errorf("asked %q, tried %d times, want once beside the first key", p.asked, len(token.tries)-1)
	}
}

func TestTokenComesBack(t *testing.T) {
	for name, take := range map[string]func(*fake){
		"removed and back":   func(f *fake) { f.insert(0, f.remove(0)) },
		"in another slot":    func(f *fake) { f.tokens = append(f.tokens, f.remove(0)) },
		"removed, it says":   func(f *fake) { f.faults["signInit"] = f.once(rvDeviceRemoved) },
		"not present":        func(f *fake) { f.faults["sign"] = f.once(rvTokenNotPresent) },
		"session ended":      func(f *fake) { f.faults["sign"] = f.once(rvSessionHandleInvalid) },
		"logged out":         func(f *fake) { f.faults["sign"] = f.once(rvUserNotLoggedIn) },
		"key's handle ended": func(f *fake) { f.faults["signInit"] = f.once(rvKeyHandleInvalid) },
	} {
		f, _, _ := desk(t, eckey.P256)
		p := &person{pin: rightPIN}
		s := mustOpen(t, f, "?"+modulePath, p.options())
		take(f)
		sig, err := s.Sign(t.Context(), message(1))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		verify(t, s, message(1), sig)
		if len(p.asked) != 1 {
			t.Errorf("%s: asked %q", name, p.asked)
		}
	}
}

func TestTokenGone(t *testing.T) {
	f, token, _ := desk(t, eckey.P256)
	p := &person{pin: rightPIN}
	s := mustOpen(t, f, "?"+modulePath, p.options())
	f.remove(0)
	for range 3 {
		if _, err := s.Sign(t.Context(), message(1)); !errors.Is(err, signer.ErrGone) || !errors.Is(err, signer.ErrNoDevice) {
			t.Errorf("%v, want ErrGone and ErrNoDevice", err)
		}
	}
	f.insert(0, token)
	if _, err := s.Sign(t.Context(), message(1)); err != nil {
		t.Errorf("put in again: %v", err)
	}
	if len(p.asked) != 1 || len(token.tries) != 2 {
		t.Errorf("asked %q, tried %d times", p.asked, len(token.tries))
	}
}

// It is reopened once for a signature, and not for ever.
func TestReopenedOnce(t *testing.T) {
	f, _, _ := desk(t, eckey.P256)
	s := mustOpen(t, f, "?"+modulePath, (&person{pin: rightPIN}).options())
	f.faults["sign"] = func() error { return rvDeviceRemoved }
	if _, err := s.Sign(t.Context(), message(1)); !errors.Is(err, signer.ErrGone) || f.count("sign") != 2 || f.count("openSession") != 2 {
		t.Errorf("%v after %d signatures and %d sessions", err, f.count("sign"), f.count("openSession"))
	}
}

func TestAnotherTokenOrKeyComesBack(t *testing.T) {
	other, otherPublic := newPair(t, eckey.P256, "mm-1", "\x01")
	for name, back := range map[string]func(*fakeToken) *fakeToken{
		"another token":     func(*fakeToken) *fakeToken { return newToken("desk2", other, otherPublic) },
		"another serial":    func(t *fakeToken) *fakeToken { t.info.serial = "S-2"; return t },
		"another key":       func(t *fakeToken) *fakeToken { t.objects = []*fakeObject{other, otherPublic}; return t },
		"no key":            func(t *fakeToken) *fakeToken { t.objects = nil; return t },
		"another PIN":       func(t *fakeToken) *fakeToken { t.pin = "changed"; return t },
		"another PIN, mute": func(t *fakeToken) *fakeToken { t.pin, t.mute = "changed", true; return t },
		"a PIN too often":   func(t *fakeToken) *fakeToken { t.info.flags |= flagPINCountLow; return t },
	} {
		f, _, _ := desk(t, eckey.P256)
		s := mustOpen(t, f, "object=mm-1?"+modulePath, (&person{pin: rightPIN}).options())
		token := back(f.remove(0))
		token.tries = nil
		f.insert(0, token)
		for range 3 {
			if _, err := s.Sign(t.Context(), message(1)); !errors.Is(err, signer.ErrGone) {
				t.Errorf("%s: %v, want ErrGone", name, err)
			}
		}
		wrong := 0
		for _, tried := range token.tries {
			if tried != token.pin {
				wrong++
			}
		}
		if wrong > 1 || token.info.serial != "S-desk" && len(token.tries) > 0 {
			t.Errorf("%s: tried %q", name, token.tries)
		}
	}
}

func TestRefusedAtTheToken(t *testing.T) {
	for v, want := range map[rv]error{
		rvFunctionCanceled: signer.ErrRefused, rvFunctionRejected: signer.ErrRefused,
		rvMechanismInvalid: signer.ErrUnsupportedKey, rvKeyFunctionNotPermitted: signer.ErrUnsupportedKey,
		rvDeviceMemory: rvDeviceMemory, rv(0x80000001): rv(0x80000001),
	} {
		f, _, _ := desk(t, eckey.P256)
		s := mustOpen(t, f, "?"+modulePath, (&person{pin: rightPIN}).options())
		f.faults["sign"] = f.once(v)
		if _, err := s.Sign(t.Context(), message(1)); !errors.Is(err, want) || f.count("sign") != 1 {
			t.Errorf("%v: %v after %d signatures, want %v after one", v, err, f.count("sign"), want)
		}
		// Not in the session that failed.
		if _, err := s.Sign(t.Context(), message(1)); err != nil || f.count("openSession") != 2 {
			t.Errorf("%v: afterwards: %v in %d sessions, want a second one", v, err, f.count("openSession"))
		}
	}
}

func TestWhichKey(t *testing.T) {
	one, onePublic := newPair(t, eckey.P256, "mm-1", "\x01")
	two, twoPublic := newPair(t, eckey.P256, "mm-1", "\x02")
	coin, coinPublic := newPair(t, eckey.Secp256k1, "coin", "\x03")
	f := newFake(t, newToken("desk", one, onePublic, two, twoPublic, coin, coinPublic))
	p := &person{pin: rightPIN}
	_, err := open(t, f, "object=mm-1?"+modulePath, p.options())
	var several *signer.KeysError
	if !errors.Is(err, signer.ErrAmbiguous) || !errors.As(err, &several) || len(several.Keys) != 2 {
		t.Fatalf("%v, want ErrAmbiguous with two keys", err)
	}
	public := publicOf(t, eckey.P256, two.sk).Bytes()
	if !strings.Contains(several.Keys[1], "object=mm-1;id=%02?"+modulePath) || !strings.Contains(several.Keys[1], fmt.Sprintf("%x", public)) {
		t.Errorf("%q does not tell it apart", several.Keys[1])
	}
	for rest, want := range map[string]*fakeObject{
		"object=mm-1;id=%02?" + modulePath: two, "id=%01?" + modulePath: one, "object=coin?" + modulePath: coin,
		"token=desk;serial=S-desk;manufacturer=Maker;model=M1;object=coin;type=private?" + modulePath: coin,
	} {
		s := mustOpen(t, f, rest, p.options())
		if public := publicOf(t, want.curve, want.sk).Bytes(); string(s.PublicKey()) != string(public[:]) {
			t.Errorf("%s: another key", rest)
		}
	}
	_, err = openKey(t.Context(), "object=none?"+modulePath, p.options(), f.load)
	if !errors.Is(err, signer.ErrNoKey) || !errors.As(err, &several) || len(several.Keys) != 3 {
		t.Errorf("%v, want ErrNoKey with three keys", err)
	}
}

func TestWhichToken(t *testing.T) {
	private, public := newPair(t, eckey.P256, "mm-1", "\x01")
	blank := newToken("blank")
	blank.info.flags &^= flagInitialized
	f := newFake(t, newToken("desk", private, public), nil, newToken("back office", private, public), blank)
	p := &person{pin: rightPIN}
	var several *signer.KeysError
	if _, err := open(t, f, "object=mm-1?"+modulePath, p.options()); !errors.Is(err, signer.ErrAmbiguous) || !errors.As(err, &several) || len(several.Keys) != 2 {
		t.Errorf("%v, want ErrAmbiguous with two tokens", err)
	} else if want := "pkcs11:token=back%20office;serial=S-back%20office;object=mm-1?" + modulePath; several.Keys[1] != want {
		t.Errorf("%q, want %q", several.Keys[1], want)
	}
	if _, err := open(t, f, "token=other?"+modulePath, p.options()); !errors.Is(err, signer.ErrNoDevice) || !strings.Contains(err.Error(), `"back office"`) {
		t.Errorf("%v, want ErrNoDevice with the tokens", err)
	}
	if _, err := open(t, newFake(t), "token=other?"+modulePath, p.options()); !errors.Is(err, signer.ErrNoDevice) || !strings.Contains(err.Error(), "no token") {
		t.Errorf("%v, want ErrNoDevice", err)
	}
	if len(p.asked) != 0 {
		t.Errorf("asked %q", p.asked)
	}
	mustOpen(t, f, "token=back%20office?"+modulePath, p.options())
}

func TestUnsupportedKeys(t *testing.T) {
	p384 := []byte{0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}
	for name, c := range map[string]struct {
		change func(*fakeToken, *fakeObject)
		want   error
		text   string
	}{
		"may not sign":     {func(_ *fakeToken, o *fakeObject) { o.attributes[attrSign] = false }, signer.ErrUnsupportedKey, "CKA_SIGN"},
		"P-384":            {func(_ *fakeToken, o *fakeObject) { o.attributes[attrECParams] = p384 }, signer.ErrWrongCurve, "P-384"},
		"an unknown curve": {func(_ *fakeToken, o *fakeObject) { o.attributes[attrECParams] = []byte{6, 1, 7} }, signer.ErrWrongCurve, "060107"},
		"a name for it":    {func(_ *fakeToken, o *fakeObject) { o.attributes[attrECParams] = []byte("\x13\x09secp256r1") }, signer.ErrWrongCurve, ""},
		"no public key":    {func(t *fakeToken, _ *fakeObject) { t.objects = t.objects[:1] }, signer.ErrUnsupportedKey, "no public key object"},
		"no CKM_ECDSA":     {func(t *fakeToken, _ *fakeObject) { t.methods = nil }, signer.ErrUnsupportedKey, "CKM_ECDSA"},
		"two public keys": {func(to *fakeToken, _ *fakeObject) {
			_, other := newPair(t, eckey.P256, "x", "\x01")
			to.objects = append(to.objects, other)
		}, signer.ErrAmbiguous, "two public keys"},
	} {
		f, token, private := desk(t, eckey.P256)
		c.change(token, private)
		if _, err := open(t, f, "object=mm-1?"+modulePath, (&person{pin: rightPIN}).options()); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, want %v with %q", name, err, c.want, c.text)
		}
	}
}

func TestTellsOfKeysThatCanBeRead(t *testing.T) {
	for _, kind := range []uint{attrSensitive, attrExtractable} {
		f, _, private := desk(t, eckey.P256)
		private.attributes[kind] = kind == attrExtractable
		p := &person{pin: rightPIN}
		mustOpen(t, f, "?"+modulePath, p.options())
		if len(p.told) != 1 || !strings.Contains(p.told[0], "can be read out") {
			t.Errorf("%#x: told %q", kind, p.told)
		}
	}
}

func TestModuleErrors(t *testing.T) {
	for _, method := range []string{"load", "slots", "token", "openSession", "find", "attribute", "mechanisms"} {
		f, _, _ := desk(t, eckey.P256)
		f.faults[method] = func() error { return rvFunctionFailed }
		if _, err := open(t, f, "?"+modulePath, (&person{pin: rightPIN}).options()); !errors.Is(err, rvFunctionFailed) {
			t.Errorf("%s: %v", method, err)
		}
	}
}

func TestCancelBlockedCall(t *testing.T) {
	f, _, _ := desk(t, eckey.P256)
	s, err := openKey(t.Context(), "?"+modulePath, (&person{pin: rightPIN}).options(), f.load)
	if err != nil {
		t.Fatal(err)
	}
	entered, release, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	f.faults["sign"] = func() error { close(entered); <-release; return nil }
	f.faults["close"] = func() error { close(ended); return nil }
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-entered; cancel() }()
	if _, err := s.Sign(ctx, message(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
	if err := s.Close(); err != nil { // does not wait for the token
		t.Error(err)
	}
	if _, err := s.Sign(t.Context(), message(1)); !errors.Is(err, signer.ErrClosed) {
		t.Errorf("after Close: %v, want ErrClosed", err)
	}
	close(release)
	<-ended
	if err := f.leaks(); err != nil {
		t.Error(err)
	}
}

// Somebody gives up while a person is asked: what they type is not used.
func TestCancelWhileAsked(t *testing.T) {
	f, token, _ := desk(t, eckey.P256)
	ended := make(chan struct{})
	f.faults["close"] = func() error { close(ended); return nil }
	ctx, cancel := context.WithCancel(t.Context())
	ask := func(string) (string, error) { cancel(); return rightPIN, nil }
	if _, err := openKey(ctx, "?"+modulePath, &signer.Options{PIN: ask}, f.load); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
	<-ended
	if len(token.tries) != 0 {
		t.Errorf("tried %q", token.tries)
	}
	if err := f.leaks(); err != nil {
		t.Error(err)
	}
}

func TestConcurrent(t *testing.T) {
	f, _, _ := desk(t, eckey.P256)
	s := mustOpen(t, f, "?"+modulePath, (&person{pin: rightPIN}).options())
	var wg sync.WaitGroup
	for i := range byte(8) {
		wg.Go(func() {
			if i == 3 {
				f.insert(0, f.remove(0))
			}
			if _, err := s.Sign(t.Context(), message(i)); err != nil && !errors.Is(err, signer.ErrGone) {
				t.Error(err)
			}
			_, _, _ = s.Name(), s.PublicKey(), s.KeyType()
		})
	}
	wg.Wait()
}

func TestNothingPrintsThePIN(t *testing.T) {
	f, _, _ := desk(t, eckey.P256)
	s := mustOpen(t, f, "?"+modulePath, (&person{pin: rightPIN}).options())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if shown := fmt.Sprintf(verb, s); strings.Contains(shown, rightPIN) || strings.Contains(shown, fmt.Sprintf("%x", rightPIN)) || !strings.Contains(shown, "redacted") {
			t.Errorf("%s shows %s", verb, shown)
		}
	}
}
