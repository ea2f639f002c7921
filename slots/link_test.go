package slots

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestHardLinkBackup makes a backup as cp -al does. The state is not replaced
// while the backup has a name for it, so that there is never an older one in an
// inode of its own.
func TestHardLinkBackup(t *testing.T) {
	dir := fresh(t)
	scope := scopeOf(today(), "venue")
	c := mustOpen(t, dir)
	mustTake(t, c, scope, today(), 9, 0)
	path, backup := filepath.Join(dir, stateName), filepath.Join(t.TempDir(), stateName)
	check(t, os.Link(path, backup))
	if slot, err := c.Take(scope, today(), 9); !errors.Is(err, ErrLinked) {
		t.Fatalf("Take: %d, %v; want ErrLinked", slot, err)
	}
	if _, err := Open(dir); !errors.Is(err, ErrLinked) {
		t.Fatalf("Open: %v; want ErrLinked", err)
	}
	if err := Recover(dir, WithClock(clock)); !errors.Is(err, ErrLinked) {
		t.Fatalf("Recover: %v; want ErrLinked", err)
	}
	// Restoring is harmless, and so is removing the backup.
	check(t, os.Rename(backup, path)) // two names of one file: does nothing
	check(t, os.Remove(path))
	check(t, os.Rename(backup, path))
	mustTake(t, c, scope, today(), 9, 1)
}

// TestLinksWithoutCopyDetection: such a state can be anything.
func TestLinksWithoutCopyDetection(t *testing.T) {
	dir := fresh(t, WithoutCopyDetection())
	check(t, os.Link(filepath.Join(dir, stateName), filepath.Join(t.TempDir(), "second")))
	mustTake(t, mustOpen(t, dir), scopeOf(today(), "venue"), today(), 9, 0)
	check(t, Recover(dir, WithoutCopyDetection(), WithClock(clock)))
}
