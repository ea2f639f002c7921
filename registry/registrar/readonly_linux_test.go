package registrar

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// nobody is a user id without rights.
const nobody = 65534

// asNobody runs f with the file permissions of a user without rights, if the
// test runs as root, whom permissions do not bind.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	runtime.LockOSThread() // the change is the thread's alone
	defer runtime.UnlockOSThread()
	if err := unix.Setfsuid(nobody); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setfsuid(0); err != nil {
			t.Fatal(err)
		}
	}()
	f()
}

// readOnlyFolder returns a folder that asNobody can read and not write.
func readOnlyFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "zkkex-readonly-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(os.Chmod(dir, 0o700), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestReadOnlyFolder(t *testing.T) {
	dir := readOnlyFolder(t)
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	asNobody(t, func() {
		if err := Init(filepath.Join(dir, "new"), testName, 20); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("Init in a folder without write permission: %v; want fs.ErrPermission", err)
		}
		if err := Init(dir, testName, 20); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("Init of a folder without write permission: %v; want fs.ErrPermission", err)
		}
	})
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// TestReadOnlyRegistry takes the write permission from a registry.
func TestReadOnlyRegistry(t *testing.T) {
	parent := readOnlyFolder(t)
	dir := filepath.Join(parent, "registry")
	if err := Init(dir, testName, 20); err != nil {
		t.Fatal(err)
	}
	mustClose(t, mustOpen(t, dir))
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if err := errors.Join(os.Chmod(path, 0o400), chownToNobody(path)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chmod(dir, 0o500), chownToNobody(dir), os.Chmod(parent, 0o755)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) }) // so that it can be removed
	before := snapshot(t, dir)
	asNobody(t, func() {
		r, err := Open(dir)
		if !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%v; want fs.ErrPermission", err)
		}
		if r != nil {
			mustClose(t, r)
		}
	})
	sameFiles(t, "opening without permission", before, snapshot(t, dir))
}

func chownToNobody(path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return os.Chown(path, nobody, -1)
}
