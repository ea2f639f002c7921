package setup_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/consensys/gnark-crypto/ecc"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/scs"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/nodetest"
	"github.com/zkkex/zkkex/internal/plonk"
	"github.com/zkkex/zkkex/internal/plonkset"
	"github.com/zkkex/zkkex/internal/plonktest"
	"github.com/zkkex/zkkex/internal/ptau"
	"github.com/zkkex/zkkex/setup"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
)

// small is a circuit with the public inputs of the real ones and 26 rows or
// so: its domain is 32.
type small struct {
	Public [5]frontend.Variable `gnark:",public"`
	Secret frontend.Variable
}

func (c *small) Define(api frontend.API) error {
	sum := c.Secret
	for range 2 {
		for i := range c.Public {
			sum = api.Add(api.Mul(sum, c.Public[i]), c.Secret, 3)
		}
	}
	api.AssertIsEqual(sum, 7)
	return nil
}

// replaceCircuit puts the small circuit in the place of the real ones.
func replaceCircuit(t *testing.T) {
	t.Helper()
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), scs.NewBuilder, new(small))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(plonkset.TestingOnlyReplace(compiled.(*cs.SparseR1CS)))
}

// powersFile returns a powers-of-tau file of power 5 that snarkjs made just now.
func powersFile(t *testing.T) []byte {
	t.Helper()
	powersOnce.Do(func() {
		dir := t.TempDir()
		if out, code := nodetest.Script(t, dir, "../internal/ptau/testdata/make.cjs", "5", "small"); code != 0 {
			t.Fatalf("make.cjs: %s", out)
		}
		var err error
		if powersBytes, err = os.ReadFile(filepath.Join(dir, "one.ptau")); err != nil {
			t.Fatal(err)
		}
	})
	return bytes.Clone(powersBytes)
}

var (
	powersOnce  sync.Once
	powersBytes []byte
)

func universal(file []byte) setup.Universal {
	return setup.Universal{
		Circuit: zkkex.BabyJubjub20Plonk, Ptau: bytes.NewReader(file), Size: int64(len(file)), Source: "one.ptau", Created: time.Now(),
	}
}

// TestWriteUniversal makes a set from a file of snarkjs, and finds it in the
// manifest.
func TestWriteUniversal(t *testing.T) {
	replaceCircuit(t)
	file := powersFile(t)
	if powers, power, err := setup.PowersNeeded(zkkex.BabyJubjub20Plonk); err != nil || powers != 35 || power != 5 {
		t.Errorf("needs %d powers, a file of power %d, %v", powers, power, err)
	}
	parent := t.TempDir()
	dir := filepath.Join(parent, "set")
	steps := make(map[string]bool)
	m, err := setup.WriteUniversal(context.Background(), dir, universal(file), func(step string, done, total int) {
		if done > total {
			t.Errorf("%s: %d of %d", step, done, total)
		}
		steps[step] = true
	})
	if err != nil {
		t.Fatal(err)
	}
	if !steps["Lagrange basis"] || !steps["keys"] || len(steps) < 4 {
		t.Errorf("progress told of %v", steps)
	}
	u := m.Universal
	if u.Source != "one.ptau" || u.Power != 5 || len(u.Contributors) != 1 || u.Contributors[0] != "Alice" ||
		u.File.Size != int64(len(file)) || u.File.SHA256 != sha256.Sum256(file) {
		t.Errorf("it says that it is from %+v", u)
	}
	set := os.DirFS(dir)
	if _, err := params.OpenProving(set, params.Accept{Dev: true}); !errors.Is(err, params.ErrUnpinned) {
		t.Errorf("without a digest: %v, want %v", err, params.ErrUnpinned)
	}
	digest, err := m.Digest()
	if err != nil {
		t.Fatal(err)
	}
	opened, err := params.OpenProving(set, params.Accept{Digest: &digest})
	if err != nil {
		t.Fatal(err)
	}
	srs, err := plonk.ParseSRS(opened.SRS(), 32)
	if err != nil {
		t.Fatal(err)
	}
	if err := srs.Check(); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) != 1 {
		t.Errorf("the parent folder holds %v, %v; expected the set alone", entries, err)
	}
	// The same file gives the same set.
	if _, err := setup.WriteUniversal(context.Background(), filepath.Join(parent, "again"), universal(file), nil); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{params.SRSFile, params.VerifyingKeyFile} {
		first, err := fs.ReadFile(set, name)
		if err != nil {
			t.Fatal(err)
		}
		if second, err := os.ReadFile(filepath.Join(parent, "again", name)); err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s is made differently, %v", name, err)
		}
	}
}

func TestWriteUniversalRefuses(t *testing.T) {
	replaceCircuit(t)
	good := powersFile(t)
	flipped := bytes.Clone(good)
	flipped[200] ^= 1
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	parent := t.TempDir()
	for _, test := range []struct {
		name   string
		ctx    context.Context
		dir    string
		change func(*setup.Universal)
		want   func(error) bool
	}{
		{"a folder that exists", context.Background(), "", func(*setup.Universal) {}, is(fs.ErrExist)},
		{"no parent folder", context.Background(), "no/parent", func(*setup.Universal) {}, is(fs.ErrNotExist)},
		{"a source that cannot be printed", context.Background(), "set", func(u *setup.Universal) { u.Source = "a\nb" }, is(zkkex.ErrMalformed)},
		{"no source", context.Background(), "set", func(u *setup.Universal) { u.Source = "" }, is(zkkex.ErrMalformed)},
		{"a changed byte", context.Background(), "set", func(u *setup.Universal) { u.Ptau = bytes.NewReader(flipped) }, isPtau},
		{"a truncated file", context.Background(), "set", func(u *setup.Universal) { u.Size /= 2 }, isPtau},
		{"not a file of powers", context.Background(), "set", func(u *setup.Universal) { u.Ptau, u.Size = bytes.NewReader([]byte("no")), 2 }, isPtau},
		{"a context that is over", cancelled, "set", func(*setup.Universal) {}, is(context.Canceled)},
	} {
		u := universal(good)
		test.change(&u)
		if _, err := setup.WriteUniversal(test.ctx, filepath.Join(parent, test.dir), u, nil); !test.want(err) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func is(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }

func isPtau(err error) bool {
	var refused *ptau.Error
	return errors.As(err, &refused)
}

// TestUniversalIsForPlonk asks with the real circuits.
func TestUniversalIsForPlonk(t *testing.T) {
	if _, _, err := setup.PowersNeeded(zkkex.BabyJubjub20); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("a circuit of Groth16: %v, want %v", err, zkkex.ErrUnsupported)
	}
	u := universal(nil)
	u.Circuit = zkkex.BabyJubjub32
	if _, err := setup.WriteUniversal(context.Background(), filepath.Join(t.TempDir(), "set"), u, nil); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("a circuit of Groth16: %v, want %v", err, zkkex.ErrUnsupported)
	}
	if _, err := setup.WriteDev(context.Background(), filepath.Join(t.TempDir(), "set"), zkkex.BabyJubjub20Plonk, nil); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("a development set of PLONK: %v, want %v", err, zkkex.ErrUnsupported)
	}
	for id, want := range map[zkkex.CircuitID]int{zkkex.BabyJubjub20Plonk: 14, zkkex.BabyJubjub32Plonk: 15} {
		if _, power, err := setup.PowersNeeded(id); err != nil || power != want {
			t.Errorf("%v needs a file of power %d, %v; want %d", id, power, err, want)
		}
	}
}

// TestCompareUniversal makes sets of the small circuit again: one that is from the
// file, one from another secret, and one that says it is from elsewhere.
func TestCompareUniversal(t *testing.T) {
	replaceCircuit(t)
	file, ctx := powersFile(t), context.Background()
	u := universal(file)
	dir := filepath.Join(t.TempDir(), "set")
	if _, err := setup.WriteUniversal(ctx, dir, u, nil); err != nil {
		t.Fatal(err)
	}
	set := openPinned(t, os.DirFS(dir))
	if err := setup.Compare(&u, ctx, set, func(string, int, int) {}); err != nil {
		t.Errorf("the file that it is from: %v", err)
	}
	elsewhere := u
	elsewhere.Source = "another"
	if err := setup.Compare(&elsewhere, ctx, set, func(string, int, int) {}); !mismatchOf(err, params.ManifestFile) {
		t.Errorf("another source: %v", err)
	}
	files, _, err := plonkset.Files(u.Circuit, plonktest.SRS(32, plonktest.Tau()), *set.Manifest().Universal, u.Created)
	if err != nil {
		t.Fatal(err)
	}
	folder := make(fstest.MapFS)
	for name, b := range files {
		folder[name] = &fstest.MapFile{Data: b}
	}
	err = setup.Compare(&u, ctx, openPinned(t, folder), func(string, int, int) {})
	if !mismatchOf(err, params.SRSFile) {
		t.Errorf("a set of another secret that says it is from the file: %v", err)
	}
}

// openPinned opens a set by its own digest.
func openPinned(t *testing.T, fsys fs.FS) *params.Proving {
	t.Helper()
	m, err := params.ReadManifest(fsys)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := m.Digest()
	if err != nil {
		t.Fatal(err)
	}
	set, err := params.OpenProving(fsys, params.Accept{Digest: &digest})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func mismatchOf(err error, file string) bool {
	var mismatch *params.MismatchError
	return errors.As(err, &mismatch) && mismatch.File == file && mismatch.Check == "made again"
}

// TestVerifyUniversal checks a set of the real circuit, and refuses it for other
// powers of tau than those it is from. That sets that lie elsewhere are refused is
// for the tests of package prover.
func TestVerifyUniversal(t *testing.T) {
	set, digest := plonktest.Folder(t, zkkex.BabyJubjub20Plonk)
	ctx := context.Background()
	m, err := setup.VerifyUniversal(ctx, set, setup.UniversalCheck{Digest: &digest}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := m.Digest(); err != nil || got != digest {
		t.Errorf("digest %v, %v", got, err)
	}
	if _, err := setup.VerifyUniversal(ctx, set, setup.UniversalCheck{Digest: &zkkex.ParamsDigest{1}}, nil); !errors.Is(err, zkkex.ErrParamsMismatch) {
		t.Errorf("another digest: %v", err)
	}
	file := powersFile(t)
	if _, err := setup.VerifyUniversal(ctx, set, setup.UniversalCheck{Ptau: bytes.NewReader(file), Size: int64(len(file))}, nil); !isPtau(err) {
		t.Errorf("too few powers: %v", err)
	}
	groth16, err := dev.FS(zkkex.BabyJubjub20)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := setup.VerifyUniversal(ctx, groth16, setup.UniversalCheck{}, nil); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("a set of Groth16: %v, want %v", err, zkkex.ErrUnsupported)
	}
	if _, err := setup.VerifyUniversal(ctx, os.DirFS(t.TempDir()), setup.UniversalCheck{}, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder: %v, want %v", err, fs.ErrNotExist)
	}
}
