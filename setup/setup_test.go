package setup_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/relation"
	"github.com/zkkex/zkkex/setup"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
)

// TestManifestsNameTheCircuits compiles the circuits and compares: whoever
// changes a relation must give it a new id and make its parameters anew.
// ZKKEX_DEEP=1 asks for derived ones of the larger capacity, too, and for several of
// one relation.
func TestManifestsNameTheCircuits(t *testing.T) {
	seen := make(map[params.Digest]bool)
	for _, id := range dev.Circuits() {
		fsys, err := dev.FS(id)
		if err != nil {
			t.Fatal(err)
		}
		set, err := params.OpenVerifying(fsys, params.Accept{Dev: true})
		if err != nil {
			t.Fatal(err)
		}
		m := set.Manifest()
		shipped := slices.Contains(dev.Shipped(), id)
		if os.Getenv("ZKKEX_DEEP") == "" && !shipped && (seen[m.Circuit.Digest] || id.CapacityBits() > 20) {
			continue
		}
		seen[m.Circuit.Digest] = true
		system, err := circuits.Compile(id)
		if err != nil {
			t.Fatal(err)
		}
		if got := params.Digest(relation.Digest(system)); got != m.Circuit.Digest {
			t.Errorf("%v: the circuit has digest %v, the parameters are for %v", id, got, m.Circuit.Digest)
		}
		if got := system.GetNbConstraints(); got != m.Circuit.Constraints {
			t.Errorf("%v: the circuit has %d constraints, the parameters are for %d", id, got, m.Circuit.Constraints)
		}
		if got := relation.SizeOf(system).Commitments; got != m.Circuit.Commitments {
			t.Errorf("%v: the circuit has %d commitments, the parameters are for %d", id, got, m.Circuit.Commitments)
		}
		if m.Kind != params.Dev || m.Circuit.ID != id {
			t.Errorf("%v: kind %q, circuit %v", id, m.Kind, m.Circuit.ID)
		}
		if !shipped {
			continue
		}
		if whole, err := params.OpenProving(fsys, params.Accept{Dev: true}); err != nil || !whole.Shipped() {
			t.Errorf("%v: %v, or not known to ship", id, err)
		}
	}
}

func TestWriteDev(t *testing.T) {
	ceremonytest.Small(t)
	parent := t.TempDir()
	dir := filepath.Join(parent, "set")
	m, err := setup.WriteDev(context.Background(), dir, ceremonytest.Circuit, nil)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := m.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := params.OpenVerifying(os.DirFS(dir), params.Accept{Digest: &digest}); !errors.Is(err, params.ErrDev) {
		t.Errorf("a development set that nobody asked for: %v, want %v", err, params.ErrDev)
	}
	if _, err := params.OpenVerifying(os.DirFS(dir), params.Accept{Dev: true, Digest: &digest}); err != nil {
		t.Error(err)
	}
	transcript, err := os.ReadFile(filepath.Join(dir, params.TranscriptFile))
	if err != nil {
		t.Fatal(err)
	}
	c, err := ceremony.OpenTranscript(bytes.NewReader(transcript), int64(len(transcript)))
	if err != nil {
		t.Fatal(err)
	}
	if s := c.Status(); c.Definition().Kind != params.Dev || !s.Complete() || s.Made != [2]int{1, 1} {
		t.Errorf("kind %q, status %+v", c.Definition().Kind, s)
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) != 1 {
		t.Errorf("the parent folder holds %v, %v; expected the set alone", entries, err)
	}
}

func TestWriteDevRefuses(t *testing.T) {
	ceremonytest.Small(t)
	ctx := context.Background()
	dir := t.TempDir()
	if _, err := setup.WriteDev(ctx, dir, ceremonytest.Circuit, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a folder that exists: %v, want %v", err, fs.ErrExist)
	}
	if _, err := setup.WriteDev(ctx, filepath.Join(dir, "set"), 0xffff, nil); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Errorf("an unknown circuit: %v, want %v", err, zkkex.ErrUnsupported)
	}
	if _, err := setup.WriteDev(ctx, filepath.Join(dir, "no", "parent"), ceremonytest.Circuit, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no parent folder: %v, want %v", err, fs.ErrNotExist)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := setup.WriteDev(ended, filepath.Join(dir, "set"), ceremonytest.Circuit, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v, want %v", err, context.Canceled)
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
