package descriptor

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/registry"
)

// secondAlgorithm stands for an algorithm that a later version adds: its number
// is not one of ours, and its signature is a hash with the key.
const secondAlgorithm Algorithm = "\xfe"

func withSecond() algorithms {
	table := known()
	table[secondAlgorithm] = algorithm{keySize: 40, verifier: func(key []byte) func(message, signature []byte) bool {
		return func(message, signature []byte) bool {
			want := sha256.Sum256(append(bytes.Clone(key), message...))
			return bytes.Equal(signature, want[:])
		}
	}}
	return table
}

// hashSigner signs for [secondAlgorithm].
type hashSigner struct{ key []byte }

func (h hashSigner) Public() crypto.PublicKey { return h.key }

func (h hashSigner) Sign(_ io.Reader, message []byte, _ crypto.SignerOpts) ([]byte, error) {
	sum := sha256.Sum256(append(bytes.Clone(h.key), message...))
	return sum[:], nil
}

func secondSigner(t *testing.T, name string) *Signer {
	t.Helper()
	key := bytes.Repeat([]byte{7}, 40)
	s, err := newSigner(name, secondAlgorithm, key, hashSigner{key}, crypto.Hash(0), withSecond())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestIdentityRoundTrip(t *testing.T) {
	id := testIdentity(t, testSigner(t, "zkkex test venue"))
	again, err := ParseIdentity(id.String())
	if err != nil || again.ID() != id.ID() || again.String() != id.String() || again.Name() != testVenue {
		t.Fatalf("parsed %v, %v", again, err)
	}
	if v, err := note.NewVerifier(id.String()); err != nil || v.KeyHash() != id.keys[0].hash {
		t.Errorf("package note reads the key as %v, %v", v, err)
	}
	if id.ID() != domain.Hash("zkkex/v1 venue id", []byte(id.String())) {
		t.Error("the id is not the hash of the key's text")
	}
	if got := strings.ReplaceAll(id.Fingerprint(), " ", ""); got != id.ID().String() || len(strings.Fields(id.Fingerprint())) != 8 {
		t.Errorf("fingerprint %q of %v", id.Fingerprint(), id.ID())
	}
	inSpec(t, "the identity", id.String())
	inSpec(t, "the venue id", id.ID().String())
	inSpec(t, "the fingerprint", id.Fingerprint())
}

func TestParseIdentityRefuses(t *testing.T) {
	good := testIdentity(t, testSigner(t, "zkkex test venue")).String()
	other := testIdentity(t, testSigner(t, "zkkex test other venue")).String()
	second := secondSigner(t, testVenue).public.String()
	foreign := secondSigner(t, "elsewhere.example").public.String()
	m, u := zkkex.ErrMalformed, zkkex.ErrUnsupported
	for _, test := range []struct {
		name, text string
		table      algorithms
		class      error
		reason     string
	}{
		{"empty", "", known(), m, "expected name+hash+key"},
		{"no hash", "venue.example", known(), m, "expected name+hash+key"},
		{"name with a space", strings.Replace(good, "venue.", "venue ", 1), known(), m, "printable ASCII"},
		{"not base64", good[:len(good)-1] + "!", known(), m, "standard base64"},
		{"no key", good[:strings.LastIndex(good, "+")+1], known(), m, "standard base64"},
		{"another hash", strings.Replace(good, good[14:22], "00000000", 1), known(), m, "the one accepted form"},
		{"upper-case hash", good[:14] + strings.ToUpper(good[14:22]) + good[22:], known(), m, "the one accepted form"},
		{"newline at the end", good + "\n", known(), m, "expected name+hash+key"},
		{"short key", "venue.example+00000000+AQAA", known(), m, "Ed25519 key of 2 bytes, expected 32"},
		{"unknown algorithm", good + "\n" + second, known(), u, "algorithm 254"},
		{"unknown algorithm alone", second, known(), u, "algorithm 254"},
		{"no Ed25519 key", second, withSecond(), m, "expected an Ed25519 key first"},
		{"not ascending", second + "\n" + good, withSecond(), m, "expected an Ed25519 key first"},
		{"an algorithm twice", good + "\n" + other, known(), m, "expected ascending algorithms"},
		{"two names", good + "\n" + foreign, withSecond(), m, "expected one name"},
		{"too many keys", strings.Repeat(good+"\n", 4) + good, known(), m, "5 keys"},
		{"too long", strings.Repeat("x", maxIdentity+1), known(), m, "expected at most 16384 bytes"},
	} {
		if _, err := parseIdentity(test.text, test.table); !errors.Is(err, test.class) || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %v; want %v with %q", test.name, err, test.class, test.reason)
		}
	}
}

func FuzzParseIdentity(f *testing.F) {
	f.Add(testIdentity(f, testSigner(f, "zkkex test venue")).String())
	f.Add(newMLDSAChain(f).identity().String())
	f.Add(testRegistry)
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseIdentity(text)
		if err == nil && id.String() != text {
			t.Fatalf("parsed %q, encoded %q", text, id)
		}
		if err != nil && !errors.Is(err, zkkex.ErrMalformed) && !errors.Is(err, zkkex.ErrUnsupported) {
			t.Fatalf("untyped error: %v", err)
		}
	})
}

// Every change of a signed descriptor is refused, whichever byte it is.
func TestOpenRefusesEveryChangedByte(t *testing.T) {
	c := newTestChain(t)
	s := c.sign(c.draft())
	signed := s.Note()
	if _, err := Open(signed, c.identity()); err != nil {
		t.Fatal(err)
	}
	for i := range signed {
		changed := bytes.Clone(signed)
		changed[i] ^= 1
		if _, err := Open(changed, c.identity()); err == nil {
			t.Errorf("byte %d (%q) can be changed", i, signed[i])
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	c := newTestChain(t)
	signed := c.sign(c.draft()).Note()
	text, signatures, _ := bytes.Cut(signed, []byte("\n\n"))
	text = append(bytes.Clone(text), '\n')
	stranger := testSigner(t, "zkkex test other venue")
	by := func(text []byte, signers ...note.Signer) []byte {
		out, err := note.Sign(&note.Note{Text: string(text)}, signers...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	foreign := c.draft()
	foreign.Venue[0] ^= 1
	for _, test := range []struct {
		name   string
		signed []byte
		class  error
		reason string
	}{
		{"empty", nil, zkkex.ErrMalformed, "malformed note"},
		{"too long", make([]byte, MaxSigned+1), zkkex.ErrMalformed, "expected at most 49152 bytes"},
		{"no signature", text, zkkex.ErrMalformed, "malformed note"},
		{"another key of the name", by(text, stranger), ErrSignature, "no signature of its keys"},
		{"a stranger's beside", by(text, c.signers[0], stranger), zkkex.ErrMalformed, "which is no key of the venue's identity"},
		{"a stranger's before", by(text, stranger, c.signers[0]), zkkex.ErrMalformed, "which is no key of the venue's identity"},
		{"the signature twice", append(bytes.Clone(signed), signatures...), zkkex.ErrMalformed, "not in the one accepted form"},
		{"text changed", bytes.Replace(signed, []byte("opens: 64"), []byte("opens: 65"), 1), ErrSignature, "is wrong"},
		{"signed, but malformed", by([]byte("venue.example\n1\nAAAA\n"), c.signers[0]), zkkex.ErrMalformed, "expected the first line"},
		{"signed, but another version", by(bytes.Replace(text, []byte("zkkex/v1"), []byte("zkkex/v9"), 1), c.signers[0]), zkkex.ErrUnsupported, "newer version"},
		{"another venue's", by(mustText(t, foreign), c.signers[0]), zkkex.ErrMalformed, "that of the keys that signed"},
	} {
		if _, err := Open(test.signed, c.identity()); !errors.Is(err, test.class) || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %.300v; want %v with %q", test.name, err, test.class, test.reason)
		}
	}
	if _, err := Sign(foreign, c.signers...); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("Sign for another venue: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	c := newTestChain(f)
	identity := c.identity()
	f.Add(c.sign(c.draft()).Note())
	f.Add(newMLDSAChain(f).next().Note())
	f.Add([]byte(magic + "\n\n— venue.example AAAA\n"))
	f.Fuzz(func(t *testing.T, signed []byte) {
		if s, err := Open(signed, identity); err == nil && !bytes.Equal(s.Note(), signed) {
			t.Fatal("the note is not what was opened")
		}
	})
}

// An identity with a key of a second algorithm needs both signatures, in order.
func TestSecondSignature(t *testing.T) {
	c := newTestChain(t)
	first, second := c.signers[0], secondSigner(t, testVenue)
	c.signers = append(c.signers, second)
	both := c.identity()
	if again, err := parseIdentity(both.String(), withSecond()); err != nil || again.ID() != both.ID() {
		t.Fatalf("parsed %v, %v", again, err)
	}
	if both.ID() == testIdentity(t, first).ID() {
		t.Error("a second key does not change the venue's id")
	}
	d := c.draft()
	signed := c.sign(d)
	if got := strings.Count(string(signed.Note()), "\n— "+testVenue+" "); got != 2 {
		t.Errorf("%d signatures, expected 2", got)
	}
	for name, signers := range map[string][]note.Signer{"the first alone": {first}, "the second alone": {second}, "swapped": {second, first}} {
		stripped, err := note.Sign(&note.Note{Text: string(mustText(t, d))}, signers...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(stripped, both); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v; want ErrSignature", name, err)
		}
	}
	chain, err := NewChain(ChainConfig{Identity: both})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chain.Add(signed.Note(), nil, testTime); err != nil {
		t.Error(err)
	}
}

func TestSignerRefuses(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewSigner(testVenue, other); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("an ECDSA key: %v; want ErrUnsupported", err)
	}
	private := ed25519.NewKeyFromSeed(make([]byte, 32))
	if _, err := NewSigner("a name", private); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("a name with a space: %v; want ErrMalformed", err)
	}
	s, err := NewSigner(testVenue, faultySigner{private})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sign([]byte("x")); err == nil || !strings.Contains(err.Error(), "does not verify") {
		t.Errorf("a device that errs: %v", err)
	}
}

// faultySigner is a device that flips a bit.
type faultySigner struct{ ed25519.PrivateKey }

func (f faultySigner) Sign(r io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	out, err := f.PrivateKey.Sign(r, message, opts)
	if err == nil {
		out[40] ^= 1
	}
	return out, err
}

func TestSignerFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.key")
	made, err := CreateSigner(path, testVenue, Ed25519)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := CreateSigner(path, testVenue, Ed25519); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over another: %v; want ErrExist", err)
	}
	loaded, err := LoadSigner(path)
	if err != nil || testIdentity(t, loaded).ID() != testIdentity(t, made).ID() {
		t.Fatalf("loaded %v, %v", loaded, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.TrimSpace(string(text[bytes.LastIndexByte(text[:len(text)-1], ' ')+1:]))
	for _, bad := range [][]byte{nil, text[:len(text)-2], append(bytes.Clone(text), '\n'), bytes.Replace(text, []byte("venue."), []byte("venue "), 1),
		bytes.Replace(text, []byte("ed25519: "), []byte("ed25519: A"), 1), bytes.Replace(text, []byte("v1"), []byte("v2"), 1)} {
		_, err := parseSigner(bad)
		if !errors.Is(err, zkkex.ErrMalformed) || strings.Contains(err.Error(), secret[:20]) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadSigner(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("readable by all: %v", err)
	}
	if _, err := CreateSigner(filepath.Join(t.TempDir(), "x"), "a name", Ed25519); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("a name with a space: %v", err)
	}
}

// No formatter, logger or encoder shows a secret.
func TestSecretsDoNotPrint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity.key")
	signer, err := CreateSigner(path, testVenue, Ed25519)
	if err != nil {
		t.Fatal(err)
	}
	store, err := OpenStore(t.TempDir(), signer)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	keys, err := newPrekeys(1, testTime, true)
	if err != nil {
		t.Fatal(err)
	}
	store.prekeys[1] = keys
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	secrets := [][]byte{keys.X25519().Bytes(), keys.MLKEM768().Bytes(), mustSeed(t, file)}
	for _, v := range []any{signer, *signer, keys, *keys, []any{signer, keys}, struct{ K *PrivatePrekeys }{keys}, store} {
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%q"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		if b, err := json.Marshal(v); err == nil {
			out.Write(b)
		}
		if leak := findSecret(out.String(), secrets); leak != "" {
			t.Errorf("%T prints a secret as %s", v, leak)
		}
	}
	// The planted fault: the search finds a secret however it is printed.
	for _, verb := range []string{"%v", "%x", "%X", "%s"} {
		if findSecret(fmt.Sprintf(verb, secrets[0]), secrets) == "" {
			t.Errorf("a secret printed with %s is not found", verb)
		}
	}
}

func mustSeed(t *testing.T, file []byte) []byte {
	t.Helper()
	_, text, ok := strings.Cut(string(file), "ed25519: ")
	if !ok {
		t.Fatal("no key in the file")
	}
	return []byte(strings.TrimSpace(text))
}

// findSecret looks for the first bytes of secrets, in any usual spelling.
func findSecret(s string, secrets [][]byte) string {
	for _, secret := range secrets {
		part := secret[:12]
		decimal := strings.Trim(fmt.Sprint(part), "[]")
		for _, spelling := range []string{string(part), fmt.Sprintf("%x", part), fmt.Sprintf("%X", part), decimal,
			strings.ReplaceAll(decimal, " ", ", "), base64Of(part)[:14]} {
			if strings.Contains(s, spelling) {
				return spelling
			}
		}
	}
	return ""
}

func TestRegistryIDIsTheRegistrys(t *testing.T) {
	c := newTestChain(t)
	d := c.draft()
	want, err := registry.ID(testRegistry)
	if err != nil || d.RegistryID() != want {
		t.Fatalf("%v, expected %v, %v", d.RegistryID(), want, err)
	}
	scope := zkkex.VenueScope{Venue: c.identity().ID(), Registry: want, ChainID: 1, Generation: 3,
		Epoch: zkkex.Epoch{Schedule: zkkex.DefaultSchedule(), Number: 20779}}.Scope()
	d.Generation = 3
	if d.Scope(20779) != scope {
		t.Errorf("scope %v, expected %v", d.Scope(20779), scope)
	}
}
