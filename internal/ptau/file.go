// Package ptau reads the outcome of a powers of tau ceremony from the .ptau
// files of snarkjs, for Groth16 and for KZG, and verifies who contributed.
//
// A file is read by sections, and of each section only as much as is needed:
// the largest public files have 288 GB. Everything in a file is taken as
// claimed by a stranger; docs/spec/ptau.md has the format byte by byte and the
// list of checks.
package ptau

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"
	"sync"

	bls12381 "github.com/consensys/gnark-crypto/ecc/bls12-381/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
)

// MaxPower is the largest power a file may have: BN254's scalar field has roots
// of unity for domains up to 2^28.
const MaxPower = 28

// Progress is told how far a step has come. It may be nil, and is called from
// one goroutine at a time.
type Progress = func(step string, done, total int)

// File is a .ptau file whose structure was checked, and whose contributions
// were decoded. Its points are read when they are asked for.
type File struct {
	r                    io.ReaderAt
	size                 int64
	power, ceremonyPower int
	sections             map[uint32]section
	chain                *Chain

	mu   sync.Mutex
	last *accumulator // what the chain leads to, once it was verified
}

// Open reads the sections' places, the header and the contributions of a file
// of size bytes. It returns an [*Error], or r's own error.
func Open(r io.ReaderAt, size int64) (*File, error) {
	found, err := sections(r, size)
	if err != nil {
		return nil, err
	}
	f := &File{r: r, size: size, sections: found}
	if err := f.readHeader(); err != nil {
		return nil, err
	}
	if err := f.checkSizes(); err != nil {
		return nil, err
	}
	return f, f.readChain()
}

// Chain returns the file's contributions.
func (f *File) Chain() *Chain { return f.chain }

func (f *File) readChain() error {
	s := f.sections[sectionContributions]
	if s.size > MaxChainSize {
		return refuse(s.name, CheckFormat, "expected at most %d bytes, got %d", MaxChainSize, s.size)
	}
	b, err := read(f.r, f.size, s.name, s.offset, int(s.size))
	if err != nil {
		return err
	}
	f.chain, err = ParseChain(b, f.ceremonyPower)
	return err
}

// Size returns the file's size in bytes.
func (f *File) Size() int64 { return f.size }

// Power returns p where the file has 2^(p+1)-1 powers of tau in G1 and 2^p in
// G2: enough for a Groth16 domain of 2^p.
func (f *File) Power() int { return f.power }

// CeremonyPower returns the power that the ceremony was run at. It is larger
// than [File.Power] in a truncated file.
func (f *File) CeremonyPower() int { return f.ceremonyPower }

// Parts of the header, in bytes: the size of a number, the modulus, the power
// and the ceremony's power.
const headerSize = 4 + fp.Bytes + 4 + 4

func (f *File) readHeader() error {
	s := f.sections[sectionHeader]
	if s.size < headerSize || s.size > 2*headerSize {
		return refuse(s.name, CheckFormat, "expected %d bytes, got %d", headerSize, s.size)
	}
	b, err := read(f.r, f.size, s.name, s.offset, int(s.size))
	if err != nil {
		return err
	}
	if err := checkCurve(b); err != nil {
		return err
	}
	if s.size != headerSize {
		return refuse(s.name, CheckFormat, "expected %d bytes, got %d", headerSize, s.size)
	}
	power := binary.LittleEndian.Uint32(b[4+fp.Bytes:])
	ceremonyPower := binary.LittleEndian.Uint32(b[4+fp.Bytes+4:])
	if power < 1 || power > ceremonyPower || ceremonyPower > MaxPower {
		return refuse(s.name, CheckFormat, "expected powers from 1 to %d, got %d of a ceremony of %d", MaxPower, power, ceremonyPower)
	}
	f.power, f.ceremonyPower = int(power), int(ceremonyPower)
	return nil
}

// checkCurve compares the field in a header with BN254's.
func checkCurve(header []byte) error {
	if n := binary.LittleEndian.Uint32(header); n == fp.Bytes {
		q := fp.Modulus().FillBytes(make([]byte, fp.Bytes))
		slices.Reverse(q)
		if bytes.Equal(header[4:4+fp.Bytes], q) {
			return nil
		}
	} else if n == bls12381.Bytes && len(header) >= 4+bls12381.Bytes {
		q := bls12381.Modulus().FillBytes(make([]byte, bls12381.Bytes))
		slices.Reverse(q)
		if bytes.Equal(header[4:4+bls12381.Bytes], q) {
			return refuse("header", CheckCurve, "expected a file for BN254 (bn128 in snarkjs), got one for BLS12-381")
		}
	}
	return refuse("header", CheckCurve, "expected a file for BN254 (bn128 in snarkjs), got one for another curve")
}

// checkSizes compares the sizes of the sections of points with the power.
func (f *File) checkSizes() error {
	n := int64(1) << f.power
	for _, want := range []struct {
		section uint32
		size    int64
	}{
		{sectionTauG1, (2*n - 1) * g1Size},
		{sectionTauG2, n * g2Size},
		{sectionAlphaTauG1, n * g1Size},
		{sectionBetaTauG1, n * g1Size},
		{sectionBetaG2, g2Size},
	} {
		if s := f.sections[want.section]; s.size != want.size {
			return refuse(s.name, CheckFormat, "expected %d bytes for power %d, got %d", want.size, f.power, s.size)
		}
	}
	return nil
}
