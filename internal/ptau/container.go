package ptau

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Numbers of the sections that are read.
const (
	sectionHeader        = 1
	sectionTauG1         = 2
	sectionTauG2         = 3
	sectionAlphaTauG1    = 4
	sectionBetaTauG1     = 5
	sectionBetaG2        = 6
	sectionContributions = 7
)

// nameContributions names the section that is an error's own part.
const nameContributions = "contributions"

// names are the names of all sections that a file may have. Those from 12 on
// are the same points in another basis, and nothing here uses them.
var names = map[uint32]string{
	sectionHeader:        "header",
	sectionTauG1:         "tauG1",
	sectionTauG2:         "tauG2",
	sectionAlphaTauG1:    "alphaTauG1",
	sectionBetaTauG1:     "betaTauG1",
	sectionBetaG2:        "betaG2",
	sectionContributions: nameContributions,
	12:                   "lagrangeTauG1",
	13:                   "lagrangeTauG2",
	14:                   "lagrangeAlphaTauG1",
	15:                   "lagrangeBetaTauG1",
}

// Parts of the container's head, in bytes.
const (
	magic           = "ptau"
	version         = 1
	containerHeader = len(magic) + 4 + 4
	sectionPrefix   = 4 + 8
)

// section is where a section's content lies in the file.
type section struct {
	name         string
	offset, size int64
}

// sections reads the list of sections. Every size is compared with what is left
// of the file.
func sections(r io.ReaderAt, size int64) (map[uint32]section, error) {
	count, err := container(r, size)
	if err != nil {
		return nil, err
	}
	found := make(map[uint32]section, count)
	at := int64(containerHeader)
	for range count {
		prefix, err := read(r, size, "", at, sectionPrefix)
		if err != nil {
			return nil, err
		}
		at += sectionPrefix
		number, length := binary.LittleEndian.Uint32(prefix), binary.LittleEndian.Uint64(prefix[4:])
		name, known := names[number]
		if !known {
			return nil, refuse("", CheckFormat, "expected sections 1 to 7 and 12 to 15, got %d", number)
		}
		if _, twice := found[number]; twice {
			return nil, refuse(name, CheckFormat, "expected the section once, got it twice")
		}
		if left := size - at; length > uint64(left) {
			return nil, refuse(name, CheckFormat, "the section claims %d bytes, the file has %d more: is it truncated?", length, left)
		}
		found[number] = section{name, at, int64(length)}
		at += int64(length)
	}
	if at != size {
		return nil, refuse("", CheckFormat, "%d bytes follow the last section", size-at)
	}
	for number := uint32(sectionHeader); number <= sectionContributions; number++ {
		if _, ok := found[number]; !ok {
			return nil, refuse(names[number], CheckFormat, "the section is missing")
		}
	}
	return found, nil
}

// container reads the first bytes of a file and returns the number of sections.
func container(r io.ReaderAt, size int64) (int, error) {
	head, err := read(r, size, "", 0, containerHeader)
	if err != nil {
		return 0, err
	}
	if string(head[:len(magic)]) != magic {
		return 0, refuse("", CheckFormat, "expected a file that starts with %q, got %q: is it a .ptau file of snarkjs?", magic, head[:len(magic)])
	}
	if v := binary.LittleEndian.Uint32(head[4:]); v != version {
		return 0, refuse("", CheckFormat, "expected version %d, got %d", version, v)
	}
	count := binary.LittleEndian.Uint32(head[8:])
	if uint64(count) > uint64(len(names)) {
		return 0, refuse("", CheckFormat, "expected at most %d sections, got %d", len(names), count)
	}
	return int(count), nil
}

// read reads n bytes at an offset of the file. The caller has bounded n.
func read(r io.ReaderAt, size int64, section string, offset int64, n int) ([]byte, error) {
	if offset < 0 || int64(n) > size-offset {
		return nil, refuse(section, CheckFormat, "the file ends at byte %d, %d bytes were expected from byte %d on: is it truncated?", size, n, offset)
	}
	b := make([]byte, n)
	return b, readFull(r, b, section, offset)
}

// readFull fills b from an offset of the file.
func readFull(r io.ReaderAt, b []byte, section string, offset int64) error {
	n, err := r.ReadAt(b, offset)
	switch {
	case n == len(b):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return refuse(section, CheckFormat, "the file ends at byte %d, %d bytes were expected from byte %d on: is it truncated?", offset+int64(n), len(b), offset)
	}
	return fmt.Errorf("reading a .ptau file at byte %d: %w", offset, err)
}
