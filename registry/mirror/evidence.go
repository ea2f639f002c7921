package mirror

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex/internal/atomicfile"
)

// EvidenceError is a registrar's fault whose evidence was saved. It unwraps to
// a [*registry.ForkError] or an error wrapping [ErrReplay].
type EvidenceError struct {
	// Err is the fault.
	Err error
	// File is where the signed notes are that show it, or the folder, if it
	// holds so many already that this one was left out.
	File string
}

// Error returns the fault and the file's name.
func (e *EvidenceError) Error() string {
	return fmt.Sprintf("%v; the evidence is in %s", e.Err, e.File)
}

// Unwrap returns the fault.
func (e *EvidenceError) Unwrap() error { return e.Err }

// evidenceMagic is the first line of an evidence file. What was found follows,
// then the consistency proof, where there is one, then the notes.
const evidenceMagic = "zkkex/v1 fork evidence"

// maxEvidence bounds the evidence files kept. The first ones matter most.
const maxEvidence = 64

// saveEvidence keeps what shows a registrar's fault. The same evidence is kept
// once. The fault is in the error that is returned, whether it could be saved
// or not.
func (m *Mirror) saveEvidence(fault error, proof tlog.TreeProof, notes ...[]byte) error {
	text := fmt.Appendf(nil, "%s\n\n%v\n", evidenceMagic, fault)
	for i, h := range proof {
		if i == 0 {
			text = append(text, "\nconsistency proof, RFC 6962:\n"...)
		}
		text = fmt.Appendf(text, "%v\n", h)
	}
	for i, n := range notes {
		text = fmt.Appendf(text, "\n---- note %d of %d, %d bytes ----\n%s", i+1, len(notes), len(n), n)
	}
	dir := filepath.Join(m.dir, "evidence")
	digest := sha256.Sum256(text)
	file := filepath.Join(dir, fmt.Sprintf("fork-%x.txt", digest[:8]))
	err := os.MkdirAll(dir, 0o700)
	if files, readErr := os.ReadDir(dir); readErr == nil && len(files) >= maxEvidence {
		return &EvidenceError{Err: fault, File: dir}
	}
	if err == nil {
		err = atomicfile.Create(file, text, 0o644)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return errors.Join(fault, fmt.Errorf("saving the evidence: %w", err))
	}
	return &EvidenceError{Err: fault, File: file}
}
