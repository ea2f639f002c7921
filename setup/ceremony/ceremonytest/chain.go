package ceremonytest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/zkkex/zkkex/internal/mpc"
	"github.com/zkkex/zkkex/internal/relation"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/sshsig"
	"github.com/zkkex/zkkex/setup/params"
)

// Chain is a ceremony in parts, which a test changes and puts together again.
type Chain struct {
	// Definition is what ceremony.json says.
	Definition ceremony.Definition
	// SRS is an imported phase 1, and Ptau its chain, or nil.
	SRS, Ptau []byte
	// Links are the contribution files, from number 1.
	Links []Link
}

// Link is a contribution file in parts.
type Link struct {
	// Header is what the file says. Files overwrites what follows from the rest.
	Header ceremony.Header
	// Payload is what was contributed.
	Payload []byte
	// Signer signs the header; nil if it is not signed.
	Signer ssh.Signer
}

// Read takes the ceremony in a folder apart. Contributors who signed did so with
// their [Key].
func Read(t testing.TB, fsys fs.FS) *Chain {
	t.Helper()
	c, err := ceremony.OpenFS(fsys)
	if err != nil {
		t.Fatal(err)
	}
	chain := &Chain{Definition: c.Definition()}
	if chain.Definition.Imported != nil {
		chain.SRS = read(t, fsys, ceremony.PhaseOneFile)
		chain.Ptau = read(t, fsys, ceremony.ChainFile)
	}
	for _, entry := range c.Status().Entries {
		p, payload, err := ceremony.ParseContribution(read(t, fsys, entry.File))
		if err != nil {
			t.Fatal(err)
		}
		link := Link{Header: p.Header, Payload: payload}
		if entry.Key != "" {
			link.Signer = Key(t, entry.Contributor)
		}
		chain.Links = append(chain.Links, link)
	}
	return chain
}

func read(t testing.TB, fsys fs.FS, name string) []byte {
	t.Helper()
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Plant puts a payload in the place of a contribution's, by number. All later
// contributors contribute again upon it, as they would have if they had not
// verified it, unless it cannot even be decoded.
func (c *Chain) Plant(t testing.TB, number int, payload []byte) {
	t.Helper()
	c.Links[number-1].Payload = payload
	r := &rerun{t: t, chain: c}
	for i := number; i < len(c.Links); i++ {
		if c.Links[i].Header.Kind != ceremony.Contribution {
			continue
		}
		next, ok := r.contribute(i + 1)
		if !ok {
			return
		}
		c.Links[i].Payload = next
	}
}

// Files returns the files of the ceremony with every digest and signature made
// anew: what the links say of digests, sizes and keys is overwritten; what they
// say of numbers, phases and people stays.
func (c *Chain) Files(t testing.TB) map[string][]byte {
	t.Helper()
	if c.SRS != nil {
		c.Definition.Imported.SRS = params.Describe(c.SRS)
		c.Definition.Imported.Chain = params.Describe(c.Ptau)
	}
	definition, err := c.Definition.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{ceremony.DefinitionFile: definition}
	if c.SRS != nil {
		files[ceremony.PhaseOneFile] = c.SRS
		files[ceremony.ChainFile] = c.Ptau
	}
	id := params.Digest(sha256.Sum256(definition))
	previous := id
	for i := range c.Links {
		link := &c.Links[i]
		link.Header.Ceremony, link.Header.Previous = id, previous
		b := link.Bytes(t)
		files[ceremony.FileName(i+1)] = b
		previous = sha256.Sum256(b)
	}
	return files
}

// Bytes returns the file, with the payload's digest and the signature made anew.
func (l *Link) Bytes(t testing.TB) []byte {
	t.Helper()
	l.Header.Payload = params.Describe(l.Payload)
	l.Header.Key = ""
	if l.Signer != nil {
		key := ssh.MarshalAuthorizedKey(l.Signer.PublicKey())
		l.Header.Key = string(key[:len(key)-1])
	}
	header, err := l.Header.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	p := ceremony.Preamble{Header: l.Header}
	if l.Signer != nil {
		if p.Signature, err = sshsig.Sign(l.Signer, ceremony.Namespace, header); err != nil {
			t.Fatal(err)
		}
	}
	b, err := p.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return append(b, l.Payload...)
}

// Write writes files to a new folder and returns it.
func Write(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Transcript returns the transcript of files, whatever is in them.
func Transcript(files map[string][]byte) []byte {
	var names []string
	for _, name := range []string{ceremony.DefinitionFile, ceremony.PhaseOneFile, ceremony.ChainFile} {
		if _, ok := files[name]; ok {
			names = append(names, name)
		}
	}
	head := len(names)
	for name := range files {
		if !slices.Contains(names[:head], name) {
			names = append(names, name)
		}
	}
	slices.Sort(names[head:])
	out := binary.BigEndian.AppendUint32([]byte("zkkex/v1 transcript\n"), uint32(len(names)))
	for _, name := range names {
		out = append(out, byte(len(name)))
		out = append(out, name...)
		out = binary.BigEndian.AppendUint64(out, uint64(len(files[name])))
		out = append(out, files[name]...)
	}
	return out
}

// rerun computes what contributors compute, without verifying anything.
type rerun struct {
	t     testing.TB
	chain *Chain
	start *mpc.Phase2
	srs   *mpc.SRS
	evals *mpc.Evaluations
}

func (r *rerun) domain() int { return r.chain.Definition.Domain }

// contribute returns a payload of an honest contribution of a number upon the one
// before it, or false if that one cannot be decoded.
func (r *rerun) contribute(number int) ([]byte, bool) {
	r.t.Helper()
	ctx := context.Background()
	if r.chain.Links[number-1].Header.Phase == 1 {
		previous, ok := r.phase1(number - 1)
		if !ok {
			return nil, false
		}
		next, err := previous.Contribute(ctx, nil, nil)
		if err != nil {
			r.t.Fatal(err)
		}
		return next.Bytes(), true
	}
	previous, ok := r.phase2(number - 1)
	if !ok {
		return nil, false
	}
	next, err := previous.Contribute(ctx, nil, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return next.Bytes(), true
}

func (r *rerun) phase1(number int) (*mpc.Phase1, bool) {
	if number == 0 {
		return mpc.NewPhase1(r.domain()), true
	}
	p, err := mpc.ParsePhase1(r.chain.Links[number-1].Payload, r.domain())
	return p, err == nil
}

func (r *rerun) phase2(number int) (*mpc.Phase2, bool) {
	if number == 0 || r.chain.Links[number-1].Header.Phase == 1 {
		ok := r.begin(number)
		return r.start, ok
	}
	p, err := mpc.ParsePhase2(r.chain.Links[number-1].Payload, relation.SizeOf(r.system()))
	return p, err == nil
}

// begin computes where phase 2 begins; number is of the beacon of phase 1, or 0.
func (r *rerun) begin(number int) bool {
	r.t.Helper()
	if r.start != nil {
		return true
	}
	ctx := context.Background()
	var err error
	if number == 0 {
		if r.srs, err = mpc.ParseSRS(r.chain.SRS, r.domain()); err != nil {
			return false
		}
	} else {
		p, ok := r.phase1(number - 1)
		if !ok {
			return false
		}
		if r.srs, err = p.Seal(ctx, r.chain.Links[number-1].Header.Beacon.Value, nil); err != nil {
			r.t.Fatal(err)
		}
	}
	if r.start, r.evals, err = mpc.NewPhase2(ctx, r.system(), r.srs, nil); err != nil {
		r.t.Fatal(err)
	}
	return true
}
