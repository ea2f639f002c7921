package noise

import (
	"errors"
	"fmt"

	"github.com/zkkex/zkkex"
)

// Reasons for which a handshake or a transport goes no further. They are for
// the local log: a stranger who sent the bytes learns nothing of them.
var (
	// ErrConfig reports keys that the protocol needs and does not get, or gets
	// and does not need.
	ErrConfig = errors.New("configuration does not fit the protocol")
	// ErrOrder reports a call that is not due: writing when it is the peer's
	// turn, reading when it is ours, or anything once the handshake is over.
	// Nothing has changed; the call that is due still works.
	ErrOrder = errors.New("out of order")
	// ErrFailed reports the use of a state that failed before, was split or was
	// wiped. Start a new handshake.
	ErrFailed = errors.New("state is no longer usable: begin a new handshake")
	// ErrLength reports a message that is too short for its keys and tags, or
	// longer than [MaxMessage]. Where bytes came from outside, the error
	// matches [zkkex.ErrMalformed] as well.
	ErrLength = errors.New("wrong length")
	// ErrPublicKey reports an X25519 public key that is not canonical, or of
	// small order. The error matches [zkkex.ErrMalformed] as well.
	ErrPublicKey = errors.New("not an acceptable X25519 public key")
	// ErrEncapsulationKey reports an ML-KEM-768 encapsulation key with a
	// coefficient that is not reduced (FIPS 203, section 7.2). The error
	// matches [zkkex.ErrMalformed] as well.
	ErrEncapsulationKey = errors.New("not an ML-KEM-768 encapsulation key")
	// ErrOwnKey reports a peer that shows our own key: our own message came
	// back, or the peer is ourselves.
	ErrOwnKey = errors.New("the peer's key is our own")
	// ErrAuthentication reports bytes that were not sealed for this place: they
	// were changed, or the peers differ in a key, the prologue, the protocol
	// or a message before.
	ErrAuthentication = errors.New("authentication failed")
	// ErrExhausted reports a key whose 2^64-1 nonces are used up.
	ErrExhausted = errors.New("nonces are used up: begin a new handshake")
	// ErrOneWay reports the direction that a one-way pattern does not have.
	ErrOneWay = errors.New("the pattern is one-way: only the initiator sends")
)

// malformed returns an error about bytes from outside that matches reason and
// [zkkex.ErrMalformed].
func malformed(format string, reason error, detail string, args ...any) error {
	return &zkkex.ParseError{Format: format, Err: fmt.Errorf("%w: "+detail, append([]any{reason}, args...)...)}
}
