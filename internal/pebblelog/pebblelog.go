// Package pebblelog finds damage in the write-ahead log of a Pebble database, which
// Pebble itself takes for the log's end.
//
// A log ends where its process did: within a record, perhaps, and after a loss of
// power with parts of it missing. Pebble therefore ends at the first record that is
// not whole, and looks for evidence of damage only in later blocks of 32 KiB. But
// each chunk of the log says how much of it was on disk when the chunk was written,
// though Pebble counts too little: it leaves out full blocks. So a broken chunk was on
// disk if a later one says so, or if what later ones say has risen twice: the sync
// that was under way when the broken one was written has ended then, and the next
// one, which has it.
package pebblelog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ErrDamaged reports a log with something missing before its end.
var ErrDamaged = errors.New("damaged write-ahead log")

// Check returns an error wrapping [ErrDamaged] if the folder of a database, of the
// format FormatWALSyncChunks or a later one, has no log, or a log that is broken
// before its end. Of what the last three syncs wrote, it cannot always tell.
//
// Who opens the database after that calls [Opened]. A process that is killed in between
// can leave a folder without a log: what that held is in tables, and the next one is
// not made yet. The mark that Check leaves tells such a folder from one whose log was
// taken away.
func Check(files vfs.FS, dir string) error {
	names, err := files.List(dir)
	if err != nil {
		return err
	}
	found := false
	for _, name := range names {
		if filepath.Ext(name) != ".log" {
			continue
		}
		found = true
		if err := checkFile(files, files.PathJoin(dir, name), name); err != nil {
			return err
		}
	}
	// There always is one, of a database that was ever open.
	if !found && !slices.Contains(names, opening) {
		return fmt.Errorf("%w: %s has none", ErrDamaged, dir)
	}
	f, err := files.Create(files.PathJoin(dir, opening), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// opening is the name of the mark that a database is being opened.
const opening = "opening"

// Opened says that a database was opened after [Check].
func Opened(files vfs.FS, dir string) error { return files.Remove(files.PathJoin(dir, opening)) }

func checkFile(files vfs.FS, path, name string) (err error) {
	digits, _, _ := strings.Cut(strings.TrimSuffix(name, ".log"), "-")
	number, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: %s has no number", ErrDamaged, path)
	}
	f, err := files.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	if end, ok := check(b, uint32(number)); !ok {
		return fmt.Errorf("%w: %s is broken after %d bytes, and more was on disk", ErrDamaged, path, end)
	}
	return nil
}

const (
	blockSize  = 32 << 10
	headerSize = 19
	// Kinds of chunks: those with a length that is on disk, and the first of those
	// without it, which mark the end.
	firstSynced, lastSynced = 9, 12
	endMark                 = 5
)

// check returns where a log ends. ok is false if what is there was on disk.
func check(b []byte, number uint32) (end int, ok bool) {
	for end < len(b) {
		if left := blockSize - end%blockSize; left < headerSize {
			end += left // filled with zeros
			continue
		}
		size, _ := chunk(b, end, number)
		if size == 0 {
			break
		}
		end += size
	}
	if end >= len(b) || ends(b[end:], number) {
		return end, true
	}
	return end, !synced(b, end, number)
}

// synced reports whether chunks after a broken one say that it was on disk.
func synced(b []byte, broken int, number uint32) bool {
	pattern := binary.LittleEndian.AppendUint32(nil, number)
	seen, last := 0, uint64(0) // values that later chunks say, each above the one before
	for at := broken; ; at++ {
		found := bytes.Index(b[min(at+7, len(b)):], pattern)
		if found < 0 {
			return false
		}
		at += found
		size, says := chunk(b, at, number)
		if size == 0 {
			continue
		}
		if seen == 0 || says > last {
			seen, last = seen+1, says
		}
		if says > uint64(broken) || seen > 2 {
			return true
		}
	}
}

// ends reports whether a log was ended on purpose here.
func ends(b []byte, number uint32) bool {
	return len(b) >= 11 && b[6] >= endMark && b[6] < firstSynced && binary.LittleEndian.Uint32(b[7:]) == number+1
}

var table = crc32.MakeTable(crc32.Castagnoli)

// chunk returns the size of a chunk, 0 if it is not whole, and how much of the log
// was synced when it was written.
func chunk(b []byte, at int, number uint32) (size int, synced uint64) {
	left := min(len(b)-at, blockSize-at%blockSize)
	if left < headerSize {
		return 0, 0
	}
	c := b[at : at+left]
	size = headerSize + int(binary.LittleEndian.Uint16(c[4:]))
	if c[6] < firstSynced || c[6] > lastSynced || binary.LittleEndian.Uint32(c[7:]) != number || size > left {
		return 0, 0
	}
	sum := crc32.Checksum(c[6:size], table)
	if binary.LittleEndian.Uint32(c) != (sum>>15|sum<<17)+0xa282ead8 {
		return 0, 0
	}
	return size, binary.LittleEndian.Uint64(c[11:])
}
