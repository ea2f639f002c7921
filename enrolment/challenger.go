package enrolment

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
)

// Limits on time.
const (
	// MaxValidity is the longest that a challenge can be valid: requests may
	// travel by hand.
	MaxValidity = 30 * 24 * time.Hour
	// ClockSkew is how long after its expiry a challenge still passes, for
	// clocks that disagree.
	ClockSkew = 2 * time.Minute
)

// Reasons for refusing a request, beside [zkkex.WrongRegistry]. They come in a
// [zkkex.RejectError].
const (
	// Expired: the challenge ended before now, or ends later than any that a
	// registrar issues.
	Expired zkkex.Reason = "challenge_expired"
	// WrongChallenge: the registrar did not issue the challenge.
	WrongChallenge zkkex.Reason = "wrong_challenge"
	// BadKey: the public key is not the canonical encoding of a point of the
	// prime-order subgroup. The error also wraps one of package keys.
	BadKey zkkex.Reason = "bad_key"
	// BadSignature: the signature does not verify for the recomputed leaf and
	// the challenge.
	BadSignature zkkex.Reason = "bad_signature"
)

// Challenger issues challenges and recognises its own, and stores none: half of
// a nonce is random, the other half authenticates the challenge under the
// registrar's key. It is safe for concurrent use.
//
// A challenge can be answered more than once before it expires. The answer is
// bound to one leaf, and a registry admits a live key once; but the same answer
// can be shown again after the key was revoked. Whoever admits requests remembers
// those that were decided until their challenge has ended; the registrar's queue
// does.
type Challenger struct {
	registry zkkex.RegistryID
	// key is the registrar's secret, in a function, which no formatter calls.
	key func() []byte
}

const nonceRandom = 16 // bytes of a nonce that are random, and that are MAC

// NewChallenger returns the challenger of a registry. key is a secret of the
// registrar, 32 uniform bytes, used for nothing else.
func NewChallenger(registry zkkex.RegistryID, key [32]byte) *Challenger {
	return &Challenger{registry: registry, key: func() []byte { return key[:] }}
}

// Issue returns a fresh challenge, valid from now for the given time, in whole
// seconds. It returns an error if validity is below a second or above
// [MaxValidity], or if the system has no randomness to give.
func (c *Challenger) Issue(now time.Time, validity time.Duration) (Challenge, error) {
	return c.issue(rand.Reader, now, validity)
}

func (c *Challenger) issue(random io.Reader, now time.Time, validity time.Duration) (Challenge, error) {
	if validity < time.Second || validity > MaxValidity {
		return Challenge{}, fmt.Errorf("a challenge valid for %v: expected between %v and %v", validity, time.Second, MaxValidity)
	}
	issued := Challenge{Registry: c.registry, Expiry: now.Add(validity).Unix()}
	if issued.Expiry < 0 {
		return Challenge{}, fmt.Errorf("it is %s: check the clock", now.UTC().Format(time.RFC3339))
	}
	if _, err := io.ReadFull(random, issued.Nonce[:nonceRandom]); err != nil {
		return Challenge{}, fmt.Errorf("reading randomness: %w", err)
	}
	copy(issued.Nonce[nonceRandom:], c.mac(issued))
	return issued, nil
}

// Check returns nil if the challenge is this challenger's and has not expired.
// It returns an error wrapping [zkkex.ErrRejected], with reason
// [zkkex.WrongRegistry], [WrongChallenge] or [Expired].
func (c *Challenger) Check(challenge Challenge, now time.Time) error {
	if err := checkRegistry(challenge, c.registry); err != nil {
		return err
	}
	if !hmac.Equal(challenge.Nonce[nonceRandom:], c.mac(challenge)) {
		return zkkex.Reject(WrongChallenge, "this registrar did not issue it: ask for a new challenge")
	}
	return checkExpiry(challenge, now)
}

// mac authenticates registry, expiry and the random half of the nonce.
func (c *Challenger) mac(challenge Challenge) []byte {
	h := hmac.New(sha256.New, c.key())
	h.Write(domain.Frame(domain.Challenge, challenge.Registry[:],
		domain.Uint64(uint64(challenge.Expiry)), challenge.Nonce[:nonceRandom]))
	return h.Sum(nil)[:len(challenge.Nonce)-nonceRandom]
}

// String names the registry, not the key.
func (c *Challenger) String() string { return "enrolment.Challenger(" + c.registry.String() + ")" }

// GoString names the registry, not the key.
func (c *Challenger) GoString() string { return c.String() }

// LogValue names the registry, not the key.
func (c *Challenger) LogValue() slog.Value { return slog.StringValue(c.String()) }

func checkRegistry(c Challenge, want zkkex.RegistryID) error {
	if c.Registry != want {
		return zkkex.Reject(zkkex.WrongRegistry, "the challenge is of registry %v, expected %v", c.Registry, want)
	}
	return nil
}

func checkExpiry(c Challenge, now time.Time) error {
	end := time.Unix(c.Expiry, 0).UTC()
	if now.After(end.Add(ClockSkew)) {
		return zkkex.Reject(Expired, "the challenge ended at %s, and it is %s: ask for a new one",
			end.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	if end.After(now.Add(MaxValidity + ClockSkew)) {
		return zkkex.Reject(Expired, "the challenge ends at %s, later than any issued up to now, %s: check the clock",
			end.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return nil
}
