package prover_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/world"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
)

// TestProofOfEveryCircuit makes one real proof per circuit whose development
// parameters ship, through a holder.
func TestProofOfEveryCircuit(t *testing.T) {
	for _, id := range dev.Shipped() {
		set := world.Params(t, id)
		p, err := prover.Open(set)
		if err != nil {
			t.Fatal(err)
		}
		s := newScene(t, p)
		got, err := s.holder(t).Prove(context.Background(), s.claim(t, 2))
		if err != nil {
			t.Fatalf("%v: %v", id, err)
		}
		if err := set.VerifyProof(&got.Statement, got.Proof); err != nil {
			t.Errorf("%v: %v", id, err)
		}
		encoded, err := got.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := zkkex.ParsePresentation(encoded); err != nil {
			t.Errorf("%v: %v", id, err)
		}
		if got.Statement.Circuit != id || got.Params != set.Digest() || got.Registry != s.Roots.Registry() ||
			got.RootSequence != 9 || s.slots.Taken(got.Statement.Scope) != 1 {
			t.Errorf("%v: wrong context: %+v", id, got)
		}
	}
}

// TestWitnessIsCheckedFirst gives the prover witnesses that do not belong to
// their statement. Each error names the check and no secret.
func TestWitnessIsCheckedFirst(t *testing.T) {
	s := newScene(t, open(t))
	stranger := newScene(t, open(t))
	tests := []struct {
		name  string
		spoil func(st *zkkex.Statement, w *circuits.Witness)
		check string
	}{
		{"slot at the limit", func(st *zkkex.Statement, w *circuits.Witness) {
			w.Slot, st.Nullifier = 3, s.secret.Nullifier(st.Scope, 3)
		}, "slot"},
		{"slot beyond the limit", func(st *zkkex.Statement, w *circuits.Witness) {
			w.Slot, st.Nullifier = 1<<31, s.secret.Nullifier(st.Scope, 1<<31)
		}, "slot"},
		{"limit of 0", func(st *zkkex.Statement, _ *circuits.Witness) { st.Limit = 0 }, "limit"},
		{"nullifier of another slot", func(st *zkkex.Statement, _ *circuits.Witness) {
			st.Nullifier = s.secret.Nullifier(st.Scope, 2)
		}, "nullifier"},
		{"key that is no member", func(st *zkkex.Statement, w *circuits.Witness) {
			w.Secret, st.Nullifier = stranger.secret, stranger.secret.Nullifier(st.Scope, 1)
		}, "membership"},
		{"path of another leaf", func(_ *zkkex.Statement, w *circuits.Witness) { w.Path.Index++ }, "membership"},
		{"root of another registry", func(st *zkkex.Statement, _ *circuits.Witness) {
			st.Root = stranger.Roots.Latest().Root
		}, "membership"},
	}
	for _, test := range tests {
		st, w := s.witness(t, 1)
		test.spoil(st, w)
		_, err := open(t).Prove(context.Background(), st, w)
		var witnessErr *circuits.WitnessError
		if !errors.As(err, &witnessErr) || witnessErr.Check != test.check {
			t.Errorf("%s: %v, want a *WitnessError about %s", test.name, err, test.check)
			continue
		}
		scalar, nk := s.secret.RevealScalar(), s.secret.RevealNullifierKey()
		for _, secret := range [][32]byte{scalar, nk} {
			if strings.Contains(err.Error(), fmt.Sprintf("%x", secret)) {
				t.Errorf("%s: the error holds a secret", test.name)
			}
		}
	}
	st, w := s.witness(t, 0)
	st.Circuit = zkkex.BabyJubjub32
	if _, err := open(t).Prove(context.Background(), st, w); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("statement of another circuit: %v, want %v", err, zkkex.ErrUnsupported)
	}
}

func TestProveConcurrently(t *testing.T) {
	s := newScene(t, open(t))
	set := world.Params(t, zkkex.BabyJubjub20)
	var wg sync.WaitGroup
	proofs := make([]zkkex.Proof, 3)
	for slot := range proofs {
		st, w := s.witness(t, uint32(slot))
		wg.Go(func() {
			proof, err := open(t).Prove(context.Background(), st, w)
			if err != nil {
				t.Errorf("slot %d: %v", slot, err)
				return
			}
			if err := set.VerifyProof(st, proof); err != nil {
				t.Errorf("slot %d: %v", slot, err)
			}
			proofs[slot] = proof
		})
	}
	wg.Wait()
	if bytes.Equal(proofs[0], proofs[1]) || bytes.Equal(proofs[1], proofs[2]) {
		t.Error("two proofs are equal")
	}
}

func TestProveCancelled(t *testing.T) {
	s := newScene(t, open(t))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	st, w := s.witness(t, 0)
	if _, err := open(t).Prove(ctx, st, w); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
}

// TestForeignProvingKey gives the prover a key that fits the circuit and the
// verifying key's alpha, beta and delta, and is wrong elsewhere: nothing leaves
// the prover that does not verify.
func TestForeignProvingKey(t *testing.T) {
	s := newScene(t, open(t))
	set := world.Params(t, zkkex.BabyJubjub20)
	m := set.Manifest()
	pk := bytes.Clone(set.ProvingKey())
	const firstA = 8 + 5*32 + 1 + 3*64 + 4
	first, second := bytes.Clone(pk[firstA:firstA+64]), bytes.Clone(pk[firstA+64:firstA+128])
	copy(pk[firstA:], second)
	copy(pk[firstA+64:], first)
	spoiled, err := params.OpenProving(rehashed(t, m, pk, set.VerifyingKey()), params.Accept{Dev: true})
	if err != nil {
		t.Fatal(err)
	}
	p, err := prover.Open(spoiled)
	if err != nil {
		t.Fatal(err)
	}
	st, w := s.witness(t, 0)
	session := p.Session()
	defer session.Close()
	for _, prove := range []func(context.Context, *zkkex.Statement, *circuits.Witness) (zkkex.Proof, error){p.Prove, session.Prove, session.Prove} {
		if proof, err := prove(context.Background(), st, w); !errors.Is(err, prover.ErrUnproved) || proof != nil {
			t.Errorf("%v, %v; want %v", proof, err, prover.ErrUnproved)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	set := world.Params(t, zkkex.BabyJubjub20)
	other := world.Params(t, zkkex.BabyJubjub32)
	flipped := bytes.Clone(set.ProvingKey())
	flipped[len(flipped)/2] ^= 1
	digest, constraints := set.Manifest(), set.Manifest()
	digest.Circuit.Digest[0] ^= 1
	constraints.Circuit.Constraints++
	tests := []struct {
		name     string
		manifest params.Manifest
		pk, vk   []byte
		file     string
		check    string
	}{
		{"another circuit's digest", digest, set.ProvingKey(), set.VerifyingKey(), params.ManifestFile, "circuit digest"},
		{"another number of constraints", constraints, set.ProvingKey(), set.VerifyingKey(), params.ManifestFile, "constraints"},
		{"the other circuit's proving key", set.Manifest(), other.ProvingKey(), set.VerifyingKey(), params.ProvingKeyFile, "key"},
		{"the other circuit's verifying key", set.Manifest(), set.ProvingKey(), other.VerifyingKey(), params.ProvingKeyFile, "key"},
		{"a point off the curve", set.Manifest(), flipped, set.VerifyingKey(), params.ProvingKeyFile, "key"},
		{"a truncated key", set.Manifest(), set.ProvingKey()[:1000], set.VerifyingKey(), params.ProvingKeyFile, "key"},
	}
	for _, test := range tests {
		opened, err := params.OpenProving(rehashed(t, test.manifest, test.pk, test.vk), params.Accept{Dev: true})
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		_, err = prover.Open(opened)
		var mismatch *params.MismatchError
		if !errors.As(err, &mismatch) || !errors.Is(err, zkkex.ErrParamsMismatch) || mismatch.File != test.file || mismatch.Check != test.check {
			t.Errorf("%s: %v, want a mismatch of %s: %s", test.name, err, test.file, test.check)
		}
	}
}

// rehashed returns a set of files with a manifest that fits them.
func rehashed(t *testing.T, m params.Manifest, pk, vk []byte) fstest.MapFS {
	t.Helper()
	m.ProvingKey, m.VerifyingKey = params.Describe(pk), params.Describe(vk)
	encoded, err := m.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{
		params.ManifestFile:     {Data: encoded},
		params.ProvingKeyFile:   {Data: pk},
		params.VerifyingKeyFile: {Data: vk},
	}
}

// coldEnv makes this test binary, as a fresh process, open parameters and prove
// once, and print nothing but the times.
const coldEnv = "ZKKEX_TEST_COLD"

func TestMain(m *testing.M) {
	if os.Getenv(coldEnv) != "" {
		cold()
	}
	os.Exit(m.Run())
}

func cold() {
	t := new(failing)
	start := time.Now()
	p, err := prover.Open(world.Params(t, zkkex.BabyJubjub20))
	if err != nil {
		t.Fatal(err)
	}
	opened := time.Now()
	s := newScene(t, p)
	h, claim := s.holder(t), s.claim(t, 9)
	ready := time.Now()
	if _, err := h.Prove(context.Background(), claim); err != nil {
		t.Fatal(err)
	}
	first := time.Since(ready)
	ready = time.Now()
	if _, err := h.Prove(context.Background(), claim); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("%d %d %d", opened.Sub(start), first, time.Since(ready))
	os.Exit(0)
}

// failing stands in for a test in the child process.
type failing struct{ testing.TB }

func (*failing) Helper() {}

func (*failing) Fatal(args ...any) {
	fmt.Fprintln(os.Stderr, args...)
	os.Exit(1)
}

// TestFirstProofIsQuiet opens parameters and proves in a fresh process, with
// nobody to ask: gnark's logger writes nothing to standard output (trap P4). How
// soon it is, the part "cold" of the benchmarks measures.
func TestFirstProofIsQuiet(t *testing.T) {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), coldEnv+"=1")
	child.Stderr = os.Stderr
	out, err := child.Output()
	if err != nil {
		t.Fatal(err)
	}
	var open, first, second time.Duration
	if n, err := fmt.Sscanf(string(out), "%d %d %d", &open, &first, &second); err != nil || n != 3 ||
		fmt.Sprintf("%d %d %d", open, first, second) != string(out) {
		t.Fatalf("standard output holds %q, expected three times", out)
	}
	t.Logf("opened in %v, first proof %v, second %v", open, first, second)
}

func BenchmarkProve(b *testing.B) {
	s := newScene(b, open(b))
	st, w := s.witness(b, 0)
	for b.Loop() {
		if _, err := open(b).Prove(context.Background(), st, w); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		if _, err := prover.Open(world.Params(b, zkkex.BabyJubjub20)); err != nil {
			b.Fatal(err)
		}
	}
}
