package enrolment

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/zkkex/zkkex"
)

// Challenge is what a registrar wants signed. It is public.
type Challenge struct {
	// Registry is the registry that the member wants to enter.
	Registry zkkex.RegistryID
	// Nonce makes the challenge the registrar's own; see [Challenger].
	Nonce [32]byte
	// Expiry is when the challenge ends, in Unix seconds, 0 or later.
	Expiry int64
}

// ChallengeMagic is what a challenge's text form begins with.
const ChallengeMagic = "zkkex/v1 challenge"

// MaxChallengeText bounds the text form of a challenge, in bytes.
const MaxChallengeText = len(ChallengeMagic) + 1 + 64 + 1 + 64 + 1 + maxExpiryDigits

const (
	maxExpiryDigits = 19 // of the largest int64
	challengeFormat = "enrolment challenge"
)

// String returns the text form, one line without a newline: [ChallengeMagic],
// registry and nonce in hexadecimal, and expiry in decimal, a space between.
func (c Challenge) String() string {
	return fmt.Sprintf("%s %v %x %d", ChallengeMagic, c.Registry, c.Nonce, c.Expiry)
}

// ParseChallenge decodes the text form, strictly: it accepts exactly what
// [Challenge.String] writes for an expiry of 0 or later. It returns an error
// wrapping [zkkex.ErrMalformed].
func ParseChallenge(text string) (Challenge, error) {
	var none Challenge
	if len(text) > MaxChallengeText {
		return none, malformed(challengeFormat, "expected at most %d bytes, got %d", MaxChallengeText, len(text))
	}
	rest, found := strings.CutPrefix(text, ChallengeMagic+" ")
	if !found {
		return none, malformed(challengeFormat, "expected it to begin with %q", ChallengeMagic)
	}
	parts := strings.Split(rest, " ")
	if len(parts) != 3 {
		return none, malformed(challengeFormat, "expected registry, nonce and expiry, got %d parts", len(parts))
	}
	return parseChallenge(challengeFormat, parts[0], parts[1], parts[2])
}

func parseChallenge(format, registry, nonce, expiry string) (Challenge, error) {
	var none Challenge
	id, err := zkkex.ParseHex(registry)
	if err != nil {
		return none, malformed(format, "registry: %w", err)
	}
	n, err := zkkex.ParseHex(nonce)
	if err != nil {
		return none, malformed(format, "nonce: %w", err)
	}
	e, err := strconv.ParseInt(expiry, 10, 64)
	if err != nil || e < 0 || strconv.FormatInt(e, 10) != expiry {
		return none, malformed(format, "expiry: expected Unix seconds in decimal, 0 or later, without leading zeros")
	}
	return Challenge{Registry: id, Nonce: n, Expiry: e}, nil
}

func parseSignature(format, digits string) (sig [64]byte, err error) {
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != len(sig) || hex.EncodeToString(b) != digits {
		return sig, malformed(format, "signature: expected %d lower-case hexadecimal digits", 2*len(sig))
	}
	return [64]byte(b), nil
}

func malformed(format, msg string, args ...any) error {
	return &zkkex.ParseError{Format: format, Err: fmt.Errorf(msg, args...)}
}
