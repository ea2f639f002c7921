package slots

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// copyFile copies content and times, as a backup does.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to+".restoring", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(to+".restoring", info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(to+".restoring", to); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefusesWhatCannotBeReliedOn(t *testing.T) {
	state := func(dir string) string { return filepath.Join(dir, stateName) }
	for name, test := range map[string]struct {
		change  func(t *testing.T, dir string)
		options []Option
		want    error
	}{
		"deleted": {
			change: func(t *testing.T, dir string) { check(t, os.Remove(state(dir))) },
			want:   ErrMissing,
		},
		"folder deleted": {
			change: func(t *testing.T, dir string) { check(t, os.RemoveAll(dir)) },
			want:   ErrMissing,
		},
		"restored from a backup of files": {
			change: func(t *testing.T, dir string) {
				backup := filepath.Join(t.TempDir(), "backup")
				copyFile(t, state(dir), backup)
				mustTake(t, mustOpen(t, dir), scopeOf(today(), "venue"), today(), 9, 1)
				copyFile(t, backup, state(dir))
			},
			want: ErrCopied,
		},
		"folder copied": {
			change: func(t *testing.T, dir string) {
				check(t, os.Rename(dir, dir+".original"))
				check(t, os.Mkdir(dir, 0o700))
				copyFile(t, state(dir+".original"), state(dir))
			},
			want: ErrCopied,
		},
		"edited": {
			change: func(t *testing.T, dir string) {
				text, err := os.ReadFile(state(dir))
				check(t, err)
				edited := bytes.Replace(text, []byte(" 1\nsum"), []byte(" 0\nsum"), 1)
				if bytes.Equal(edited, text) {
					t.Fatal("nothing to edit")
				}
				check(t, os.WriteFile(state(dir), edited, 0o600))
			},
			want: ErrDamaged,
		},
		"torn": {
			change: func(t *testing.T, dir string) { check(t, os.Truncate(state(dir), 100)) },
			want:   ErrDamaged,
		},
		"empty": {
			change: func(t *testing.T, dir string) { check(t, os.Truncate(state(dir), 0)) },
			want:   ErrDamaged,
		},
		"huge": {
			change: func(t *testing.T, dir string) { check(t, os.Truncate(state(dir), 1<<40)) },
			want:   ErrDamaged,
		},
		"another key": {
			change:  func(*testing.T, string) {},
			options: []Option{WithKey([32]byte{2})},
			want:    ErrOtherKey,
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			check(t, Init(dir, true, WithKey([32]byte{1})))
			c, err := Open(dir, WithClock(clock))
			check(t, err)
			mustTake(t, c, scopeOf(today(), "venue"), today(), 9, 0)
			check(t, c.Close())
			test.change(t, dir)
			if _, err := Open(dir, test.options...); !errors.Is(err, test.want) {
				t.Errorf("Open: %v; want %v", err, test.want)
			}
			// Recovery mends every one of them, and skips the epoch.
			check(t, Recover(dir, WithKey([32]byte{2}), WithClock(clock)))
			recovered := mustOpen(t, dir, WithKey([32]byte{2}))
			if _, err := recovered.Take(scopeOf(today(), "venue"), today(), 9); !errors.Is(err, ErrRestored) {
				t.Errorf("Take after recovery: %v; want ErrRestored", err)
			}
		})
	}
}

func TestOpenCounterNoticesChanges(t *testing.T) {
	dir := fresh(t, WithoutCopyDetection())
	c := mustOpen(t, dir)
	scope := scopeOf(today(), "venue")
	mustTake(t, c, scope, today(), 9, 0)
	path, backup := filepath.Join(dir, stateName), filepath.Join(t.TempDir(), "backup")
	copyFile(t, path, backup)
	mustTake(t, c, scope, today(), 9, 1)
	copyFile(t, backup, path)
	if slot, err := c.Take(scope, today(), 9); !errors.Is(err, ErrRolledBack) {
		t.Errorf("Take from a state that went back: %d, %v; want ErrRolledBack", slot, err)
	}
	// Somebody else goes on from the old state, up to the same generation.
	other := mustOpen(t, dir)
	mustTake(t, other, scopeOf(today(), "another"), today(), 9, 0)
	if slot, err := c.Take(scope, today(), 9); !errors.Is(err, ErrRolledBack) {
		t.Errorf("Take from a state that went another way: %d, %v; want ErrRolledBack", slot, err)
	}
	check(t, os.Remove(path))
	if slot, err := c.Take(scope, today(), 9); !errors.Is(err, ErrMissing) {
		t.Errorf("Take without a state: %d, %v; want ErrMissing", slot, err)
	}
}

// A copy can be given the inode of a file that was deleted, not its birth.
func TestCopyWithTheSameInode(t *testing.T) {
	m := newMemory()
	check(t, initialise(m, true, nil))
	if _, err := open(m, nil); err != nil {
		t.Fatal(err)
	}
	m.names[stateName].at.birth++
	if _, err := open(m, nil); !errors.Is(err, ErrCopied) {
		t.Errorf("open: %v; want ErrCopied", err)
	}
}

func TestMovingTheFolderIsNoCopy(t *testing.T) {
	dir := fresh(t)
	c, err := Open(dir, WithClock(clock))
	check(t, err)
	mustTake(t, c, scopeOf(today(), "venue"), today(), 9, 0)
	check(t, c.Close())
	check(t, os.Rename(dir, dir+"-moved"))
	mustTake(t, mustOpen(t, dir+"-moved"), scopeOf(today(), "venue"), today(), 9, 1)
}

func TestInitNeverReplaces(t *testing.T) {
	dir := fresh(t)
	mustTake(t, mustOpen(t, dir), scopeOf(today(), "venue"), today(), 9, 0)
	for _, isFresh := range []bool{true, false} {
		if err := Init(dir, isFresh); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Init over a state: %v; want fs.ErrExist", err)
		}
	}
	mustTake(t, mustOpen(t, dir), scopeOf(today(), "venue"), today(), 9, 1)
}

func TestInitNotFreshSkipsTheEpoch(t *testing.T) {
	dir := t.TempDir()
	check(t, Init(dir, false, WithClock(clock)))
	_, err := mustOpen(t, dir).Take(scopeOf(today(), "venue"), today(), 9)
	var restored *RestoredError
	if !errors.Is(err, ErrRestored) || !errors.As(err, &restored) {
		t.Fatalf("Take: %v; want ErrRestored", err)
	}
	tomorrow := time.Unix(20001*86400, 0)
	if !restored.Next.Equal(tomorrow) {
		t.Errorf("next epoch at %v, want %v", restored.Next, tomorrow)
	}
	later := mustOpen(t, dir, WithClock(func() time.Time { return tomorrow }))
	mustTake(t, later, scopeOf(epochAt(tomorrow), "venue"), epochAt(tomorrow), 9, 0)
}

func TestRecoverKeepsWhatItCanRead(t *testing.T) {
	dir := fresh(t, WithRange(Range{First: 8, Count: 4}), WithKey([32]byte{1}))
	check(t, Recover(dir, WithClock(clock)))
	c := mustOpen(t, dir, WithKey([32]byte{1}))
	info, err := c.Info()
	if err != nil || info.Range != (Range{First: 8, Count: 4}) || !info.Recovered.Equal(now.Add(time.Second)) {
		t.Errorf("Info: %+v, %v", info, err)
	}
	// A clock that went back does not bring refused epochs back.
	check(t, Recover(dir, WithClock(func() time.Time { return now.Add(-48 * time.Hour) })))
	if info, err := c.Info(); err != nil || !info.Recovered.Equal(now.Add(time.Second)) {
		t.Errorf("Info after a recovery in the past: %+v, %v", info, err)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
