package ceremony

import (
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"

	"github.com/zkkex/zkkex/setup/params"
)

const (
	transcriptMagic  = "zkkex/v1 transcript\n"
	transcriptFormat = "ceremony transcript"
	// maxFiles bounds the files of a transcript.
	maxFiles = MaxNumber + 3
	// maxNameSize bounds the name of a file in a transcript.
	maxNameSize = 32
)

// Transcript returns the ceremony's files as one, in the one form of
// docs/spec/ceremony.md. Its digest is in the manifest of the parameter set.
func (c *Ceremony) Transcript() ([]byte, error) {
	type part struct {
		name string
		want params.File
	}
	definition, err := c.definition.Bytes()
	if err != nil {
		return nil, err
	}
	parts := []part{{DefinitionFile, params.Describe(definition)}}
	if imported := c.definition.Imported; imported != nil {
		parts = append(parts, part{PhaseOneFile, imported.SRS}, part{ChainFile, imported.Chain})
	}
	for i := range c.files {
		parts = append(parts, part{c.files[i].name, c.files[i].content})
	}
	out := binary.BigEndian.AppendUint32([]byte(transcriptMagic), uint32(len(parts)))
	for _, p := range parts {
		b, err := c.whole(p.name, p.want)
		if err != nil {
			return nil, err
		}
		out = append(out, byte(len(p.name)))
		out = append(out, p.name...)
		out = binary.BigEndian.AppendUint64(out, uint64(len(b)))
		out = append(out, b...)
	}
	return out, nil
}

// Pack returns the transcript of the ceremony in a folder. It returns the errors
// of [OpenFS].
func Pack(fsys fs.FS) ([]byte, error) {
	c, err := OpenFS(fsys)
	if err != nil {
		return nil, err
	}
	return c.Transcript()
}

// OpenTranscript opens the ceremony in a transcript of size bytes, for reading,
// with the checks of [Open]. It returns an error wrapping [zkkex.ErrMalformed] if
// it is not a transcript in the one accepted form, and those of [OpenFS].
func OpenTranscript(r io.ReaderAt, size int64) (*Ceremony, error) {
	t, err := readTranscript(r, size)
	if err != nil {
		return nil, err
	}
	return OpenFS(t)
}

// readTranscript reads the table of files. Names are in the one order: the
// definition, an imported phase 1 and its chain, contributions by number.
func readTranscript(r io.ReaderAt, size int64) (*transcript, error) {
	in := &cursor{r: r, size: size}
	if magic := in.take(len(transcriptMagic)); string(magic) != transcriptMagic {
		return nil, in.fault("expected it to begin with the line %q", transcriptMagic[:len(transcriptMagic)-1])
	}
	count := in.uint(4)
	if in.err == nil && (count < 1 || count > maxFiles) {
		return nil, in.fault("%d files, expected 1 to %d", count, maxFiles)
	}
	t := &transcript{r: r}
	for range count {
		if in.err != nil {
			break
		}
		s := in.section()
		if in.err == nil && !t.follows(s.name) {
			return nil, in.fault("file %q after %d others, expected %s, %s and %s if phase 1 is imported, then %s and so on", s.name, len(t.parts), DefinitionFile, PhaseOneFile, ChainFile, FileName(1))
		}
		t.parts = append(t.parts, s)
	}
	if in.err == nil && in.offset != size {
		return nil, in.fault("%d bytes after the last file", size-in.offset)
	}
	return t, in.err
}

// follows reports whether a file of this name comes next.
func (t *transcript) follows(name string) bool {
	n := len(t.parts)
	switch {
	case n == 0:
		return name == DefinitionFile
	case n == 1 && name == PhaseOneFile:
		return true
	case t.parts[min(1, n-1)].name != PhaseOneFile:
		return name == FileName(n)
	case n == 2:
		return name == ChainFile
	}
	return name == FileName(n-2)
}

// cursor reads a transcript in order and keeps the first error.
type cursor struct {
	r            io.ReaderAt
	offset, size int64
	err          error
}

func (c *cursor) fault(msg string, args ...any) error {
	if c.err == nil {
		c.err = malformed(transcriptFormat, msg, args...)
	}
	return c.err
}

func (c *cursor) take(n int) []byte {
	if c.err != nil {
		return nil
	}
	if int64(n) > c.size-c.offset {
		c.fault("the file ended early")
		return nil
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(io.NewSectionReader(c.r, c.offset, int64(n)), b); err != nil {
		c.err = fmt.Errorf("reading a transcript: %w", err)
		return nil
	}
	c.offset += int64(n)
	return b
}

func (c *cursor) uint(n int) (v uint64) {
	for _, b := range c.take(n) {
		v = v<<8 | uint64(b)
	}
	return v
}

func (c *cursor) section() section {
	n := int(c.uint(1))
	if n > maxNameSize {
		c.fault("a name of %d bytes, expected at most %d", n, maxNameSize)
	}
	name := string(c.take(n))
	size := c.uint(8)
	if c.err == nil && size > uint64(c.size-c.offset) {
		c.fault("%q of %d bytes: the file ended early", name, size)
	}
	s := section{name: name, offset: c.offset, size: int64(size)}
	if c.err == nil {
		c.offset += s.size
	}
	return s
}
