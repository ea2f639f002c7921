package registrar

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// file is what the journal needs of a file. Tests replace it by one that loses
// what was not synced.
type file interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Close() error
}

func openFile(path string) (file, error) { return os.OpenFile(path, os.O_RDWR, 0) }

// journal is the open journal file. Reads may run beside one append.
type journal struct {
	f file
	n uint64 // durable records
}

func offsetOf(n uint64) int64 { return recordSize * (1 + int64(n)) }

// append writes records behind the durable ones and makes them durable. The
// error wraps [ErrNotRecorded] if the journal is as it was before, and
// [ErrUndecided] if that is not known. The caller publishes the records with
// extend.
func (j *journal) append(records []byte) error {
	end := offsetOf(j.n)
	_, err := j.f.WriteAt(records, end)
	if err == nil {
		// After a failed sync nobody knows what is on the disk, and a second
		// sync may succeed without writing anything: that is for the next
		// open to find out.
		if err := j.f.Sync(); err != nil {
			return fmt.Errorf("%w: making the journal durable: %w; open the registry again", ErrUndecided, err)
		}
		return nil
	}
	if undo := errors.Join(j.f.Truncate(end), j.f.Sync()); undo != nil {
		return fmt.Errorf("%w: writing the journal: %w; taking it back: %w; open the registry again", ErrUndecided, err, undo)
	}
	return fmt.Errorf("%w: writing the journal: %w; free space or mend the disk, and try again", ErrNotRecorded, err)
}

// read returns record n, which must be durable.
func (j *journal) read(n uint64) (*record, error) {
	var b [recordSize]byte
	if err := j.readRaw(b[:], n); err != nil {
		return nil, err
	}
	rec, err := parseRecord(b[:])
	if err != nil {
		return nil, damagedAt(n, err)
	}
	if rec.sequence != n {
		return nil, damagedAt(n, fmt.Errorf("it says that it is record %d", rec.sequence))
	}
	return rec, nil
}

// readRaw fills b with whole records from record n on, unparsed.
func (j *journal) readRaw(b []byte, n uint64) error {
	if count := uint64(len(b)) / recordSize; n+count > j.n {
		return fmt.Errorf("journal: records %d to %d, but there are %d", n, n+count, j.n)
	}
	if _, err := j.f.ReadAt(b, offsetOf(n)); err != nil {
		return fmt.Errorf("reading the journal at record %d: %w", n, err)
	}
	return nil
}

func (j *journal) close() error { return j.f.Close() }
