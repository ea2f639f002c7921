package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCeremonyAsWritten runs every command of docs/ceremony.md, in order and as it
// stands: three people, their parameters, a proof with them, and snarkjs' opinion.
func TestCeremonyAsWritten(t *testing.T) {
	text, err := os.ReadFile("../../docs/ceremony.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := indented(string(text))
	if n := strings.Count(commands, "\nzkkex "); n < 25 {
		t.Fatalf("docs/ceremony.md has %d commands of zkkex", n)
	}
	w := newWalk(t)
	said, err := w.run(commands)
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, want := range []string{
		`The 3 contributors to phase 1 could forge together: "venue.example" (signed, venue.example), "Alice" (signed, Alice), "Bob" (signed, Bob).`,
		"Nobody can break anonymity",
		"verdict          sound",
		"accepted: ",
		": OK!", // after the name of snarkjs, in colours
		"imported from powers.ptau, power 12",
		`1: "Carol", response `,
	} {
		if !strings.Contains(said, want) {
			t.Errorf("nothing says %q:\n%s", want, said)
		}
	}
	w.refuses(t)
}

// refuses plants faults in what the page made: each is refused, and named.
func (w *walk) refuses(t *testing.T) {
	for _, tc := range []struct{ name, commands, says string }{
		{"a flipped byte of the proving key", `cp -r params flipped; printf X | dd of=flipped/circuit.pk bs=1 seek=70000 conv=notrunc 2>&1; zkkex setup verify flipped`, "circuit.pk"},
		{"a contribution lost", `cp -r ceremony lost; rm lost/0002.contribution; zkkex setup ceremony verify lost`, "0002.contribution"},
		{"a contribution twice", `cp -r ceremony twice; cp twice/0001.contribution twice/0002.contribution; zkkex setup ceremony verify twice`, "0002.contribution"},
		{"a contribution cut short", `cp -r ceremony cut; head -c 700000 ceremony/0002.contribution > cut/0002.contribution; zkkex setup ceremony verify cut`, "0002.contribution"},
		{"after the end", `zkkex setup ceremony contribute ceremony --name Mallory`, "both phases are closed"},
		{"before the beginning", `zkkex setup ceremony seal second --out early`, "beacon"},
		{"a beacon alone", `zkkex setup ceremony beacon second --source "drand quicknet, round 24200000" --value 5c1b5a2ea8ffd1f6b4e0a1c3ac0a9f7c`, "contribut"},
		{"no digest", `zkkex prove order.json --home alice --scope rfq.example --limit 10 --params params`, "zkkex setup verify"},
	} {
		said, err := w.run(tc.commands)
		if err == nil || !strings.Contains(said, tc.says) {
			t.Errorf("%s: %v, and nothing says %q:\n%s", tc.name, err, tc.says, said)
		}
	}
}

// walk is where somebody follows a page, with zkkex and snarkjs installed.
type walk struct {
	dir string
	env []string
}

func newWalk(t *testing.T) *walk {
	dir, bin := t.TempDir(), t.TempDir()
	modules, err := filepath.Abs("../../.node/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	snarkjs := fmt.Sprintf("#!/bin/sh\nexec node %s/snarkjs/build/cli.cjs \"$@\"\n", modules)
	if err := os.WriteFile(filepath.Join(bin, "snarkjs"), []byte(snarkjs), 0o755); err != nil {
		t.Fatal(err)
	}
	passphrase := filepath.Join(bin, "passphrase")
	if err := os.WriteFile(passphrase, []byte("correct horse battery staple\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), passphraseEnv+"="+passphrase, outputEnv+"="+t.TempDir(), typedEnv+"=",
		"HOME="+dir, "XDG_CACHE_HOME="+t.TempDir(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return &walk{dir, env}
}

// run runs commands in one shell, until one fails, and returns what they print.
func (w *walk) run(commands string) (said string, err error) {
	c := exec.Command("sh", "-eux", "-c", commands)
	c.Dir, c.Env = w.dir, w.env
	out, err := c.CombinedOutput()
	return string(out), err
}

// indented returns the blocks of commands in a page: its lines indented by four spaces.
func indented(page string) string {
	var b strings.Builder
	b.WriteString("\n")
	for line := range strings.Lines(page) {
		if command, ok := strings.CutPrefix(line, "    "); ok {
			b.WriteString(command)
		}
	}
	return b.String()
}
