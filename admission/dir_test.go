package admission_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/admission/admissiontest"
	"github.com/zkkex/zkkex/internal/filelock"
)

const testEpoch = 500_000

func TestDir(t *testing.T) {
	admissiontest.Run(t, func(t *testing.T) admission.Store { return openDir(t, t.TempDir()) })
}

// openDir opens the store in a folder until the test ends, made first if there is
// none.
func openDir(t *testing.T, path string) *admission.Dir {
	t.Helper()
	if err := admission.Init(path); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	d, err := admission.OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func shard(t testing.TB, r *admission.Record) admission.Shard {
	t.Helper()
	s, err := r.Shard()
	must(t, err)
	return s
}

// fill admits count certificates and opens each once.
func fill(t testing.TB, s admission.Store, from, count int) {
	t.Helper()
	for n := from; n < from+count; n++ {
		r := admissiontest.Record(t, testEpoch, n, n)
		_, _, err := s.Admit(context.Background(), r)
		must(t, err)
		must(t, s.Spend(context.Background(), shard(t, r), r.Statement.Nullifier, 0, true))
	}
}

// TestDirKeeps closes a store and opens it again, with what is closed in it too.
func TestDirKeeps(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "new", "store")
	d := openDir(t, path)
	fill(t, d, 0, 3)
	old := admissiontest.Record(t, testEpoch-1, 0, 0)
	_, _, err := d.Admit(ctx, old)
	must(t, err)
	must(t, d.Prune(ctx, shard(t, old).End))
	must(t, d.Close())
	must(t, d.Close())
	if _, err := d.ByKey(ctx, shard(t, old), old.Key); !errors.Is(err, admission.ErrNotOpen) {
		t.Errorf("after Close: %v, want %v", err, admission.ErrNotOpen)
	}
	d = openDir(t, path)
	for n := range 3 {
		r := admissiontest.Record(t, testEpoch, n, n)
		if _, fresh, err := d.Admit(ctx, r); err != nil || fresh {
			t.Errorf("record %d: fresh: %v, %v", n, fresh, err)
		}
		var spent *admission.SpentError
		if err := d.Spend(ctx, shard(t, r), r.Statement.Nullifier, 0, false); !errors.As(err, &spent) {
			t.Errorf("open of %d: %v, want *SpentError", n, err)
		}
	}
	if _, _, err := d.Admit(ctx, old); !errors.Is(err, admission.ErrClosed) {
		t.Errorf("pruned epoch: %v, want %v", err, admission.ErrClosed)
	}
}

// TestDirIsMadeOnce is about the folder of a volume that is not mounted: it must
// not pass for a store in which no slot is used.
func TestDirIsMadeOnce(t *testing.T) {
	interrupted := t.TempDir()
	must(t, os.Mkdir(filepath.Join(interrupted, "db.new"), 0o700))
	must(t, os.WriteFile(filepath.Join(interrupted, "db.new", "000001.log"), nil, 0o600))
	for name, path := range map[string]string{
		"missing": filepath.Join(t.TempDir(), "a", "b"), "empty": t.TempDir(), "making it was interrupted": interrupted,
	} {
		if _, err := admission.OpenDir(path); !errors.Is(err, admission.ErrMissing) || !strings.Contains(err.Error(), "first time") {
			t.Errorf("%s: opened: %v, want %v", name, err, admission.ErrMissing)
		}
		must(t, admission.Init(path))
		if info, err := os.Stat(filepath.Join(path, "db")); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
			t.Errorf("%s: mode of the database: %v, %v; want 0700", name, info.Mode(), err)
		}
		if err := admission.Init(path); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: made again: %v, want %v", name, err, fs.ErrExist)
		}
		d, err := admission.OpenDir(path)
		must(t, err)
		if err := admission.Init(path); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: made again while open: %v, want %v", name, err, fs.ErrExist)
		}
		must(t, d.Close())
		must(t, os.RemoveAll(path))
		if _, err := admission.OpenDir(path); !errors.Is(err, admission.ErrMissing) {
			t.Errorf("%s: opened after it went: %v, want %v", name, err, admission.ErrMissing)
		}
	}
}

func TestDirRefusesOtherFolders(t *testing.T) {
	foreign := t.TempDir()
	thesis := filepath.Join(foreign, "thesis.txt")
	must(t, os.WriteFile(thesis, nil, 0o600))
	for name, err := range map[string]error{"opened": second(admission.OpenDir(foreign)), "made": admission.Init(foreign)} {
		if !errors.Is(err, admission.ErrNotStore) {
			t.Errorf("a folder with other files, %s: %v, want %v", name, err, admission.ErrNotStore)
		}
	}
	if left, err := os.ReadDir(foreign); err != nil || len(left) != 1 {
		t.Errorf("left in it: %v, %v", left, err)
	}
	noFolder := t.TempDir()
	must(t, os.WriteFile(filepath.Join(noFolder, "db"), nil, 0o600))
	if _, err := admission.OpenDir(noFolder); !errors.Is(err, admission.ErrNotStore) {
		t.Errorf("db is a file: %v, want %v", err, admission.ErrNotStore)
	}
	for name, err := range map[string]error{"opened": second(admission.OpenDir(thesis)), "made": admission.Init(thesis)} {
		if err == nil {
			t.Errorf("a file was %s as a store", name)
		}
	}
}

func second(_ *admission.Dir, err error) error { return err }

func TestDirIsHeldOnce(t *testing.T) {
	path := t.TempDir()
	openDir(t, path)
	if _, err := admission.OpenDir(path); !errors.Is(err, filelock.ErrLocked) {
		t.Errorf("opened twice: %v, want %v", err, filelock.ErrLocked)
	}
}

// TestDirFailsClosed damages files: the store says so, when it is opened or when
// it is asked, and never that a slot is free.
func TestDirFailsClosed(t *testing.T) {
	const count = 64
	for name, damage := range map[string]struct {
		pattern string
		change  func(path string) error
	}{
		"log removed":        {"*.log", os.Remove},
		"log damaged":        {"*.log", flip},
		"manifest removed":   {"MANIFEST-*", os.Remove},
		"manifest damaged":   {"MANIFEST-*", flip},
		"marker removed":     {"marker.manifest.*", os.Remove},
		"everything removed": {"*", os.Remove},
	} {
		path := t.TempDir()
		must(t, admission.Init(path))
		d, err := admission.OpenDir(path)
		must(t, err)
		fill(t, d, 0, count)
		must(t, d.Close())
		files, err := filepath.Glob(filepath.Join(path, "db", damage.pattern))
		must(t, err)
		if len(files) == 0 {
			t.Fatalf("%s: no file %s", name, damage.pattern)
		}
		for _, file := range files {
			must(t, damage.change(file))
		}
		if d, err = admission.OpenDir(path); err != nil {
			if !errors.Is(err, admission.ErrDamaged) {
				t.Errorf("%s: opened: %v, want %v", name, err, admission.ErrDamaged)
			}
			continue
		}
		if n := forgotten(t, d, count); n > 0 {
			t.Errorf("%s: %d slots are free again", name, n)
		}
		_ = d.Close()
	}
}

// forgotten counts the certificates in the way of which another one's is not.
func forgotten(t *testing.T, d *admission.Dir, count int) (n int) {
	for i := range count {
		if _, fresh, err := d.Admit(context.Background(), admissiontest.Record(t, testEpoch, i, i+count)); err == nil && fresh {
			n++
		}
	}
	return n
}

// flip changes the bytes in the middle of a file.
func flip(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for i := len(b) / 3; i < len(b)/3+16; i++ {
		b[i] ^= 0x55
	}
	return os.WriteFile(path, b, 0o600)
}

// TestDirIsQuiet expects nothing on standard error, where Pebble logs by default.
func TestDirIsQuiet(t *testing.T) {
	r, w, err := os.Pipe()
	must(t, err)
	stderr := os.Stderr
	os.Stderr = w
	var out bytes.Buffer
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = out.ReadFrom(r) })
	d := openDir(t, t.TempDir())
	fill(t, d, 0, 8)
	must(t, d.Close())
	os.Stderr = stderr
	must(t, w.Close())
	wg.Wait()
	if out.Len() > 0 {
		t.Errorf("it wrote %q", out.String())
	}
}

// TestManyAtOnce admits many certificates at once, as in a rush at the beginning
// of an epoch: all of them are admitted, and found by their keys.
func TestManyAtOnce(t *testing.T) {
	const workers, each = 32, 16
	d := openDir(t, t.TempDir())
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				r := admissiontest.Record(t, testEpoch, w*each+i, w*each+i)
				if _, fresh, err := d.Admit(context.Background(), r); err != nil || !fresh {
					t.Errorf("%d: fresh: %v, %v", w*each+i, fresh, err)
				}
				got, err := d.ByKey(context.Background(), shard(t, r), r.Key)
				if err != nil || got == nil || *got != *r {
					t.Errorf("%d: %+v, %v", w*each+i, got, err)
				}
			}
		})
	}
	wg.Wait()
}
