package enrolment

import (
	"fmt"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys"
)

// MaxDelegation is the longest that any registrar lets a delegation last. Most
// allow less.
const MaxDelegation = 31 * 24 * time.Hour

// Reasons for refusing a device request, beside those of a [Request].
const (
	// BadEnvelope: keys of this type do not sign in this envelope.
	BadEnvelope zkkex.Reason = "bad_envelope"
	// BadDelegate: the delegate's key is not the canonical encoding of a point of
	// the prime-order subgroup, in which case the error also wraps one of package
	// keys; or it is the device's own.
	BadDelegate zkkex.Reason = "bad_delegate"
	// BadDelegateSignature: the delegate's signature does not verify for the device,
	// the recomputed leaf and the challenge.
	BadDelegateSignature zkkex.Reason = "bad_delegate_signature"
	// DelegationEnded: the delegation ends now or ended before.
	DelegationEnded zkkex.Reason = "delegation_ended"
	// DelegationTooLong: the delegation ends later than the registrar allows.
	DelegationTooLong zkkex.Reason = "delegation_too_long"
)

// Verify decides about a request to a registry, and returns the recomputed leaf of
// the device's key. It checks, in this order: that the challenge is of this
// registry; that it has not expired, with [ClockSkew] allowed; that the key type is
// a device's, and the envelope one that such keys sign in; key and H(nk); the
// delegate's key; the device's signature, for a delegation or for possession alone;
// and the delegate's. It returns an error wrapping [zkkex.ErrRejected], with reason
// [zkkex.WrongRegistry], [Expired], [BadEnvelope], [BadKey], [BadDelegate],
// [BadSignature] or [BadDelegateSignature], or one wrapping [zkkex.ErrUnsupported]
// for a key type that is not a device's.
//
// Whether the delegation lasts too long is for [DeviceRequest.CheckDelegation], and
// for the rest see [Request.Verify]: the registry also sees to it that the
// delegate's key is nobody else's.
func (r *DeviceRequest) Verify(registry zkkex.RegistryID, now time.Time) (zkkex.Commitment, error) {
	var none zkkex.Commitment
	if err := checkRegistry(r.Challenge, registry); err != nil {
		return none, err
	}
	if err := checkExpiry(r.Challenge, now); err != nil {
		return none, err
	}
	if err := checkDeviceType(r.KeyType); err != nil {
		return none, err
	}
	if !r.Envelope.Fits(r.KeyType) {
		return none, zkkex.Reject(BadEnvelope, "keys of type %v do not sign in the envelope %v", r.KeyType, r.Envelope)
	}
	public, err := r.Public()
	if err != nil {
		return none, rejectBecause(BadKey, err)
	}
	delegate, err := r.checkedDelegate(public)
	if err != nil {
		return none, err
	}
	if err := r.verifySignatures(delegate); err != nil {
		return none, err
	}
	return public.Commitment(), nil
}

// checkedDelegate returns the delegate's key, or nil.
func (r *DeviceRequest) checkedDelegate(device *keys.Public) (*keys.Public, error) {
	delegate, err := r.Delegate()
	if err != nil {
		return nil, rejectBecause(BadDelegate, err)
	}
	// The key of a group is on the same curve.
	if delegate != nil && r.KeyType == zkkex.KeyEdDSA && delegate.Coordinate() == device.Coordinate() {
		return nil, zkkex.Reject(BadDelegate, "the delegate's key is the device's own: make another one")
	}
	return delegate, nil
}

func (r *DeviceRequest) verifySignatures(delegate *keys.Public) error {
	message, err := r.Message()
	if err != nil {
		return rejectBecause(BadDelegate, err)
	}
	if err := r.Envelope.Verify(r.KeyType, r.PublicKey, message, r.Signature); err != nil {
		return rejectBecause(BadSignature, err)
	}
	if delegate == nil {
		return nil
	}
	if err := delegate.Verify(r.delegatePossession(message.Delegate), r.Delegation.Signature); err != nil {
		return rejectBecause(BadDelegateSignature, err)
	}
	return nil
}

// checkDeviceType returns an error wrapping [zkkex.ErrUnsupported] for a key type
// that no device has.
func checkDeviceType(t zkkex.KeyType) error {
	if t.Known() && t != zkkex.KeyBabyJubjub {
		return nil
	}
	return fmt.Errorf("%w: key type %v in a device request, expected one of %v; keys of type %v enrol with an enrolment request, and delegate nothing",
		zkkex.ErrUnsupported, t, zkkex.KeyTypes()[1:], zkkex.KeyBabyJubjub)
}

// CheckDelegation says whether what the request delegates, if anything, ends after
// now and within a time, which is at most [MaxDelegation]; [ClockSkew] longer passes.
// It returns an error wrapping [zkkex.ErrRejected], with reason [DelegationEnded] or
// [DelegationTooLong].
func (r *DeviceRequest) CheckDelegation(now time.Time, limit time.Duration) error {
	if r.Delegation == nil {
		return nil
	}
	return CheckUntil(r.Delegation.Until, now, limit)
}

// CheckUntil is [DeviceRequest.CheckDelegation] for the end of a delegation, in Unix
// seconds.
func CheckUntil(until int64, now time.Time, limit time.Duration) error {
	end := time.Unix(min(until, latestUntil), 0).UTC() // beyond, package time wraps around
	if !end.After(now) {
		return zkkex.Reject(DelegationEnded, "the delegation ended at %s, and it is %s: delegate anew",
			end.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	limit = min(limit, MaxDelegation)
	if end.After(now.Add(limit + ClockSkew)) {
		return zkkex.Reject(DelegationTooLong, "the delegation ends at %s, expected at most %v from now, %s",
			end.Format(time.RFC3339), limit, now.UTC().Format(time.RFC3339))
	}
	return nil
}
