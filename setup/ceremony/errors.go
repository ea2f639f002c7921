package ceremony

import (
	"errors"
	"fmt"

	"github.com/zkkex/zkkex"
)

// ErrRejected is [zkkex.ErrRejected]: the files were understood, and the answer
// is no.
var ErrRejected = zkkex.ErrRejected

// ErrNotNow reports something that the ceremony cannot take in its present
// state, such as a beacon before any contribution. Nothing was written.
var ErrNotNow = errors.New("not possible in the ceremony's present state")

// Checks that are not mathematics. A [FileError] has one of them, or the name of
// one of the checks of package internal/mpc, such as "proof of delta", or of package
// internal/ptau, such as "proof of knowledge".
const (
	// CheckName: the name of a file is not one of a ceremony's.
	CheckName = "name"
	// CheckType: something else than a regular file.
	CheckType = "type"
	// CheckSize: the size of a file or of a part of it.
	CheckSize = "size"
	// CheckForm: the bytes are not in the format, or not in its one accepted form.
	CheckForm = "form"
	// CheckCircuit: the circuit is another one than the program compiles, or than
	// the ceremony's.
	CheckCircuit = "circuit"
	// CheckCeremony: the contribution was made for another ceremony.
	CheckCeremony = "ceremony"
	// CheckPhase: the contribution is of the phase that is not under way.
	CheckPhase = "phase"
	// CheckNumber: a number is missing, twice there, or not the file's.
	CheckNumber = "number"
	// CheckPrevious: the contribution does not follow the file before it.
	CheckPrevious = "previous"
	// CheckSignature: the signature is missing, or is not by the header's key.
	CheckSignature = "signature"
	// CheckDigest: the digest of a file or of a payload.
	CheckDigest = "sha256"
	// CheckNames: the definition names the contributors to an imported phase 1 that
	// are in its chain.
	CheckNames = "names in the chain"
	// CheckBeacon: a beacon is missing, or is not the announced one.
	CheckBeacon = "beacon"
	// CheckContributions: a phase without a contribution besides the beacon.
	CheckContributions = "contributions"
)

// FileError reports a file of a ceremony that is not what it should be. It
// unwraps to the cause. It matches [zkkex.ErrRejected], or the class of the cause
// if that has one: [zkkex.ErrMalformed] or [zkkex.ErrUnsupported].
type FileError struct {
	// File is the name of the file.
	File string
	// Number is the number of the contribution, or 0.
	Number int
	// Contributor is who made it, as the header says, or "".
	Contributor string
	// Check names the check that failed.
	Check string
	// Err is what was expected, what was found, and what to do.
	Err error
}

// Error names the file, the contributor and the check.
func (e *FileError) Error() string {
	who := ""
	if e.Contributor != "" {
		who = fmt.Sprintf(" by %q", e.Contributor)
	}
	return fmt.Sprintf("%s%s: %s: %v", e.File, who, e.Check, e.Err)
}

// Is reports whether target is [zkkex.ErrRejected] and the cause has no class of
// its own.
func (e *FileError) Is(target error) bool {
	return target == zkkex.ErrRejected && !errors.Is(e.Err, zkkex.ErrMalformed) && !errors.Is(e.Err, zkkex.ErrUnsupported)
}

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

func malformed(format, msg string, args ...any) error {
	return &zkkex.ParseError{Format: format, Err: fmt.Errorf(msg, args...)}
}
