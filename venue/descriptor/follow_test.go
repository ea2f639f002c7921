package descriptor

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// newFollowed returns a store with two published descriptors, what it shared, and
// the folder that it shared in.
func newFollowed(t *testing.T) (s *Store, shared string) {
	t.Helper()
	_, s = newStore(t)
	mustRotate(t, s, testTime, testTerms())
	mustRotate(t, s, testTime.Add(55*time.Minute), testTerms())
	mustPublish(t, s)
	shared = filepath.Join(t.TempDir(), "shared")
	mustShare(t, s, shared)
	return s, shared
}

func mustPublish(t *testing.T, s *Store) {
	t.Helper()
	if _, err := s.Publish(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

func mustShare(t *testing.T, s *Store, dir string) {
	t.Helper()
	if err := s.Share(dir); err != nil {
		t.Fatal(err)
	}
}

func mustFollow(t *testing.T, dir string, now time.Time) *Store {
	t.Helper()
	f, err := FollowStore(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// A store that follows answers as the one it follows, and issues nothing.
func TestFollowStore(t *testing.T) {
	s, shared := newFollowed(t)
	now := testTime.Add(56 * time.Minute)
	f := mustFollow(t, shared, now)
	if f.Identity().String() != s.Identity().String() || f.Latest().Digest() != s.Latest().Digest() || !f.Follows() {
		t.Fatal("another store")
	}
	for n := uint64(1); n <= 2; n++ {
		mine, err := f.Prekeys(n, now)
		if err != nil || !mine.matches(&s.history.byNumber(n).Descriptor) {
			t.Errorf("prekeys of descriptor %d: %v", n, err)
		}
		theirs, err := s.Proof(n)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.Proof(n); err != nil || string(got) != string(theirs) {
			t.Errorf("proof of descriptor %d: %v", n, err)
		}
	}
	if tile, err := f.Tile("tile/entries/000.p/2"); err != nil || len(tile) == 0 {
		t.Errorf("entries: %v", err)
	}
	_, rotated := f.Rotate(now, testTerms())
	_, raised := f.Raise(now, testTerms())
	_, published := f.Publish(t.Context(), nil)
	for name, err := range map[string]error{"Rotate": rotated, "Raise": raised, "Publish": published} {
		if !errors.Is(err, ErrFollows) {
			t.Errorf("%s: %v, expected %v", name, err, ErrFollows)
		}
	}
}

// What comes later is taken in by Reload, once, and only when it is all there.
func TestReload(t *testing.T) {
	s, shared := newFollowed(t)
	now := testTime.Add(2 * time.Hour)
	f := mustFollow(t, shared, now)
	reload := func(want bool, reason error) {
		t.Helper()
		if fresh, err := f.Reload(now); fresh != want || !errors.Is(err, reason) {
			t.Errorf("%v, %v; expected %v and %v", fresh, err, want, reason)
		}
	}
	reload(false, nil)
	mustRotate(t, s, now, testTerms())
	mustShare(t, s, shared)
	reload(true, nil)
	if _, err := f.Proof(3); !errors.Is(err, ErrUnknownNumber) {
		t.Errorf("a proof of what is not published: %v", err)
	}
	mustPublish(t, s)
	mustShare(t, s, shared)
	reload(false, nil)
	if _, err := f.Proof(3); err != nil {
		t.Errorf("a proof of what is published: %v", err)
	}

	// The checkpoint comes first, as with some that copy folders.
	next := mustRotate(t, s, now.Add(time.Hour), testTerms())
	mustPublish(t, s)
	mustShare(t, s, shared)
	path := filepath.Join(shared, signedFolder, fileName(next.Number))
	rename(t, path, path+".away")
	reload(false, ErrBehind)
	if before, err := f.Checkpoint(); err != nil || len(before) == 0 {
		t.Errorf("what was published before is gone: %v", err)
	}
	rename(t, path+".away", path)
	reload(true, nil)
	if fresh, err := s.Reload(now); fresh || err != nil {
		t.Errorf("of a store that issues: %v, %v; expected nothing", fresh, err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// A shared folder that is no store, is another venue's in part, or was put back
// from before, is refused, each for its reason.
func TestFollowRefuses(t *testing.T) {
	now := testTime.Add(56 * time.Minute)
	copyTo := func(from, to string) {
		t.Helper()
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		damage func(shared string)
		want   error
	}{
		"no identity": {func(dir string) { rename(t, filepath.Join(dir, identityFile), filepath.Join(dir, "x")) }, fs.ErrNotExist},
		"no prekeys":  {func(dir string) { rename(t, filepath.Join(dir, prekeyFolder, fileName(1)), filepath.Join(dir, "x")) }, ErrBehind},
		"another's prekeys": {func(dir string) {
			copyTo(filepath.Join(dir, prekeyFolder, fileName(2)), filepath.Join(dir, prekeyFolder, fileName(1)))
		}, ErrDamaged},
		"another number": {func(dir string) {
			copyTo(filepath.Join(dir, signedFolder, fileName(2)), filepath.Join(dir, signedFolder, fileName(1)))
		}, ErrDamaged},
		"no descriptor":       {func(dir string) { rename(t, filepath.Join(dir, signedFolder, fileName(2)), filepath.Join(dir, "x")) }, ErrBehind},
		"no such checkpoint":  {func(dir string) { copyTo(filepath.Join(dir, identityFile), filepath.Join(dir, checkpointFile)) }, ErrDamaged},
		"identity cut off":    {func(dir string) { truncate(t, filepath.Join(dir, identityFile)) }, nil},
		"checkpoint cut off":  {func(dir string) { truncate(t, filepath.Join(dir, checkpointFile)) }, ErrDamaged},
		"descriptor cut off":  {func(dir string) { truncate(t, filepath.Join(dir, signedFolder, fileName(2))) }, ErrDamaged},
		"prekeys for all":     {func(dir string) { chmod(t, filepath.Join(dir, prekeyFolder, fileName(2)), 0o644) }, nil},
		"an oversized number": {func(dir string) { grow(t, filepath.Join(dir, checkpointFile)) }, ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			_, shared := newFollowed(t)
			test.damage(shared)
			s, err := FollowStore(shared, now)
			if err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("%v, %v; expected %v", s, err, test.want)
			}
		})
	}
}

func truncate(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()-1); err != nil {
		t.Fatal(err)
	}
}

func grow(t *testing.T, path string) {
	t.Helper()
	if err := os.Truncate(path, 1<<20); err != nil {
		t.Fatal(err)
	}
}

func chmod(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// A folder that was put back from before shows fewer descriptors as published than
// it did, which is told, and what was known stays good.
func TestFollowPutBack(t *testing.T) {
	s, shared := newFollowed(t)
	now := testTime.Add(2 * time.Hour)
	old, err := os.ReadFile(filepath.Join(shared, checkpointFile))
	if err != nil {
		t.Fatal(err)
	}
	mustRotate(t, s, now, testTerms())
	mustPublish(t, s)
	mustShare(t, s, shared)
	f := mustFollow(t, shared, now)
	if err := os.WriteFile(filepath.Join(shared, checkpointFile), old, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Reload(now); !errors.Is(err, ErrDamaged) {
		t.Errorf("%v, expected %v", err, ErrDamaged)
	}
	if _, err := f.Proof(3); err != nil {
		t.Errorf("what was known: %v", err)
	}
}

// Of prekeys that are over, a follower forgets what it has, and the folder stays as
// it is; the owner destroys both its own and those it shared.
func TestFollowSweeps(t *testing.T) {
	s, shared := newFollowed(t)
	f := mustFollow(t, shared, testTime)
	over := s.Latest().Prekeys.Expires.Add(PrekeyMargin)
	if n, err := f.Sweep(over); n != 2 || err != nil || f.Held() != 0 {
		t.Errorf("%d forgotten, %v, %d left; expected 2 and none", n, err, f.Held())
	}
	if _, err := os.Stat(filepath.Join(shared, prekeyFolder, fileName(1))); err != nil {
		t.Errorf("the follower has destroyed the owner's: %v", err)
	}
	if _, err := s.Sweep(over); err != nil {
		t.Fatal(err)
	}
	mustShare(t, s, shared)
	entries, err := os.ReadDir(filepath.Join(shared, prekeyFolder))
	if err != nil || len(entries) != 0 {
		t.Errorf("%d files of prekeys are still shared, %v", len(entries), err)
	}
	mustFollow(t, shared, over)
}

// A share that was interrupted is completed by the next one, and what it left of
// private keys is destroyed.
func TestShareAgain(t *testing.T) {
	s, shared := newFollowed(t)
	left := filepath.Join(shared, prekeyFolder, "."+fileName(2)+".tmp-1")
	if err := os.WriteFile(left, []byte("half a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(signedFolder, fileName(2)), filepath.Join(prekeyFolder, fileName(2)), checkpointFile} {
		if err := os.Remove(filepath.Join(shared, path)); err != nil {
			t.Fatal(err)
		}
	}
	mustShare(t, s, shared)
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was left is still there: %v", err)
	}
	f := mustFollow(t, shared, testTime.Add(56*time.Minute))
	if _, err := f.Proof(2); err != nil || f.Held() != 2 {
		t.Errorf("%v, prekeys of %d descriptors; expected all of it", err, f.Held())
	}
	// Another venue's folder is not written to.
	_, other := newFollowed(t)
	if err := os.WriteFile(filepath.Join(other, identityFile), []byte("another\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := s.Share(other); !errors.Is(err, ErrDamaged) {
		t.Errorf("another venue's folder: %v, expected %v", err, ErrDamaged)
	}
}
