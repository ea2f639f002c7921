// Package ceremony makes Groth16 parameters with many parties, of whom one
// honest one is enough: who forgets what was drawn in one contribution makes
// forging impossible for all others together.
//
// A ceremony is a folder of files that people pass on, by mail, in git or on a
// shared disk:
//
//	ceremony.json       what is made, for which circuit, by which rules
//	phase1.srs          the first phase, if it was imported
//	phase1.chain        who contributed to it, and the proofs that they did
//	0001.contribution   the first contribution
//	0002.contribution   the next one, and so on; beacons are among them
//
// Everyone gets the folder, runs one command, sends one new file back and
// publishes its digest. A contribution names its contributor, the file it
// follows and the ceremony, may be signed with an SSH key, and can be verified by
// anyone from the files alone.
//
// Phase 1 makes powers of tau for a size of circuits, phase 2 the keys of one
// circuit. Each needs at least one contribution, and is closed by a beacon: a
// public value that nobody could know while contributions were made. An imported
// phase 1 is closed already.
//
// The formats are in docs/spec/ceremony.md.
package ceremony

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/ptau"
	"github.com/zkkex/zkkex/internal/redact"
	"github.com/zkkex/zkkex/setup/params"
)

// Progress is told how far a step is: done of total parts of it. The steps have
// names that tell a person what is done. It is called from one goroutine at a
// time, and may be nil.
type Progress func(step string, done, total int)

func (p Progress) report(step string, done, total int) {
	if p != nil {
		p(step, done, total)
	}
}

// Options say what a ceremony is to make.
type Options struct {
	// Circuit is the circuit that the parameters are for.
	Circuit zkkex.CircuitID
	// Name tells ceremonies apart for people: 1 to 64 printable runes.
	Name string
	// Kind is the kind of the parameter set: [params.Ceremony], or [params.Dev]
	// for a set that is only for development and tests.
	Kind params.Kind
	// Created is the date of the ceremony, kept in whole seconds.
	Created time.Time
	// Ptau is an imported phase 1, already read and verified; nil if the
	// ceremony has a phase 1 of its own.
	Ptau *PhaseOne
	// Announced names the public beacons of phase 1 and 2 in advance, as in
	// "drand quicknet round 13700000", each at most 256 printable runes. A beacon
	// from another source is then refused. Empty if not announced; an imported
	// phase 1 has no beacon here.
	Announced [2]string
}

// PhaseOne is a phase 1 that was made elsewhere.
type PhaseOne struct {
	// SRS is the part that is used, in the encoding of docs/spec/ceremony.md.
	SRS []byte
	// Source says where the file is from, for people: 1 to 256 printable runes.
	Source string
	// File is the size and digest of the whole powers-of-tau file.
	File params.File
	// Power is the base-2 logarithm of the number of powers in that file.
	Power int
	// CeremonyPower is the power of the ceremony that made the file: Power, or more
	// if the file was cut down to fewer powers.
	CeremonyPower int
	// Chain is the content of the file's contributions section, docs/spec/ptau.md.
	Chain []byte
}

// Ceremony is an opened ceremony. It is for one goroutine at a time.
type Ceremony struct {
	dir        string // empty if opened from something that cannot be written to
	fsys       fs.FS
	definition *Definition
	digest     params.Digest // SHA-256 of ceremony.json
	chain      *ptau.Chain   // of an imported phase 1, or nil
	files      []file
	cache      cache
	begun      *beginning // nil until phase 2 is looked at
	now        func() time.Time
}

// Init makes the folder dir, which must not exist, with a ceremony that has no
// contributions yet. An imported phase 1 is verified before it is written. It
// returns an error wrapping [os.ErrExist] if dir is there already,
// [zkkex.ErrUnsupported] for a circuit that has no ceremony, and
// [zkkex.ErrMalformed] or [zkkex.ErrRejected] for options that make no ceremony.
func Init(ctx context.Context, dir string, o Options, progress Progress) (*Ceremony, error) {
	if err := absent(dir); err != nil {
		return nil, fmt.Errorf("making a ceremony: %w", err)
	}
	var chain *ptau.Chain
	if o.Ptau != nil {
		var err error
		if chain, err = ptau.ParseChain(o.Ptau.Chain, o.Ptau.CeremonyPower); err != nil {
			return nil, chainError(err)
		}
	}
	definition, err := define(o, chain)
	if err != nil {
		return nil, err
	}
	encoded, err := definition.Bytes()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{DefinitionFile: encoded}
	if o.Ptau != nil {
		m := newMeter(progress, "verifying the imported phase 1", costPowers+costChain)
		if err := checkImported(ctx, o.Ptau.SRS, chain, definition.Domain, m); err != nil {
			return nil, err
		}
		files[PhaseOneFile], files[ChainFile] = o.Ptau.SRS, o.Ptau.Chain
	}
	if err := atomicfile.CreateFolder(dir, files); err != nil {
		return nil, fmt.Errorf("making a ceremony in %s: %w", dir, err)
	}
	return Open(dir)
}

func absent(dir string) error {
	_, err := os.Lstat(dir)
	if err == nil {
		return fmt.Errorf("%s: %w: choose a new folder", dir, os.ErrExist)
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// Open opens the ceremony in the folder dir. It checks everything but the
// mathematics: names and sizes of files, before they are read, the form of
// definition and headers, the order, the chain of digests, and signatures. It
// returns a [FileError] that names what is wrong.
func Open(dir string) (*Ceremony, error) {
	c, err := OpenFS(os.DirFS(dir))
	if err != nil {
		return nil, err
	}
	c.dir = dir
	return c, nil
}

// OpenFS is [Open] for a ceremony that is only read.
func OpenFS(fsys fs.FS) (*Ceremony, error) {
	c := &Ceremony{fsys: fsys, cache: userCache(), now: time.Now}
	if err := c.read(); err != nil {
		return nil, err
	}
	return c, nil
}

// Definition returns what the ceremony makes, and by which rules.
func (c *Ceremony) Definition() Definition { return *c.definition }

// Digest returns the digest of the ceremony, the SHA-256 of its definition. It
// is in the header of each contribution.
func (c *Ceremony) Digest() params.Digest { return c.digest }

// FS returns the files of the ceremony, to copy them with [os.CopyFS], say.
func (c *Ceremony) FS() fs.FS { return c.fsys }

// Forget makes c verify everything anew, whatever this user's machine has
// verified before.
func (c *Ceremony) Forget() { c.cache = cache{} }

// Contributor is who contributes, with what. It does not print: what it brings is
// secret.
type Contributor struct {
	redact.Silent

	// Name is published with the contribution: 1 to 64 printable runes.
	Name string
	// Entropy is mixed with what the system's generator gives. It may be empty,
	// and cannot do harm.
	Entropy []byte
	// Signer signs the contribution with an ssh-ed25519 key, of a file or an
	// agent; nil for a contribution that is not signed.
	Signer ssh.Signer
}

// Receipt is what a contributor has made: the file to send back, and the digest
// to publish, so that nobody can leave the contribution out unseen.
type Receipt struct {
	// Number is the number of the contribution, from 1.
	Number int
	// Phase is 1 or 2.
	Phase int
	// File is the name of the new file in the ceremony's folder.
	File string
	// Digest is the SHA-256 of the file.
	Digest params.Digest
}
