package params_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/plonk"
	"github.com/zkkex/zkkex/internal/plonktest"
	"github.com/zkkex/zkkex/setup/params"
)

// plonkManifest is the manifest that docs/spec/params.md shows, with the files of
// the tests' set.
func plonkManifest(t testing.TB) string {
	t.Helper()
	folder, _ := plonktest.Folder(t, zkkex.BabyJubjub20Plonk)
	return string(folder[params.ManifestFile].Data)
}

// TestPlonkManifest changes one thing each. Nothing but the one accepted form is
// read.
func TestPlonkManifest(t *testing.T) {
	sample := plonkManifest(t)
	m, err := params.ParseManifest([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := m.Bytes(); err != nil || string(again) != sample {
		t.Errorf("encoded differently: %v\n%s", err, again)
	}
	swap := func(old, new string) string {
		t.Helper()
		if !strings.Contains(sample, old) {
			t.Fatalf("the sample has no %q", old)
		}
		return strings.Replace(sample, old, new, 1)
	}
	groth16 := string(devManifest(t, zkkex.BabyJubjub20))
	universal := sample[strings.Index(sample, `  "universal"`):]
	name := `"everybody"`
	for _, test := range []struct {
		name string
		text string
		want error
		says string
	}{
		{"development", swap(`"universal"`, `"dev"`), zkkex.ErrMalformed, `proof system "plonk" of kind "dev"`},
		{"of a ceremony of its own", swap(`"universal"`, `"ceremony"`), zkkex.ErrMalformed, `of kind "ceremony"`},
		{"of an unknown kind", swap(`"universal"`, `"trusted"`), zkkex.ErrMalformed, `of kind "trusted"`},
		{"Groth16 with PLONK's circuit", swap(`"plonk"`, `"groth16"`), zkkex.ErrMalformed, `expected "plonk"`},
		{"PLONK with Groth16's circuit", strings.Replace(swap(`"id": 513`, `"id": 257`), "-plonk", "", 1), zkkex.ErrMalformed, `expected "groth16"`},
		{"with a proving key", swap(`  "srs"`, `  "proving_key": {"size": 1, "sha256": "`+strings.Repeat("0", 64)+`"},`+"\n  \"srs\""), zkkex.ErrMalformed, "expected none"},
		{"without the string", swap(`"size": 2097476`, `"size": 0`), zkkex.ErrMalformed, "expected 2097476 for 13829 constraints"},
		{"the string of another domain", swap(`"size": 2097476`, `"size": 4194628`), zkkex.ErrMalformed, "expected 2097476"},
		{"more constraints than a domain has", swap(`"constraints": 13829`, `"constraints": 1048572`), zkkex.ErrMalformed, "expected at most 1048571"},
		{"constraints without end", swap(`"constraints": 13829`, `"constraints": 9000000000000000000`), zkkex.ErrMalformed, "expected at most"},
		{"the verifying key of Groth16's size", swap(`"size": 324`, `"size": 492`), zkkex.ErrMalformed, "expected 324"},
		{"without where it is from", strings.TrimSuffix(sample[:strings.Index(sample, `  "universal"`)], ",\n") + "\n}\n", zkkex.ErrMalformed, "without a universal setup"},
		{"with a ceremony", swap(`  "universal"`, strings.TrimPrefix(strings.TrimSuffix(ceremony, "\n}\n"), "  },\n")+",\n"+`  "universal"`), zkkex.ErrMalformed, "has a ceremony of its own"},
		{"no source", swap(`"source": "zkkex's tests: everybody knows tau"`, `"source": ""`), zkkex.ErrMalformed, "source"},
		{"a source with a newline", swap(`knows tau`, `knows\ntau`), zkkex.ErrMalformed, "printable"},
		{"a source without end", swap(`knows tau`, strings.Repeat("x", 129)), zkkex.ErrMalformed, "1 to 128"},
		{"a file of nothing", swap(`"size": 7`, `"size": 0`), zkkex.ErrMalformed, "0 bytes"},
		{"no power", swap(`"power": 15`, `"power": 0`), zkkex.ErrMalformed, "power 0"},
		{"a power beyond the field's", swap(`"power": 15`, `"power": 29`), zkkex.ErrMalformed, "expected 1 to 28"},
		{"nobody contributed", swap("[\n      "+name+"\n    ]", "[]"), zkkex.ErrMalformed, "0 contributors"},
		{"contributors that are null", swap("[\n      "+name+"\n    ]", "null"), zkkex.ErrMalformed, "0 contributors"},
		{"a contributor's name with a control character", swap(name, `"\u001b[2J"`), zkkex.ErrMalformed, "printable"},
		{"a contributor's name without end", swap(name, `"`+strings.Repeat("x", 41)+`"`), zkkex.ErrMalformed, "at most 40"},
		{"contributors without end", swap(name, name+strings.Repeat(",\n      "+name, 256)), zkkex.ErrMalformed, "257 contributors"},
		{"an unknown field", swap(`"power"`, `"powers": 1,`+"\n    "+`"power"`), zkkex.ErrMalformed, "unknown field"},
		{"something after the end", sample + "{}\n", zkkex.ErrMalformed, "one accepted form"},
		{"Groth16 with a string", strings.Replace(groth16, `  "verifying_key"`, `  "srs": {"size": 1, "sha256": "`+strings.Repeat("0", 64)+`"},`+"\n  \"verifying_key\"", 1), zkkex.ErrMalformed, "expected none"},
		{"Groth16 of kind universal", strings.Replace(groth16, `"kind": "dev"`, `"kind": "universal"`, 1), zkkex.ErrMalformed, `expected "plonk"`},
		{"Groth16 with a universal setup", strings.TrimSuffix(groth16[:strings.LastIndex(groth16, "}")], "\n") + ",\n" + universal, zkkex.ErrMalformed, "has a universal setup"},
	} {
		_, err := params.ParseManifest([]byte(test.text))
		if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %v that says %q", test.name, err, test.want, test.says)
		}
	}
}

// TestManifestIsACopy changes what was handed out.
func TestManifestIsACopy(t *testing.T) {
	set := plonktest.Params(t, zkkex.BabyJubjub20Plonk)
	set.Manifest().Universal.Contributors[0] = "somebody else"
	if got := set.Manifest().Universal.Contributors[0]; got != "everybody" {
		t.Errorf("the set's manifest was changed to %q", got)
	}
}

// TestOpenPlonk opens the set, and refuses it with each file changed.
func TestOpenPlonk(t *testing.T) {
	set := plonktest.Params(t, zkkex.BabyJubjub20Plonk)
	if set.ProvingKey() != nil || len(set.SRS()) != plonk.SRSSize(16384) || set.Shipped() || set.Circuit() != zkkex.BabyJubjub20Plonk {
		t.Errorf("a proving key of %d bytes, a string of %d", len(set.ProvingKey()), len(set.SRS()))
	}
	good, digest := plonktest.Folder(t, zkkex.BabyJubjub20Plonk)
	points := func(change func(*plonk.Points)) []byte {
		p, err := plonk.ParsePoints(good[params.VerifyingKeyFile].Data)
		if err != nil {
			t.Fatal(err)
		}
		change(p)
		return p.Bytes()
	}
	for _, test := range []struct {
		name        string
		change      func(fstest.MapFS)
		rehash      bool
		file, check string
	}{
		{"string truncated", truncate(params.SRSFile), false, params.SRSFile, "size"},
		{"string with a flipped bit", flip(params.SRSFile, 1000), false, params.SRSFile, "sha256"},
		{"key truncated", truncate(params.VerifyingKeyFile), false, params.VerifyingKeyFile, "size"},
		{"key with a flipped bit", flip(params.VerifyingKeyFile, 100), false, params.VerifyingKeyFile, "sha256"},
		{"a commitment that is no compressed point", func(fsys fstest.MapFS) { fsys[params.VerifyingKeyFile].Data[68] &= 0x3f }, true, params.VerifyingKeyFile, "points"},
		{"tau that everybody knows", replace(params.VerifyingKeyFile, points(func(p *plonk.Points) { p.Tau = generator2() })), true, params.VerifyingKeyFile, "points"},
		{"a domain that is none", replace(params.VerifyingKeyFile, points(func(p *plonk.Points) { p.Domain = 3 })), true, params.VerifyingKeyFile, "points"},
		{"another circuit's domain", replace(params.VerifyingKeyFile, points(func(p *plonk.Points) { p.Domain *= 2 })), true, params.VerifyingKeyFile, "domain"},
	} {
		folder, accepted := clone(good), digest
		test.change(folder)
		if test.rehash {
			accepted = rehashPlonk(t, folder)
		}
		_, err := params.OpenProving(folder, params.Accept{Digest: &accepted})
		var mismatch *params.MismatchError
		if !errors.As(err, &mismatch) || mismatch.File != test.file || mismatch.Check != test.check {
			t.Errorf("%s: %v, want a mismatch of %s: %s", test.name, err, test.file, test.check)
		}
	}
	if _, err := params.OpenVerifying(good, params.Accept{Dev: true}); !errors.Is(err, params.ErrUnpinned) {
		t.Errorf("not pinned: %v, want %v", err, params.ErrUnpinned)
	}
	other := zkkex.ParamsDigest{1}
	if _, err := params.OpenVerifying(good, params.Accept{Digest: &other}); !errors.Is(err, zkkex.ErrParamsMismatch) {
		t.Errorf("another digest pinned: %v", err)
	}
	delete(good, params.SRSFile)
	if _, err := params.OpenProving(good, params.Accept{Digest: &digest}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without the string: %v, want %v", err, os.ErrNotExist)
	}
	if _, err := params.OpenVerifying(good, params.Accept{Digest: &digest}); err != nil {
		t.Errorf("verifying needs no string: %v", err)
	}
}

func truncate(name string) func(fstest.MapFS) {
	return func(fsys fstest.MapFS) { fsys[name].Data = fsys[name].Data[:len(fsys[name].Data)-1] }
}

func flip(name string, at int) func(fstest.MapFS) {
	return func(fsys fstest.MapFS) { fsys[name].Data[at] ^= 1 }
}

func replace(name string, b []byte) func(fstest.MapFS) {
	return func(fsys fstest.MapFS) { fsys[name].Data = b }
}

func clone(fsys fstest.MapFS) fstest.MapFS {
	out := make(fstest.MapFS)
	for name, f := range fsys {
		out[name] = &fstest.MapFile{Data: bytes.Clone(f.Data)}
	}
	return out
}

// rehashPlonk makes the manifest fit the files, and returns its digest.
func rehashPlonk(t *testing.T, fsys fstest.MapFS) zkkex.ParamsDigest {
	t.Helper()
	m, err := params.ParseManifest(fsys[params.ManifestFile].Data)
	if err != nil {
		t.Fatal(err)
	}
	m.SRS, m.VerifyingKey = params.Describe(fsys[params.SRSFile].Data), params.Describe(fsys[params.VerifyingKeyFile].Data)
	if fsys[params.ManifestFile].Data, err = m.Bytes(); err != nil {
		t.Fatal(err)
	}
	digest, err := m.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

// TestSpecificationShowsPlonksManifest compares docs/spec/params.md with the set of
// the tests, and with the circuit that this program compiles.
func TestSpecificationShowsPlonksManifest(t *testing.T) {
	spec, err := os.ReadFile("../../docs/spec/params.md")
	if err != nil {
		t.Fatal(err)
	}
	if sample := plonkManifest(t); !strings.Contains(string(spec), "```json\n"+sample+"```") {
		t.Errorf("it does not show\n%s", sample)
	}
}

func generator2() curve.G2Affine {
	_, _, _, g2 := curve.Generators()
	return g2
}
