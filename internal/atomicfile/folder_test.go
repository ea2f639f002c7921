package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestCreateFolderIsWhole(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "folder")
	files := map[string][]byte{"one": []byte("1"), "two": []byte("22")}
	if err := CreateFolder(dir+"/", files); err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != string(want) {
			t.Errorf("%s: read %q, %v; want %q", name, got, err, want)
		}
	}
	onlyFile(t, dir)
	if err := CreateFolder(dir, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a folder that is there: %v; want fs.ErrExist", err)
	}
}

// A file that cannot be written leaves no folder, and nothing beside it.
func TestCreateFolderErrorLeavesNothing(t *testing.T) {
	parent := t.TempDir()
	files := map[string][]byte{"good": nil, "no/such/folder": nil}
	if err := CreateFolder(filepath.Join(parent, "folder"), files); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file in a missing folder: %v; want fs.ErrNotExist", err)
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) != 0 {
		t.Errorf("%v is left, %v", entries, err)
	}
	if err := CreateFolder(filepath.Join(parent, "no", "folder"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a missing folder: %v; want fs.ErrNotExist", err)
	}
}
