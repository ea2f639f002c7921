package policy

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// oldest are the oldest versions without a known flaw that reaches us: gnark
// before v0.16.3 accepted forged hints in its scalar multiplications.
var oldest = map[string]string{
	"github.com/consensys/gnark":        "v0.16.3",
	"github.com/consensys/gnark-crypto": "v0.22.0",
}

func TestDependencies(t *testing.T) {
	for _, problem := range outdated(t, read(t, "go.mod")) {
		t.Error(problem)
	}
}

func TestDependenciesCatchesAFault(t *testing.T) {
	const planted = "module m\nrequire (\n github.com/consensys/gnark v0.16.2\n github.com/consensys/gnark-crypto v0.22.0\n)\n"
	if len(outdated(t, planted)) != 1 || len(outdated(t, "module m\n")) != 2 {
		t.Error("an old or missing dependency is not reported")
	}
}

func outdated(t *testing.T, text string) (problems []string) {
	t.Helper()
	file, err := modfile.Parse("go.mod", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	for path, version := range oldest {
		i := slices.IndexFunc(file.Require, func(r *modfile.Require) bool { return r.Mod.Path == path })
		if i < 0 || semver.Compare(file.Require[i].Mod.Version, version) < 0 {
			problems = append(problems, path+" must be required at "+version+" or later")
		}
	}
	return problems
}

// ours are the modules of this repository: the library and, for tests that need
// what it must not depend on, others in folders below.
var ours = map[string]string{
	"go.mod":                module,
	"export/evmtest/go.mod": module + "/export/evmtest",
}

// The library stays under permissive licences: go-ethereum, under the LGPL, is in
// no list of dependencies but that of the tests in the EVM, and these are tests
// only.
func TestNoGoEthereum(t *testing.T) {
	found := 0
	eachFile(t, func(path string) {
		switch {
		case strings.HasSuffix(path, "go.mod"):
			found++
			if name, known := ours[path]; !known || modfile.ModulePath([]byte(read(t, path))) != name {
				t.Errorf("%s is no module of ours, expected %v", path, ours)
			}
			if path == "go.mod" && len(copyleft(t, read(t, path))) > 0 {
				t.Errorf("go.mod requires %v", copyleft(t, read(t, path)))
			}
		case strings.HasPrefix(path, "export/evmtest/") && strings.HasSuffix(path, ".go"):
			if !strings.HasSuffix(path, "_test.go") && path != "export/evmtest/doc.go" {
				t.Errorf("%s is no test", path)
			}
		}
	})
	if found != len(ours) {
		t.Errorf("found %d modules, expected %v", found, ours)
	}
	if len(copyleft(t, read(t, "export/evmtest/go.mod"))) == 0 {
		t.Error("the tests in the EVM do not require go-ethereum: the check finds nothing")
	}
}

// copyleft returns the modules of go-ethereum's authors that a go.mod requires,
// directly or not.
func copyleft(t *testing.T, text string) (modules []string) {
	t.Helper()
	file, err := modfile.Parse("go.mod", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range file.Require {
		if strings.HasPrefix(r.Mod.Path, "github.com/ethereum/") {
			modules = append(modules, r.Mod.Path)
		}
	}
	return modules
}

// local are the packages that hold secrets or prove. None of them reaches for
// the network: a prover that asks somebody else to prove shows its secret.
var local = []string{"circuits", "enrolment", "keys", "prover", "slots", "internal/groth16", "internal/provingkey"}

func TestProverDialsNobody(t *testing.T) {
	found := 0
	for _, p := range list(t, "./...") {
		path := strings.TrimPrefix(p.ImportPath, module+"/")
		if !slices.Contains(local, path) {
			continue
		}
		found++
		for _, imported := range p.Imports {
			if imported == "net" || strings.HasPrefix(imported, "net/") || imported == "os/exec" {
				t.Errorf("%s imports %s", path, imported)
			}
		}
	}
	if found != len(local) {
		t.Errorf("found %d of the packages %v", found, local)
	}
}
