//go:build unix

package regularfile_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/zkkex/zkkex/internal/regularfile"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("pipe", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	fsys := os.DirFS(dir)
	for _, name := range []string{"pipe", "link", "."} { // nobody writes to the pipe
		if _, _, err := regularfile.Open(fsys, name); !errors.Is(err, regularfile.ErrIrregular) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := regularfile.Open(fsys, "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
	f, info, err := regularfile.Open(fsys, "file")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if b, err := io.ReadAll(f); err != nil || string(b) != "text" || info.Size() != 4 {
		t.Errorf("file: %q of %d bytes, %v", b, info.Size(), err)
	}
}
