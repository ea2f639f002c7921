//go:build pkcs11 && cgo

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

	"github.com/miekg/pkcs11"

	"github.com/zkkex/zkkex/internal/eckey"
	"github.com/zkkex/zkkex/keys/signer"
)

const (
	officerPIN = "12345678"
	userPIN    = "hunter2"
)

var (
	oidP256      = []byte{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}
	oidSecp256k1 = []byte{0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a}
	oidP384      = []byte{0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}
)

// softHSM returns the path of SoftHSM's library, with a folder of tokens of the test's
// own.
func softHSM(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	tokens := filepath.Join(dir, "tokens")
	if err := os.Mkdir(tokens, 0o700); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "softhsm2.conf")
	if err := os.WriteFile(config, []byte("directories.tokendir = "+tokens+"\nobjectstore.backend = file\nlog.level = ERROR\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", config)
	for _, pattern := range []string{
		os.Getenv("SOFTHSM2_MODULE"), "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/*/softhsm/libsofthsm2.so",
		"/usr/lib64/pkcs11/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so",
		"/opt/homebrew/lib/softhsm/libsofthsm2.so",
	} {
		if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
			return found[0]
		}
	}
	t.Fatal("SoftHSM 2 is missing: run scripts/softhsm-install")
	return ""
}

// maker makes a token and keys, as a user's tool does.
type maker struct {
	t       *testing.T
	library *user
	slot    uint
	session pkcs11.SessionHandle
}

// makeToken makes a token and logs in at it, until done is called.
func makeToken(t *testing.T, path, label string) (m *maker, done func()) {
	t.Helper()
	loaded, err := load(path)
	if err != nil {
		t.Fatal(err)
	}
	m = &maker{t: t, library: loaded.(*user)}
	ctx := m.library.ctx
	slots, err := ctx.GetSlotList(true)
	m.must(err)
	m.must(ctx.InitToken(slots[len(slots)-1], officerPIN, label)) // the last one is blank
	slots, err = ctx.GetSlotList(true)
	m.must(err)
	for _, s := range slots {
		if info, err := ctx.GetTokenInfo(s); err == nil && info.Label == label && info.Flags&pkcs11.CKF_USER_PIN_INITIALIZED == 0 {
			m.slot = s
		}
	}
	m.session, err = ctx.OpenSession(m.slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	m.must(err)
	m.must(ctx.Login(m.session, pkcs11.CKU_SO, officerPIN))
	m.must(ctx.InitPIN(m.session, userPIN))
	m.must(ctx.Logout(m.session))
	m.must(ctx.Login(m.session, pkcs11.CKU_USER, userPIN))
	return m, func() {
		m.must(ctx.CloseSession(m.session))
		m.must(m.library.close())
	}
}

func (m *maker) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// generate makes a key inside the token that never leaves it.
func (m *maker) generate(label, id string, params []byte, more ...*pkcs11.Attribute) pkcs11.ObjectHandle {
	m.t.Helper()
	public := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_LABEL, label), pkcs11.NewAttribute(pkcs11.CKA_ID, id),
		pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, params), pkcs11.NewAttribute(pkcs11.CKA_VERIFY, true),
	}
	private := append([]*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_LABEL, label), pkcs11.NewAttribute(pkcs11.CKA_ID, id),
		pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true), pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true),
		pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false), pkcs11.NewAttribute(pkcs11.CKA_SIGN, true),
		pkcs11.NewAttribute(pkcs11.CKA_DERIVE, true),
	}, more...)
	_, key, err := m.library.ctx.GenerateKeyPair(m.session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_EC_KEY_PAIR_GEN, nil)}, public, private)
	m.must(err)
	return key
}

// put writes a key with a known scalar into the token.
func (m *maker) put(label, id string, c eckey.Curve, params []byte, sk *big.Int) {
	m.t.Helper()
	point := publicOf(m.t, c, sk).Uncompressed()
	both := func(class uint, more ...*pkcs11.Attribute) {
		_, err := m.library.ctx.CreateObject(m.session, append([]*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_CLASS, class), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_EC),
			pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_LABEL, label),
			pkcs11.NewAttribute(pkcs11.CKA_ID, id), pkcs11.NewAttribute(pkcs11.CKA_EC_PARAMS, params),
		}, more...))
		m.must(err)
	}
	both(pkcs11.CKO_PUBLIC_KEY, pkcs11.NewAttribute(pkcs11.CKA_EC_POINT, append([]byte{4, 65}, point[:]...)))
	both(pkcs11.CKO_PRIVATE_KEY, pkcs11.NewAttribute(pkcs11.CKA_VALUE, sk.FillBytes(make([]byte, 32))),
		pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true), pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
		pkcs11.NewAttribute(pkcs11.CKA_SIGN, true), pkcs11.NewAttribute(pkcs11.CKA_DERIVE, true))
}

func openURI(t *testing.T, rest string, p *person) (signer.Signer, error) {
	t.Helper()
	return signer.Open(t.Context(), "pkcs11:"+rest, *p.options())
}

func mustOpenURI(t *testing.T, rest string, p *person) signer.Signer {
	t.Helper()
	s, err := openURI(t, rest, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// free checks that nothing keeps a library.
func free(t *testing.T) {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	for path, l := range libraries {
		if l.users != 0 {
			t.Errorf("%s has %d users left", path, l.users)
		}
	}
}

func TestSoftHSM(t *testing.T) {
	path := softHSM(t)
	m, done := makeToken(t, path, "desk; 1/2")
	keys := map[string]pkcs11.ObjectHandle{
		"mm p256": m.generate("mm p256", "\x01", oidP256),
		"mm coin": m.generate("mm coin", "\x02", oidSecp256k1),
	}
	for label, key := range keys {
		if _, err := m.library.attribute(uint(m.session), uint(key), attrValue); !errors.Is(err, rvAttributeSensitive) {
			t.Fatalf("%s can be read: %v", label, err)
		}
		never, err := m.library.attribute(uint(m.session), uint(key), pkcs11.CKA_NEVER_EXTRACTABLE)
		if err != nil || len(never) != 1 || never[0] != 1 {
			t.Fatalf("%s may have left the token: %x, %v", label, never, err)
		}
	}
	done()
	for label, c := range map[string]eckey.Curve{"mm%20p256": eckey.P256, "mm%20coin": eckey.Secp256k1} {
		p := &person{pin: userPIN}
		s := mustOpenURI(t, "token=desk%3B%201%2F2;object="+label+"?module-path="+path, p)
		if s.KeyType() != c.KeyType() {
			t.Errorf("%s: %v", label, s.KeyType())
		}
		for i := range byte(16) { // about half of them come with a high s
			sig, err := s.Sign(t.Context(), message(i))
			if err != nil {
				t.Fatal(err)
			}
			verify(t, s, message(i), sig)
		}
		if len(p.asked) != 1 || len(p.told) != 0 {
			t.Errorf("asked %q, told %q", p.asked, p.told)
		}
		if _, holds := s.(signer.ScalarHolder); holds {
			t.Errorf("%s: the scalar can be had", label)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := s.Sign(t.Context(), message(1)); !errors.Is(err, signer.ErrClosed) {
			t.Errorf("after Close: %v, want ErrClosed", err)
		}
	}
	free(t)
}

// What the token derives is what its key gives in software.
func TestSoftHSMDerive(t *testing.T) {
	path := softHSM(t)
	m, done := makeToken(t, path, "desk")
	known := map[string]*fakeObject{}
	for label, params := range map[string][]byte{"p": oidP256, "k": oidSecp256k1} {
		c := eckey.P256
		if label == "k" {
			c = eckey.Secp256k1
		}
		private, _ := newPair(t, c, label, label)
		known[label] = private
		m.put(label, label, c, params, private.sk)
		m.generate("own "+label, "own "+label, params)
	}
	done()
	for label, private := range known {
		s := mustOpenURI(t, "object="+label+"?module-path="+path, &person{pin: userPIN})
		for _, what := range []string{"delegate 1", "delegate 2", leadingZero(t, private)} {
			if got, err := deriver(t, s).Derive(t.Context(), what); err != nil || got != expected(t, private, what) {
				t.Errorf("%s: %x, %v, want %x", label, got, err, expected(t, private, what))
			}
		}
		own := mustOpenURI(t, "object=own%20"+label+"?module-path="+path, &person{pin: userPIN})
		first, err := deriver(t, own).Derive(t.Context(), "delegate 1")
		if err != nil {
			t.Fatal(err)
		}
		if again, err := deriver(t, own).Derive(t.Context(), "delegate 1"); err != nil || again != first {
			t.Errorf("%s: %x, then %x, %v", label, first, again, err)
		}
	}
}

func TestSoftHSMNoDerivation(t *testing.T) {
	path := softHSM(t)
	m, done := makeToken(t, path, "desk")
	m.generate("mm-1", "\x01", oidP256, pkcs11.NewAttribute(pkcs11.CKA_DERIVE, false))
	done()
	s := mustOpenURI(t, "?module-path="+path, &person{pin: userPIN})
	if _, derives := s.(signer.Deriver); derives {
		t.Error("it derives")
	}
	if _, err := s.Sign(t.Context(), message(1)); err != nil {
		t.Error(err)
	}
}

func TestSoftHSMWrongPIN(t *testing.T) {
	path := softHSM(t)
	m, done := makeToken(t, path, "desk")
	m.generate("mm-1", "\x01", oidP256)
	done()
	p := &person{pin: "wrong-pin"}
	if _, err := openURI(t, "?module-path="+path, p); !errors.Is(err, signer.ErrPIN) || len(p.asked) != 1 || strings.Contains(fmt.Sprint(err), "wrong-pin") {
		t.Errorf("%v, asked %q; want ErrPIN", err, p.asked)
	}
	file := pinFile(t, userPIN)
	if _, err := openURI(t, "?module-path="+path+"&pin-source="+file, &person{}); !errors.Is(err, signer.ErrPINLocked) {
		t.Errorf("from a file: %v, want ErrPINLocked", err)
	}
	p = &person{pin: userPIN}
	s := mustOpenURI(t, "?module-path="+path, p)
	if len(p.asked) != 1 || !strings.Contains(p.asked[0], "a wrong PIN was given before") {
		t.Errorf("asked %q", p.asked)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	mustOpenURI(t, "?module-path="+path+"&pin-source="+file, &person{})
}

func TestSoftHSMAlwaysAuthenticate(t *testing.T) {
	path := softHSM(t)
	m, done := makeToken(t, path, "desk")
	m.generate("mm-1", "\x01", oidP256, pkcs11.NewAttribute(pkcs11.CKA_ALWAYS_AUTHENTICATE, true))
	done()
	p := &person{pin: userPIN}
	s := mustOpenURI(t, "?module-path="+path, p)
	for i := range byte(3) {
		sig, err := s.Sign(t.Context(), message(i))
		if err != nil {
			t.Fatal(err)
		}
		verify(t, s, message(i), sig)
	}
	if len(p.asked) != 1 {
		t.Errorf("asked %q", p.asked)
	}
}

// Somebody else in the process ends all sessions, as a removal does.
func TestSoftHSMSessionsEnd(t *testing.T) {
	path := softHSM(t)
	m, done := makeToken(t, path, "desk")
	m.generate("mm-1", "\x01", oidP256)
	done()
	p := &person{pin: userPIN}
	s := mustOpenURI(t, "?module-path="+path, p)
	loaded, err := load(path)
	if err != nil {
		t.Fatal(err)
	}
	other := loaded.(*user)
	slots, err := other.slots()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := other.ctx.CloseAllSessions(slots[0]); err != nil {
			t.Fatal(err)
		}
		sig, err := s.Sign(t.Context(), message(1))
		if err != nil {
			t.Fatal(err)
		}
		verify(t, s, message(1), sig)
	}
	if len(p.asked) != 1 {
		t.Errorf("asked %q", p.asked)
	}
	// A token forgets the login with the last session: none is left after Close.
	for _, want := range []bool{true, false} {
		session, err := other.openSession(slots[0])
		if err != nil {
			t.Fatal(err)
		}
		if in, err := other.loggedIn(session); err != nil || in != want {
			t.Errorf("logged in: %v, %v, want %v", in, err, want)
		}
		if err := other.closeSession(session); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := other.close(); err != nil {
		t.Error(err)
	}
	free(t)
}

// The key is deleted while it is open, and does not come back.
func TestSoftHSMKeyDeleted(t *testing.T) {
	path := softHSM(t)
	m, done := makeToken(t, path, "desk")
	key := m.generate("mm-1", "\x01", oidP256)
	s := mustOpenURI(t, "?module-path="+path, &person{pin: userPIN})
	m.must(m.library.ctx.DestroyObject(m.session, key))
	if _, err := s.Sign(t.Context(), message(1)); !errors.Is(err, signer.ErrGone) {
		t.Errorf("%v, want ErrGone", err)
	}
	done()
}

func TestSoftHSMWhichKey(t *testing.T) {
	path := softHSM(t)
	m, done := makeToken(t, path, "desk")
	m.generate("mm-1", "\x01", oidP256)
	m.generate("mm-1", "\x02", oidSecp256k1)
	m.generate("big", "\x03", oidP384)
	m.generate("mute", "\x04", oidP256, pkcs11.NewAttribute(pkcs11.CKA_SIGN, false))
	done()
	p := &person{pin: userPIN}
	for rest, want := range map[string]error{
		"object=mm-1": signer.ErrAmbiguous, "object=big": signer.ErrWrongCurve, "object=mute": signer.ErrUnsupportedKey,
		"object=none": signer.ErrNoKey, "token=none": signer.ErrNoDevice,
	} {
		if _, err := openURI(t, rest+"?module-path="+path, p); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", rest, err, want)
		}
	}
	if s := mustOpenURI(t, "object=mm-1;id=%02?module-path="+path, p); s.KeyType() != eckey.Secp256k1.KeyType() {
		t.Errorf("%v", s.KeyType())
	}
}

func TestNoLibrary(t *testing.T) {
	text := filepath.Join(t.TempDir(), "token.so")
	if err := os.WriteFile(text, []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/none/such.so", t.TempDir(), text} {
		if _, err := openURI(t, "?module-path="+path, &person{}); !errors.Is(err, signer.ErrNoDevice) {
			t.Errorf("%s: %v, want ErrNoDevice", path, err)
		}
	}
}

func TestSoftHSMConcurrent(t *testing.T) {
	path := softHSM(t)
	m, done := makeToken(t, path, "desk")
	m.generate("mm-1", "\x01", oidP256)
	m.generate("mm-2", "\x02", oidSecp256k1)
	done()
	var wg sync.WaitGroup
	for _, object := range []string{"mm-1", "mm-2"} {
		s := mustOpenURI(t, "object="+object+"?module-path="+path, &person{pin: userPIN})
		for i := range byte(8) {
			wg.Go(func() {
				sig, err := s.Sign(context.Background(), message(i))
				if err != nil {
					t.Error(err)
					return
				}
				verify(t, s, message(i), sig)
			})
		}
	}
	wg.Wait()
}
