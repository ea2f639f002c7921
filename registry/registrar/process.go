package registrar

import (
	"errors"
	"time"

	"github.com/zkkex/zkkex/enrolment"
	"github.com/zkkex/zkkex/keys"
)

// Processed says what [Registrar.Process] did.
type Processed struct {
	// Admitted is the number of requests that were admitted.
	Admitted int
	// Ended is the number of delegates that were revoked as their delegation ended.
	Ended int
}

// Process does what is due: it revokes the delegates whose delegation has ended, and
// admits the queue's approved requests, and what devices delegated that are members.
// What failed is in the error, and tried again by the next call.
//
// Whoever revokes a member calls it before, so that a request of the member's that
// was approved does not bring it back.
func (r *Registrar) Process(q *Queue, now time.Time) (Processed, error) {
	var p Processed
	var endErr, replaceErr, admitErr, delegateErr error
	p.Ended, endErr = r.RevokeEnded(now)
	replaceErr = q.denyReplaced(now)
	p.Admitted, admitErr = q.Admit(func(e Entry) error { return r.admitEntry(e, now) }, now)
	delegated, delegateErr := q.admitDelegations(r.isMember, func(e Entry) error { return r.delegateEntry(e, now) }, now)
	p.Admitted += delegated
	return p, errors.Join(endErr, replaceErr, admitErr, delegateErr)
}

// admitEntry admits what an approved request asked for.
func (r *Registrar) admitEntry(e Entry, now time.Time) error {
	public, d, err := delegationOf(e.Request)
	if err != nil {
		return err
	}
	if _, ok := e.Request.(*enrolment.DeviceRequest); ok {
		_, err = r.AdmitDevice(public, d, now)
		return err
	}
	_, err = r.Admit(public, now)
	return err
}

// delegateEntry admits the delegate of a request whose device is a member.
func (r *Registrar) delegateEntry(e Entry, now time.Time) error {
	public, d, err := delegationOf(e.Request)
	if err != nil {
		return err
	}
	_, err = r.Delegate(public, *d, now)
	return err
}

// delegationOf returns the key that asks, and what it delegates, or nil.
func delegationOf(r enrolment.Application) (*keys.Public, *Delegation, error) {
	public, err := r.Public()
	if err != nil {
		return nil, nil, err
	}
	device, ok := r.(*enrolment.DeviceRequest)
	if !ok || device.Delegation == nil {
		return public, nil, nil
	}
	delegate, err := device.Delegate()
	if err != nil {
		return nil, nil, err
	}
	return public, &Delegation{Delegate: delegate, Until: time.Unix(device.Delegation.Until, 0)}, nil
}

// isMember reports whether a request delegates, and is of a device that is a member
// with this nullifier key.
func (r *Registrar) isMember(request enrolment.Application) (bool, error) {
	device, ok := request.(*enrolment.DeviceRequest)
	if !ok || device.Delegation == nil {
		return false, nil
	}
	public, err := device.Public()
	if err != nil {
		return false, err
	}
	m, err := r.Lookup(public)
	if errors.Is(err, ErrNoMember) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return m.KeyType == device.KeyType && m.NullifierKeyHash == device.NullifierKeyHash, nil
}
