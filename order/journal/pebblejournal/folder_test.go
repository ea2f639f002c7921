package pebblejournal_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/zkkex/zkkex/internal/filelock"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
	"github.com/zkkex/zkkex/order/journal/journaltest"
	"github.com/zkkex/zkkex/order/journal/pebblejournal"
)

func TestFolders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	wants := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	_, err := pebblejournal.Open(path)
	wants("a folder that is not there", err, pebblejournal.ErrMissing)
	must(t, os.Mkdir(path, 0o700))
	_, err = pebblejournal.Open(path)
	wants("an empty folder", err, pebblejournal.ErrMissing)
	must(t, pebblejournal.Init(path))
	wants("made twice", pebblejournal.Init(path), fs.ErrExist)
	j, err := pebblejournal.Open(path)
	must(t, err)
	_, err = pebblejournal.Open(path)
	wants("opened twice", err, filelock.ErrLocked)
	must(t, j.Close())
	must(t, os.WriteFile(filepath.Join(path, "format"), []byte("zkkex/v2 journal\n"), 0o600))
	_, err = pebblejournal.Open(path)
	wants("another version", err, pebblejournal.ErrNotJournal)
	must(t, os.Remove(filepath.Join(path, "format")))
	_, err = pebblejournal.Open(path)
	wants("not made to the end", err, pebblejournal.ErrMissing)
	must(t, pebblejournal.Init(path)) // as after an attempt that ended early
	j, err = pebblejournal.Open(path)
	must(t, err)
	must(t, j.Close())
	logs, err := filepath.Glob(filepath.Join(path, "db", "*.log"))
	must(t, err)
	for _, log := range logs {
		must(t, os.Remove(log))
	}
	_, err = pebblejournal.Open(path)
	wants("without its log", err, pebblejournal.ErrDamaged)
	must(t, os.RemoveAll(filepath.Join(path, "db")))
	_, err = pebblejournal.Open(path)
	wants("without its database", err, pebblejournal.ErrDamaged)
	other := t.TempDir()
	must(t, os.WriteFile(filepath.Join(other, "letter"), nil, 0o600))
	_, err = pebblejournal.Open(other)
	wants("something else", err, pebblejournal.ErrNotJournal)
	wants("made in something else", pebblejournal.Init(other), pebblejournal.ErrNotJournal)
}

// recorded is how many events are in the journals that are damaged.
const recorded = 40

// made returns a journal's folder, as Close leaves it, or else as a process that is
// killed does.
func made(t *testing.T, closed bool) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	must(t, pebblejournal.Init(path))
	j, err := pebblejournal.Open(path)
	must(t, err)
	for n := uint64(1); n <= recorded; n++ {
		_, _, err := j.Append(context.Background(), batchOf(n))
		must(t, err)
	}
	if closed {
		must(t, j.Close())
		return path
	}
	killed := filepath.Join(t.TempDir(), "killed")
	must(t, os.CopyFS(killed, os.DirFS(path)))
	must(t, j.Close())
	return killed
}

var damagedSession = journaltest.Session(20_000, 7)

func batchOf(n uint64) []journal.Entry {
	return []journal.Entry{{
		Session: damagedSession, Event: n, Report: fmt.Appendf(nil, "event %d", n),
		Request: &journal.Request{ID: journaltest.ID(int(n))}, Order: journaltest.Order(damagedSession, int(n), int64(n%2)),
	}}
}

// intact reads all of a journal, and returns how many events it holds.
func intact(path string) (cursor uint64, err error) {
	ctx := context.Background()
	j, err := pebblejournal.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	if cursor, err = j.Cursor(ctx); err != nil {
		return 0, err
	}
	reports, err := j.Reports(ctx, damagedSession, 1, recorded+1)
	if err != nil {
		return 0, err
	}
	requests, open := 0, 0
	err = errors.Join(
		j.Requests(ctx, damagedSession, func(journal.Request) error { requests++; return nil }),
		j.OpenOrders(ctx, func(*engine.Order) error { open++; return nil }),
	)
	if err != nil {
		return 0, err
	}
	for n := uint64(1); n <= cursor; n++ {
		if got, err := j.Orders(ctx, journaltest.ID(int(n))); err != nil || len(got) != 1 {
			return 0, errors.Join(err, fmt.Errorf("%d orders of event %d", len(got), n))
		}
	}
	if n := int(cursor); len(reports) != n || requests != n || open != (n+1)/2 {
		return 0, fmt.Errorf("%d events, with %d reports, %d requests and %d open orders", n, len(reports), requests, open)
	}
	return cursor, nil
}

// TestFlippedBytes changes single bytes of a journal's files: it is damaged and says
// so, or nothing is lost.
func TestFlippedBytes(t *testing.T) {
	path := made(t, true)
	flip(t, path, func(name string, at int64, cursor uint64, err error) {
		if err == nil && cursor != recorded {
			t.Errorf("byte %d of %s: %d of %d events, and no error", at, name, cursor, recorded)
		}
	})
}

// TestFlippedBytesOfTheLog does the same to a journal whose process was killed. Of
// the log's last records alone it cannot be told whether they were written to the
// end.
func TestFlippedBytesOfTheLog(t *testing.T) {
	path := made(t, false)
	lost := 0
	flip(t, path, func(name string, at int64, cursor uint64, err error) {
		if err == nil && cursor < recorded-3 {
			t.Errorf("byte %d of %s: %d of %d events, and no error", at, name, cursor, recorded)
		}
		if err == nil && cursor < recorded {
			lost++ // among the last
		}
	})
	t.Logf("the end was lost %d times", lost)
}

// flip changes bytes of copies, at random and at both ends of each file.
func flip(t *testing.T, path string, tell func(name string, at int64, cursor uint64, err error)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(path, "db", "*"))
	must(t, err)
	files = append(files, filepath.Join(path, "format"))
	places := 6
	if os.Getenv("ZKKEX_DEEP") == "1" {
		places = 400
	}
	for _, file := range files {
		info, err := os.Stat(file)
		must(t, err)
		if info.Size() == 0 {
			continue
		}
		at := []int64{0, info.Size() - 1}
		for range places {
			at = append(at, rand.Int64N(info.Size()))
		}
		for _, at := range at {
			name, err := filepath.Rel(path, file)
			must(t, err)
			changed := filepath.Join(t.TempDir(), "journal")
			must(t, os.CopyFS(changed, os.DirFS(path)))
			b, err := os.ReadFile(file)
			must(t, err)
			b[at] ^= 1 << rand.IntN(8)
			must(t, os.WriteFile(filepath.Join(changed, name), b, 0o600))
			cursor, err := intact(changed)
			tell(name, at, cursor, err)
			if err != nil && !errors.Is(err, pebblejournal.ErrDamaged) && !errors.Is(err, pebblejournal.ErrNotJournal) {
				t.Errorf("byte %d of %s: %v, want %v", at, name, err, pebblejournal.ErrDamaged)
			}
			must(t, os.RemoveAll(changed))
		}
	}
}
