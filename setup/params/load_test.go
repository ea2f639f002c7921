package params_test

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/groth16"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
)

// folder returns a copy of a development set, for a test to spoil.
func folder(t testing.TB, id zkkex.CircuitID) fstest.MapFS {
	t.Helper()
	fsys, err := dev.FS(id)
	if err != nil {
		t.Fatal(err)
	}
	out := make(fstest.MapFS)
	for _, name := range []string{params.ManifestFile, params.ProvingKeyFile, params.VerifyingKeyFile} {
		b, err := fs.ReadFile(fsys, name)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = &fstest.MapFile{Data: b}
	}
	return out
}

// rehash makes the manifest fit the files, as an attacker would.
func rehash(t *testing.T, set fstest.MapFS) {
	t.Helper()
	m, err := params.ParseManifest(set[params.ManifestFile].Data)
	if err != nil {
		t.Fatal(err)
	}
	m.ProvingKey = params.Describe(set[params.ProvingKeyFile].Data)
	m.VerifyingKey = params.Describe(set[params.VerifyingKeyFile].Data)
	if set[params.ManifestFile].Data, err = m.Bytes(); err != nil {
		t.Fatal(err)
	}
}

func TestDevIsAskedForByName(t *testing.T) {
	set := folder(t, zkkex.BabyJubjub20)
	for name, open := range map[string]func(params.Accept) error{
		"verifying": func(a params.Accept) error { _, err := params.OpenVerifying(set, a); return err },
		"proving":   func(a params.Accept) error { _, err := params.OpenProving(set, a); return err },
	} {
		if err := open(params.Accept{}); !errors.Is(err, params.ErrDev) || !errors.Is(err, zkkex.ErrParamsMismatch) {
			t.Errorf("%s, not asked for: %v, want %v", name, err, params.ErrDev)
		}
		if err := open(params.Accept{Dev: true}); err != nil {
			t.Errorf("%s, asked for: %v", name, err)
		}
		digest := zkkex.ParamsDigest{1}
		err := open(params.Accept{Dev: true, Digest: &digest})
		var mismatch *params.MismatchError
		if !errors.As(err, &mismatch) || mismatch.Check != "params digest" {
			t.Errorf("%s, another digest pinned: %v", name, err)
		}
	}
}

// TestPlantedFaults spoils a set in one way each. The error names the file and
// the check.
func TestPlantedFaults(t *testing.T) {
	flip := func(name string, at int) func(*testing.T, fstest.MapFS) {
		return func(_ *testing.T, set fstest.MapFS) {
			b := bytes.Clone(set[name].Data)
			b[(at+len(b))%len(b)] ^= 1
			set[name] = &fstest.MapFile{Data: b}
		}
	}
	resize := func(name string, by int) func(*testing.T, fstest.MapFS) {
		return func(_ *testing.T, set fstest.MapFS) {
			b := append(bytes.Clone(set[name].Data), make([]byte, max(by, 0))...)
			set[name] = &fstest.MapFile{Data: b[:len(set[name].Data)+by]}
		}
	}
	points := func(change func(*groth16.Points)) func(*testing.T, fstest.MapFS) {
		return func(t *testing.T, set fstest.MapFS) {
			spoilPoints(t, set, change)
			rehash(t, set)
		}
	}
	tests := []struct {
		name        string
		spoil       func(*testing.T, fstest.MapFS)
		file, check string
		says        string
	}{
		{"first byte of the proving key", flip(params.ProvingKeyFile, 0), params.ProvingKeyFile, "sha256", ""},
		{"last byte of the proving key", flip(params.ProvingKeyFile, -1), params.ProvingKeyFile, "sha256", ""},
		{"a byte of the verifying key", flip(params.VerifyingKeyFile, 200), params.VerifyingKeyFile, "sha256", ""},
		{"proving key truncated", resize(params.ProvingKeyFile, -1), params.ProvingKeyFile, "size", "expected 1402097 bytes, got 1402096"},
		{"proving key oversized", resize(params.ProvingKeyFile, 1), params.ProvingKeyFile, "size", "got 1402098"},
		{"verifying key truncated", resize(params.VerifyingKeyFile, -491), params.VerifyingKeyFile, "size", "got 1"},
		{"verifying key oversized", resize(params.VerifyingKeyFile, 1<<20), params.VerifyingKeyFile, "size", "expected 492 bytes"},
		{"proving key of the other circuit", func(t *testing.T, set fstest.MapFS) {
			set[params.ProvingKeyFile] = folder(t, zkkex.BabyJubjub32)[params.ProvingKeyFile]
		}, params.ProvingKeyFile, "size", ""},
		{"verifying key of the other circuit", func(t *testing.T, set fstest.MapFS) {
			set[params.VerifyingKeyFile] = folder(t, zkkex.BabyJubjub32)[params.VerifyingKeyFile]
		}, params.VerifyingKeyFile, "sha256", ""},
		{"re-hashed, alpha off the curve", func(t *testing.T, set fstest.MapFS) {
			b := bytes.Clone(set[params.VerifyingKeyFile].Data)
			copy(b, append([]byte{0b10 << 6}, make([]byte, 31)...)) // no point of the curve has x = 0
			set[params.VerifyingKeyFile] = &fstest.MapFile{Data: b}
			rehash(t, set)
		}, params.VerifyingKeyFile, "points", "alpha in G1: not on the curve"},
		{"re-hashed, gamma is delta", points(func(p *groth16.Points) { p.Gamma2 = p.Delta2 }), params.VerifyingKeyFile, "key", "delta equals gamma"},
		{"re-hashed, delta is the generator", points(func(p *groth16.Points) {
			_, _, p.Delta1, p.Delta2 = curve.Generators()
			p.Gamma2 = p.Beta2 // a ceremony's gamma is the generator, and delta another one
		}), params.VerifyingKeyFile, "key", "delta is the generator"},
		{"re-hashed, an input's point at infinity", points(func(p *groth16.Points) {
			p.K[public.Binding+1].SetInfinity()
		}), params.VerifyingKeyFile, "points", "K[5]: point at infinity"},
		{"re-hashed, gamma at infinity", points(func(p *groth16.Points) { p.Gamma2.SetInfinity() }), params.VerifyingKeyFile, "points", "gamma in G2: point at infinity"},
	}
	for _, test := range tests {
		set := folder(t, zkkex.BabyJubjub20)
		test.spoil(t, set)
		_, err := params.OpenProving(set, params.Accept{Dev: true})
		var mismatch *params.MismatchError
		if !errors.As(err, &mismatch) || !errors.Is(err, zkkex.ErrParamsMismatch) {
			t.Errorf("%s: %v, want a *MismatchError", test.name, err)
			continue
		}
		if mismatch.File != test.file || (test.check != "" && mismatch.Check != test.check) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %s: %s that says %q", test.name, err, test.file, test.check, test.says)
		}
	}
}

// spoilPoints replaces the verifying key by a changed one.
func spoilPoints(t *testing.T, set fstest.MapFS, change func(*groth16.Points)) {
	t.Helper()
	p, err := groth16.ParsePoints(set[params.VerifyingKeyFile].Data)
	if err != nil {
		t.Fatal(err)
	}
	change(p)
	set[params.VerifyingKeyFile] = &fstest.MapFile{Data: p.Bytes()}
}

// TestEveryByteOfTheVerifyingKeyCounts flips each byte: the digest catches all.
func TestEveryByteOfTheVerifyingKeyCounts(t *testing.T) {
	set := folder(t, zkkex.BabyJubjub20)
	good := set[params.VerifyingKeyFile].Data
	for i := range good {
		b := bytes.Clone(good)
		b[i] ^= 1 << (i % 8)
		set[params.VerifyingKeyFile] = &fstest.MapFile{Data: b}
		var mismatch *params.MismatchError
		if _, err := params.OpenVerifying(set, params.Accept{Dev: true}); !errors.As(err, &mismatch) || mismatch.Check != "sha256" {
			t.Fatalf("byte %d: %v, want a mismatch of sha256", i, err)
		}
	}
}

func TestMissingFiles(t *testing.T) {
	for _, name := range []string{params.ManifestFile, params.ProvingKeyFile, params.VerifyingKeyFile} {
		set := folder(t, zkkex.BabyJubjub20)
		delete(set, name)
		_, err := params.OpenProving(set, params.Accept{Dev: true})
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v, want %v that names it", name, err, fs.ErrNotExist)
		}
	}
	set := folder(t, zkkex.BabyJubjub20)
	delete(set, params.ProvingKeyFile)
	if _, err := params.OpenVerifying(set, params.Accept{Dev: true}); err != nil {
		t.Errorf("verifying without a proving key: %v", err)
	}
}

func BenchmarkOpenVerifying(b *testing.B) {
	set := folder(b, zkkex.BabyJubjub20)
	for b.Loop() {
		if _, err := params.OpenVerifying(set, params.Accept{Dev: true}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestVerifyProof has VerifyProof name what is wrong.
func TestVerifyProof(t *testing.T) {
	set, err := params.OpenVerifying(folder(t, zkkex.BabyJubjub20), params.Accept{Dev: true})
	if err != nil {
		t.Fatal(err)
	}
	_, _, g1, g2 := curve.Generators()
	wellFormed := (&groth16.Proof{A: g1, B: g2, C: g1}).Bytes()
	st := zkkex.Statement{Circuit: zkkex.BabyJubjub20, Limit: 1}
	other := st
	other.Circuit = zkkex.BabyJubjub32
	for name, test := range map[string]struct {
		st     zkkex.Statement
		proof  zkkex.Proof
		reason zkkex.Reason
	}{
		"no proof":        {st, nil, zkkex.BadProof},
		"no point":        {st, make([]byte, groth16.ProofSize), zkkex.BadProof},
		"other points":    {st, wellFormed, zkkex.BadProof},
		"another circuit": {other, wellFormed, zkkex.WrongCircuit},
	} {
		var reject *zkkex.RejectError
		if err := set.VerifyProof(&test.st, test.proof); !errors.As(err, &reject) || reject.Reason != test.reason {
			t.Errorf("%s: %v, want a rejection for %s", name, err, test.reason)
		}
	}
	st.Root = zkkex.Root(bytes.Repeat([]byte{0xff}, 32))
	if err := set.VerifyProof(&st, wellFormed); !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("root above the order: %v, want %v", err, zkkex.ErrMalformed)
	}
}

// relabel makes a manifest say that the set is from a ceremony.
func relabel(t *testing.T, set fstest.MapFS) *zkkex.ParamsDigest {
	t.Helper()
	m, err := params.ParseManifest(set[params.ManifestFile].Data)
	if err != nil {
		t.Fatal(err)
	}
	m.Kind = params.Ceremony
	m.Ceremony = &params.CeremonyTranscript{Transcript: params.File{Size: 1}, Contributions: 57, Beacon: "a round of a public beacon"}
	if set[params.ManifestFile].Data, err = m.Bytes(); err != nil {
		t.Fatal(err)
	}
	digest, err := m.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return &digest
}

// TestRelabelledDevIsRefused passes a development set off as a ceremony's, with
// one of its keys or both, pinned or not.
func TestRelabelledDevIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(set fstest.MapFS){
		"both keys":         func(fstest.MapFS) {},
		"its proving key":   func(set fstest.MapFS) { spoilPoints(t, set, func(p *groth16.Points) { p.Alpha1.Double(&p.Alpha1) }) },
		"its verifying key": func(set fstest.MapFS) { set[params.ProvingKeyFile] = &fstest.MapFile{Data: []byte("another")} },
	} {
		set := folder(t, zkkex.BabyJubjub20)
		spoil(set)
		rehash(t, set)
		digest := relabel(t, set)
		for _, accept := range []params.Accept{{}, {Dev: true}, {Digest: digest}, {Dev: true, Digest: digest}} {
			_, err := params.OpenProving(set, accept)
			if !errors.Is(err, params.ErrRelabelled) || !errors.Is(err, zkkex.ErrParamsMismatch) {
				t.Errorf("%s, %+v: %v, want %v", name, accept, err, params.ErrRelabelled)
			}
			if _, err := params.OpenVerifying(set, accept); !errors.Is(err, params.ErrRelabelled) {
				t.Errorf("%s, verifying, %+v: %v, want %v", name, accept, err, params.ErrRelabelled)
			}
		}
	}
}

// TestCeremonyIsPinned opens a set that says it is from a ceremony.
func TestCeremonyIsPinned(t *testing.T) {
	set := folder(t, zkkex.BabyJubjub20)
	spoilPoints(t, set, func(p *groth16.Points) { p.Alpha1.Double(&p.Alpha1) })
	set[params.ProvingKeyFile] = &fstest.MapFile{Data: []byte("another")}
	rehash(t, set)
	digest := relabel(t, set)
	for _, accept := range []params.Accept{{}, {Dev: true}} {
		_, err := params.OpenVerifying(set, accept)
		var mismatch *params.MismatchError
		if !errors.Is(err, params.ErrUnpinned) || !errors.As(err, &mismatch) || mismatch.Check != "kind" {
			t.Errorf("%+v: %v, want %v", accept, err, params.ErrUnpinned)
		}
	}
	if _, err := params.OpenVerifying(set, params.Accept{Digest: digest}); err != nil {
		t.Errorf("pinned: %v", err)
	}
}

// TestShippedKeysAreListed: the lists are what makes a relabelled set known.
func TestShippedKeysAreListed(t *testing.T) {
	for _, id := range dev.Circuits() {
		fsys, err := dev.FS(id)
		if err != nil {
			t.Fatal(err)
		}
		set := make(fstest.MapFS)
		for _, name := range []string{params.ManifestFile, params.VerifyingKeyFile} {
			b, err := fs.ReadFile(fsys, name)
			if err != nil {
				t.Fatal(err)
			}
			set[name] = &fstest.MapFile{Data: b}
		}
		relabel(t, set)
		if _, err := params.OpenVerifying(set, params.Accept{}); !errors.Is(err, params.ErrRelabelled) {
			t.Errorf("%v: %v, want %v", id, err, params.ErrRelabelled)
		}
	}
}
