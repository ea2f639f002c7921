package setup_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/relation"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/setup"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
)

// TestManifestsNameTheCircuits compiles the circuits and compares: whoever
// changes a relation must give it a new id and make its parameters anew.
func TestManifestsNameTheCircuits(t *testing.T) {
	for _, id := range zkkex.Groth16.Circuits() {
		fsys, err := dev.FS(id)
		if err != nil {
			t.Fatal(err)
		}
		set, err := params.OpenProving(fsys, params.Accept{Dev: true})
		if err != nil {
			t.Fatal(err)
		}
		system, err := circuits.Compile(id)
		if err != nil {
			t.Fatal(err)
		}
		m := set.Manifest()
		if got := params.Digest(relation.Digest(system)); got != m.Circuit.Digest {
			t.Errorf("%v: the circuit has digest %v, the parameters are for %v", id, got, m.Circuit.Digest)
		}
		if got := system.GetNbConstraints(); got != m.Circuit.Constraints {
			t.Errorf("%v: the circuit has %d constraints, the parameters are for %d", id, got, m.Circuit.Constraints)
		}
		if m.Kind != params.Dev || m.Circuit.ID != id || !set.Shipped() {
			t.Errorf("%v: kind %q, circuit %v, shipped %v", id, m.Kind, m.Circuit.ID, set.Shipped())
		}
	}
}

func TestWriteDev(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "set")
	created := time.Date(2026, 11, 21, 9, 30, 0, 5, time.UTC)
	m, err := setup.WriteDev(dir, zkkex.BabyJubjub20, created)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := m.Digest()
	if err != nil {
		t.Fatal(err)
	}
	set, err := params.OpenProving(os.DirFS(dir), params.Accept{Dev: true, Digest: &digest})
	if err != nil {
		t.Fatal(err)
	}
	if set.Shipped() {
		t.Error("a new set counts as one that ships with this version")
	}
	if got := set.Manifest().Created; !got.Equal(created.Truncate(time.Second)) {
		t.Errorf("created %v, expected %v", got, created)
	}
	if _, err := prover.Open(set); err != nil {
		t.Errorf("with every point checked: %v", err)
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) != 1 {
		t.Errorf("the parent folder holds %v, %v; expected the set alone", entries, err)
	}
}

func TestWriteDevRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := setup.WriteDev(dir, zkkex.BabyJubjub20, time.Now()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a folder that exists: %v, want %v", err, fs.ErrExist)
	}
	if _, err := setup.WriteDev(filepath.Join(dir, "set"), 0xffff, time.Now()); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("an unknown circuit: %v, want %v", err, zkkex.ErrUnsupported)
	}
	if _, err := setup.WriteDev(filepath.Join(dir, "no", "parent"), zkkex.BabyJubjub20, time.Now()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no parent folder: %v, want %v", err, fs.ErrNotExist)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestNoDevelopmentSet(t *testing.T) {
	if _, err := dev.FS(0xffff); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("%v, want %v", err, zkkex.ErrUnsupported)
	}
}
