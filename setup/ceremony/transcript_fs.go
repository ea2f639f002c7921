package ceremony

import (
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// transcript is the folder that a transcript holds, as an [fs.FS].
type transcript struct {
	r     io.ReaderAt
	parts []section // in their order
}

// section is where a file's content is. It is the file's [fs.FileInfo].
type section struct {
	name         string
	offset, size int64
}

func (s section) Name() string       { return s.name }
func (s section) Size() int64        { return s.size }
func (s section) Mode() fs.FileMode  { return 0o444 }
func (s section) ModTime() time.Time { return time.Time{} }
func (s section) IsDir() bool        { return false }
func (s section) Sys() any           { return nil }

// Open implements [fs.FS].
func (t *transcript) Open(name string) (fs.File, error) {
	if name == "." {
		return &openRoot{rest: t.entries()}, nil
	}
	i := slices.IndexFunc(t.parts, func(s section) bool { return s.name == name })
	if i < 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	s := t.parts[i]
	return &openSection{SectionReader: io.NewSectionReader(t.r, s.offset, s.size), section: s}, nil
}

// entries returns the files in order of their names.
func (t *transcript) entries() []fs.DirEntry {
	entries := make([]fs.DirEntry, len(t.parts))
	for i, s := range t.parts {
		entries[i] = fs.FileInfoToDirEntry(s)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries
}

// openSection is an open file of a transcript.
type openSection struct {
	*io.SectionReader
	section section
}

func (f *openSection) Stat() (fs.FileInfo, error) { return f.section, nil }
func (f *openSection) Close() error               { return nil }

// openRoot is the open folder of a transcript, an [fs.ReadDirFile], and its own
// [fs.FileInfo].
type openRoot struct{ rest []fs.DirEntry }

// ReadDir returns the next n entries, or all that are left.
func (r *openRoot) ReadDir(n int) ([]fs.DirEntry, error) {
	if n > 0 && len(r.rest) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(r.rest) {
		n = len(r.rest)
	}
	next := r.rest[:n:n]
	r.rest = r.rest[n:]
	return next, nil
}

func (r *openRoot) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: ".", Err: fs.ErrInvalid}
}

func (r *openRoot) Stat() (fs.FileInfo, error) { return r, nil }
func (r *openRoot) Close() error               { return nil }
func (r *openRoot) Name() string               { return "." }
func (r *openRoot) Size() int64                { return 0 }
func (r *openRoot) Mode() fs.FileMode          { return fs.ModeDir | 0o555 }
func (r *openRoot) ModTime() time.Time         { return time.Time{} }
func (r *openRoot) IsDir() bool                { return true }
func (r *openRoot) Sys() any                   { return nil }
