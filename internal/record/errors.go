package record

import (
	"errors"
	"fmt"

	"github.com/zkkex/zkkex"
)

// Reasons for which a record is not sealed or not opened. Those of opening are
// for the local log, and final: on a stream nothing that follows can be right.
var (
	// ErrConfig reports a configuration that is incomplete, or that loosens a
	// limit.
	ErrConfig = errors.New("configuration is not acceptable")
	// ErrType reports sealing of a content type that is not the caller's.
	ErrType = errors.New("not a content type for callers")
	// ErrLength reports a plaintext, a record or an exported key of a length
	// that there is not. For records the error matches [zkkex.ErrMalformed] as
	// well.
	ErrLength = errors.New("wrong length")
	// ErrHeader reports a record type that there is not. The error matches
	// [zkkex.ErrMalformed] as well.
	ErrHeader = errors.New("not a record")
	// ErrPhase reports a key phase that is neither the present nor the next one.
	ErrPhase = errors.New("wrong key phase")
	// ErrAuthentication reports bytes that the peer did not seal for this place:
	// changed, repeated, reordered, reflected, or after one that was dropped.
	ErrAuthentication = errors.New("authentication failed")
	// ErrLimit reports a peer that sealed more under one key than it may.
	ErrLimit = errors.New("the peer exceeds the limit of a key phase")
	// ErrContent reports an authentic record whose inside is not canonical. The
	// error matches [zkkex.ErrMalformed] as well.
	ErrContent = errors.New("wrong content")
	// ErrUnexpected reports an authentic record that is not due: a ratchet's
	// message out of turn, or anything of the application's after the end.
	ErrUnexpected = errors.New("record is not due")
	// ErrKey reports a peer's ratchet key that is not one. The error matches
	// [zkkex.ErrMalformed] as well.
	ErrKey = errors.New("not an acceptable key")
	// ErrConfirmation reports a ratchet whose two sides did not get the same
	// secret.
	ErrConfirmation = errors.New("the peer has other keys")
	// ErrStale reports keys that are too old to seal anything of the
	// application's. A ratchet is now due: Prepare, Control, and the peer's
	// answer, then seal again.
	ErrStale = errors.New("keys are too old: ratchet first")
	// ErrExhausted reports a direction whose sequence numbers or phases are used
	// up.
	ErrExhausted = errors.New("numbers are used up: begin a new handshake")
	// ErrClosed reports sealing after Close or Alert, or opening after the
	// peer's alert.
	ErrClosed = errors.New("direction is closed")
	// ErrTruncated reports a stream that ended without the peer's close.
	ErrTruncated = errors.New("stream was cut off: the peer did not close it")
	// ErrWiped reports the use of a session after Wipe.
	ErrWiped = errors.New("session is wiped: begin a new handshake")
)

// malformed returns an error about bytes from outside that matches reason and
// [zkkex.ErrMalformed].
func malformed(format string, reason error, detail string, args ...any) error {
	return &zkkex.ParseError{Format: format, Err: fmt.Errorf("%w: "+detail, append([]any{reason}, args...)...)}
}

// What nearly every session ends with, made once.
var (
	errTruncated = fmt.Errorf("record: %w", ErrTruncated)
	errWiped     = fmt.Errorf("record: %w", ErrWiped)
)
