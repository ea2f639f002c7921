package registry

import (
	"fmt"
	"io"
	"os"

	"github.com/zkkex/zkkex/internal/atomicfile"
)

// maxRootsFile bounds a saved history, in bytes. MaxRoots checkpoints of an
// ordinary size, with a few cosignatures, take a twentieth of it.
const maxRootsFile = 64 << 20

// MarshalText returns the history as a file of signed checkpoints.
func (r *Roots) MarshalText() ([]byte, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := AppendCheckpointsHeader(nil, r.verifierKey)
	for _, c := range r.history {
		out = AppendCheckpoint(out, c.Note)
	}
	return out, nil
}

// ParseRoots decodes a saved history. The signatures are checked again, and so
// is that sequence and time never go back; that one log extends the other was
// checked when they were added. It returns a [*ForkError] or an error wrapping
// [zkkex.ErrMalformed], [zkkex.ErrUnsupported] or [ErrSignature].
func ParseRoots(text []byte) (*Roots, error) {
	key, entries, err := CutCheckpointsHeader(text)
	if err != nil {
		return nil, err
	}
	r, err := NewRoots(key)
	if err != nil {
		return nil, err
	}
	for len(entries) > 0 {
		var signed []byte
		if signed, entries, err = CutCheckpoint(entries); err != nil {
			return nil, err
		}
		if err := r.restore(signed); err != nil {
			return nil, fmt.Errorf("checkpoint %d of the file: %w", len(r.history), err)
		}
	}
	return r, nil
}

// restore appends a checkpoint whose consistency was checked when it was added.
func (r *Roots) restore(signed []byte) error {
	if len(r.history) == MaxRoots {
		return malformed(checkpointsFormat, "more than %d checkpoints", MaxRoots)
	}
	next, err := Open(signed, r.registrar)
	if err != nil {
		return err
	}
	if newest := r.latest(); newest != nil {
		if err := follows(newest, next); err != nil {
			return err
		}
	}
	r.history = append(r.history, next)
	return nil
}

// SaveRoots writes the history to a file, which is replaced whole or not at
// all.
func SaveRoots(path string, r *Roots) error {
	text, err := r.MarshalText()
	if err != nil {
		return err
	}
	return atomicfile.Write(path, text, 0o644)
}

// LoadRoots reads what [SaveRoots] wrote. It returns the errors of [ParseRoots],
// and those of opening and reading the file: [fs.ErrNotExist] says that there
// is no history yet.
func LoadRoots(path string) (*Roots, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxRootsFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if len(text) > maxRootsFile {
		return nil, malformed(checkpointsFormat, "%s has more than %d bytes", path, maxRootsFile)
	}
	r, err := ParseRoots(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}
