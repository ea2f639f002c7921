package pebblelog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// logOf returns the log of a database with so many values, each synced, after a
// crash.
func logOf(t testing.TB, values, size int) (name string, content []byte) {
	t.Helper()
	files := vfs.NewCrashableMem()
	open := func() *pebble.DB {
		options := &pebble.Options{FS: files, FormatMajorVersion: pebble.FormatWALSyncChunks, Logger: quiet{}}
		db, err := pebble.Open("db", options)
		must(t, err)
		return db
	}
	must(t, open().Close()) // the first log has another format
	db := open()
	for n := range values {
		must(t, db.Set(fmt.Append(nil, n), bytes.Repeat([]byte{byte(n)}, size), pebble.Sync))
	}
	after := files.CrashClone(vfs.CrashCloneCfg{})
	must(t, db.Close())
	names, err := after.List("db")
	must(t, err)
	for _, n := range names {
		if filepath.Ext(n) == ".log" {
			name = max(name, n)
		}
	}
	f, err := after.Open("db/" + name)
	must(t, err)
	defer f.Close()
	content, err = io.ReadAll(f)
	must(t, err)
	return name, content
}

// quiet says nothing.
type quiet struct{ pebble.Logger }

func (quiet) Infof(string, ...any) {}

func checkLog(t testing.TB, name string, content []byte) error {
	t.Helper()
	files := vfs.NewMem()
	must(t, files.MkdirAll("db", 0o700))
	f, err := files.Create("db/"+name, vfs.WriteCategoryUnspecified)
	must(t, err)
	_, err = f.Write(bytes.Clone(content)) // Write may change what it is given
	must(t, err)
	must(t, f.Close())
	return Check(files, "db")
}

// TestFlip changes each byte of a log, and expects that it is found, but in the last
// record.
func TestFlip(t *testing.T) {
	const values, size = 9, 100
	name, content := logOf(t, values, size)
	must(t, checkLog(t, name, content))
	last := bytes.LastIndex(content, bytes.Repeat([]byte{values - 2}, size)) // the one before ends after it
	if last < 0 {
		t.Fatal("the log does not hold the values")
	}
	for at := range last + size {
		content[at] ^= 4
		if err := checkLog(t, name, content); !errors.Is(err, ErrDamaged) {
			t.Fatalf("byte %d of %d: %v, want %v", at, len(content), err, ErrDamaged)
		}
		content[at] ^= 4
	}
}

// TestCut cuts a log anywhere: that is an end.
func TestCut(t *testing.T) {
	name, content := logOf(t, 9, 100)
	for n := range content {
		must(t, checkLog(t, name, content[:n]))
		zeros := make([]byte, len(content))
		copy(zeros, content[:n])
		must(t, checkLog(t, name, zeros))
	}
}

// TestBlocks has records longer than a block, and damage in each block but the last
// ones.
func TestBlocks(t *testing.T) {
	const values, size = 9, 50_000
	name, content := logOf(t, values, size)
	must(t, checkLog(t, name, content))
	for at := 0; at < (values-3)*size; at += 10_007 {
		content[at] ^= 4
		if err := checkLog(t, name, content); !errors.Is(err, ErrDamaged) {
			t.Fatalf("byte %d of %d: %v, want %v", at, len(content), err, ErrDamaged)
		}
		content[at] ^= 4
	}
}

func TestMissing(t *testing.T) {
	files := vfs.NewMem()
	must(t, files.MkdirAll("db", 0o700))
	if err := Check(files, "db"); !errors.Is(err, ErrDamaged) {
		t.Errorf("without a log: %v, want %v", err, ErrDamaged)
	}
	f, err := files.Create("db/"+opening, vfs.WriteCategoryUnspecified)
	must(t, err)
	must(t, f.Close())
	must(t, Check(files, "db")) // killed while it was opened
	must(t, Opened(files, "db"))
	if err := Check(files, "db"); !errors.Is(err, ErrDamaged) {
		t.Errorf("without a log after it was opened: %v, want %v", err, ErrDamaged)
	}
	if err := checkLog(t, "x.log", nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("a log without number: %v, want %v", err, ErrDamaged)
	}
}

// FuzzCheck expects an end within the log, whatever the bytes.
func FuzzCheck(f *testing.F) {
	_, content := logOf(f, 3, 20)
	f.Add(content)
	f.Add(content[:len(content)/2])
	f.Fuzz(func(t *testing.T, b []byte) {
		if end, ok := check(b, 6); end > len(b)+headerSize || !ok && end >= len(b) {
			t.Errorf("ends after %d of %d bytes: %v", end, len(b), ok)
		}
	})
}
