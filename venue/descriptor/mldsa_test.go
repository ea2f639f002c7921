package descriptor

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sync/errgroup"

	"github.com/zkkex/zkkex"
)

// testMLDSA is the key of which the seed is SHA-256 of a label. Its signatures
// are the deterministic ones of FIPS 204, for vectors that can be made again.
type testMLDSA struct {
	*mldsa65.PrivateKey
	context *string // in place of the one that is asked for
}

func newTestMLDSA(label string) testMLDSA {
	seed := sha256.Sum256([]byte(label))
	_, private := mldsa65.NewKeyFromSeed(&seed)
	return testMLDSA{PrivateKey: private}
}

func (k testMLDSA) Sign(_ io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	o, ok := opts.(MLDSAOptions)
	if !ok || opts.HashFunc() != 0 {
		return nil, errors.New("expected MLDSAOptions")
	}
	if k.context != nil {
		o.Context = *k.context
	}
	signature := make([]byte, mldsa65.SignatureSize)
	err := mldsa65.SignTo(k.PrivateKey, message, []byte(o.Context), false, signature)
	return signature, err
}

func testMLDSASigner(t testing.TB, label string) *Signer {
	t.Helper()
	s, err := NewSigner(testVenue, newTestMLDSA(label))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newMLDSAChain is a chain of a venue that signs with both algorithms.
func newMLDSAChain(t testing.TB) *testChain {
	return &testChain{t: t, signers: []*Signer{testSigner(t, "zkkex test venue"), testMLDSASigner(t, "zkkex test venue mldsa65")}}
}

// Sizes and names are those of the specification.
func TestMLDSAIdentity(t *testing.T) {
	id := newMLDSAChain(t).identity()
	again, err := ParseIdentity(id.String())
	if err != nil || again.ID() != id.ID() || again.String() != id.String() {
		t.Fatalf("parsed %v, %v", again, err)
	}
	if size := len(id.keys[1].key); size != 1952 || len(id.String()) != 2719 {
		t.Errorf("a key of %d bytes in an identity of %d, expected 1,952 and 2,719", size, len(id.String()))
	}
	if id.ID() == testIdentity(t, testSigner(t, "zkkex test venue")).ID() {
		t.Error("the second key does not change the venue's id")
	}
	encoded := append([]byte("\xffzkkex/v1 ML-DSA-65"), newTestMLDSA("zkkex test venue mldsa65").Public().(*mldsa65.PublicKey).Bytes()...)
	if hash := sha256.Sum256(append([]byte(testVenue+"\n"), encoded...)); !strings.HasSuffix(id.String(), "\n"+testVenue+"+"+hex.EncodeToString(hash[:4])+"+"+base64Of(encoded)) {
		t.Errorf("%s is not the verifier key of c2sp.org/signed-note", id.keys[1])
	}
	inSpec(t, "the beginning of the second key", id.keys[1].String()[:80]+"…")
	inSpec(t, "the venue id", id.ID().String())
}

// identityVector is the text of an identity.
type identityVector struct {
	Name   string `json:"name"`
	Expect string `json:"expect"` // "valid", or the error's class
	Reason string `json:"reason"` // part of the error's message
	Text   string `json:"text"`
	ID     string `json:"id,omitempty"`
}

func identityVectors(t *testing.T) []identityVector {
	first, both := testIdentity(t, testSigner(t, "zkkex test venue")), newMLDSAChain(t).identity()
	second, other := both.keys[1], testMLDSASigner(t, "zkkex test other venue mldsa65").public
	foreign := *second
	foreign.name = "elsewhere.example"
	foreign.hash = keyHash(foreign.name, MLDSA65, second.key)
	line := func(a Algorithm, key []byte) string {
		k := &identityKey{name: testVenue, hash: keyHash(testVenue, a, key), algorithm: a, key: key}
		return first.String() + "\n" + k.String()
	}
	valid := func(name string, id *Identity) identityVector {
		return identityVector{Name: name, Expect: "valid", Text: id.String(), ID: id.ID().String()}
	}
	bad := func(name, expect, reason, text string) identityVector {
		return identityVector{Name: name, Expect: expect, Reason: reason, Text: text}
	}
	return []identityVector{
		valid("Ed25519", first), valid("Ed25519 and ML-DSA-65", both),
		bad("ML-DSA-65 alone", "malformed", "expected an Ed25519 key first", second.String()),
		bad("ML-DSA-65 first", "malformed", "expected an Ed25519 key first", second.String()+"\n"+first.String()),
		bad("ML-DSA-65 twice", "malformed", "expected ascending algorithms", both.String()+"\n"+other.String()),
		bad("ML-DSA-65 of another name", "malformed", "expected one name", first.String()+"\n"+foreign.String()),
		bad("a byte is missing", "malformed", "ML-DSA-65 key of 1951 bytes, expected 1952", line(MLDSA65, second.key[1:])),
		bad("a byte too many", "malformed", "ML-DSA-65 key of 1953 bytes, expected 1952", line(MLDSA65, append(bytes.Clone(second.key), 0))),
		bad("a newline at the end", "malformed", "expected name+hash+key", both.String()+"\n"),
		bad("lines ended by CR LF", "malformed", "the one accepted form", strings.Replace(both.String(), "\n", "\r\n", 1)),
		bad("type 255 with another name", "unsupported", "algorithm 255", line("\xffzkkex/v1 ML-DSA-87", second.key)),
		bad("type 255 without a name", "unsupported", "algorithm 255", line("\xff", second.key)),
		bad("type 6, which is for cosignatures", "unsupported", "algorithm 6", line("\x06", second.key[:1312])),
	}
}

func TestIdentityVectors(t *testing.T) {
	classes := map[string]error{"malformed": zkkex.ErrMalformed, "unsupported": zkkex.ErrUnsupported}
	for _, v := range vectors(t, "identities.json", identityVectors(t)) {
		id, err := ParseIdentity(v.Text)
		switch {
		case v.Expect == "valid":
			if err != nil || id.ID().String() != v.ID {
				t.Errorf("%s: %v, %v", v.Name, id, err)
			}
		case classes[v.Expect] == nil || v.Reason == "" || !errors.Is(err, classes[v.Expect]) || !strings.Contains(err.Error(), v.Reason):
			t.Errorf("%s: %v; want %s with %q", v.Name, err, v.Expect, v.Reason)
		}
	}
}

// signatureVector is a descriptor signed by, or not by, both keys of an identity.
type signatureVector struct {
	Name     string `json:"name"`
	Expect   string `json:"expect"` // "valid", "signature" or "malformed"
	Reason   string `json:"reason"` // part of the error's message
	Identity string `json:"identity"`
	Signed   string `json:"signed"`
}

func signatureVectors(t *testing.T) []signatureVector {
	c := newMLDSAChain(t)
	d := sample(c)
	identity, text := c.identity().String(), string(mustText(t, d))
	by := func(signers ...note.Signer) string {
		out, err := note.Sign(&note.Note{Text: text}, signers...)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	first, second := c.signers[0], c.signers[1]
	// as signs in the place of the second key.
	as := func(sign func(message []byte) ([]byte, error)) note.Signer {
		return &forger{second.public, sign}
	}
	inContext := func(context string) note.Signer {
		key := newTestMLDSA("zkkex test venue mldsa65")
		key.context = &context
		return as(func(m []byte) ([]byte, error) { return key.Sign(nil, m, MLDSAOptions{}) })
	}
	changed := func(change func(signature []byte) []byte) note.Signer {
		return as(func(m []byte) ([]byte, error) {
			signature, err := second.Sign(m)
			return change(signature), err
		})
	}
	stranger := testMLDSASigner(t, "zkkex test other venue mldsa65")
	wrong := "the signature of " + testVenue + "+" + strings.Split(second.public.String(), "+")[1] + " is wrong"
	missing := "expected signature 2 to be of"
	vector := func(name, expect, reason, signed string) signatureVector {
		return signatureVector{name, expect, reason, identity, signed}
	}
	return []signatureVector{
		vector("both", "valid", "", by(first, second)),
		vector("the Ed25519 signature alone", "signature", missing, by(first)),
		vector("the ML-DSA-65 signature alone", "signature", "expected signature 1 to be of", by(second)),
		vector("swapped", "signature", "expected signature 1 to be of", by(second, first)),
		vector("another ML-DSA-65 key in its place", "signature", missing, by(first, stranger)),
		vector("another ML-DSA-65 key beside", "malformed", "which is no key of the venue's identity", by(first, second, stranger)),
		vector("another key under the hash", "signature", wrong, by(first, as(stranger.Sign))),
		vector("no context", "signature", wrong, by(first, inContext(""))),
		vector("another context", "signature", wrong, by(first, inContext("zkkex/v1 venue identity."))),
		vector("of another text", "signature", wrong, by(first, as(func(m []byte) ([]byte, error) { return second.Sign(append(m, '\n')) }))),
		vector("a bit of the challenge is changed", "signature", wrong, by(first, changed(func(s []byte) []byte { s[0] ^= 1; return s }))),
		vector("a bit of the response is changed", "signature", wrong, by(first, changed(func(s []byte) []byte { s[1000] ^= 1; return s }))),
		vector("a bit of the hint is changed", "signature", wrong, by(first, changed(func(s []byte) []byte { s[len(s)-1] ^= 1; return s }))),
		vector("a byte too many", "signature", wrong, by(first, changed(func(s []byte) []byte { return append(s, 0) }))),
		vector("a byte is missing", "signature", wrong, by(first, changed(func(s []byte) []byte { return s[:len(s)-1] }))),
		vector("the Ed25519 signature under its hash", "signature", wrong, by(first, as(first.Sign))),
		vector("the Ed25519 signature is wrong", "signature", "is wrong", by(&forger{first.public, func(m []byte) ([]byte, error) { return make([]byte, ed25519.SignatureSize), nil }}, second)),
	}
}

// forger signs in the name of a key.
type forger struct {
	*identityKey
	sign func(message []byte) ([]byte, error)
}

func (f *forger) Sign(message []byte) ([]byte, error) { return f.sign(message) }

func TestSignatureVectors(t *testing.T) {
	classes := map[string]error{"signature": ErrSignature, "malformed": zkkex.ErrMalformed}
	for _, v := range vectors(t, "signatures.json", signatureVectors(t)) {
		identity, err := ParseIdentity(v.Identity)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Open([]byte(v.Signed), identity)
		switch {
		case v.Expect == "valid":
			if err != nil || len(v.Signed) > MaxSigned {
				t.Errorf("%s: %v", v.Name, err)
			}
		case classes[v.Expect] == nil || v.Reason == "" || !errors.Is(err, classes[v.Expect]) || !strings.Contains(err.Error(), v.Reason):
			t.Errorf("%s: %v; want %s with %q", v.Name, err, v.Expect, v.Reason)
		}
	}
}

// Two texts that another implementation signed, hedged, with keys it derived from
// the same seeds.
func TestMLDSAOfAnotherImplementation(t *testing.T) {
	type foreign struct {
		Seed      string `json:"seed"`
		Key       string `json:"key"`
		Context   string `json:"context"`
		Message   string `json:"message"`
		Signature string `json:"signature"`
	}
	decode := func(s string) []byte {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, v := range readVectors[foreign](t, "mldsa65.json") {
		private := mldsaFromSeed([seedSize]byte(decode(v.Seed)))
		if key := private.Public().(*mldsa65.PublicKey).Bytes(); !bytes.Equal(key, decode(v.Key)) {
			t.Errorf("the key of the seed %s is another one", v.Seed)
		}
		verify := verifierMLDSA(decode(v.Key))
		if got, want := verify([]byte(v.Message), decode(v.Signature)), v.Context == mldsaContext; got != want {
			t.Errorf("the signature of %.30q with the context %q: verified %v, expected %v", v.Message, v.Context, got, want)
		}
	}
}

// Every change of one bit of a note is refused. Of the ML-DSA-65 signature, every
// seventeenth byte is changed.
func TestOpenRefusesChangesWithMLDSA(t *testing.T) {
	c := newMLDSAChain(t)
	signed := c.sign(sample(c)).Note()
	begin := bytes.LastIndex(signed, []byte("\n— "))
	if line := len(signed) - begin - 1; line != 4439 {
		t.Errorf("a line of %d bytes, correct docs/spec/descriptor.md", line)
	}
	for i := 0; i < len(signed); i++ {
		if i > begin+20 && i < len(signed)-20 && i%17 != 0 {
			continue
		}
		changed := bytes.Clone(signed)
		changed[i] ^= 1
		if _, err := Open(changed, c.identity()); err == nil {
			t.Errorf("byte %d (%q) can be changed", i, signed[i])
		}
	}
}

// Signatures of one text differ, and its digest does not.
func TestMLDSAIsHedged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity-mldsa65")
	made, err := CreateSigner(path, testVenue, MLDSA65)
	if err != nil {
		t.Fatal(err)
	}
	seed := sha256.Sum256([]byte("zkkex test venue mldsa65"))
	_, private := mldsa65.NewKeyFromSeed(&seed)
	inMemory, err := NewSigner(testVenue, private)
	if err != nil {
		t.Fatal(err)
	}
	for _, second := range []*Signer{made, inMemory} {
		c := newMLDSAChain(t)
		c.signers[1] = second
		one, two := c.sign(sample(c)), c.sign(sample(c))
		if bytes.Equal(one.Note(), two.Note()) || one.Digest() != two.Digest() {
			t.Error("expected two signatures, and one digest")
		}
	}
}

func TestMLDSASignerFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity-mldsa65")
	made, err := CreateSigner(path, testVenue, MLDSA65)
	if err != nil || made.Algorithm() != MLDSA65 {
		t.Fatal(made.Algorithm(), err)
	}
	if _, err := CreateSigner(path, testVenue, MLDSA65); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over another: %v; want ErrExist", err)
	}
	loaded, err := LoadSigner(path)
	if err != nil || loaded.public.String() != made.public.String() {
		t.Fatalf("loaded another key, %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.Fields(string(text[bytes.Index(text, []byte("mldsa65: ")):]))[1]
	for _, bad := range [][]byte{text[:len(text)-2], append(bytes.Clone(text), '\n'), append(bytes.Clone(text), "ed25519: "+secret+"\n"...),
		bytes.Replace(text, []byte("mldsa65"), []byte("mldsa87"), 1), bytes.Replace(text, []byte("mldsa65: "), []byte("mldsa65: AAAA"), 1)} {
		_, err := parseSigner(bad)
		if !errors.Is(err, zkkex.ErrMalformed) || strings.Contains(err.Error(), secret[:20]) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := CreateSigner(filepath.Join(t.TempDir(), "x"), testVenue, "\xff"); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("of no algorithm: %v; want ErrUnsupported", err)
	}
	inSpec(t, "the key file", string(encodeSigner(testVenue, "mldsa65", sha256Of("zkkex test venue mldsa65"))))
}

func sha256Of(label string) []byte {
	sum := sha256.Sum256([]byte(label))
	return sum[:]
}

// A device that ignores the context, or errs, brings nothing to be published.
func TestMLDSADeviceThatErrs(t *testing.T) {
	none := ""
	device := newTestMLDSA("zkkex test venue mldsa65")
	device.context = &none
	s, err := NewSigner(testVenue, device)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sign([]byte("x")); err == nil || !strings.Contains(err.Error(), "does not verify") {
		t.Errorf("a device that ignores the context: %v", err)
	}
}

// Checkpoints need both signatures too; witnesses are shown the one they know.
func TestMLDSACheckpoints(t *testing.T) {
	c := newMLDSAChain(t)
	dir := t.TempDir()
	s, err := OpenStore(dir, c.signers...)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d := mustRotate(t, s, testTime, testTerms())
	witness := testWitness(t, "a.example")
	cosign := cosignBy(c.signers[0].public, witness)
	var shown []byte
	published, err := s.Publish(t.Context(), func(ctx context.Context, signed []byte, size uint64, hashes tlog.HashReader) ([]byte, error) {
		shown = signed
		return cosign(ctx, signed, size, hashes)
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(shown, []byte("\n— ")); n != 1 {
		t.Errorf("the witness was shown %d signatures, expected 1", n)
	}
	policy, err := newWitnessPolicy(c.identity(), []string{witness.Verifier().String()}, 1)
	if err != nil {
		t.Fatal(err)
	}
	proof := mustProve(t, s, 1)
	if _, err := policy.check(d, proof); err != nil {
		t.Errorf("signed by both: %v", err)
	}
	cosigned, err := cosign(t.Context(), shown, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	stripped := bytes.Replace(proof, published, cosigned, 1)
	if _, err := policy.check(d, stripped); !errors.Is(err, ErrSignature) || !strings.Contains(err.Error(), c.signers[1].public.String()[:20]) {
		t.Errorf("without the second signature: %v; want ErrSignature", err)
	}
	chain, err := NewChain(ChainConfig{Identity: c.identity(), Witnesses: []string{witness.Verifier().String()}, Quorum: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chain.Add(d.Note(), stripped, testTime); !errors.Is(err, ErrSignature) {
		t.Errorf("a chain: %v; want ErrSignature", err)
	}
	if _, err := chain.Add(d.Note(), proof, testTime); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenStore(dir, c.signers[0]); !errors.Is(err, ErrDamaged) {
		t.Errorf("opened with the Ed25519 key alone: %v; want ErrDamaged", err)
	}
}

// A saved chain of such a venue is read as it was.
func TestMLDSAChainFile(t *testing.T) {
	c := newMLDSAChain(t)
	for range 3 {
		c.next()
	}
	path := filepath.Join(t.TempDir(), "chain")
	if err := SaveChain(path, c.client()); err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadChain(path, ChainConfig{Identity: c.identity()})
	if err != nil || loaded.Latest().Digest() != c.all[2].Digest() {
		t.Fatal(err)
	}
	if _, err := loaded.Current(testTime.Add(2 * time.Hour)); err != nil {
		t.Error(err)
	}
}

// What a client verifies once an hour.
func BenchmarkOpenMLDSA(b *testing.B) {
	for name, c := range map[string]*testChain{"Ed25519": newTestChain(b), "Ed25519+ML-DSA-65": newMLDSAChain(b)} {
		signed, identity := c.sign(c.draft()).Note(), c.identity()
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Open(signed, identity); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(signed)), "bytes")
		})
	}
}

// One identity verifies in many goroutines, as a chain's does: for the race
// detector.
func TestMLDSAVerifiesConcurrently(t *testing.T) {
	c := newMLDSAChain(t)
	signed, identity := c.sign(sample(c)).Note(), c.identity()
	var group errgroup.Group
	for range 8 {
		group.Go(func() error {
			_, err := Open(signed, identity)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}
