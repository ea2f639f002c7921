// Package regularfile opens files of folders that somebody else has filled: opening a
// named pipe would wait for who writes to it, which may be nobody.
package regularfile

import (
	"errors"
	"fmt"
	"io/fs"
)

// ErrIrregular reports a folder, a pipe, a device or a socket in a file's place.
var ErrIrregular = errors.New("expected a regular file")

// Open opens a file, and says what it is. It returns an error wrapping [ErrIrregular]
// for anything else, before it is opened, and the errors of fsys.
func Open(fsys fs.FS, name string) (fs.File, fs.FileInfo, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s: %w", name, ErrIrregular)
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, nil, err
	}
	// It can have been exchanged meanwhile.
	if info, err = f.Stat(); err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: %w", name, ErrIrregular)
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}
