package nodetest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestVersions(t *testing.T) {
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(lock), `"integrity": "sha512-`); n < 30 || strings.Contains(string(lock), "://registry") {
		t.Errorf("the lock pins %d packages, expected the digest of each and no address", n)
	}
	out, _ := Snarkjs(t, t.TempDir(), "--version")
	if !strings.Contains(out, "snarkjs@0.7.6") {
		t.Errorf("snarkjs says %q", out)
	}
	if out, code := Run(t, t.TempDir(), "solc/solc.js", "--version"); code != 0 || !strings.HasPrefix(out, "0.8.37") {
		t.Errorf("solc says %q", out)
	}
	if _, code := Run(t, t.TempDir(), "solc/solc.js", "there is no such file"); code == 0 {
		t.Error("a failure is not reported")
	}
}

func TestServe(t *testing.T) {
	script := filepath.Join(t.TempDir(), "serve.cjs")
	if err := os.WriteFile(script, []byte(`console.log("here " + process.argv[2]); process.stdin.resume()`), 0o600); err != nil {
		t.Fatal(err)
	}
	if line := Serve(t, script, "am I"); line != "here am I" {
		t.Errorf("it printed %q", line)
	}
}
