package enrolment

import (
	"bytes"
	"crypto/sha256"
	"encoding"
	"fmt"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys"
)

// Application is a request of either kind: a [*Request] of a key that its owner
// holds, or a [*DeviceRequest] of one that only signs. It is public.
type Application interface {
	// MarshalText returns the text form; the error is always nil.
	encoding.TextMarshaler
	// Digest returns the identifier.
	Digest() [sha256.Size]byte
	// Answers returns the challenge that is answered.
	Answers() Challenge
	// Key returns the type and the encoding of the key that asks, unchecked.
	Key() (zkkex.KeyType, []byte)
	// Public checks the key and the hash of the nullifier key, and returns them. It
	// returns an error as [keys.ParsePublic] does.
	Public() (*keys.Public, error)
	// Verify decides about the request, and returns the leaf to admit.
	Verify(registry zkkex.RegistryID, now time.Time) (zkkex.Commitment, error)
}

// Parse decodes the text form of either kind, which the first line tells, as
// [ParseRequest] and [ParseDeviceRequest] do.
func Parse(text []byte) (Application, error) {
	first, _, _ := bytes.Cut(text, []byte("\n"))
	switch string(first) {
	case RequestMagic:
		return application(ParseRequest(text))
	case DeviceRequestMagic:
		return application(ParseDeviceRequest(text))
	default:
		return nil, malformed(requestFormat, "expected the first line %q or %q", RequestMagic, DeviceRequestMagic)
	}
}

// application keeps a nil pointer from becoming an interface that is not nil.
func application[T Application](a T, err error) (Application, error) {
	if err != nil {
		return nil, err
	}
	return a, nil
}

// Answers returns the challenge that is answered.
func (r *Request) Answers() Challenge { return r.Challenge }

// Key returns the type and the encoding of the key that asks, unchecked.
func (r *Request) Key() (zkkex.KeyType, []byte) { return r.KeyType, bytes.Clone(r.PublicKey[:]) }

// Answers returns the challenge that is answered.
func (r *DeviceRequest) Answers() Challenge { return r.Challenge }

// Key returns the type and the encoding of the device's key, unchecked.
func (r *DeviceRequest) Key() (zkkex.KeyType, []byte) { return r.KeyType, bytes.Clone(r.PublicKey) }

// checkOwnType refuses key types that a [Request] is not for.
func checkOwnType(t zkkex.KeyType) error {
	if t == zkkex.KeyBabyJubjub {
		return nil
	}
	return fmt.Errorf("%w: key type %v in an enrolment request, expected %v; other keys enrol with a device request", zkkex.ErrUnsupported, t, zkkex.KeyBabyJubjub)
}
