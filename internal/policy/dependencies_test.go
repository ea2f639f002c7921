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
