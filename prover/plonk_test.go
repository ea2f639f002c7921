package prover_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/plonk"
	"github.com/zkkex/zkkex/internal/plonktest"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/setup/params"
)

const plonkCircuit = zkkex.BabyJubjub20Plonk

// openPlonk returns the small circuit's prover of PLONK, which the tests share.
func openPlonk(t testing.TB) *prover.Prover {
	t.Helper()
	plonkOnce.Do(func() { plonkProver, plonkErr = prover.Open(plonktest.Params(t, plonkCircuit)) })
	if plonkErr != nil || plonkProver == nil {
		t.Fatalf("the prover could not be opened: %v", plonkErr)
	}
	return plonkProver
}

var (
	plonkOnce   sync.Once
	plonkProver *prover.Prover
	plonkErr    error
)

// TestPlonkProves proves with PLONK by a holder: twice in one session, with proofs
// that have nothing in common, for what the statement says and nothing else.
func TestPlonkProves(t *testing.T) {
	p := openPlonk(t)
	set := plonktest.Params(t, plonkCircuit)
	s := newScene(t, p)
	holder := s.holder(t)
	defer holder.Close()
	first, err := holder.Prove(context.Background(), s.claim(t, 2))
	if err != nil {
		t.Fatal(err)
	}
	if first.Statement.Circuit != plonkCircuit || first.Params != set.Digest() || len(first.Proof) != plonkCircuit.ProofSize() {
		t.Errorf("circuit %v, parameters %v, a proof of %d bytes", first.Statement.Circuit, first.Params, len(first.Proof))
	}
	encoded, err := first.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := zkkex.ParsePresentation(encoded); err != nil {
		t.Error(err)
	}
	second, err := holder.Prove(context.Background(), s.claim(t, 2))
	if err != nil {
		t.Fatal(err)
	}
	if first.Statement.Nullifier == second.Statement.Nullifier || shared(first.Proof, second.Proof) != 0 {
		t.Error("two proofs have a part in common")
	}
	verdicts, _ := set.VerifyProofs([]params.Claim{
		{Statement: &first.Statement, Proof: first.Proof}, {Statement: &first.Statement, Proof: second.Proof},
		{Statement: &second.Statement, Proof: second.Proof}, {Statement: &second.Statement, Proof: second.Proof[:511]},
	})
	for i, want := range []bool{true, false, true, false} {
		if got := verdicts[i] == nil; got != want || !want && reasonOf(verdicts[i]) != zkkex.BadProof {
			t.Errorf("claim %d: %v", i, verdicts[i])
		}
	}
}

// shared counts the parts of 32 bytes that two proofs share, but for the values of
// the permutation polynomials at points that differ.
func shared(a, b []byte) (n int) {
	for i := 0; i+32 <= len(a); i += 32 {
		if bytes.Equal(a[i:i+32], b[i:i+32]) {
			n++
		}
	}
	return n
}

// TestPlonkBindsEveryInput changes each part of a statement, and each byte of a
// proof.
func TestPlonkBindsEveryInput(t *testing.T) {
	p := openPlonk(t)
	set := plonktest.Params(t, plonkCircuit)
	st, w := newScene(t, p).witness(t, 1)
	proof, err := p.Prove(context.Background(), st, w)
	if err != nil {
		t.Fatal(err)
	}
	if err := set.VerifyProof(st, proof); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*zkkex.Statement){
		"root":      func(st *zkkex.Statement) { st.Root[31] ^= 1 },
		"scope":     func(st *zkkex.Statement) { st.Scope[31] ^= 1 },
		"limit":     func(st *zkkex.Statement) { st.Limit++ },
		"nullifier": func(st *zkkex.Statement) { st.Nullifier[31] ^= 1 },
		"binding":   func(st *zkkex.Statement) { st.Binding[31] ^= 1 },
	} {
		changed := *st
		change(&changed)
		if err := set.VerifyProof(&changed, proof); reasonOf(err) != zkkex.BadProof {
			t.Errorf("another %s: %v", name, err)
		}
	}
	for at := 0; at < len(proof); at += 7 {
		changed := bytes.Clone(proof)
		changed[at] ^= 1 << (at % 8)
		if err := set.VerifyProof(st, changed); reasonOf(err) != zkkex.BadProof {
			t.Errorf("byte %d changed: %v", at, err)
		}
	}
	for name, changed := range map[string][]byte{
		"nothing": nil, "a byte less": proof[:len(proof)-1], "a byte more": append(bytes.Clone(proof), 0),
		"of Groth16's length": proof[:128],
	} {
		if err := set.VerifyProof(st, changed); reasonOf(err) != zkkex.BadProof {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := *st
	other.Circuit = zkkex.BabyJubjub20
	if err := set.VerifyProof(&other, proof); reasonOf(err) != zkkex.WrongCircuit {
		t.Errorf("the statement of Groth16: %v", err)
	}
}

// TestPlonkChecksWitnessFirst gives it what belongs to no statement.
func TestPlonkChecksWitnessFirst(t *testing.T) {
	p := openPlonk(t)
	s := newScene(t, p)
	for name, spoil := range map[string]func(*zkkex.Statement, *circuits.Witness){
		"slot":       func(st *zkkex.Statement, w *circuits.Witness) { w.Slot = st.Limit },
		"nullifier":  func(st *zkkex.Statement, _ *circuits.Witness) { st.Nullifier[31] ^= 1 },
		"membership": func(st *zkkex.Statement, _ *circuits.Witness) { st.Root[31] ^= 1 },
		"limit":      func(st *zkkex.Statement, _ *circuits.Witness) { st.Limit = 0 },
	} {
		st, w := s.witness(t, 1)
		spoil(st, w)
		_, err := p.Prove(context.Background(), st, w)
		var refused *circuits.WitnessError
		if !errors.As(err, &refused) || refused.Check != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	st, w := s.witness(t, 0)
	st.Circuit = zkkex.BabyJubjub20
	if _, err := p.Prove(context.Background(), st, w); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("a statement of Groth16: %v", err)
	}
}

// TestPlonkProvesConcurrently shares one prover. With -race it finds what gnark
// would write to from two proofs.
func TestPlonkProvesConcurrently(t *testing.T) {
	p := openPlonk(t)
	s := newScene(t, p)
	var wg sync.WaitGroup
	for slot := range uint32(2) {
		st, w := s.witness(t, slot)
		wg.Go(func() {
			if _, err := p.Prove(context.Background(), st, w); err != nil { // it verified
				t.Errorf("slot %d: %v", slot, err)
			}
		})
	}
	wg.Wait()
}

// TestOpenPlonkRefuses makes sets that say what their files are, so that a digest
// refuses none of them.
func TestOpenPlonkRefuses(t *testing.T) {
	folder, _ := plonktest.Folder(t, plonkCircuit)
	good := plonktest.Params(t, plonkCircuit)
	m := good.Manifest()
	domain := plonk.DomainFor(m.Circuit.Constraints)
	srs := func(change func(*plonk.SRS)) []byte {
		s, err := plonk.ParseSRS(folder[params.SRSFile].Data, domain)
		if err != nil {
			t.Fatal(err)
		}
		change(s)
		return s.Bytes()
	}
	vk := func(change func(*plonk.Points)) []byte {
		p, err := plonk.ParsePoints(good.VerifyingKey())
		if err != nil {
			t.Fatal(err)
		}
		change(p)
		return p.Bytes()
	}
	flipped := bytes.Clone(good.SRS())
	flipped[4+64+63] ^= 1
	digest, constraints := m, m
	digest.Circuit.Digest[0] ^= 1
	constraints.Circuit.Constraints++
	two := fr.NewElement(2)
	for _, test := range []struct {
		name        string
		manifest    params.Manifest
		srs, vk     []byte
		file, check string
	}{
		{"another circuit's digest", digest, good.SRS(), good.VerifyingKey(), params.ManifestFile, "circuit digest"},
		{"another number of constraints", constraints, good.SRS(), good.VerifyingKey(), params.ManifestFile, "constraints"},
		{"a point off the curve", m, flipped, good.VerifyingKey(), params.SRSFile, plonk.CheckPoints},
		{"powers that begin elsewhere", m, srs(func(s *plonk.SRS) { s.Powers[0] = s.Powers[1] }), good.VerifyingKey(), params.SRSFile, plonk.CheckGenerator},
		{"a power of another secret", m, srs(func(s *plonk.SRS) { s.Powers[100] = s.Powers[101] }), good.VerifyingKey(), params.SRSFile, plonk.CheckPowers},
		{"the last power of another secret", m, srs(func(s *plonk.SRS) { s.Powers[domain+2] = s.Powers[0] }), good.VerifyingKey(), params.SRSFile, plonk.CheckPowers},
		{"tau of another secret in G2", m, srs(func(s *plonk.SRS) { s.Tau.Double(&s.Tau) }), good.VerifyingKey(), params.SRSFile, plonk.CheckPowers},
		{"a Lagrange point of another place", m, srs(func(s *plonk.SRS) { s.Lagrange[7] = s.Lagrange[8] }), good.VerifyingKey(), params.SRSFile, plonk.CheckLagrange},
		{"another setup's string", m, plonktest.SRS(domain, two).Bytes(), good.VerifyingKey(), params.VerifyingKeyFile, "computed again"},
		{"a verifying key of another circuit", m, good.SRS(), vk(func(p *plonk.Points) { p.Constant = p.Left }), params.VerifyingKeyFile, "computed again"},
		{"a verifying key of another setup", m, good.SRS(), vk(func(p *plonk.Points) { p.Tau.Double(&p.Tau) }), params.VerifyingKeyFile, "computed again"},
	} {
		set := plonkFolder(t, test.manifest, test.srs, test.vk)
		opened := openFolder(t, set)
		_, err := prover.Open(opened)
		var mismatch *params.MismatchError
		if !errors.As(err, &mismatch) || mismatch.File != test.file || mismatch.Check != test.check {
			t.Errorf("%s: %v, want a mismatch of %s: %s", test.name, err, test.file, test.check)
		}
	}
}

// plonkFolder returns a set of files with a manifest that fits them.
func plonkFolder(t *testing.T, m params.Manifest, srs, vk []byte) fstest.MapFS {
	t.Helper()
	m.SRS, m.VerifyingKey = params.Describe(srs), params.Describe(vk)
	encoded, err := m.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{
		params.ManifestFile: {Data: encoded}, params.SRSFile: {Data: srs}, params.VerifyingKeyFile: {Data: vk},
	}
}

// openFolder opens a set by its own digest.
func openFolder(t *testing.T, set fstest.MapFS) *params.Proving {
	t.Helper()
	m, err := params.ParseManifest(set[params.ManifestFile].Data)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := m.Digest()
	if err != nil {
		t.Fatal(err)
	}
	opened, err := params.OpenProving(set, params.Accept{Digest: &digest})
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// reasonOf returns the reason of a rejection, or "".
func reasonOf(err error) zkkex.Reason {
	var rejected *zkkex.RejectError
	if errors.As(err, &rejected) {
		return rejected.Reason
	}
	return ""
}
