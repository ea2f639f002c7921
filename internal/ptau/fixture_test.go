package ptau_test

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/zkkex/zkkex/internal/nodetest"
	"github.com/zkkex/zkkex/internal/ptau"
)

// power is the one of the ceremony that the tests share.
const power = 5

// ceremony is files that snarkjs made just now, by name.
var ceremony = struct {
	sync.Mutex
	files map[string][]byte
}{}

// made returns a file that testdata/make.cjs makes. All tests share one run.
func made(t testing.TB, name string) []byte {
	t.Helper()
	ceremony.Lock()
	defer ceremony.Unlock()
	if ceremony.files == nil {
		ceremony.files = run(t, "5")
	}
	b, ok := ceremony.files[name]
	if !ok {
		t.Fatalf("make.cjs makes no %s", name)
	}
	return bytes.Clone(b)
}

// run runs testdata/make.cjs and returns the files it made.
func run(t testing.TB, args ...string) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	script := filepath.Join("..", "..", "internal", "ptau", "testdata", "make.cjs")
	if out, code := nodetest.Run(t, dir, script, args...); code != 0 {
		t.Fatalf("make.cjs: %s", out)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string][]byte)
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func open(t testing.TB, b []byte) *ptau.File {
	t.Helper()
	f, err := ptau.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}
