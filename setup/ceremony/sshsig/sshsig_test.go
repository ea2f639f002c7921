package sshsig_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup/ceremony/sshsig"
)

const namespace = "zkkex-ceremony"

func key(t testing.TB, name string) ssh.Signer {
	t.Helper()
	seed := sha256.Sum256([]byte("ceremonytest key of " + name))
	signer, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// blob returns what is in the armor of a signature of ssh-keygen.
func blob(t testing.TB, name string) []byte {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(string(testdata(t, name))), "\n")
	b, err := base64.StdEncoding.DecodeString(strings.Join(lines[1:len(lines)-1], ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What we sign is, byte for byte, what OpenSSH's ssh-keygen signs, and so it
// verifies what we sign; we verify what it signs.
func TestSameAsSSHKeygen(t *testing.T) {
	for _, test := range []struct {
		file, name, namespace string
		message               []byte
	}{
		{"alice.sig", "Alice", namespace, testdata(t, "message")},
		{"alice-empty.sig", "Alice", namespace, nil},
		{"bob-git.sig", "Bob", "git", testdata(t, "message")},
	} {
		signer := key(t, test.name)
		s, err := sshsig.Sign(signer, test.namespace, test.message)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := string(s.Armor()), string(testdata(t, test.file)); got != want {
			t.Errorf("%s: signed\n%sssh-keygen signed\n%s", test.file, got, want)
		}
		read, err := sshsig.Parse(blob(t, test.file))
		if err != nil {
			t.Fatal(err)
		}
		if err := read.Verify(signer.PublicKey(), test.namespace, test.message); err != nil {
			t.Errorf("%s: %v", test.file, err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	alice, bob := key(t, "Alice").PublicKey(), key(t, "Bob").PublicKey()
	message := testdata(t, "message")
	flipped := blob(t, "alice.sig")
	flipped[len(flipped)-1] ^= 1
	high := blob(t, "alice.sig")
	addOrder(high[len(high)-32:])
	for _, test := range []struct {
		name      string
		blob      []byte
		key       ssh.PublicKey
		namespace string
		message   []byte
		says      string
	}{
		{"another key", blob(t, "alice.sig"), bob, namespace, message, "made with the key"},
		{"another namespace", blob(t, "alice.sig"), alice, "git", message, "made for the namespace"},
		{"another message", blob(t, "alice.sig"), alice, namespace, append(message, 0), "was changed"},
		{"a flipped bit", flipped, alice, namespace, message, "was changed"},
		{"s + order", high, alice, namespace, message, "was changed"},
	} {
		s, err := sshsig.Parse(test.blob)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if err := s.Verify(test.key, test.namespace, test.message); !errors.Is(err, sshsig.ErrSignature) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want one that says %q", test.name, err, test.says)
		}
	}
}

// addOrder adds the order of the group to a scalar, 32 bytes little-endian.
func addOrder(s []byte) {
	order := []byte("\xed\xd3\xf5\x5c\x1a\x63\x12\x58\xd6\x9c\xf7\xa2\xde\xf9\xde\x14\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10")
	carry := 0
	for i := range s {
		carry += int(s[i]) + int(order[i])
		s[i] = byte(carry)
		carry >>= 8
	}
}

func TestParseRefuses(t *testing.T) {
	good := blob(t, "alice.sig")
	change := func(old, new string) []byte {
		t.Helper()
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("the signature has no %q", old)
		}
		return bytes.Replace(good, []byte(old), []byte(new), 1)
	}
	for _, test := range []struct {
		name string
		b    []byte
		want error
		says string
	}{
		{"empty", nil, zkkex.ErrMalformed, "begin"},
		{"cut", good[:len(good)-1], zkkex.ErrMalformed, ""},
		{"added to", append(bytes.Clone(good), 0), zkkex.ErrMalformed, ""},
		{"oversized", make([]byte, sshsig.MaxSize+1), zkkex.ErrMalformed, "at most 512"},
		{"another magic", change("SSHSIG", "SSHSIH"), zkkex.ErrMalformed, "begin"},
		{"version 2", change("\x00\x00\x00\x01", "\x00\x00\x00\x02"), zkkex.ErrUnsupported, "version 2"},
		{"no namespace", change("\x00\x00\x00\x0e"+namespace, "\x00\x00\x00\x00"), zkkex.ErrMalformed, "namespace"},
		{"reserved", change("ceremony\x00\x00\x00\x00", "ceremony\x00\x00\x00\x01x"), zkkex.ErrMalformed, "one accepted form"},
		{"another hash", blob(t, "alice-sha256.sig"), zkkex.ErrUnsupported, `"sha256"`},
		{"another type of key", blob(t, "ecdsa.sig"), zkkex.ErrUnsupported, "ecdsa-sha2-nistp256"},
		{"a value of another type", change("S\x00\x00\x00\x0bssh-ed25519", "S\x00\x00\x00\x0bssh-ed25518"), zkkex.ErrMalformed, "value of format"},
		{"an armored one", testdata(t, "alice.sig"), zkkex.ErrMalformed, "begin"},
	} {
		_, err := sshsig.Parse(test.b)
		if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %v that says %q", test.name, err, test.want, test.says)
		}
	}
}

// broken is an agent that signs something else.
type broken struct{ ssh.Signer }

func (b broken) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	return b.Signer.Sign(rand, append(data, 0))
}

func TestSignRefuses(t *testing.T) {
	if _, err := sshsig.Sign(broken{key(t, "Alice")}, namespace, nil); !errors.Is(err, sshsig.ErrSignature) {
		t.Errorf("an agent that signs something else: %v", err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sshsig.Sign(signer, namespace, nil); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("a key of another type: %v", err)
	}
	if _, err := sshsig.Sign(key(t, "Alice"), "", nil); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("no namespace: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(nil))
	for _, name := range []string{"alice.sig", "alice-sha256.sig", "ecdsa.sig", "bob-git.sig"} {
		f.Add(blob(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := sshsig.Parse(b)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) && !errors.Is(err, zkkex.ErrUnsupported) {
				t.Fatalf("an error without a class: %v", err)
			}
			return
		}
		if !bytes.Equal(s.Bytes(), b) {
			t.Fatal("accepted, and written otherwise")
		}
		if err := s.Verify(s.Key, s.Namespace, b); !errors.Is(err, sshsig.ErrSignature) {
			t.Fatalf("a signature of itself: %v", err)
		}
	})
}
