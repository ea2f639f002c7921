package params

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/regularfile"
)

// Accept says which parameter sets are opened.
type Accept struct {
	// Dev accepts development sets, which are refused otherwise.
	Dev bool
	// Digest, unless nil, is the only set that is accepted. A ceremony's set is
	// accepted by its digest alone: that there was a ceremony is what the set
	// says of itself, and whoever pins the digest has found out.
	Digest *zkkex.ParamsDigest
}

// MismatchError reports a parameter set that is not what it should be. It
// matches [zkkex.ErrParamsMismatch] and unwraps to the cause.
type MismatchError struct {
	// File is the file of the set in which it was found.
	File string
	// Check names the check that failed, such as "size" or "sha256".
	Check string
	// Err is what was expected and what was found.
	Err error
}

// Error names the file and the check.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("%v: %s: %s: %v", zkkex.ErrParamsMismatch, e.File, e.Check, e.Err)
}

// Is reports whether target is [zkkex.ErrParamsMismatch].
func (e *MismatchError) Is(target error) bool { return target == zkkex.ErrParamsMismatch }

// Unwrap returns the cause.
func (e *MismatchError) Unwrap() error { return e.Err }

func mismatch(file, check, msg string, args ...any) error {
	return &MismatchError{File: file, Check: check, Err: fmt.Errorf(msg, args...)}
}

// ReadManifest reads the manifest of a set, and decides nothing about it: the set
// may be one that nobody should use. It returns the error of [ParseManifest] or of
// fsys.
func ReadManifest(fsys fs.FS) (*Manifest, error) {
	b, err := readManifest(fsys)
	if err != nil {
		return nil, err
	}
	return ParseManifest(b)
}

// openManifest reads the manifest and decides whether the set is accepted.
func openManifest(fsys fs.FS, accept Accept) (*Manifest, zkkex.ParamsDigest, error) {
	var none zkkex.ParamsDigest
	m, err := ReadManifest(fsys)
	if err != nil {
		return nil, none, err
	}
	digest, err := m.Digest()
	if err != nil {
		return nil, none, err
	}
	if accept.Digest != nil && digest != *accept.Digest {
		return nil, none, mismatch(ManifestFile, "params digest", "expected %v, got %v", accept.Digest, digest)
	}
	if err := checkTrust(m, accept); err != nil {
		return nil, none, &MismatchError{File: ManifestFile, Check: "kind", Err: err}
	}
	return m, digest, nil
}

// checkTrust returns an error if the caller did not ask for a set of this kind.
// The digests that it looks at are compared with the files when those are read.
func checkTrust(m *Manifest, accept Accept) error {
	switch {
	case m.Kind == Dev && !accept.Dev:
		return ErrDev
	case m.Kind != Dev && m.hasShippedKey():
		return ErrRelabelled
	case m.Kind != Dev && accept.Digest == nil:
		return ErrUnpinned
	}
	return nil
}

// hasShippedKey reports whether one of the keys is of a development set that
// comes with this version.
func (m *Manifest) hasShippedKey() bool {
	return slices.Contains(shippedProvingKeys(), m.ProvingKey.SHA256.String()) ||
		slices.Contains(shippedVerifyingKeys(), m.VerifyingKey.SHA256.String())
}

func readManifest(fsys fs.FS) ([]byte, error) {
	f, _, err := regularfile.Open(fsys, ManifestFile)
	if err != nil {
		return nil, fmt.Errorf("opening parameters: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxManifestSize+1))
	if err != nil {
		return nil, fmt.Errorf("reading parameters: %w", err)
	}
	return b, nil
}

// readFile reads a file of the set whose size and digest the manifest states.
// Nothing is allocated for a file of another size.
func readFile(fsys fs.FS, name string, want File) ([]byte, error) {
	f, info, err := regularfile.Open(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("opening parameters: %w", err)
	}
	defer f.Close()
	if info.Size() != want.Size {
		return nil, mismatch(name, "size", "expected %d bytes, got %d", want.Size, info.Size())
	}
	b := make([]byte, want.Size)
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, readError(name, want.Size, err)
	}
	if got := Digest(sha256.Sum256(b)); got != want.SHA256 {
		return nil, mismatch(name, "sha256", "expected %v, got %v", want.SHA256, got)
	}
	return b, nil
}

// readError tells a file that ended early from one that could not be read.
func readError(name string, size int64, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return mismatch(name, "size", "expected %d bytes, the file ended early", size)
	}
	return fmt.Errorf("reading parameters: %s: %w", name, err)
}
