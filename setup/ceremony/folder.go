package ceremony

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup/ceremony/sshsig"
	"github.com/zkkex/zkkex/setup/params"
)

const extension = ".contribution"

// FileName returns the name of the contribution file of a number.
func FileName(number int) string { return fmt.Sprintf("%04d%s", number, extension) }

// file is a contribution file that was read and is in its place.
type file struct {
	Preamble
	name    string
	content params.File // of the whole file
	payload int64       // offset of the payload
}

// read reads the folder and checks everything but the mathematics.
func (c *Ceremony) read() error {
	entries, err := c.list()
	if err != nil {
		return err
	}
	if err := c.readDefinition(entries); err != nil {
		return err
	}
	if err := c.readImported(entries); err != nil {
		return err
	}
	c.files = nil
	o := begin(c.definition, c.digest)
	for len(entries) > 0 {
		name := FileName(o.number + 1)
		info, ok := entries[name]
		if !ok {
			return c.unexpected(entries, name)
		}
		delete(entries, name)
		f, err := c.readContribution(name, info, &o)
		if err != nil {
			return err
		}
		c.files = append(c.files, *f)
	}
	return nil
}

// list returns the files of the folder by name. Names that begin with a dot are
// no part of a ceremony: they are of version control, of file managers, or left
// by a process that was killed while it wrote. The lock is one of them, and a
// regular file too: through a link, taking it would make a file elsewhere.
func (c *Ceremony) list() (map[string]fs.FileInfo, error) {
	entries, err := fs.ReadDir(c.fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("opening a ceremony: %w", err)
	}
	files := map[string]fs.FileInfo{}
	for _, entry := range entries {
		hidden := strings.HasPrefix(entry.Name(), ".")
		if hidden && entry.Name() != LockFile {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return nil, fmt.Errorf("opening a ceremony: %w", err)
		}
		if !info.Mode().IsRegular() {
			return nil, &FileError{File: entry.Name(), Check: CheckType, Err: errors.New("a folder, a link or a device: expected a regular file; a ceremony's folder holds nothing else")}
		}
		if !hidden {
			files[entry.Name()] = info
		}
	}
	return files, nil
}

func (c *Ceremony) readDefinition(entries map[string]fs.FileInfo) error {
	info, ok := entries[DefinitionFile]
	if !ok {
		return fmt.Errorf("opening a ceremony: %s: %w: this is no ceremony's folder; make one, or get it from whoever runs the ceremony", DefinitionFile, fs.ErrNotExist)
	}
	delete(entries, DefinitionFile)
	b, err := c.readSmall(DefinitionFile, info, MaxDefinitionSize)
	if err != nil {
		return err
	}
	d, err := ParseDefinition(b)
	if err != nil {
		return &FileError{File: DefinitionFile, Check: CheckForm, Err: err}
	}
	c.definition, c.digest = d, sha256.Sum256(b)
	return nil
}

// readPhaseOne checks size and digest of the powers of an imported phase 1.
func (c *Ceremony) readPhaseOne(entries map[string]fs.FileInfo) error {
	imported := c.definition.Imported
	info, err := take(entries, PhaseOneFile)
	if err != nil {
		return err
	}
	if info.Size() != imported.SRS.Size {
		return &FileError{File: PhaseOneFile, Check: CheckSize, Err: fmt.Errorf("%d bytes, expected %d", info.Size(), imported.SRS.Size)}
	}
	f, err := c.open(PhaseOneFile, info)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, io.LimitReader(f, info.Size())); err != nil {
		return fmt.Errorf("reading %s: %w", PhaseOneFile, err)
	}
	if got := params.Digest(sum.Sum(nil)); got != imported.SRS.SHA256 {
		return &FileError{File: PhaseOneFile, Check: CheckDigest, Err: fmt.Errorf("%v, but %s says %v: the file was changed; get it anew", got, DefinitionFile, imported.SRS.SHA256)}
	}
	return nil
}

// readContribution reads the file that comes next, as the order of headers has
// it, without keeping its payload.
func (c *Ceremony) readContribution(name string, info fs.FileInfo, o *order) (*file, error) {
	most := int64(len(contributionMagic)+4+MaxHeaderSize+4+sshsig.MaxSize) + max(c.definition.payloadSize(1), c.definition.payloadSize(2))
	if info.Size() > most {
		return nil, &FileError{File: name, Number: o.number + 1, Check: CheckSize, Err: fmt.Errorf("%d bytes, expected at most %d", info.Size(), most)}
	}
	f, err := c.open(name, info)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	whole := &counter{hash: sha256.New()}
	in := io.TeeReader(f, whole)
	preamble, err := readPreamble(in)
	if err != nil {
		return nil, preambleError(name, o.number+1, preamble, err)
	}
	out := &file{Preamble: *preamble, name: name, payload: whole.n}
	if out.content, err = out.readPayload(in, whole, info.Size()); err != nil {
		return nil, err
	}
	if r := o.accept(&out.Header, out.content.SHA256); r != nil {
		return nil, out.error(r.check, r.err)
	}
	return out, nil
}

// readPayload reads the rest of the file and compares it with the header.
func (f *file) readPayload(in io.Reader, whole *counter, size int64) (params.File, error) {
	want := f.Header.Payload
	if rest := size - f.payload; rest != want.Size {
		return params.File{}, f.error(CheckSize, fmt.Errorf("payload of %d bytes, the header says %d: the file was cut or added to; get it anew", rest, want.Size))
	}
	payload := sha256.New()
	if _, err := io.CopyN(payload, in, want.Size); err != nil {
		return params.File{}, fmt.Errorf("reading %s: %w", f.name, err)
	}
	if got := params.Digest(payload.Sum(nil)); got != want.SHA256 {
		return params.File{}, f.error(CheckDigest, fmt.Errorf("payload with %v, the header says %v: the file was changed; get it anew", got, want.SHA256))
	}
	return params.File{Size: whole.n, SHA256: params.Digest(whole.hash.Sum(nil))}, nil
}

func (f *file) error(check string, err error) *FileError {
	return &FileError{File: f.name, Number: f.Header.Number, Contributor: f.Header.Contributor, Check: check, Err: err}
}

// preambleError names the check of an error of readPreamble, or returns an error
// of reading. p is nil if there is no header.
func preambleError(name string, number int, p *Preamble, err error) error {
	e := &FileError{File: name, Number: number, Check: CheckForm, Err: err}
	switch {
	case errors.Is(err, sshsig.ErrSignature):
		e.Check = CheckSignature
	case errors.Is(err, zkkex.ErrMalformed), errors.Is(err, zkkex.ErrUnsupported):
	default:
		return fmt.Errorf("reading %s: %w", name, err)
	}
	if p != nil {
		e.Contributor = p.Header.Contributor
	}
	return e
}

// unexpected returns the error for what is left when there is no file of the next
// number's name.
func (c *Ceremony) unexpected(entries map[string]fs.FileInfo, next string) error {
	name := first(entries)
	var number int
	if _, err := fmt.Sscanf(name, "%04d"+extension, &number); err == nil && number > 0 && FileName(number) == name {
		return &FileError{File: name, Number: number, Check: CheckNumber, Err: fmt.Errorf("%s is missing before it: get it from whoever runs the ceremony", next)}
	}
	if p := c.peek(name, entries[name]); p != nil {
		return c.spare(name, p)
	}
	return &FileError{File: name, Check: CheckName, Err: fmt.Errorf("expected %s, %s and %s if phase 1 is imported, and %s and so on alone: move the file away", DefinitionFile, PhaseOneFile, ChainFile, FileName(1))}
}

// peek returns the beginning of a file that has not the name of a contribution,
// if it is one.
func (c *Ceremony) peek(name string, info fs.FileInfo) *Preamble {
	f, err := c.open(name, info)
	if err != nil {
		return nil
	}
	defer f.Close()
	p, err := readPreamble(f)
	if err != nil {
		return nil
	}
	return p
}

// spare returns the error for a contribution under another name than its own.
func (c *Ceremony) spare(name string, p *Preamble) error {
	h := &p.Header
	e := &FileError{File: name, Number: h.Number, Contributor: h.Contributor, Check: CheckNumber}
	if h.Number <= len(c.files) {
		f := &c.files[h.Number-1]
		e.Err = fmt.Errorf("a second file for number %d, which %s by %q has: only one can be the next; if they are not the same, the contributor of this one must contribute again, upon the files here without it", h.Number, f.name, f.Header.Who())
	} else {
		e.Err = fmt.Errorf("a contribution of number %d: rename it to %s", h.Number, FileName(h.Number))
	}
	return e
}

func first(entries map[string]fs.FileInfo) string {
	least := ""
	for name := range entries {
		if least == "" || name < least {
			least = name
		}
	}
	return least
}

// open opens a file of the folder and makes sure that it is the one that was
// listed.
func (c *Ceremony) open(name string, listed fs.FileInfo) (fs.File, error) {
	f, err := c.fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening a ceremony: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening a ceremony: %w", err), f.Close())
	}
	if !info.Mode().IsRegular() || info.Size() != listed.Size() {
		return nil, errors.Join(&FileError{File: name, Check: CheckType, Err: errors.New("the file changed while it was read: try again when nobody writes here")}, f.Close())
	}
	return f, nil
}

func (c *Ceremony) readSmall(name string, info fs.FileInfo, most int64) ([]byte, error) {
	if info.Size() > most {
		return nil, &FileError{File: name, Check: CheckSize, Err: fmt.Errorf("%d bytes, expected at most %d", info.Size(), most)}
	}
	f, err := c.open(name, info)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return b, nil
}

// whole reads a file again and compares it with what was there when the ceremony
// was opened.
func (c *Ceremony) whole(name string, want params.File) ([]byte, error) {
	f, err := c.fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading a ceremony: %w", err)
	}
	defer f.Close()
	var b bytes.Buffer
	b.Grow(int(want.Size) + 1)
	if _, err := b.ReadFrom(io.LimitReader(f, want.Size+1)); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if params.Describe(b.Bytes()) != want {
		return nil, &FileError{File: name, Check: CheckDigest, Err: errors.New("the file changed while the ceremony was open: try again when nobody writes here")}
	}
	return b.Bytes(), nil
}

// Payload returns the payload of a contribution by its number, which is empty for
// a beacon. It reads the file again, and returns a [FileError] if that is not what
// it was when the ceremony was opened, and an error wrapping [fs.ErrNotExist] if
// there is no such number.
func (c *Ceremony) Payload(number int) ([]byte, error) {
	if number < 1 || number > len(c.files) {
		return nil, fmt.Errorf("contribution %d: %w", number, fs.ErrNotExist)
	}
	f := &c.files[number-1]
	b, err := c.whole(f.name, f.content)
	if err != nil {
		return nil, err
	}
	return b[f.payload:], nil
}

// counter hashes and counts what is written to it.
type counter struct {
	hash interface {
		io.Writer
		Sum([]byte) []byte
	}
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.hash.Write(b)
	c.n += int64(n)
	return n, err
}
