package ceremony_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
)

func openTranscript(b []byte) (*ceremony.Ceremony, error) {
	return ceremony.OpenTranscript(bytes.NewReader(b), int64(len(b)))
}

// A transcript is the folder, and the folder is the transcript.
func TestTranscript(t *testing.T) {
	ceremonytest.Small(t)
	for _, plan := range []ceremonytest.Plan{ceremonytest.Three, {Imported: true, Phase2: []string{"Alice"}}, {}} {
		dir := plan.Make(t)
		packed, err := ceremony.Pack(os.DirFS(dir))
		if err != nil {
			t.Fatal(err)
		}
		c, err := openTranscript(packed)
		if err != nil {
			t.Fatal(err)
		}
		if err := fstest.TestFS(c.FS(), ceremony.DefinitionFile); err != nil {
			t.Error(err)
		}
		copied := filepath.Join(t.TempDir(), "copy")
		if err := os.CopyFS(copied, c.FS()); err != nil {
			t.Fatal(err)
		}
		again, err := ceremony.Pack(os.DirFS(copied))
		if err != nil || !bytes.Equal(again, packed) {
			t.Errorf("the transcript of the copy differs, %v", err)
		}
		if !bytes.Equal(ceremonytest.Transcript(ceremonytest.Read(t, c.FS()).Files(t)), packed) {
			t.Error("the transcript is not what the specification says")
		}
	}
}

func TestTranscriptVectors(t *testing.T) {
	ceremonytest.Small(t)
	chain := ceremonytest.Read(t, open(t, ceremonytest.Plan{Phase1: []string{"Alice"}}.Make(t)).FS())
	files := chain.Files(t)
	good := ceremonytest.Transcript(files)
	with := func(change func(b []byte) []byte) []byte { return change(bytes.Clone(good)) }
	put := func(offset int, v uint64) []byte {
		return with(func(b []byte) []byte { binary.BigEndian.PutUint64(b[offset:], v); return b })
	}
	more := func(name string) []byte {
		f := maps.Clone(files)
		f[name] = []byte("text\n")
		return ceremonytest.Transcript(f)
	}
	const (
		count = 20
		size  = count + 4 + 1 + len("ceremony.json")
	)
	tests := []struct {
		name string
		b    []byte
		says string
	}{
		{"empty", nil, "ended early"},
		{"another magic", with(func(b []byte) []byte { b[0] ^= 1; return b }), "expected it to begin"},
		{"no files", with(func(b []byte) []byte { binary.BigEndian.PutUint32(b[count:], 0); return b }), "0 files"},
		{"files without end", with(func(b []byte) []byte { binary.BigEndian.PutUint32(b[count:], 1<<32-1); return b }), "4294967295 files"},
		{"one file more", with(func(b []byte) []byte { binary.BigEndian.PutUint32(b[count:], 4); return b }), "ended early"},
		{"one file less", with(func(b []byte) []byte { binary.BigEndian.PutUint32(b[count:], 2); return b }), "after the last file"},
		{"a size of 2^64-1", put(size, 1<<64-1), "ended early"},
		{"a size of 2^63", put(size, 1<<63), "ended early"},
		{"a size beyond the end", put(size, uint64(len(good))), "ended early"},
		{"a long name", with(func(b []byte) []byte { b[count+4] = 33; return b }), "a name of 33 bytes"},
		{"cut", good[:len(good)-1], "ended early"},
		{"added to", append(bytes.Clone(good), 0), "after the last file"},
		{"an unknown file", more("notes.txt"), `file "notes.txt"`},
		{"a path", more("../../evil"), `file "../../evil"`},
		{"a gap", more("0004.contribution"), `file "0004.contribution"`},
		{"a hidden file", more(".hidden"), `file ".hidden"`},
	}
	if _, err := openTranscript(good); err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		_, err := openTranscript(test.b)
		if !errors.Is(err, zkkex.ErrMalformed) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want one that says %q", test.name, err, test.says)
		}
	}
	// What is in the files is checked as in a folder.
	files["0001.contribution"] = files["0001.contribution"][1:]
	_, err := openTranscript(ceremonytest.Transcript(files))
	refused(t, "a file with a fault", err, ceremony.FileError{File: "0001.contribution", Number: 1, Check: ceremony.CheckForm})
}

func TestPayload(t *testing.T) {
	ceremonytest.Small(t)
	dir := ceremonytest.Plan{Phase1: []string{"Alice"}}.Make(t)
	c := open(t, dir)
	for number, want := range map[int]int{1: int(ceremonytest.Read(t, c.FS()).Links[0].Header.Payload.Size), 2: 0} {
		if b, err := c.Payload(number); err != nil || len(b) != want {
			t.Errorf("payload %d of %d bytes, %v; expected %d", number, len(b), err, want)
		}
	}
	for _, number := range []int{-1, 0, 3} {
		if _, err := c.Payload(number); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("payload %d: %v", number, err)
		}
	}
	name := ceremony.FileName(1)
	if err := os.WriteFile(filepath.Join(dir, name), []byte("other"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := c.Payload(1)
	refused(t, "a file that changed", err, ceremony.FileError{File: name, Check: ceremony.CheckDigest})
}
