package policy

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/zkkex/zkkex"

type goPackage struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

// rule forbids direct imports by prefix, except in some packages.
type rule struct {
	name     string
	prefixes []string
	allowed  []string // package paths below the module, with everything below them
}

var rules = []rule{
	{
		name:     "gnark stays in the rooms that prove and verify",
		prefixes: []string{"github.com/consensys/gnark/"},
		allowed:  []string{"circuits", "prover", "verifier", "setup", "internal", "bench"},
	},
	{
		name:     "gnark's frontend stays with the circuits",
		prefixes: []string{"github.com/consensys/gnark/frontend", "github.com/consensys/gnark/std"},
		allowed:  []string{"circuits", "bench", "prover", "setup"},
	},
	{
		name:     "cobra stays in the command line",
		prefixes: []string{"github.com/spf13/"},
		allowed:  []string{"internal/cli"},
	},
}

func TestImports(t *testing.T) {
	packages := list(t, "./...")
	if len(packages) < 15 {
		t.Fatalf("found %d packages, expected the whole module", len(packages))
	}
	for _, r := range rules {
		for _, broken := range r.broken(packages) {
			t.Errorf("%s: %s", r.name, broken)
		}
	}
}

// The planted fault: each rule catches an import that breaks it.
func TestImportsCatchesAFault(t *testing.T) {
	for _, r := range rules {
		planted := []goPackage{{ImportPath: module + "/order", Imports: []string{r.prefixes[0] + "x"}}}
		if len(r.broken(planted)) != 1 {
			t.Errorf("%s: the rule catches nothing", r.name)
		}
	}
}

// The vocabulary depends on the standard library alone.
func TestVocabularyIsStandardLibraryOnly(t *testing.T) {
	for _, p := range list(t, "-deps", module) {
		if !p.Standard && !slices.Contains([]string{module, module + "/internal/canonical", module + "/internal/domain"}, p.ImportPath) {
			t.Errorf("the vocabulary depends on %s", p.ImportPath)
		}
	}
}

// Fakes and test frameworks stay out of what users build.
func TestBinaryHasNoTestPackages(t *testing.T) {
	for _, p := range list(t, "-deps", module+"/cmd/zkkex") {
		if forTestsOnly(p.ImportPath) {
			t.Errorf("the binary contains %s", p.ImportPath)
		}
	}
	if !forTestsOnly(module+"/registry/internal/witnesstest") || !forTestsOnly("github.com/consensys/gnark/test") {
		t.Error("the rule catches nothing")
	}
}

// forTestsOnly reports whether a package is named as one for tests: of gnark,
// or of ours, a name that ends in "test".
func forTestsOnly(path string) bool {
	return path == "github.com/consensys/gnark/test" || strings.HasPrefix(path, module+"/") && strings.HasSuffix(path, "test")
}

func (r rule) broken(packages []goPackage) (out []string) {
	for _, p := range packages {
		path := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		if slices.ContainsFunc(r.allowed, func(room string) bool { return path == room || strings.HasPrefix(path, room+"/") }) {
			continue
		}
		for _, imported := range p.Imports {
			if slices.ContainsFunc(r.prefixes, func(prefix string) bool { return strings.HasPrefix(imported, prefix) }) {
				out = append(out, p.ImportPath+" imports "+imported)
			}
		}
	}
	return out
}

func list(t *testing.T, args ...string) (packages []goPackage) {
	t.Helper()
	command := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,Standard"}, args...)...)
	command.Dir = "../.."
	output, err := command.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(output)))
	for {
		var p goPackage
		switch err := decoder.Decode(&p); {
		case errors.Is(err, io.EOF):
			return packages
		case err != nil:
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
