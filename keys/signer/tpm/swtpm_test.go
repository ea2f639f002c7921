package tpm

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/keys/signer"
)

func message(seed byte) *envelope.Message {
	return &envelope.Message{Purpose: envelope.Certificate, Binding: zkkex.Binding{seed, 1}}
}

const rightAuth = "hunter2"

// person types an authorisation value, and keeps what they were asked.
type person struct {
	pin   string
	asked []string
}

func (p *person) options() signer.Options {
	return signer.Options{PIN: func(what string) (string, error) { p.asked = append(p.asked, what); return p.pin, nil }}
}

// machine is a TPM in software, of the test's own.
type machine struct {
	t      *testing.T
	dir    string
	device string
}

// start starts swtpm on a socket.
func start(t *testing.T) *machine {
	t.Helper()
	dir, err := os.MkdirTemp("", "t") // whose path leaves room for a socket's name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	m := &machine{t, dir, filepath.Join(dir, "tpm")}
	m.run()
	return m
}

// run runs swtpm until stop is called or the test ends. When run returns, it listens.
func (m *machine) run() (stop func()) {
	m.t.Helper()
	cmd := exec.Command("swtpm", "socket", "--tpm2", "--tpmstate", "dir="+m.dir, "--server", "type=unixio,path="+m.device,
		"--ctrl", "type=unixio,path="+filepath.Join(m.dir, "control"), "--flags", "not-need-init,startup-clear")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		m.t.Fatalf("run scripts/swtpm-install: %v", err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	stop = sync.OnceFunc(func() { _ = cmd.Process.Kill(); <-ended; _ = os.Remove(m.device) })
	m.t.Cleanup(stop)
	for {
		if conn, err := net.Dial("unix", m.device); err == nil {
			_ = conn.Close()
			return stop
		}
		select {
		case <-ended:
			m.t.Fatalf("swtpm ended: %s", said.String())
		case <-time.After(time.Millisecond):
		}
	}
}

// do calls use with a connection of the test's own.
func (m *machine) do(use func(line) error) {
	m.t.Helper()
	t, err := dial(m.t.Context(), m.device)
	if err != nil {
		m.t.Fatal(err)
	}
	defer t.Close()
	if err := use(t); err != nil {
		m.t.Fatal(err)
	}
}

// template is of a key as the package's documentation has tpm2-tools make it.
func template() tpm2.TPMTPublic {
	return tpm2.TPMTPublic{
		Type: tpm2.TPMAlgECC, NameAlg: tpm2.TPMAlgSHA256,
		ObjectAttributes: tpm2.TPMAObject{FixedTPM: true, FixedParent: true, SensitiveDataOrigin: true, UserWithAuth: true, SignEncrypt: true},
		Parameters: tpm2.NewTPMUPublicParms(tpm2.TPMAlgECC, &tpm2.TPMSECCParms{
			Scheme:  tpm2.TPMTECCScheme{Scheme: tpm2.TPMAlgECDSA, Details: tpm2.NewTPMUAsymScheme(tpm2.TPMAlgECDSA, &tpm2.TPMSSigSchemeECDSA{HashAlg: tpm2.TPMAlgSHA256})},
			CurveID: tpm2.TPMECCNistP256,
		}),
	}
}

// create makes a key and keeps it at a handle.
func (m *machine) create(handle uint32, auth string, area tpm2.TPMTPublic) {
	m.t.Helper()
	m.do(func(t line) error {
		primary, err := tpm2.CreatePrimary{
			PrimaryHandle: tpm2.TPMRHOwner, InPublic: tpm2.New2B(area),
			InSensitive: tpm2.TPM2BSensitiveCreate{Sensitive: &tpm2.TPMSSensitiveCreate{UserAuth: tpm2.TPM2BAuth{Buffer: []byte(auth)}}},
		}.Execute(t)
		if err != nil {
			return err
		}
		defer func() { _, _ = tpm2.FlushContext{FlushHandle: primary.ObjectHandle}.Execute(t) }()
		_, err = tpm2.EvictControl{
			Auth: tpm2.TPMRHOwner, PersistentHandle: tpm2.TPMHandle(handle),
			ObjectHandle: &tpm2.NamedHandle{Handle: primary.ObjectHandle, Name: primary.Name},
		}.Execute(t)
		return err
	})
}

// evict takes a key away.
func (m *machine) evict(handle uint32) {
	m.t.Helper()
	m.do(func(t line) error {
		public, err := tpm2.ReadPublic{ObjectHandle: tpm2.TPMHandle(handle)}.Execute(t)
		if err != nil {
			return err
		}
		_, err = tpm2.EvictControl{
			Auth: tpm2.TPMRHOwner, PersistentHandle: tpm2.TPMHandle(handle),
			ObjectHandle: &tpm2.NamedHandle{Handle: tpm2.TPMHandle(handle), Name: public.Name},
		}.Execute(t)
		return err
	})
}

// allow sets how many wrong values lock the TPM, and forgets those that were given.
func (m *machine) allow(tries uint32) {
	m.t.Helper()
	numbers := binary.BigEndian.AppendUint32(nil, tries)
	numbers = binary.BigEndian.AppendUint32(numbers, 1000) // seconds until one is forgotten
	numbers = binary.BigEndian.AppendUint32(numbers, 1000) // seconds until the owner may reset
	m.do(func(t line) error {
		if err := lockoutCommand(t, 0x139, nil); err != nil { // TPM2_DictionaryAttackLockReset
			return err
		}
		return lockoutCommand(t, 0x13a, numbers) // TPM2_DictionaryAttackParameters
	})
}

// lockoutCommand sends a command that package tpm2 does not have, with the empty
// password of the lockout hierarchy.
func lockoutCommand(t line, code uint32, parameters []byte) error {
	body := binary.BigEndian.AppendUint32(nil, code)
	body = binary.BigEndian.AppendUint32(body, uint32(tpm2.TPMRHLockout))
	body = binary.BigEndian.AppendUint32(body, 9) // bytes of the session that follows
	body = binary.BigEndian.AppendUint32(body, uint32(tpm2.TPMRSPW))
	body = append(body, 0, 0, 0, 0, 0) // no nonce, no attributes, no password
	body = append(body, parameters...)
	command := binary.BigEndian.AppendUint16(nil, uint16(tpm2.TPMSTSessions))
	command = binary.BigEndian.AppendUint32(command, uint32(len(body)+6))
	response, err := t.Send(append(command, body...))
	if err != nil {
		return err
	}
	if rc := binary.BigEndian.Uint32(response[6:]); rc != 0 {
		return tpm2.TPMRC(rc)
	}
	return nil
}

// failures returns how many wrong values the TPM has counted.
func (m *machine) failures() (n uint32) {
	m.t.Helper()
	m.do(func(t line) error {
		response, err := tpm2.GetCapability{Capability: tpm2.TPMCapTPMProperties, Property: uint32(tpm2.TPMPTLockoutCounter), PropertyCount: 1}.Execute(t)
		if err != nil {
			return err
		}
		list, err := response.CapabilityData.Data.TPMProperties()
		if err == nil {
			n = list.TPMProperty[0].Value
		}
		return err
	})
	return n
}

func (m *machine) open(rest string, p *person) (signer.Signer, error) {
	m.t.Helper()
	if strings.Contains(rest, "?") {
		rest += "&device=" + m.device
	} else {
		rest += "?device=" + m.device
	}
	s, err := signer.Open(m.t.Context(), "tpm:"+rest, p.options())
	if err == nil {
		m.t.Cleanup(func() {
			if err := s.Close(); err != nil {
				m.t.Error(err)
			}
		})
	}
	return s, err
}

func (m *machine) mustOpen(rest string, p *person) signer.Signer {
	m.t.Helper()
	s, err := m.open(rest, p)
	if err != nil {
		m.t.Fatal(err)
	}
	return s
}

func mustSign(t *testing.T, s signer.Signer, seed byte) {
	t.Helper()
	sig, err := s.Sign(t.Context(), message(seed))
	if err != nil {
		t.Fatal(err)
	}
	if err := envelope.Raw.Verify(zkkex.KeyP256, s.PublicKey(), message(seed), sig.Bytes); err != nil || !bytes.Equal(sig.PublicKey, s.PublicKey()) {
		t.Error(err)
	}
}

const (
	first  = 0x81000001
	second = 0x81000002
)

func TestSign(t *testing.T) {
	m := start(t)
	m.create(first, rightAuth, template())
	p := &person{pin: rightAuth}
	s := m.mustOpen("0x81000001", p)
	if s.KeyType() != zkkex.KeyP256 || s.Envelope() != envelope.Raw {
		t.Errorf("%v in %v", s.KeyType(), s.Envelope())
	}
	for i := range byte(16) { // about half of them come with a high s
		mustSign(t, s, i)
	}
	if len(p.asked) != 1 || !strings.Contains(p.asked[0], "0x81000001") || m.failures() != 0 {
		t.Errorf("asked %q, %d failures", p.asked, m.failures())
	}
	if want := fmt.Sprintf("TPM key 0x81000001 at %s (made in the TPM, cannot leave it, guarded against guessing)", m.device); s.Name() != want {
		t.Errorf("%s, want %s", s.Name(), want)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%x"} {
		if shown := fmt.Sprintf(verb, s); strings.Contains(shown, rightAuth) || strings.Contains(shown, fmt.Sprintf("%x", rightAuth)) {
			t.Errorf("%s shows %s", verb, shown)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Sign(t.Context(), message(1)); !errors.Is(err, signer.ErrClosed) {
		t.Errorf("after Close: %v, want ErrClosed", err)
	}
}

// Whoever has the handle and no authorisation value has the key: the TPM gives it to
// nobody else.
func TestKeyStays(t *testing.T) {
	m := start(t)
	m.create(first, rightAuth, template())
	m.do(func(l line) error {
		public, err := tpm2.ReadPublic{ObjectHandle: tpm2.TPMHandle(first)}.Execute(l)
		if err != nil {
			return err
		}
		_, err = tpm2.Duplicate{
			ObjectHandle:    tpm2.AuthHandle{Handle: tpm2.TPMHandle(first), Name: public.Name, Auth: tpm2.HMAC(tpm2.TPMAlgSHA256, 16, tpm2.Auth([]byte(rightAuth)))},
			NewParentHandle: tpm2.TPMRHNull, Symmetric: tpm2.TPMTSymDef{Algorithm: tpm2.TPMAlgNull},
		}.Execute(l)
		if err == nil {
			t.Error("the key left the TPM")
		}
		return nil
	})
}

// A key below a parent, as the package's documentation has tpm2-tools make it.
func TestChildKey(t *testing.T) {
	m := start(t)
	m.do(func(l line) error {
		parent, err := tpm2.CreatePrimary{PrimaryHandle: tpm2.TPMRHOwner, InPublic: tpm2.New2B(tpm2.ECCSRKTemplate)}.Execute(l)
		if err != nil {
			return err
		}
		above := tpm2.NamedHandle{Handle: parent.ObjectHandle, Name: parent.Name}
		created, err := tpm2.Create{
			ParentHandle: above, InPublic: tpm2.New2B(template()),
			InSensitive: tpm2.TPM2BSensitiveCreate{Sensitive: &tpm2.TPMSSensitiveCreate{UserAuth: tpm2.TPM2BAuth{Buffer: []byte(rightAuth)}}},
		}.Execute(l)
		if err != nil {
			return err
		}
		loaded, err := tpm2.Load{ParentHandle: above, InPrivate: created.OutPrivate, InPublic: created.OutPublic}.Execute(l)
		if err != nil {
			return err
		}
		_, err = tpm2.EvictControl{
			Auth: tpm2.TPMRHOwner, PersistentHandle: tpm2.TPMHandle(first),
			ObjectHandle: &tpm2.NamedHandle{Handle: loaded.ObjectHandle, Name: loaded.Name},
		}.Execute(l)
		for _, h := range []tpm2.TPMHandle{loaded.ObjectHandle, parent.ObjectHandle} {
			if _, err := (tpm2.FlushContext{FlushHandle: h}).Execute(l); err != nil {
				return err
			}
		}
		return err
	})
	mustSign(t, m.mustOpen("0x81000001", &person{pin: rightAuth}), 1)
}

func TestNoAuthAndFile(t *testing.T) {
	m := start(t)
	m.create(first, "", template())
	open := template()
	open.ObjectAttributes.NoDA = true
	m.create(second, rightAuth, open)
	p := &person{}
	mustSign(t, m.mustOpen("0x81000001?auth=none", p), 1)
	path := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(path, []byte(rightAuth+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := m.mustOpen("0x81000002?pin-source="+path, p)
	mustSign(t, s, 1)
	if !strings.Contains(s.Name(), "not guarded") {
		t.Error(s.Name())
	}
	if len(p.asked) != 0 {
		t.Errorf("asked %q", p.asked)
	}
	for rest, want := range map[string]error{
		"0x81000001":                       signer.ErrPIN, // an empty answer
		"0x81000002?pin-source=/none/such": signer.ErrPIN,
	} {
		if _, err := m.open(rest, p); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", rest, err, want)
		}
	}
	if _, err := m.open("0x81000001", &person{pin: strings.Repeat("x", 33)}); !errors.Is(err, signer.ErrPIN) {
		t.Errorf("33 bytes: %v, want ErrPIN", err)
	}
}

func TestWrongAuthIsUsedOnce(t *testing.T) {
	for _, noDA := range []bool{false, true} {
		m := start(t)
		area := template()
		area.ObjectAttributes.NoDA = noDA
		m.create(first, rightAuth, area)
		p := &person{pin: "wrong-pin"}
		s := m.mustOpen("0x81000001", p)
		for range 5 {
			if _, err := s.Sign(t.Context(), message(1)); !errors.Is(err, signer.ErrPIN) || strings.Contains(err.Error(), "wrong-pin") {
				t.Errorf("%v, want ErrPIN", err)
			}
		}
		want := uint32(1)
		if noDA {
			want = 0
		}
		if n := m.failures(); n != want || len(p.asked) != 1 {
			t.Errorf("%d failures, want %d; asked %q", n, want, p.asked)
		}
		mustSign(t, m.mustOpen("0x81000001", &person{pin: rightAuth}), 1)
	}
}

// A program that is started again and again with a wrong value in a file locks nothing.
func TestNoLockOut(t *testing.T) {
	m := start(t)
	m.create(first, rightAuth, template())
	m.allow(3)
	path := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(path, []byte("wrong-pin"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		want := signer.ErrPIN
		if i >= 2 {
			want = signer.ErrPINLocked
		}
		if _, err := m.mustOpen("0x81000001?pin-source="+path, &person{}).Sign(t.Context(), message(1)); !errors.Is(err, want) {
			t.Errorf("%d: %v, want %v", i, err, want)
		}
	}
	if n := m.failures(); n != 2 {
		t.Errorf("%d failures, want 2 of 3", n)
	}
	unattended := (&person{pin: "wrong-pin"}).options()
	unattended.Unattended = true
	s, err := signer.Open(t.Context(), "tpm:0x81000001?device="+m.device, unattended)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sign(t.Context(), message(1)); !errors.Is(err, signer.ErrPINLocked) {
		t.Errorf("unattended: %v, want ErrPINLocked", err)
	}
	// A person may try, and is told.
	p := &person{pin: "wrong-pin"}
	s = m.mustOpen("0x81000001", p)
	if len(p.asked) != 1 || !strings.Contains(p.asked[0], "the last try") {
		t.Errorf("asked %q", p.asked)
	}
	if _, err := s.Sign(t.Context(), message(1)); !errors.Is(err, signer.ErrPIN) && !errors.Is(err, signer.ErrPINLocked) {
		t.Errorf("%v, want ErrPIN", err)
	}
	p.asked = nil
	if _, err := m.open("0x81000001", p); !errors.Is(err, signer.ErrPINLocked) || len(p.asked) != 0 {
		t.Errorf("locked: %v, asked %q; want ErrPINLocked", err, p.asked)
	}
}

// One that was right goes on signing while others use up the tries.
func TestProvenOneGoesOn(t *testing.T) {
	m := start(t)
	m.create(first, rightAuth, template())
	m.allow(3)
	path := filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(path, []byte(rightAuth), 0o600); err != nil {
		t.Fatal(err)
	}
	s := m.mustOpen("0x81000001?pin-source="+path, &person{})
	mustSign(t, s, 1)
	unproven := m.mustOpen("0x81000001?pin-source="+path, &person{})
	for range 2 {
		if _, err := m.mustOpen("0x81000001", &person{pin: "wrong-pin"}).Sign(t.Context(), message(1)); !errors.Is(err, signer.ErrPIN) {
			t.Fatal(err)
		}
	}
	if _, err := unproven.Sign(t.Context(), message(2)); !errors.Is(err, signer.ErrPINLocked) {
		t.Errorf("%v, want ErrPINLocked", err)
	}
	mustSign(t, s, 2)
	if _, err := m.mustOpen("0x81000001", &person{pin: "wrong-pin"}).Sign(t.Context(), message(1)); err == nil {
		t.Fatal("signed with a wrong value")
	}
	if _, err := s.Sign(t.Context(), message(3)); !errors.Is(err, signer.ErrPINLocked) {
		t.Errorf("in lockout: %v, want ErrPINLocked", err)
	}
	m.allow(3)
	mustSign(t, s, 4)
}

func TestUnsupportedKeys(t *testing.T) {
	m := start(t)
	handle := uint32(0x81000010)
	for name, c := range map[string]struct {
		change func(*tpm2.TPMTPublic)
		want   error
		text   string
	}{
		"restricted":     {func(a *tpm2.TPMTPublic) { a.ObjectAttributes.Restricted = true }, signer.ErrUnsupportedKey, "restricted"},
		"may move":       {func(a *tpm2.TPMTPublic) { a.ObjectAttributes.FixedTPM, a.ObjectAttributes.FixedParent = false, false }, signer.ErrUnsupportedKey, "fixedTPM"},
		"by policy":      {func(a *tpm2.TPMTPublic) { a.ObjectAttributes.UserWithAuth = false }, signer.ErrUnsupportedKey, "policy"},
		"decrypts only":  {decryptOnly, signer.ErrUnsupportedKey, "may not sign"},
		"P-384":          {func(a *tpm2.TPMTPublic) { curve(a, tpm2.TPMECCNistP384, tpm2.TPMAlgSHA256) }, signer.ErrWrongCurve, "TPM_ECC_CURVE"},
		"SHA-384":        {func(a *tpm2.TPMTPublic) { curve(a, tpm2.TPMECCNistP256, tpm2.TPMAlgSHA384) }, signer.ErrUnsupportedKey, "expected SHA-256"},
		"RSA":            {rsa, signer.ErrUnsupportedKey, "ecc256"},
		"ECDAA":          {ecdaa, signer.ErrUnsupportedKey, "expected ECDSA"},
		"a SHA-384 name": {func(a *tpm2.TPMTPublic) { a.NameAlg = tpm2.TPMAlgSHA384 }, nil, ""},
		"no scheme":      {noScheme, nil, ""},
	} {
		area := template()
		c.change(&area)
		m.create(handle, "", area)
		s, err := m.open(fmt.Sprintf("0x%08x?auth=none", handle), &person{})
		if c.want == nil {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else {
				mustSign(t, s, 1)
			}
		} else if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v, want %v with %q", name, err, c.want, c.text)
		}
		m.evict(handle) // there is room for few
	}
}

func decryptOnly(a *tpm2.TPMTPublic) {
	noScheme(a)
	a.ObjectAttributes.SignEncrypt, a.ObjectAttributes.Decrypt = false, true
}

func noScheme(a *tpm2.TPMTPublic) {
	a.Parameters = tpm2.NewTPMUPublicParms(tpm2.TPMAlgECC, &tpm2.TPMSECCParms{CurveID: tpm2.TPMECCNistP256})
}

func curve(a *tpm2.TPMTPublic, c tpm2.TPMECCCurve, hash tpm2.TPMIAlgHash) {
	a.Parameters = tpm2.NewTPMUPublicParms(tpm2.TPMAlgECC, &tpm2.TPMSECCParms{
		Scheme:  tpm2.TPMTECCScheme{Scheme: tpm2.TPMAlgECDSA, Details: tpm2.NewTPMUAsymScheme(tpm2.TPMAlgECDSA, &tpm2.TPMSSigSchemeECDSA{HashAlg: hash})},
		CurveID: c,
	})
}

func ecdaa(a *tpm2.TPMTPublic) {
	a.Parameters = tpm2.NewTPMUPublicParms(tpm2.TPMAlgECC, &tpm2.TPMSECCParms{
		Scheme:  tpm2.TPMTECCScheme{Scheme: tpm2.TPMAlgECDAA, Details: tpm2.NewTPMUAsymScheme(tpm2.TPMAlgECDAA, &tpm2.TPMSSchemeECDAA{HashAlg: tpm2.TPMAlgSHA256})},
		CurveID: tpm2.TPMECCNistP256,
	})
}

func rsa(a *tpm2.TPMTPublic) {
	a.Type = tpm2.TPMAlgRSA
	a.Parameters = tpm2.NewTPMUPublicParms(tpm2.TPMAlgRSA, &tpm2.TPMSRSAParms{KeyBits: 2048})
}

// A key that was brought in from outside somebody may still have.
func TestImportedKey(t *testing.T) {
	area := template()
	area.ObjectAttributes.SensitiveDataOrigin = false
	if err := check(&area); !errors.Is(err, signer.ErrUnsupportedKey) || !strings.Contains(err.Error(), "sensitiveDataOrigin") {
		t.Errorf("%v, want ErrUnsupportedKey", err)
	}
}

func TestNoKey(t *testing.T) {
	m := start(t)
	m.create(second, "", template())
	_, err := m.open("0x81000001?auth=none", &person{})
	var keys *signer.KeysError
	if !errors.Is(err, signer.ErrNoKey) || !errors.As(err, &keys) || len(keys.Keys) != 1 || keys.Keys[0] != "tpm:0x81000002" {
		t.Errorf("%v, want ErrNoKey with the other", err)
	}
}

func TestKeyTakenAway(t *testing.T) {
	m := start(t)
	m.create(first, rightAuth, template())
	s := m.mustOpen("0x81000001", &person{pin: rightAuth})
	mustSign(t, s, 1)
	m.evict(first)
	if _, err := s.Sign(t.Context(), message(1)); !errors.Is(err, signer.ErrGone) {
		t.Errorf("%v, want ErrGone", err)
	}
	other := template()
	other.Unique = tpm2.NewTPMUPublicID(tpm2.TPMAlgECC, &tpm2.TPMSECCPoint{X: tpm2.TPM2BECCParameter{Buffer: make([]byte, 32)}, Y: tpm2.TPM2BECCParameter{Buffer: bytes.Repeat([]byte{1}, 32)}})
	m.create(first, rightAuth, other)
	if _, err := s.Sign(t.Context(), message(1)); !errors.Is(err, signer.ErrGone) || !strings.Contains(err.Error(), "another key") || m.failures() != 0 {
		t.Errorf("%v after %d failures, want ErrGone", err, m.failures())
	}
	m.evict(first)
	m.create(first, rightAuth, template()) // the same seed gives the same key
	mustSign(t, s, 2)
}

func TestMachineGone(t *testing.T) {
	dir, err := os.MkdirTemp("", "t")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	m := &machine{t, dir, filepath.Join(dir, "tpm")}
	stop := m.run()
	m.create(first, rightAuth, template())
	s := m.mustOpen("0x81000001", &person{pin: rightAuth})
	mustSign(t, s, 1)
	stop()
	if _, err := s.Sign(t.Context(), message(1)); !errors.Is(err, signer.ErrGone) || !errors.Is(err, signer.ErrNoDevice) {
		t.Errorf("%v, want ErrGone", err)
	}
	m.run()
	mustSign(t, s, 2)
}

func TestNoDevice(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, device := range []string{"/none/such", plain, filepath.Dir(plain), "tcp:" + address} {
		if _, err := signer.Open(t.Context(), "tpm:0x81000001?auth=none&device="+device, signer.Options{}); !errors.Is(err, signer.ErrNoDevice) {
			t.Errorf("%s: %v, want ErrNoDevice", device, err)
		}
	}
}

func TestConcurrent(t *testing.T) {
	m := start(t)
	m.create(first, rightAuth, template())
	s := m.mustOpen("0x81000001", &person{pin: rightAuth})
	var wg sync.WaitGroup
	for i := range byte(6) {
		wg.Go(func() {
			if _, err := s.Sign(t.Context(), message(i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestCancelled(t *testing.T) {
	m := start(t)
	m.create(first, rightAuth, template())
	s := m.mustOpen("0x81000001", &person{pin: rightAuth})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Sign(ctx, message(1)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
}
