package ceremony_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
)

// Each vector changes one thing in a definition.
func TestDefinitionVectors(t *testing.T) {
	ceremonytest.Small(t)
	texts := map[string]string{}
	for name, plan := range map[string]ceremonytest.Plan{"own": {Announced: true}, "imported": {Imported: true}} {
		chain := ceremonytest.Read(t, open(t, plan.Make(t)).FS())
		texts[name] = string(chain.Files(t)[ceremony.DefinitionFile])
	}
	malformed, unsupported := zkkex.ErrMalformed, zkkex.ErrUnsupported
	for _, test := range []struct {
		name, of, old, new string
		want               error
		says               string
	}{
		{"unknown field", "own", "{\n", "{\n  \"note\": 1,\n", malformed, "unknown field"},
		{"field twice", "own", `"name": "test",`, `"name": "test",` + "\n" + `  "name": "test",`, malformed, "one accepted form"},
		{"another indentation", "own", "  \"name\"", "\t\"name\"", malformed, "one accepted form"},
		{"no newline at the end", "own", "}\n}\n", "}\n}", malformed, "one accepted form"},
		{"something after the end", "own", "}\n}\n", "}\n}\n\n", malformed, "one accepted form"},
		{"escapes", "own", `"test"`, `"t\u0065st"`, malformed, "one accepted form"},
		{"without end", "own", `"test"`, `"` + strings.Repeat("a", ceremony.MaxDefinitionSize) + `"`, malformed, "at most 65536"},
		{"next version", "own", "zkkex/v1", "zkkex/v2", unsupported, `"zkkex/v2 ceremony"`},
		{"no name", "own", `"test"`, `""`, malformed, "0 characters"},
		{"a name that turns the text around", "own", `"test"`, "\"te\u2066st\"", malformed, "U+2066"},
		{"a name with a space at its end", "own", `"test"`, `"test "`, malformed, "a space"},
		{"another kind", "own", `"kind": "ceremony"`, `"kind": "universal"`, unsupported, `"universal"`},
		{"no kind", "own", `"kind": "ceremony"`, `"kind": ""`, unsupported, `kind ""`},
		{"time zone", "own", `12:00:00Z"`, `12:00:00+00:00"`, malformed, ""},
		{"fraction of a second", "own", `12:00:00Z"`, `12:00:00.5Z"`, malformed, "whole seconds"},
		{"another century", "own", `"2026-`, `"1926-`, malformed, "year 1926"},
		{"an unknown circuit", "own", `"id": 257`, `"id": 999`, unsupported, "circuit-0x03e7"},
		{"a circuit of PLONK", "own", `"id": 257`, `"id": 513`, unsupported, "expected one of Groth16"},
		{"circuit misnamed", "own", `"babyjubjub-20"`, `"babyjubjub-32"`, malformed, `expected "babyjubjub-20"`},
		{"public inputs", "own", `"public_inputs": 5`, `"public_inputs": 6`, malformed, "6 public inputs"},
		{"no constraints", "own", `"constraints": 10`, `"constraints": 0`, malformed, "0 constraints"},
		{"constraints without end", "own", `"constraints": 10`, `"constraints": 1000000000`, malformed, "expected 1 to 1048576"},
		{"domain", "own", `"domain": 16`, `"domain": 32`, malformed, "expected 16"},
		{"no private wires", "own", `"wires": 16`, `"wires": 6`, malformed, "6 wires, expected 7"},
		{"wires without end", "own", `"wires": 16`, `"wires": 4194305`, malformed, "expected 7 to 4194304"},
		{"another phase 1", "own", `"phase1": "own"`, `"phase1": "none"`, malformed, `phase 1 "none"`},
		{"imported, and not what", "own", `"phase1": "own"`, `"phase1": "imported"`, malformed, "without saying which"},
		{"no beacon", "own", `"beacons": {`, `"beacons": {}, "x": {`, malformed, "unknown field"},
		{"a beacon that does not print", "own", `"phase2": "a `, `"phase2": "a\u0007`, malformed, "U+0007"},
		{"own, and imported", "imported", `"phase1": "imported"`, `"phase1": "own"`, malformed, "expected none"},
		{"no source", "imported", `"https://example.org/powers_28.ptau"`, `""`, malformed, "source"},
		{"power too small", "imported", `"power": 28`, `"power": 3`, malformed, "power 3, expected 4 to 28"},
		{"power too great", "imported", `"power": 28`, `"power": 29`, malformed, "power 29"},
		{"power of the ceremony too great", "imported", `"ceremony_power": 28`, `"ceremony_power": 29`, malformed, "ceremony of power 29"},
		{"more powers than the ceremony had", "imported", `"ceremony_power": 28`, `"ceremony_power": 27`, malformed, "power 28, expected 4 to 27"},
		{"an empty chain", "imported", `"chain": {` + "\n" + `      "size": `, `"chain": {` + "\n" + `      "size": -`, malformed, "phase1.chain"},
		{"a chain without end", "imported", `"chain": {` + "\n" + `      "size": `, `"chain": {` + "\n" + `      "size": 1000`, malformed, "phase1.chain"},
		{"power without end", "imported", `"power": 28`, `"power": 64`, malformed, "power 64"},
		{"an empty file", "imported", `"size": 13`, `"size": 0`, malformed, "a file of 0 bytes"},
		{"a contributor that does not print", "imported", `"first"`, `"fi\u001brst"`, malformed, "U+001B"},
		{"contributors without end", "imported", `"first"`, `"first"` + strings.Repeat(`, "a"`, 256), malformed, "expected at most 256"},
		{"size of the SRS", "imported", `"srs": {` + "\n" + `      "size": `, `"srs": {` + "\n" + `      "size": 1`, malformed, "phase1.srs"},
	} {
		text := texts[test.of]
		if !strings.Contains(text, test.old) {
			t.Fatalf("%s: the definition has no %q:\n%s", test.name, test.old, text)
		}
		_, err := ceremony.ParseDefinition([]byte(strings.Replace(text, test.old, test.new, 1)))
		if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %v that says %q", test.name, err, test.want, test.says)
		}
	}
}

// A definition that lies about the circuit is found when the circuit is compiled.
func TestDefinitionLies(t *testing.T) {
	ceremonytest.Small(t)
	for name, change := range map[string]func(d *ceremony.Definition){
		"digest":      func(d *ceremony.Definition) { d.Circuit.Digest[0] ^= 1 },
		"constraints": func(d *ceremony.Definition) { d.Circuit.Constraints++ },
		"wires":       func(d *ceremony.Definition) { d.Wires++ },
	} {
		chain := ceremonytest.Read(t, open(t, ceremonytest.Plan{}.Make(t)).FS())
		change(&chain.Definition)
		c := open(t, ceremonytest.Write(t, chain.Files(t)))
		_, err := c.Verify(ctx, nil)
		refused(t, name, err, ceremony.FileError{File: ceremony.DefinitionFile, Check: ceremony.CheckCircuit})
		if _, err := c.Contribute(ctx, ceremony.Contributor{Name: "Alice"}, nil); !errors.Is(err, ceremony.ErrRejected) {
			t.Errorf("%s: Alice contributed: %v", name, err)
		}
	}
}
