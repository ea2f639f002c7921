package export_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/zkkex/zkkex/export"
	"github.com/zkkex/zkkex/export/internal/exporttest"
	"github.com/zkkex/zkkex/internal/nodetest"
)

// snarkjsCase is what testdata/verify.cjs reads.
type snarkjsCase struct {
	Name   string                  `json:"name"`
	Key    json.RawMessage         `json:"key"`
	Inputs []string                `json:"inputs"`
	Proof  exporttest.SnarkjsProof `json:"proof"`

	want string
}

// TestSnarkjs asks snarkjs about proofs of both circuits, and about everything
// that can be changed in them.
func TestSnarkjs(t *testing.T) {
	var cases []snarkjsCase
	var keys [][]byte
	for _, id := range exporttest.Circuits() {
		key := exporttest.Key(t, id)
		keys = append(keys, key.Snarkjs())
	}
	for i, id := range exporttest.Circuits() {
		add := func(name, want string, key []byte, n exporttest.Numbers) {
			c := snarkjsCase{Name: id.String() + ": " + name, Key: key, want: want}
			c.Inputs, c.Proof = n.Snarkjs()
			cases = append(cases, c)
		}
		key := exporttest.Key(t, id)
		presentations := exporttest.Presentations(t, id)
		honest := exporttest.Decode(t, exporttest.Proof(t, key, presentations[0]).Calldata())
		another := exporttest.Decode(t, exporttest.Proof(t, key, presentations[1]).Calldata())
		add("honest", "true", keys[i], honest)
		add("another honest", "true", keys[i], another)
		add("re-randomised", "true", keys[i], exporttest.Rerandomised(honest))
		add("the other circuit's key", "false", keys[1-i], honest)
		for _, c := range exporttest.Tampered(honest, another) {
			add(c.Name, "false", keys[i], c.Numbers)
		}
		for _, c := range exporttest.Aliased(honest) {
			add(c.Name, "true", keys[i], c.Numbers)
		}
	}
	for i, verdict := range askSnarkjs(t, cases) {
		if verdict != cases[i].want {
			t.Errorf("%s: snarkjs says %s, want %s", cases[i].Name, verdict, cases[i].want)
		}
	}
	if len(cases) < 2*60 {
		t.Errorf("%d cases, expected more", len(cases))
	}
}

func askSnarkjs(t *testing.T, cases []snarkjsCase) (verdicts []string) {
	t.Helper()
	dir := t.TempDir()
	text, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "cases.json", text)
	output, code := nodetest.Script(t, dir, "testdata/verify.cjs", "cases.json")
	var answers []struct{ Name, Verdict string }
	if err := json.Unmarshal([]byte(output), &answers); err != nil || code != 0 || len(answers) != len(cases) {
		t.Fatalf("snarkjs: %v, exit code %d, %d answers:\n%s", err, code, len(answers), output)
	}
	for i, answer := range answers {
		if answer.Name != cases[i].Name {
			t.Fatalf("answer %d is about %q, want %q", i, answer.Name, cases[i].Name)
		}
		verdicts = append(verdicts, answer.Verdict)
	}
	return verdicts
}

// TestSnarkjsCommand runs the command that a user would, on the files as they
// are written.
func TestSnarkjsCommand(t *testing.T) {
	key, p := exporttest.Sample(t, "testdata")
	proof := exporttest.Proof(t, key, p)
	dir := t.TempDir()
	write(t, dir, export.SnarkjsKeyFile, key.Snarkjs())
	write(t, dir, export.SnarkjsProofFile, proof.Snarkjs())
	write(t, dir, export.SnarkjsPublicFile, proof.SnarkjsPublic())
	command := []string{"groth16", "verify", export.SnarkjsKeyFile, export.SnarkjsPublicFile, export.SnarkjsProofFile}
	if output, code := nodetest.Snarkjs(t, dir, command...); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, output)
	}
	n := exporttest.Decode(t, proof.Calldata())
	public, _ := n.Snarkjs()
	public[0], public[1] = public[1], public[0]
	text, err := json.Marshal(public)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, export.SnarkjsPublicFile, text)
	if output, code := nodetest.Snarkjs(t, dir, command...); code == 0 {
		t.Fatalf("swapped inputs are accepted:\n%s", output)
	}
}

func write(t *testing.T, dir, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}
