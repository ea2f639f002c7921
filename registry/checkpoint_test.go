package registry

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex"
)

const testOrigin = "registry.example/members"

var testTime = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

// testKey returns the note key of which the seed is SHA-256 of a label.
func testKey(t testing.TB, name, label string) (note.Signer, string) {
	t.Helper()
	seed := sha256.Sum256([]byte(label))
	private := ed25519.NewKeyFromSeed(seed[:])
	vkey, err := note.NewEd25519VerifierKey(name, private.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	hash := strings.Split(vkey, "+")[1]
	skey := fmt.Sprintf("PRIVATE+KEY+%s+%s+%s", name, hash, base64.StdEncoding.EncodeToString(append([]byte{1}, seed[:]...)))
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	return signer, vkey
}

// testLog is a log and its tree, and the checkpoints a registrar signs for it.
type testLog struct {
	t      testing.TB
	signer note.Signer
	vkey   string
	tree   *Tree
	hashes []tlog.Hash
}

func newTestLog(t testing.TB) *testLog {
	signer, vkey := testKey(t, testOrigin, "zkkex test registrar")
	return &testLog{t: t, signer: signer, vkey: vkey, tree: newTestTree(t, SmallCapacityBits)}
}

func (l *testLog) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		out[i] = l.hashes[index]
	}
	return out, nil
}

func (l *testLog) apply(ops ...Operation) {
	l.t.Helper()
	for _, op := range ops {
		if err := l.tree.Apply(op); err != nil {
			l.t.Fatal(err)
		}
		hashes, err := tlog.StoredHashes(int64(l.tree.Sequence())-1, mustEncode(l.t, op), l)
		if err != nil {
			l.t.Fatal(err)
		}
		l.hashes = append(l.hashes, hashes...)
	}
}

func (l *testLog) checkpoint(at time.Time) *Checkpoint {
	l.t.Helper()
	logRoot, err := tlog.TreeHash(int64(l.tree.Sequence()), l)
	if err != nil {
		l.t.Fatal(err)
	}
	return &Checkpoint{Origin: testOrigin, Sequence: l.tree.Sequence(), LogRoot: logRoot, Root: l.tree.Root(),
		CapacityBits: l.tree.CapacityBits(), Time: at, Members: l.tree.Counts()}
}

func (l *testLog) sign(c *Checkpoint) []byte {
	l.t.Helper()
	signed, err := Sign(c, l.signer)
	if err != nil {
		l.t.Fatal(err)
	}
	return signed
}

func (l *testLog) proof(from uint64) tlog.TreeProof {
	l.t.Helper()
	proof, err := tlog.ProveTree(int64(l.tree.Sequence()), int64(from), l)
	if err != nil {
		l.t.Fatal(err)
	}
	return proof
}

// sampleLog is the log of the samples in the specification.
func sampleLog(t testing.TB) *testLog {
	log := newTestLog(t)
	log.apply(admit(0, 0), admit(1, 1), revoke(0, 0))
	return log
}

func TestCheckpointRoundTrip(t *testing.T) {
	log := sampleLog(t)
	for range 3 {
		want := log.checkpoint(testTime)
		text, err := want.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseCheckpoint(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("parsed %+v, %v; expected %+v", got, err, want)
		}
		if log.tree.CapacityBits() == SmallCapacityBits {
			log.apply(grow())
			continue
		}
		log = newTestLog(t) // an empty registry has no line for members
	}
}

func TestParseCheckpointRefuses(t *testing.T) {
	text, err := sampleLog(t).checkpoint(testTime).MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	replace := func(old, new string) []byte {
		out := strings.Replace(string(text), old, new, 1)
		if out == string(text) {
			t.Fatalf("the sample holds no %q", old)
		}
		return []byte(out)
	}
	lines := strings.SplitAfter(string(text), "\n")
	for _, test := range []struct {
		name   string
		text   []byte
		class  error
		reason string
	}{
		{"empty", nil, zkkex.ErrMalformed, "expected at least 5 lines"},
		{"too long", append(bytes.Clone(text), make([]byte, 5000)...), zkkex.ErrMalformed, "expected at most 4096 bytes"},
		{"no newline at the end", text[:len(text)-1], zkkex.ErrMalformed, "expected at least 5 lines"},
		{"carriage return", replace("\n3\n", "\r\n3\n"), zkkex.ErrMalformed, "origin"},
		{"origin with a space", replace("registry.", "registry "), zkkex.ErrMalformed, "origin"},
		{"leading zero", replace("\n3\n", "\n03\n"), zkkex.ErrMalformed, "size: expected the number without"},
		{"negative size", replace("\n3\n", "\n-3\n"), zkkex.ErrMalformed, "size: expected a decimal number"},
		{"size beyond 2^63", replace("\n3\n", "\n9223372036854775808\n"), zkkex.ErrMalformed, "below 2^63"},
		{"log root", replace(lines[2], "AAAA\n"), zkkex.ErrMalformed, "log root"},
		{"base64 with trailing bits", replace(lines[2], lines[2][:42]+"B=\n"), zkkex.ErrMalformed, "the one accepted form"},
		{"capacity", replace("root 20", "root 24"), zkkex.ErrUnsupported, "capacity 2^24"},
		{"upper-case root", replace(lines[3], "zkkex-root 20 "+strings.ToUpper(lines[3][14:])), zkkex.ErrMalformed, "lower case"},
		{"root of the order", replace(lines[3][14:78], "30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001"), zkkex.ErrMalformed, "not a canonical"},
		{"no time", replace("zkkex-time", "zkkex-tide"), zkkex.ErrMalformed, "line 5"},
		{"time after the year 9999", replace(lines[4], "zkkex-time 253402300800\n"), zkkex.ErrMalformed, "time 253402300800"},
		{"no members", replace("babyjubjub 1", "babyjubjub 0"), zkkex.ErrMalformed, "no members"},
		{"more members than operations", replace("babyjubjub 1", "babyjubjub 4"), zkkex.ErrMalformed, "more members"},
		{"key type", replace("babyjubjub", "rsa"), zkkex.ErrUnsupported, "no key type"},
		{"a line twice", append(bytes.Clone(text), lines[5]...), zkkex.ErrMalformed, "the one accepted form"},
		{"a line of another kind", append(bytes.Clone(text), "zkkex-other 1\n"...), zkkex.ErrMalformed, "zkkex-members"},
		{"an empty line", append(bytes.Clone(text), '\n'), zkkex.ErrMalformed, "zkkex-members"},
	} {
		if _, err := ParseCheckpoint(test.text); !errors.Is(err, test.class) || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %v; want %v with %q", test.name, err, test.class, test.reason)
		}
	}
}

func TestOpenChecksSignatures(t *testing.T) {
	log := sampleLog(t)
	c := log.checkpoint(testTime)
	signed := log.sign(c)
	verifier, err := NewVerifier(log.vkey)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := Open(signed, verifier)
	if err != nil || !reflect.DeepEqual(&opened.Checkpoint, c) || !bytes.Equal(opened.Note, signed) || opened.Witnesses != nil {
		t.Fatalf("opened %+v, %v", opened, err)
	}

	strangerSigner, strangerKey := testKey(t, "witness.example", "zkkex test witness")
	stranger, err := note.NewVerifier(strangerKey)
	if err != nil {
		t.Fatal(err)
	}
	cosigned, err := Sign(c, log.signer, strangerSigner)
	if err != nil {
		t.Fatal(err)
	}
	opened, err = Open(cosigned, verifier, stranger)
	if err != nil || !reflect.DeepEqual(opened.Witnesses, []string{"witness.example"}) {
		t.Errorf("with a witness: %v, %v", opened, err)
	}
	text, err := c.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	byStranger, err := note.Sign(&note.Note{Text: string(text)}, strangerSigner)
	if err != nil {
		t.Fatal(err)
	}
	namesakeSigner, _ := testKey(t, testOrigin, "zkkex test namesake")
	byNamesake, err := Sign(c, namesakeSigner)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		signed []byte
		class  error
		reason string
	}{
		{"empty", nil, zkkex.ErrMalformed, "malformed note"},
		{"too long", make([]byte, MaxCheckpoint+1), zkkex.ErrMalformed, "expected at most"},
		{"changed", bytes.Replace(signed, []byte("babyjubjub 1"), []byte("babyjubjub 2"), 1), ErrSignature, "is wrong"},
		{"signed by a witness alone", byStranger, ErrSignature, "expected a signature of " + testOrigin},
		{"signed by a key of the same name", byNamesake, ErrSignature, "expected a signature of " + testOrigin},
		{"no signature", signed[:bytes.Index(signed, []byte("\n\n"))+2], zkkex.ErrMalformed, "malformed note"},
	} {
		if _, err := Open(test.signed, verifier, stranger); !errors.Is(err, test.class) || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %v; want %v with %q", test.name, err, test.class, test.reason)
		}
	}
	broken := bytes.Clone(cosigned)
	at := bytes.LastIndex(broken, []byte("witness.example ")) + len("witness.example ") + 20
	broken[at] ^= 1
	if _, err := Open(broken, verifier, stranger); !errors.Is(err, ErrSignature) {
		t.Errorf("wrong cosignature: %v; want ErrSignature", err)
	}
	if _, err := Sign(c, strangerSigner); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("signing for another origin: %v; want ErrMalformed", err)
	}
}

// TestOriginIsTheKeysName signs a checkpoint of another origin with the
// registrar's key, as a key shared by two logs could.
func TestOriginIsTheKeysName(t *testing.T) {
	log := sampleLog(t)
	c := log.checkpoint(testTime)
	c.Origin = "other.example/members"
	text, err := c.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	signed, err := note.Sign(&note.Note{Text: string(text)}, log.signer)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := NewVerifier(log.vkey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(signed, verifier); !errors.Is(err, zkkex.ErrMalformed) || !strings.Contains(err.Error(), "origin") {
		t.Fatalf("another origin: %v; want ErrMalformed", err)
	}
}

func TestID(t *testing.T) {
	_, vkey := testKey(t, testOrigin, "zkkex test registrar")
	id, err := ID(vkey)
	if err != nil {
		t.Fatal(err)
	}
	_, other := testKey(t, testOrigin, "zkkex test namesake")
	if otherID, err := ID(other); err != nil || otherID == id {
		t.Errorf("another key of the same name: %v, %v", otherID, err)
	}
	parts := strings.SplitN(vkey, "+", 3)
	for _, test := range []struct{ name, key, reason string }{
		{"empty", "", "malformed"},
		{"no key", parts[0] + "+" + parts[1], "malformed"},
		{"another name", "x" + vkey, "hash"},
		{"upper-case hash", parts[0] + "+" + strings.ToUpper(parts[1]) + "+" + parts[2], "lower-case"},
		{"newline within base64", vkey[:len(vkey)-4] + "\n" + vkey[len(vkey)-4:], "base64"},
		{"too long", strings.Repeat("x", maxVerifierKey+1), "at most"},
		{"a private key", "PRIVATE+KEY+" + vkey, "malformed"},
	} {
		if _, err := ID(test.key); !errors.Is(err, zkkex.ErrMalformed) || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %v; want ErrMalformed with %q", test.name, err, test.reason)
		}
	}
	if parts[1] == strings.ToUpper(parts[1]) {
		t.Error("the test's key hash has no letters; choose another label")
	}
}

func TestCheckName(t *testing.T) {
	for _, name := range []string{"a", testOrigin, strings.Repeat("n", MaxName)} {
		if err := CheckName(name); err != nil {
			t.Errorf("%.30q: %v", name, err)
		}
	}
	for _, name := range []string{"", "a b", "a+b", "a\n", "é", "\x7f", strings.Repeat("n", MaxName+1)} {
		if err := CheckName(name); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%.30q: %v; want ErrMalformed", name, err)
		}
	}
}

func FuzzParseCheckpoint(f *testing.F) {
	for _, log := range []*testLog{newTestLog(f), sampleLog(f)} {
		text, err := log.checkpoint(testTime).MarshalText()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := ParseCheckpoint(text)
		if err != nil {
			return
		}
		again, err := c.MarshalText()
		if err != nil || !bytes.Equal(again, text) {
			t.Fatalf("parsed %q, encoded %q, %v", text, again, err)
		}
	})
}

func FuzzNewVerifier(f *testing.F) {
	_, vkey := testKey(f, testOrigin, "zkkex test registrar")
	f.Add(vkey)
	f.Add(strings.ToUpper(vkey))
	f.Fuzz(func(t *testing.T, key string) {
		v, err := NewVerifier(key)
		if err != nil {
			return
		}
		// The key's text follows from the key: there is one spelling.
		_, rest, _ := strings.Cut(key, "+")
		raw, err := base64.StdEncoding.DecodeString(rest[9:])
		if err != nil {
			t.Fatal(err)
		}
		if again := fmt.Sprintf("%s+%08x+%s", v.Name(), v.KeyHash(), base64.StdEncoding.EncodeToString(raw)); again != key {
			t.Fatalf("accepted %q, encoded %q", key, again)
		}
	})
}
