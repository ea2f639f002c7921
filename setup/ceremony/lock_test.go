package ceremony_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
)

// TestLockIsNoLink: a folder that others pass on can have a lock that is a link, and
// taking it would make a file wherever that points to.
func TestLockIsNoLink(t *testing.T) {
	ceremonytest.Small(t)
	dir := ceremonytest.Plan{Phase1: []string{"Alice"}, Phase2: []string{"Bob"}, Open: true}.Make(t)
	lock, victim := filepath.Join(dir, ceremony.LockFile), filepath.Join(t.TempDir(), "victim")
	if err := os.Remove(lock); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, lock); err != nil {
		t.Fatal(err)
	}
	c, err := ceremony.Open(dir)
	if err == nil {
		_, err = c.Contribute(ctx, ceremony.Contributor{Name: "Carol"}, nil)
	}
	refused(t, "a link", err, ceremony.FileError{File: ceremony.LockFile, Check: ceremony.CheckType})
	if _, err := os.Lstat(victim); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file was made outside of the folder: %v", err)
	}
}
