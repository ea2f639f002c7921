package params_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
)

func devManifest(t testing.TB, id zkkex.CircuitID) []byte {
	t.Helper()
	fsys, err := dev.FS(id)
	if err != nil {
		t.Fatal(err)
	}
	b, err := fs.ReadFile(fsys, params.ManifestFile)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const ceremony = `  },
  "ceremony": {
    "transcript": {
      "size": 1,
      "sha256": "0000000000000000000000000000000000000000000000000000000000000000"
    },
    "contributions": 1,
    "beacon": "a public value of a date that was announced"
  }
}
`

func ceremonyManifest(t testing.TB) string {
	t.Helper()
	return strings.TrimSuffix(strings.Replace(bareManifest(t), `"kind": "dev"`, `"kind": "ceremony"`, 1), "  }\n}\n") + ceremony
}

// bareManifest is a development set's manifest that says nothing of its ceremony.
func bareManifest(t testing.TB) string {
	t.Helper()
	text, _, found := strings.Cut(string(devManifest(t, zkkex.BabyJubjub20)), ",\n  \"ceremony\"")
	if !found {
		t.Fatal("the development set has no ceremony")
	}
	return text + "\n}\n"
}

func TestManifestRoundTrip(t *testing.T) {
	for _, text := range []string{
		string(devManifest(t, zkkex.BabyJubjub20)), string(devManifest(t, zkkex.BabyJubjub32)), bareManifest(t), ceremonyManifest(t),
	} {
		m, err := params.ParseManifest([]byte(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		again, err := m.Bytes()
		if err != nil || string(again) != text {
			t.Errorf("encoded differently: %v\n%s", err, again)
		}
	}
}

// TestManifestVectors changes one thing each. Nothing but the one accepted form
// is read.
func TestManifestVectors(t *testing.T) {
	sample := bareManifest(t)
	swap := func(old, new string) string {
		t.Helper()
		if !strings.Contains(sample, old) {
			t.Fatalf("the sample has no %q", old)
		}
		return strings.Replace(sample, old, new, 1)
	}
	ofCeremony := func(old, new string) string {
		t.Helper()
		text := ceremonyManifest(t)
		if !strings.Contains(text, old) {
			t.Fatalf("the ceremony's sample has no %q", old)
		}
		return strings.Replace(text, old, new, 1)
	}
	tests := []struct {
		name string
		text string
		want error
		says string
	}{
		{"empty", "", zkkex.ErrMalformed, "EOF"},
		{"truncated", sample[:len(sample)/2], zkkex.ErrMalformed, "EOF"},
		{"no JSON", "dev\n", zkkex.ErrMalformed, "invalid character"},
		{"oversized", sample + strings.Repeat(" ", params.MaxManifestSize), zkkex.ErrMalformed, "at most 16384"},
		{"unknown field", swap(`"kind"`, `"note": "",`+"\n"+`  "kind"`), zkkex.ErrMalformed, "unknown field"},
		{"field twice", swap(`"kind": "dev",`, `"kind": "dev",`+"\n"+`  "kind": "dev",`), zkkex.ErrMalformed, "one accepted form"},
		{"fields in another case", swap(`"kind"`, `"Kind"`), zkkex.ErrMalformed, "one accepted form"},
		{"no newline at the end", strings.TrimSuffix(sample, "\n"), zkkex.ErrMalformed, "one accepted form"},
		{"something after the end", sample + "{}\n", zkkex.ErrMalformed, "one accepted form"},
		{"another indentation", strings.ReplaceAll(sample, "  ", "\t"), zkkex.ErrMalformed, "one accepted form"},
		{"carriage returns", strings.ReplaceAll(sample, "\n", "\r\n"), zkkex.ErrMalformed, "one accepted form"},
		{"digest in upper case", swap(`"digest": "`, `"digest": "A`), zkkex.ErrMalformed, "65"},
		{"next version", swap("zkkex/v1 params", "zkkex/v2 params"), zkkex.ErrUnsupported, `expected "zkkex/v1 params"`},
		{"unknown proof system", swap(`"groth16"`, `"stark"`), zkkex.ErrUnsupported, `"stark"`},
		{"other proof system", swap(`"groth16"`, `"plonk"`), zkkex.ErrMalformed, `expected "groth16"`},
		{"other curve", swap(`"bn254"`, `"bls12-381"`), zkkex.ErrUnsupported, `"bls12-381"`},
		{"other kind", swap(`"dev"`, `"trusted"`), zkkex.ErrUnsupported, `"trusted"`},
		{"unknown circuit", swap(`"id": 257`, `"id": 999`), zkkex.ErrUnsupported, "circuit-0x03e7"},
		{"circuit misnamed", swap(`"babyjubjub-20"`, `"babyjubjub-32"`), zkkex.ErrMalformed, `expected "babyjubjub-20"`},
		{"public inputs", swap(`"public_inputs": 5`, `"public_inputs": 4`), zkkex.ErrMalformed, "4 public inputs"},
		{"no constraints", swap(`"constraints": 3931`, `"constraints": 0`), zkkex.ErrMalformed, "0 constraints"},
		{"time zone", swap(`Z",`, `+00:00",`), zkkex.ErrMalformed, ""},
		{"fraction of a second", swap(`Z",`, `.5Z",`), zkkex.ErrMalformed, "whole seconds"},
		{"verifying key size", swap(`"size": 492`, `"size": 493`), zkkex.ErrMalformed, "expected 492"},
		{"proving key without end", swap(`"size": 1402097`, `"size": 1402097000`), zkkex.ErrMalformed, "expected 1 to"},
		{"negative size", swap(`"size": 1402097`, `"size": -1`), zkkex.ErrMalformed, "expected 1 to"},
		{"dev of the beacon alone", strings.Replace(ofCeremony(`"kind": "ceremony"`, `"kind": "dev"`), `"contributions": 1`, `"contributions": 0`, 1), zkkex.ErrMalformed, "besides the beacon"},
		{"ceremony without one", swap(`"dev"`, `"ceremony"`), zkkex.ErrMalformed, "without a ceremony"},
		{"ceremony of the beacon alone", ofCeremony(`"contributions": 1`, `"contributions": 0`), zkkex.ErrMalformed, "besides the beacon"},
		{"ceremony without a transcript", ofCeremony(`"size": 1,`, `"size": 0,`), zkkex.ErrMalformed, "transcript of 0 bytes"},
		{"ceremony without a beacon", ofCeremony("a public value of a date that was announced", ""), zkkex.ErrMalformed, "without a beacon"},
	}
	for _, test := range tests {
		_, err := params.ParseManifest([]byte(test.text))
		if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %v that says %q", test.name, err, test.want, test.says)
		}
	}
}

// A circuit's commitment is in its manifest, and in no other.
func TestManifestSaysCommitments(t *testing.T) {
	committed, plain := string(devManifest(t, zkkex.P256Key20)), string(devManifest(t, zkkex.BabyJubjub20))
	const field = ",\n    \"commitments\": 1\n"
	m, err := params.ParseManifest([]byte(committed))
	if err != nil || m.Circuit.Commitments != 1 || m.VerifyingKey.Size != params.CommittedKeySize || !strings.Contains(committed, field) {
		t.Fatalf("%v, %+v", err, m)
	}
	if strings.Contains(plain, "commitments") {
		t.Error("a circuit without a commitment names them")
	}
	for _, test := range []struct{ name, text, says string }{
		{"left out", strings.Replace(committed, field, "\n", 1), "0 commitments, expected 1"},
		{"two", strings.Replace(committed, field, strings.Replace(field, "1", "2", 1), 1), "2 commitments, expected 1"},
		{"of a circuit without", strings.Replace(plain, `"public_inputs": 5`, `"public_inputs": 5`+strings.TrimSuffix(field, "\n"), 1), "1 commitments, expected 0"},
		{"none, spelt out", strings.Replace(plain, `"public_inputs": 5`, `"public_inputs": 5`+",\n    \"commitments\": 0", 1), "one accepted form"},
		{"a verifying key without", strings.Replace(committed, `"size": 656`, `"size": 492`, 1), "expected 656"},
		{"a verifying key with, of a circuit without", strings.Replace(plain, `"size": 492`, `"size": 656`, 1), "expected 492"},
	} {
		if test.text == committed || test.text == plain {
			t.Fatalf("%s: nothing was changed", test.name)
		}
		if _, err := params.ParseManifest([]byte(test.text)); !errors.Is(err, zkkex.ErrMalformed) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %v that says %q", test.name, err, zkkex.ErrMalformed, test.says)
		}
	}
}

// TestDigestSeparatesSets is section 8 of the design: "dev" is part of the
// digest, and so is everything else.
func TestDigestSeparatesSets(t *testing.T) {
	seen := make(map[zkkex.ParamsDigest]string)
	for name, text := range map[string]string{
		"small":                               string(devManifest(t, zkkex.BabyJubjub20)),
		"large":                               string(devManifest(t, zkkex.BabyJubjub32)),
		"same keys, said to be of a ceremony": ceremonyManifest(t),
	} {
		m, err := params.ParseManifest([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		digest, err := m.Digest()
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := seen[digest]; ok {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[digest] = name
	}
}

// TestSpecSample compares the manifest in docs/spec/params.md, and its digest,
// with what ships.
func TestSpecSample(t *testing.T) {
	spec, err := os.ReadFile("../../docs/spec/params.md")
	if err != nil {
		t.Fatal(err)
	}
	sample := devManifest(t, zkkex.BabyJubjub20)
	if !bytes.Contains(spec, append([]byte("```json\n"), append(sample, "```"...)...)) {
		t.Error("docs/spec/params.md does not show the manifest of setup/dev/babyjubjub-20")
	}
	m, err := params.ParseManifest(sample)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := m.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(spec, []byte(digest.String())) {
		t.Errorf("docs/spec/params.md does not show the digest %v", digest)
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add(devManifest(f, zkkex.BabyJubjub20))
	f.Add(devManifest(f, zkkex.BabyJubjub32))
	f.Add([]byte(ceremonyManifest(f)))
	f.Add(devManifest(f, zkkex.P256Key20))
	f.Add([]byte(`{"format":"zkkex/v1 params"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := params.ParseManifest(b)
		if err != nil {
			return
		}
		again, err := m.Bytes()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%q is accepted and encoded as %q, %v", b, again, err)
		}
	})
}
