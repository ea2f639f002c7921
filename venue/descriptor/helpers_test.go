package descriptor

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/mlkem"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
)

const testVenue = "venue.example"

// testRegistry is the verifier key of the samples in docs/spec/checkpoint.md.
const testRegistry = "registry.example/members+7a37ce2d+ATXBG5/ap5hSj+4JJEZPU0N9o9Jkgad/q4P66wt7iL6Z"

// testTime is half past nine; the epochs are days.
var testTime = time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)

// testSigner returns the key of which the seed is SHA-256 of a label.
func testSigner(t testing.TB, label string) *Signer {
	t.Helper()
	seed := sha256.Sum256([]byte(label))
	s, err := NewSigner(testVenue, ed25519.NewKeyFromSeed(seed[:]))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func testIdentity(t testing.TB, signers ...*Signer) *Identity {
	t.Helper()
	id, err := IdentityOf(signers...)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func testRoot(n byte) (r zkkex.Root) {
	r[0], r[31] = 1, n
	return r
}

// testPrekeys returns the keys of which the secrets are hashes of a label.
func testPrekeys(t testing.TB, number uint64, expires time.Time, withKEM bool) *PrivatePrekeys {
	t.Helper()
	label := fmt.Sprintf("zkkex test prekey %d", number)
	scalar := sha256.Sum256([]byte(label))
	dh, err := ecdh.X25519().NewPrivateKey(scalar[:])
	if err != nil {
		t.Fatal(err)
	}
	var kem *mlkem.DecapsulationKey768
	if withKEM {
		seed := sha512.Sum512([]byte(label))
		if kem, err = mlkem.NewDecapsulationKey768(seed[:]); err != nil {
			t.Fatal(err)
		}
	}
	return holdPrekeys(number, expires, dh, kem)
}

// testChain makes signed descriptors that follow one another: an hour each,
// with ten minutes of overlap.
type testChain struct {
	t       testing.TB
	signers []*Signer
	all     []*Signed
}

func newTestChain(t testing.TB) *testChain {
	return &testChain{t: t, signers: []*Signer{testSigner(t, "zkkex test venue")}}
}

func (c *testChain) identity() *Identity { return testIdentity(c.t, c.signers...) }

// draft returns the next descriptor before it is changed and signed.
func (c *testChain) draft() *Descriptor {
	n := uint64(len(c.all) + 1)
	begin := testTime.Add(time.Duration(n-1) * time.Hour)
	d := &Descriptor{
		Venue: c.identity().ID(), Number: n, NotBefore: begin, NotAfter: begin.Add(70 * time.Minute),
		Schedule: zkkex.DefaultSchedule(), ChainID: 1, Registry: testRegistry,
		MaxOpens: 64, MaxChannels: 4, Padding: [2]uint16{2048, 4096},
		Circuits:  []Circuit{{zkkex.BabyJubjub20, zkkex.ParamsDigest{0xaa}}, {zkkex.BabyJubjub32, zkkex.ParamsDigest{0xbb}}},
		Suites:    []Suite{"Noise_IKhfs+skem1_25519+MLKEM768_AESGCM_SHA256", "Noise_IKhfs_25519+MLKEM768_AESGCM_SHA256"},
		Addresses: []Address{{"tcp", "venue.example:9440"}, {"https", "venue.example:443/mail"}},
	}
	if n > 1 {
		d.Previous = c.all[n-2].Digest()
		d.Generation = c.all[n-2].Generation
	}
	d.Prekeys = testPrekeys(c.t, n, d.NotAfter, true).public()
	setEpochs(d)
	return d
}

// setEpochs names the epochs of a descriptor, whose root is of sequence 100, 10
// more for each epoch since the first and 1000 for each generation.
func setEpochs(d *Descriptor) {
	const first = 20778 // that of testTime
	for i := range d.Epochs {
		n := uint64(d.NotBefore.Unix())/86400 + uint64(i)
		k, g := n-first, uint64(d.Generation)
		d.Epochs[i] = EpochTerms{Number: n, Limit: 8, Sequence: 100 + 10*k + 1000*g, Root: testRoot(byte(k + 20*g))}
	}
}

// raise makes a descriptor one of the next generation.
func raise(d *Descriptor) {
	d.Generation++
	setEpochs(d)
}

func (c *testChain) sign(d *Descriptor) *Signed {
	c.t.Helper()
	s, err := Sign(d, c.signers...)
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

// next signs the next descriptor, as changed, and appends it.
func (c *testChain) next(changes ...func(*Descriptor)) *Signed {
	c.t.Helper()
	d := c.draft()
	for _, change := range changes {
		change(d)
	}
	s := c.sign(d)
	c.all = append(c.all, s)
	return s
}

// client returns a client's chain with all descriptors so far.
func (c *testChain) client() *Chain {
	c.t.Helper()
	chain, err := NewChain(ChainConfig{Identity: c.identity()})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, s := range c.all {
		if _, err := chain.Add(s.Note(), nil, s.NotBefore); err != nil {
			c.t.Fatal(err)
		}
	}
	return chain
}

func mustText(t testing.TB, d *Descriptor) []byte {
	t.Helper()
	text, err := d.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// inSpec checks that the specification shows a sample, in lines of any length.
func inSpec(t *testing.T, what, sample string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/spec/descriptor.md")
	if err != nil {
		t.Fatal(err)
	}
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
	if sample == "" || !strings.Contains(squeeze(string(text)), squeeze(sample)) {
		t.Errorf("docs/spec/descriptor.md does not show %s:\n%s", what, sample)
	}
}

// replaceOnce replaces the one occurrence of a text.
func replaceOnce(t *testing.T, text []byte, old, new string) []byte {
	t.Helper()
	if bytes.Count(text, []byte(old)) != 1 {
		t.Fatalf("the sample holds %q %d times", old, bytes.Count(text, []byte(old)))
	}
	return bytes.Replace(text, []byte(old), []byte(new), 1)
}

func base64Of(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, filepath.Base(e.Name()))
	}
	return names
}
