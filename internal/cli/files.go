package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/zkkex/zkkex/internal/atomicfile"
)

// stdStream names standard input or output.
const stdStream = "-"

// open opens a file that a user named for reading. Standard input can be named
// once. what is for the error message.
func (a *app) open(name, what string) (io.ReadCloser, error) {
	if name != stdStream {
		return os.Open(name)
	}
	if a.stdinUsed != "" {
		return nil, usagef("both %s and %s are \"-\": standard input can be read once", a.stdinUsed, what)
	}
	a.stdinUsed = what
	return io.NopCloser(a.env.Stdin), nil
}

// read reads a file that a user named, which has at most limit bytes.
func (a *app) read(name, what string, limit int) ([]byte, error) {
	f, err := a.open(name, what)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("reading the %s: %w", what, err)
	}
	if len(data) > limit {
		return nil, tooLong(what, limit)
	}
	return data, nil
}

// write writes a new file that a user named, or standard output. A file that
// exists is never overwritten.
func (a *app) write(name string, data []byte) error {
	if name == stdStream {
		_, err := a.env.Stdout.Write(data)
		return err
	}
	err := atomicfile.Create(name, data, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return withHint(fmt.Errorf("%s: %w", name, fs.ErrExist), "a file is never overwritten: remove it, or choose another name")
	}
	return err
}

// reserve makes a new file that a user named, empty, so that nothing is used up
// for what could not be written there. What discard removes is filled by fill,
// until which it is nobody else's.
func reserve(name string) (discard func(), err error) {
	if name == stdStream {
		return func() {}, nil
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil, refuseExisting(name)
	}
	if err != nil {
		return nil, err
	}
	discard = func() { _ = os.Remove(name) } // it is empty, and the error that led here counts
	if err := f.Close(); err != nil {
		discard()
		return nil, err
	}
	return discard, nil
}

// fill writes a file that was reserved.
func fill(name string, data []byte) error { return atomicfile.Write(name, data, 0o644) }

// refuseExisting tells early, before any work, what write would.
func refuseExisting(name string) error {
	if _, err := os.Lstat(name); err != nil {
		return nil
	}
	return withHint(fmt.Errorf("%s: %w", name, fs.ErrExist), "a file is never overwritten: remove it, or choose another name")
}
