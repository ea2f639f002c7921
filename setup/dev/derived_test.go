package dev

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup/params"
)

// scratch is a derived set whose key is a few bytes, in a cache of its own.
func scratch(t *testing.T, key []byte) (d *derived, made *atomic.Int32) {
	t.Helper()
	home := t.TempDir()
	for _, name := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(name, home)
	}
	b, err := fs.ReadFile(sets, zkkex.BabyJubjub20.String()+"/"+params.ManifestFile)
	if err != nil {
		t.Fatal(err)
	}
	m, err := params.ParseManifest(b)
	if err != nil {
		t.Fatal(err)
	}
	m.Ceremony, m.ProvingKey = nil, params.Describe(key)
	if b, err = m.Bytes(); err != nil {
		t.Fatal(err)
	}
	made = new(atomic.Int32)
	return &derived{
		FS: fstest.MapFS{params.ManifestFile: {Data: b}},
		id: zkkex.BabyJubjub20,
		provingKey: func(context.Context, Progress) ([]byte, error) {
			made.Add(1)
			return key, nil
		},
	}, made
}

func TestDerivedKeyIsKept(t *testing.T) {
	want := []byte("a proving key")
	d, made := scratch(t, want)
	for range 3 {
		got, err := fs.ReadFile(d, params.ProvingKeyFile)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if made.Load() != 1 {
		t.Errorf("derived %d times", made.Load())
	}
	path, err := d.prepare(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, spoiled := range [][]byte{nil, want[1:], []byte("another value")} {
		if err := os.WriteFile(path, spoiled, 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := fs.ReadFile(d, params.ProvingKeyFile)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q in its place: %q, %v", spoiled, got, err)
		}
	}
}

// Who comes while the key is derived waits for it.
func TestDerivedOnceAtATime(t *testing.T) {
	want := []byte("a proving key")
	d, made := scratch(t, want)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if got, err := fs.ReadFile(d, params.ProvingKeyFile); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	wg.Wait()
	if made.Load() != 1 {
		t.Errorf("derived %d times", made.Load())
	}
}

// A key that is not the set's is never kept, and neither is what did not come out.
func TestDerivedKeyIsRefused(t *testing.T) {
	failure := errors.New("planted")
	for name, test := range map[string]struct {
		derive func(context.Context, Progress) ([]byte, error)
		want   error
	}{
		"another key": {func(context.Context, Progress) ([]byte, error) { return []byte("another value"), nil }, ErrDerived},
		"a failure":   {func(context.Context, Progress) ([]byte, error) { return nil, failure }, failure},
	} {
		d, _ := scratch(t, []byte("a proving key"))
		d.provingKey = test.derive
		if _, err := d.prepare(t.Context(), nil); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		dir, err := cacheDir()
		if err != nil {
			t.Fatal(err)
		}
		if left, err := filepath.Glob(filepath.Join(dir, "*.pk")); err != nil || len(left) != 0 {
			t.Errorf("%s: left %v, %v", name, left, err)
		}
	}
}

// Waiting for another process ends with the context.
func TestDerivedInterrupted(t *testing.T) {
	d, _ := scratch(t, []byte("a proving key"))
	begun, end := make(chan struct{}), make(chan struct{})
	inner := d.provingKey
	d.provingKey = func(ctx context.Context, p Progress) ([]byte, error) {
		close(begun)
		<-end
		return inner(ctx, p)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := d.prepare(context.Background(), nil); err != nil {
			t.Error(err)
		}
	})
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.prepare(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
	close(end)
	wg.Wait()
}

// A machine without a place for the key says so.
func TestNoCache(t *testing.T) {
	d, _ := scratch(t, []byte("a proving key"))
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(name, file)
	}
	if _, err := fs.ReadFile(d, params.ProvingKeyFile); err == nil {
		t.Error("no error")
	}
}

// Every derived set is what this program derives: the first of them, or all with
// ZKKEX_DEEP.
func TestDerivedSets(t *testing.T) {
	ids := Derived()
	if os.Getenv("ZKKEX_DEEP") == "" {
		ids = ids[:min(len(ids), 1)]
	}
	for _, id := range ids {
		key, files, err := Derive(t.Context(), id, nil)
		if err != nil {
			t.Fatal(err)
		}
		fsys, err := FS(id)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range files {
			if got, err := fs.ReadFile(fsys, name); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%v: %s: %v, or not what the circuit gives: run setup/internal/gendev -derived", id, name, err)
			}
		}
		m, err := params.ParseManifest(files[params.ManifestFile])
		if err != nil || params.Describe(key) != m.ProvingKey || m.Kind != params.Dev {
			t.Errorf("%v: %v, manifest %+v", id, err, m)
		}
	}
}

// Every circuit of Groth16 has a development set, which ships or is derived.
func TestEveryCircuitHasASet(t *testing.T) {
	if got, want := len(Circuits()), len(zkkex.Groth16.Circuits()); got != want {
		t.Errorf("%d sets, %d circuits: run setup/internal/gendev -derived", got, want)
	}
	for _, id := range Circuits() {
		fsys, err := FS(id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := params.OpenVerifying(fsys, params.Accept{}); !errors.Is(err, params.ErrDev) {
			t.Errorf("%v, not asked for: %v, want %v", id, err, params.ErrDev)
		}
		if _, err := params.OpenVerifying(fsys, params.Accept{Dev: true}); err != nil {
			t.Errorf("%v: %v", id, err)
		}
	}
}
