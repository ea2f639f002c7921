package handshake

import (
	"errors"
	"fmt"

	"github.com/zkkex/zkkex"
)

// Reasons that only a handshake has, beside those in gate.go.
const (
	// EarlyRefused: the venue takes no early data. Open again without.
	EarlyRefused zkkex.Reason = "early_data"
	// Refused: the venue says no for a reason that has no code, or whose code is
	// newer than this version.
	Refused zkkex.Reason = "refused"
)

// reasons has the reason with code n at n-1. Codes are never reused; see the
// table in docs/spec/handshake.md.
var reasons = [...]zkkex.Reason{
	Refused,
	Unavailable,
	zkkex.Busy,
	NotAdmitted,
	OpensExceeded,
	ChannelsExceeded,
	WrongGeneration,
	EarlyRefused,
	zkkex.SlotUsed,
	zkkex.BadProof,
	zkkex.StaleRoot,
	zkkex.UnknownRoot,
	zkkex.WrongLimit,
	zkkex.WrongScope,
	zkkex.WrongEpoch,
	zkkex.WrongBinding,
	zkkex.WrongRegistry,
	zkkex.WrongCircuit,
	zkkex.WrongParams,
	zkkex.TooFewMembers,
	Banned,
}

// code returns the code of a reason, that of [Refused] if it has none.
func code(reason zkkex.Reason) uint16 {
	for i, r := range reasons {
		if r == reason {
			return uint16(i + 1)
		}
	}
	return code(Refused)
}

// reasonOf says what the peer is told about err: the reason of a rejection, and
// [Unavailable] for everything else.
func reasonOf(err error) zkkex.Reason {
	var reject *zkkex.RejectError
	switch {
	case errors.As(err, &reject):
		return reject.Reason
	case errors.Is(err, zkkex.ErrRejected):
		return Refused
	default:
		return Unavailable
	}
}

// refusal returns the error that a code means to the initiator: one that wraps
// [ErrUnavailable], or a rejection.
func refusal(code uint16) error {
	if code == 0 || int(code) > len(reasons) {
		return zkkex.Reject(Refused, "the venue gives reason %d, which this version does not know", code)
	}
	if reason := reasons[code-1]; reason != Unavailable {
		return zkkex.Reject(reason, "the venue refused the handshake")
	}
	return fmt.Errorf("handshake: %w", ErrUnavailable)
}
