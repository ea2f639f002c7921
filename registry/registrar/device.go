package registrar

import (
	"errors"
	"fmt"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment"
	"github.com/zkkex/zkkex/keys"
)

// delegateType is the type of a delegate's key: what is cheap to prove.
const delegateType = zkkex.KeyBabyJubjub

// canDelegate reports whether keys of a type can delegate: those of devices and
// groups. A delegate's cannot.
func canDelegate(t zkkex.KeyType) bool { return t.Known() && t != delegateType }

// Delegation is what a device delegates.
type Delegation struct {
	// Delegate is the delegate's key, of type [zkkex.KeyBabyJubjub], with the
	// device's H(nk): a delegation gives no slots.
	Delegate *keys.Public
	// Until is when the delegation ends, in whole seconds, after now and by at
	// most [enrolment.MaxDelegation].
	Until time.Time
}

// DeviceReceipt acknowledges a device and what it delegated.
type DeviceReceipt struct {
	// Device is the device's admission, which may be an old one.
	Device Receipt
	// Delegate is the delegate's, and zero if there is none.
	Delegate Receipt
}

// AdmitDevice is [Registrar.Admit] for a device, and with a delegation it admits
// the delegate beside it. The caller has verified the device's signature, and the
// delegate's proof of possession.
//
// A device has one live delegate. Another one takes its place, in the same write
// and at the same index; so does the same key with another end. The delegate's key
// must be nobody else's. Once the delegation ended, see [Registrar.RevokeEnded].
//
// The errors are those of Admit, for the device, and [ErrDelegateKey] for the
// delegate, and then neither is admitted; [zkkex.ErrRejected] for a delegation that is too long; and
// [ErrDelegationEnded], and then the device is a member without this delegate.
func (r *Registrar) AdmitDevice(device *keys.Public, d *Delegation, now time.Time) (DeviceReceipt, error) {
	plan, err := newDevicePlan(device, d)
	if err != nil {
		return DeviceReceipt{}, err
	}
	return r.admitDevice(plan, now)
}

// Delegate is [Registrar.AdmitDevice] for a device that is a member with this
// nullifier key already: it needs no further approval. If the device is none, or not
// any more, the error wraps [ErrNoMember].
func (r *Registrar) Delegate(device *keys.Public, d Delegation, now time.Time) (DeviceReceipt, error) {
	plan, err := newDevicePlan(device, &d)
	if err != nil {
		return DeviceReceipt{}, err
	}
	plan.ofMember = true
	return r.admitDevice(plan, now)
}

func (r *Registrar) admitDevice(p *devicePlan, now time.Time) (DeviceReceipt, error) {
	req := &request{plan: p.plan}
	r.submit(now, req)
	return DeviceReceipt{Device: req.result, Delegate: req.delegate}, req.err
}

// devicePlan is the admission of a device and its delegate.
type devicePlan struct {
	device   *candidate
	delegate *candidate // or nil
	until    int64
	ofMember bool // the device has to be live
}

func newDevicePlan(device *keys.Public, d *Delegation) (*devicePlan, error) {
	p := &devicePlan{device: newCandidate(device)}
	if d == nil {
		return p, nil
	}
	if !canDelegate(device.KeyType()) || d.Delegate.KeyType() != delegateType {
		return nil, fmt.Errorf("%w: a delegation of a key of type %v to one of type %v, expected it to one of type %v",
			zkkex.ErrUnsupported, device.KeyType(), d.Delegate.KeyType(), delegateType)
	}
	p.delegate, p.until = newCandidate(d.Delegate), d.Until.Unix()
	if p.delegate.nullifierHash != p.device.nullifierHash {
		return nil, errors.New("the delegate's leaf is of another nullifier key than the device's, expected the same")
	}
	if p.delegate.identity() == p.device.identity() {
		return nil, fmt.Errorf("%w: this one is the device's; take another key", ErrDelegateKey)
	}
	return p, nil
}

func (p *devicePlan) plan(r *Registrar, b *batch, req *request) error {
	live, err := r.liveAs(b, req, p.device)
	if err != nil {
		return err
	}
	if live == nil && p.ofMember {
		return fmt.Errorf("%w: the device that delegates is none", ErrNoMember)
	}
	if p.delegate == nil {
		return r.planAdmission(b, req, p.device)
	}
	if p.until <= r.timeOf(req) {
		return p.planWithout(r, b, req, live)
	}
	if err := p.checkUntil(r.timeOf(req)); err != nil {
		return err
	}
	if live == nil {
		return p.planBoth(r, b, req)
	}
	return p.planDelegate(r, b, req, live)
}

// checkUntil bounds a delegation, whatever the caller checked.
func (p *devicePlan) checkUntil(now int64) error {
	return enrolment.CheckUntil(p.until, time.Unix(now, 0), enrolment.MaxDelegation)
}

// planWithout admits the device alone, if it is not live: the delegation ended
// while the request waited, which the caller is told.
func (p *devicePlan) planWithout(r *Registrar, b *batch, req *request, live *record) error {
	ended := fmt.Errorf("%w: it ended at %s, delegate again", ErrDelegationEnded, time.Unix(p.until, 0).UTC().Format(time.RFC3339))
	if live != nil {
		req.result = receiptOf(live)
		return ended
	}
	req.remark = ended
	return r.planAdmission(b, req, p.device)
}

// planBoth admits a device and its first delegate, in this order: an interrupted
// write leaves the device without it.
func (p *devicePlan) planBoth(r *Registrar, b *batch, req *request) error {
	if err := p.checkDelegate(r, b, req); err != nil {
		return err
	}
	if err := r.checkRoom(2); err != nil {
		return err
	}
	if !b.hasRoom(2) {
		return errNextBatch
	}
	device := r.newRecord(b, req, p.device)
	b.add(req, &req.result, device, p.device.identity())
	delegate := r.newRecord(b, req, p.delegate)
	b.add(req, &req.delegate, p.delegated(delegate, r.journal.n+uint64(len(b.records))-1, device.op.Index), p.delegate.identity())
	return nil
}

// delegated makes an admission that of a delegate.
func (p *devicePlan) delegated(rec *record, device, deviceIndex uint64) *record {
	rec.delegation = delegation{until: p.until, device: device}
	rec.deviceIndex = deviceIndex
	return rec
}

// planDelegate admits a delegate of a live device, in the place of the one before,
// if there is one.
func (p *devicePlan) planDelegate(r *Registrar, b *batch, req *request, device *record) error {
	before, err := r.delegateOf(device.op.Index)
	if err != nil {
		return err
	}
	if before != nil && b.touches(before.identity()) {
		return errNextBatch
	}
	req.result = receiptOf(device)
	same := before != nil && before.identity() == p.delegate.identity()
	if same && before.delegation.until == p.until {
		req.delegate, req.done = receiptOf(before), true
		return nil
	}
	if !same {
		if err := p.checkDelegate(r, b, req); err != nil {
			return err
		}
	}
	return p.planReplacement(r, b, req, device, before)
}

func (p *devicePlan) planReplacement(r *Registrar, b *batch, req *request, device, before *record) error {
	if !b.hasRoom(2) {
		return errNextBatch
	}
	var rec *record
	if before != nil {
		gone := before.revocation(req.now)
		gone.keepsIndex = true
		b.add(req, nil, gone, before.identity())
		rec = p.delegate.record(before.op.Index, req.now)
	} else {
		if err := r.checkRoom(1); err != nil {
			return err
		}
		rec = r.newRecord(b, req, p.delegate)
	}
	b.touched[p.device.identity()] = struct{}{}
	b.add(req, &req.delegate, p.delegated(rec, device.sequence, device.op.Index), p.delegate.identity())
	return nil
}

// checkDelegate returns nil if the delegate's key is nobody's, and was nobody else's
// not long ago.
func (p *devicePlan) checkDelegate(r *Registrar, b *batch, req *request) error {
	id := p.delegate.identity()
	if b.touches(id) {
		return errNextBatch
	}
	live, err := r.findLive(id)
	if err != nil {
		return err
	}
	if live != nil {
		return fmt.Errorf("%w: this one is the member's at index %d; take another key", ErrDelegateKey, live.op.Index)
	}
	// A device can wait to come back. A delegate's key need not: another one is as good.
	if err := r.checkReadmission(req, p.delegate); err != nil {
		return fmt.Errorf("%w: this one is not; take another key: %w", ErrDelegateKey, err)
	}
	return nil
}
