package ceremony_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
	"github.com/zkkex/zkkex/setup/ceremony/sshsig"
)

const (
	definition = ceremony.DefinitionFile
	phaseOne   = ceremony.PhaseOneFile
)

// sample is a ceremony whose files and parts a vector changes.
type sample struct {
	t     *testing.T
	chain *ceremonytest.Chain
	files map[string][]byte // overrides those of the chain, if set
}

// raw returns the files as they are, for changes that nothing is made anew after.
func (s *sample) raw() map[string][]byte {
	if s.files == nil {
		s.files = s.chain.Files(s.t)
	}
	return s.files
}

// reassemble replaces a file's header and signature blocks.
func reassemble(header, signature, payload []byte) []byte {
	b := []byte("zkkex/v1 contribution\n")
	b = binary.BigEndian.AppendUint32(b, uint32(len(header)))
	b = append(b, header...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(signature)))
	b = append(b, signature...)
	return append(b, payload...)
}

// edit rewrites the header of a file as a text and leaves the signature as it is.
func (s *sample) edit(number int, old, new string) {
	s.t.Helper()
	name := ceremony.FileName(number)
	p, payload, err := ceremony.ParseContribution(s.raw()[name])
	if err != nil {
		s.t.Fatal(err)
	}
	header, err := p.Header.Bytes()
	if err != nil {
		s.t.Fatal(err)
	}
	if !bytes.Contains(header, []byte(old)) {
		s.t.Fatalf("the header has no %q:\n%s", old, header)
	}
	var signature []byte
	if p.Signature != nil {
		signature = p.Signature.Bytes()
	}
	s.files[name] = reassemble(bytes.Replace(header, []byte(old), []byte(new), 1), signature, payload)
}

// Each vector has one fault, and the test says which check refuses it.
func TestOpenRefuses(t *testing.T) {
	ceremonytest.Small(t)
	three := open(t, ceremonytest.Three.Make(t)).FS()
	other := open(t, ceremonytest.Three.Make(t)).FS()
	imported := open(t, ceremonytest.Plan{Imported: true, Phase2: []string{"Alice"}}.Make(t)).FS()
	announced := open(t, ceremonytest.Plan{Phase1: []string{"Alice"}, Phase2: []string{"Bob"}, Announced: true}.Make(t)).FS()
	malformed, unsupported, rejected := zkkex.ErrMalformed, zkkex.ErrUnsupported, ceremony.ErrRejected

	tests := []struct {
		name   string
		of     fs.FS
		change func(s *sample)
		want   ceremony.FileError // File, Number, Contributor, Check
		class  error
		says   string
	}{
		{"replayed under the next number", three, func(s *sample) {
			s.raw()["0009.contribution"] = s.raw()["0003.contribution"]
		}, ceremony.FileError{File: "0009.contribution", Number: 3, Contributor: "Carol", Check: ceremony.CheckNumber}, rejected, "says number 3, expected 9"},
		{"reordered", three, func(s *sample) {
			f := s.raw()
			f["0001.contribution"], f["0002.contribution"] = f["0002.contribution"], f["0001.contribution"]
		}, ceremony.FileError{File: "0001.contribution", Number: 2, Contributor: "Bob", Check: ceremony.CheckNumber}, rejected, "says number 2, expected 1"},
		{"cut in the payload", three, func(s *sample) {
			b := s.raw()["0002.contribution"]
			s.files["0002.contribution"] = b[:len(b)-1]
		}, ceremony.FileError{File: "0002.contribution", Number: 2, Contributor: "Bob", Check: ceremony.CheckSize}, rejected, "was cut or added to"},
		{"cut in the header", three, func(s *sample) {
			s.files = s.chain.Files(s.t)
			s.files["0002.contribution"] = s.files["0002.contribution"][:100]
		}, ceremony.FileError{File: "0002.contribution", Number: 2, Check: ceremony.CheckForm}, malformed, "ended early"},
		{"empty", three, func(s *sample) { s.raw()["0002.contribution"] = nil },
			ceremony.FileError{File: "0002.contribution", Number: 2, Check: ceremony.CheckForm}, malformed, "ended early"},
		{"added to", three, func(s *sample) {
			s.raw()["0002.contribution"] = append(s.raw()["0002.contribution"], 0)
		}, ceremony.FileError{File: "0002.contribution", Number: 2, Contributor: "Bob", Check: ceremony.CheckSize}, rejected, "was cut or added to"},
		{"a bit of the payload", three, func(s *sample) {
			b := s.raw()["0002.contribution"]
			b[len(b)-1] ^= 1
		}, ceremony.FileError{File: "0002.contribution", Number: 2, Contributor: "Bob", Check: ceremony.CheckDigest}, rejected, "get it anew"},
		{"another file", three, func(s *sample) { s.raw()["0002.contribution"] = bytes.Repeat([]byte("text\n"), 100) },
			ceremony.FileError{File: "0002.contribution", Number: 2, Check: ceremony.CheckForm}, malformed, "expected it to begin"},
		{"from another ceremony", three, func(s *sample) {
			s.raw()["0001.contribution"] = ceremonytest.Read(s.t, other).Files(s.t)["0001.contribution"]
			s.files[definition] = bytes.Replace(s.files[definition], []byte(`"test"`), []byte(`"same"`), 1)
		}, ceremony.FileError{File: "0001.contribution", Number: 1, Contributor: "Alice", Check: ceremony.CheckCeremony}, rejected, "compare ceremony.json"},
		{"for another circuit", three, func(s *sample) { s.chain.Links[1].Header.Circuit = "babyjubjub-32" },
			ceremony.FileError{File: "0002.contribution", Number: 2, Contributor: "Bob", Check: ceremony.CheckCircuit}, rejected, `made for "babyjubjub-32"`},
		{"phase 2 before phase 1 is closed", three, func(s *sample) { s.chain.Links[1].Header.Phase = 2 },
			ceremony.FileError{File: "0002.contribution", Number: 2, Contributor: "Bob", Check: ceremony.CheckPhase}, rejected, "no beacon has closed phase 1"},
		{"phase 1 after it was closed", three, func(s *sample) { s.chain.Links[4].Header.Phase = 1 },
			ceremony.FileError{File: "0005.contribution", Number: 5, Contributor: "Alice", Check: ceremony.CheckPhase}, rejected, "is closed"},
		{"phase 1 in a ceremony that imported it", imported, func(s *sample) { s.chain.Links[0].Header.Phase = 1 },
			ceremony.FileError{File: "0001.contribution", Number: 1, Contributor: "Alice", Check: ceremony.CheckPhase}, rejected, "is closed"},
		{"a payload of the other phase", three, func(s *sample) { s.chain.Links[1].Payload = s.chain.Links[5].Payload },
			ceremony.FileError{File: "0002.contribution", Number: 2, Contributor: "Bob", Check: ceremony.CheckSize}, rejected, "for phase 1 of this circuit"},
		{"a gap", three, func(s *sample) { delete(s.raw(), "0002.contribution") },
			ceremony.FileError{File: "0003.contribution", Number: 3, Check: ceremony.CheckNumber}, rejected, "0002.contribution is missing"},
		{"the first is missing", three, func(s *sample) { delete(s.raw(), "0001.contribution") },
			ceremony.FileError{File: "0002.contribution", Number: 2, Check: ceremony.CheckNumber}, rejected, "0001.contribution is missing"},
		{"two for one number", three, func(s *sample) {
			s.raw()["0002 (1).contribution"] = s.raw()["0002.contribution"]
		}, ceremony.FileError{File: "0002 (1).contribution", Number: 2, Contributor: "Bob", Check: ceremony.CheckNumber}, rejected, "a second file for number 2"},
		{"the next under another name", three, func(s *sample) {
			s.raw()["Carol.dat"] = s.raw()["0008.contribution"]
			delete(s.files, "0008.contribution")
		}, ceremony.FileError{File: "Carol.dat", Number: 8, Check: ceremony.CheckNumber}, rejected, "rename it to 0008.contribution"},
		{"made upon a file that was replaced", three, func(s *sample) {
			files := s.chain.Files(s.t)
			s.chain.Links[1].Header.Contributor = "Dave"
			files["0002.contribution"] = s.chain.Files(s.t)["0002.contribution"]
			s.files = files
		}, ceremony.FileError{File: "0003.contribution", Number: 3, Contributor: "Carol", Check: ceremony.CheckPrevious}, rejected, "must contribute again"},
		{"the definition was changed", three, func(s *sample) {
			s.raw()[definition] = bytes.Replace(s.raw()[definition], []byte(`"ceremony",`), []byte(`"dev",`), 1)
		}, ceremony.FileError{File: "0001.contribution", Number: 1, Contributor: "Alice", Check: ceremony.CheckCeremony}, rejected, "compare ceremony.json"},
		{"a changed header", three, func(s *sample) { s.edit(1, `"Alice"`, `"Malice"`) },
			ceremony.FileError{File: "0001.contribution", Number: 1, Contributor: "Malice", Check: ceremony.CheckSignature}, rejected, "was changed"},
		{"signed by another key", three, func(s *sample) {
			key := ssh.MarshalAuthorizedKey(ceremonytest.Key(s.t, "Carol").PublicKey())
			alice := ssh.MarshalAuthorizedKey(ceremonytest.Key(s.t, "Alice").PublicKey())
			s.edit(1, strings.TrimSpace(string(alice)), strings.TrimSpace(string(key)))
		}, ceremony.FileError{File: "0001.contribution", Number: 1, Contributor: "Alice", Check: ceremony.CheckSignature}, rejected, "made with the key"},
		{"signature taken off", three, func(s *sample) {
			name := "0001.contribution"
			p, payload, _ := ceremony.ParseContribution(s.raw()[name])
			header, _ := p.Header.Bytes()
			s.files[name] = reassemble(header, nil, payload)
		}, ceremony.FileError{File: "0001.contribution", Number: 1, Contributor: "Alice", Check: ceremony.CheckSignature}, rejected, "there is none"},
		{"signature and key taken off", three, func(s *sample) {
			files := s.chain.Files(s.t)
			s.chain.Links[0].Signer = nil
			files["0001.contribution"] = s.chain.Files(s.t)["0001.contribution"]
			s.files = files
		}, ceremony.FileError{File: "0002.contribution", Number: 2, Contributor: "Bob", Check: ceremony.CheckPrevious}, rejected, "changed or replaced"},
		{"signature without a key", three, func(s *sample) {
			name := "0002.contribution"
			p, payload, _ := ceremony.ParseContribution(s.raw()[name])
			header, _ := p.Header.Bytes()
			signature, err := sshsig.Sign(ceremonytest.Key(s.t, "Bob"), ceremony.Namespace, header)
			if err != nil {
				s.t.Fatal(err)
			}
			s.files[name] = reassemble(header, signature.Bytes(), payload)
		}, ceremony.FileError{File: "0002.contribution", Number: 2, Contributor: "Bob", Check: ceremony.CheckSignature}, rejected, "expected no signature"},
		{"signed for another purpose", three, func(s *sample) {
			name := "0001.contribution"
			p, payload, _ := ceremony.ParseContribution(s.raw()[name])
			header, _ := p.Header.Bytes()
			signature, err := sshsig.Sign(ceremonytest.Key(s.t, "Alice"), "git", header)
			if err != nil {
				s.t.Fatal(err)
			}
			s.files[name] = reassemble(header, signature.Bytes(), payload)
		}, ceremony.FileError{File: "0001.contribution", Number: 1, Contributor: "Alice", Check: ceremony.CheckSignature}, rejected, `"git"`},
		{"phase 1 of the beacon alone", announced, func(s *sample) {
			s.chain.Links = s.chain.Links[1:2]
			s.chain.Links[0].Header.Number = 1
		}, ceremony.FileError{File: "0001.contribution", Number: 1, Check: ceremony.CheckContributions}, rejected, "everybody could forge"},
		{"phase 2 of the beacon alone", imported, func(s *sample) {
			s.chain.Links = s.chain.Links[1:]
			s.chain.Links[0].Header.Number = 1
		}, ceremony.FileError{File: "0001.contribution", Number: 1, Check: ceremony.CheckContributions}, rejected, "phase 2, to which nobody contributed"},
		{"another beacon than announced", announced, func(s *sample) { s.chain.Links[3].Header.Beacon.Source = "a value of mine" },
			ceremony.FileError{File: "0004.contribution", Number: 4, Check: ceremony.CheckBeacon}, rejected, "announced"},
		{"a contribution after the last beacon", three, func(s *sample) {
			link := s.chain.Links[6]
			link.Header.Number = 9
			s.chain.Links = append(s.chain.Links, link)
		}, ceremony.FileError{File: "0009.contribution", Number: 9, Contributor: "Carol", Check: ceremony.CheckPhase}, rejected, "closed by the beacon number 8"},
		{"a header with another indentation", three, func(s *sample) { s.edit(2, "  \"format\"", " \"format\"") },
			ceremony.FileError{File: "0002.contribution", Number: 2, Check: ceremony.CheckForm}, malformed, "one accepted form"},
		{"a header with an unknown field", three, func(s *sample) { s.edit(2, "{\n", "{\n  \"note\": \"\",\n") },
			ceremony.FileError{File: "0002.contribution", Number: 2, Check: ceremony.CheckForm}, malformed, "unknown field"},
		{"a header of the next version", three, func(s *sample) { s.edit(2, "zkkex/v1", "zkkex/v2") },
			ceremony.FileError{File: "0002.contribution", Number: 2, Check: ceremony.CheckForm}, unsupported, "zkkex/v2"},
		{"a control character in a name", three, func(s *sample) { s.edit(2, "Bob", `Bob\u001b[2J`) },
			ceremony.FileError{File: "0002.contribution", Number: 2, Check: ceremony.CheckForm}, malformed, "U+001B"},
		{"a name that turns the text around", three, func(s *sample) { s.edit(2, "Bob", "B\u202eob") },
			ceremony.FileError{File: "0002.contribution", Number: 2, Check: ceremony.CheckForm}, malformed, "U+202E"},
		{"an invisible name", three, func(s *sample) { s.edit(2, "Bob", "\u200b") },
			ceremony.FileError{File: "0002.contribution", Number: 2, Check: ceremony.CheckForm}, malformed, "U+200B"},
		{"no name", three, func(s *sample) { s.edit(2, `"Bob"`, `""`) },
			ceremony.FileError{File: "0002.contribution", Number: 2, Check: ceremony.CheckForm}, malformed, "0 characters"},
		{"a long name", three, func(s *sample) { s.edit(2, `"Bob"`, `"`+strings.Repeat("b", 65)+`"`) },
			ceremony.FileError{File: "0002.contribution", Number: 2, Check: ceremony.CheckForm}, malformed, "65 characters"},
		{"a beacon with a contributor", three, func(s *sample) { s.edit(4, `"beacon": {`, `"contributor": "Bob",`+"\n"+`  "beacon": {`) },
			ceremony.FileError{File: "0004.contribution", Number: 4, Check: ceremony.CheckForm}, malformed, "nobody makes it"},
		{"a short beacon", three, func(s *sample) {
			s.edit(4, string(hexOf(ceremonytest.BeaconValue)), string(hexOf(ceremonytest.BeaconValue[:15])))
		}, ceremony.FileError{File: "0004.contribution", Number: 4, Check: ceremony.CheckForm}, malformed, "beacon of 15 bytes"},
		{"a beacon in upper case", three, func(s *sample) {
			s.edit(4, string(hexOf(ceremonytest.BeaconValue)), strings.ToUpper(string(hexOf(ceremonytest.BeaconValue))))
		}, ceremony.FileError{File: "0004.contribution", Number: 4, Check: ceremony.CheckForm}, malformed, "lower-case"},
		{"a key of another type", three, func(s *sample) { s.edit(1, `"ssh-ed25519 `, `"ssh-dss `) },
			ceremony.FileError{File: "0001.contribution", Number: 1, Check: ceremony.CheckForm}, malformed, "key"},
		{"a header without end", three, func(s *sample) {
			binary.BigEndian.PutUint32(s.raw()["0002.contribution"][22:], 1<<32-1)
		}, ceremony.FileError{File: "0002.contribution", Number: 2, Check: ceremony.CheckForm}, malformed, "expected at most 4096"},
		{"a signature without end", three, func(s *sample) {
			b := s.raw()["0002.contribution"]
			binary.BigEndian.PutUint32(b[26+binary.BigEndian.Uint32(b[22:]):], 1<<31)
		}, ceremony.FileError{File: "0002.contribution", Number: 2, Check: ceremony.CheckForm}, malformed, "expected at most 512"},
		{"an unknown file", three, func(s *sample) { s.raw()["notes.txt"] = []byte("hello\n") },
			ceremony.FileError{File: "notes.txt", Check: ceremony.CheckName}, rejected, "move the file away"},
		{"an imported phase 1 in a ceremony of its own", three, func(s *sample) { s.raw()[phaseOne] = []byte("powers\n") },
			ceremony.FileError{File: phaseOne, Check: ceremony.CheckName}, rejected, "move the file away"},
		{"no imported phase 1", imported, func(s *sample) { delete(s.raw(), phaseOne) },
			ceremony.FileError{File: phaseOne, Check: ceremony.CheckName}, rejected, "get it with the rest"},
		{"another imported phase 1", imported, func(s *sample) { s.raw()[phaseOne][100] ^= 1 },
			ceremony.FileError{File: phaseOne, Check: ceremony.CheckDigest}, rejected, "get it anew"},
		{"an imported phase 1 that was cut", imported, func(s *sample) { s.raw()[phaseOne] = s.raw()[phaseOne][1:] },
			ceremony.FileError{File: phaseOne, Check: ceremony.CheckSize}, rejected, "expected"},
		{"a definition that is none", three, func(s *sample) { s.raw()[definition] = []byte("{}\n") },
			ceremony.FileError{File: definition, Check: ceremony.CheckForm}, unsupported, `expected "zkkex/v1 ceremony"`},
		{"a definition without end", three, func(s *sample) { s.raw()[definition] = make([]byte, ceremony.MaxDefinitionSize+1) },
			ceremony.FileError{File: definition, Check: ceremony.CheckSize}, rejected, "expected at most 65536"},
	}
	for _, test := range tests {
		s := &sample{t: t, chain: ceremonytest.Read(t, test.of)}
		test.change(s)
		_, err := ceremony.Open(ceremonytest.Write(t, s.raw()))
		refused(t, test.name, err, test.want)
		if err == nil {
			continue
		}
		if !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %q does not say %q", test.name, err, test.says)
		}
		for _, class := range []error{malformed, unsupported, rejected} {
			if errors.Is(err, class) != (class == test.class) {
				t.Errorf("%s: the class of %v is not %v", test.name, err, test.class)
			}
		}
	}
}

func hexOf(b []byte) []byte {
	text, _ := ceremony.Hex(b).MarshalText()
	return text
}

// Links and folders in the place of files are refused, and what others leave
// behind under a dot is not looked at.
func TestOpenReadsRegularFilesAlone(t *testing.T) {
	ceremonytest.Small(t)
	files := ceremonytest.Read(t, open(t, ceremonytest.Three.Make(t)).FS()).Files(t)
	outside := filepath.Join(t.TempDir(), "outside")
	for _, name := range []string{definition, "0002.contribution"} {
		dir := ceremonytest.Write(t, files)
		if err := os.WriteFile(outside, files[name], 0o644); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.Remove(filepath.Join(dir, name)), os.Symlink(outside, filepath.Join(dir, name))); err != nil {
			t.Fatal(err)
		}
		_, err := ceremony.Open(dir)
		refused(t, "a link", err, ceremony.FileError{File: name, Check: ceremony.CheckType})

		dir = ceremonytest.Write(t, files)
		if err := errors.Join(os.Remove(filepath.Join(dir, name)), os.Mkdir(filepath.Join(dir, name), 0o755)); err != nil {
			t.Fatal(err)
		}
		_, err = ceremony.Open(dir)
		refused(t, "a folder", err, ceremony.FileError{File: name, Check: ceremony.CheckType})
	}
	dir := ceremonytest.Write(t, files)
	if err := errors.Join(os.Mkdir(filepath.Join(dir, ".git"), 0o755), os.WriteFile(filepath.Join(dir, ".0009.contribution.tmp-1"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

func TestOpenNothing(t *testing.T) {
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none")} {
		if _, err := ceremony.Open(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v, want %v", err, fs.ErrNotExist)
		}
	}
}

// claims is a file that says that it is of some size, and must not be read.
type claims struct {
	t    *testing.T
	name string
	size int64
}

func (c *claims) Name() string               { return c.name }
func (c *claims) Size() int64                { return c.size }
func (c *claims) Mode() fs.FileMode          { return 0o644 }
func (c *claims) Type() fs.FileMode          { return 0 }
func (c *claims) ModTime() time.Time         { return time.Time{} }
func (c *claims) IsDir() bool                { return false }
func (c *claims) Sys() any                   { return nil }
func (c *claims) Info() (fs.FileInfo, error) { return c, nil }
func (c *claims) Stat() (fs.FileInfo, error) { return c, nil }
func (c *claims) Close() error               { return nil }
func (c *claims) Read([]byte) (int, error) {
	c.t.Errorf("%s of %d bytes was read", c.name, c.size)
	return 0, io.EOF
}

// folder is an fs.FS with one file that only claims.
type folder struct {
	fstest.MapFS
	huge *claims
}

func (f folder) Open(name string) (fs.File, error) {
	if name == f.huge.name {
		return f.huge, nil
	}
	return f.MapFS.Open(name)
}

func (f folder) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := f.MapFS.ReadDir(name)
	for i, entry := range entries {
		if entry.Name() == f.huge.name {
			entries[i] = f.huge
		}
	}
	return entries, err
}

// A file is measured before anything of it is read.
func TestOpenMeasuresBeforeReading(t *testing.T) {
	ceremonytest.Small(t)
	chain := ceremonytest.Read(t, open(t, ceremonytest.Plan{Imported: true, Phase2: []string{"Alice"}}.Make(t)).FS())
	files := fstest.MapFS{}
	for name, b := range chain.Files(t) {
		files[name] = &fstest.MapFile{Data: b}
	}
	for _, name := range []string{definition, phaseOne, ceremony.ChainFile, "0001.contribution"} {
		_, err := ceremony.OpenFS(folder{files, &claims{t, name, 1 << 50}})
		want := ceremony.FileError{File: name, Check: ceremony.CheckSize}
		if name == "0001.contribution" {
			want.Number = 1
		}
		refused(t, "huge", err, want)
	}
}
