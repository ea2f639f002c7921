package record

import (
	"bytes"
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/subtle"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// stage is where a ratchet stands. One is in flight at a time:
//
//	initiator                          responder
//	idle                               idle
//	  Prepare: keys
//	offerReady  -- offer ---------->   offerReceived
//	offerSent                            Prepare: keys, new generation
//	replyReceived <-------- reply --   replyReady
//	  Prepare: new generation          replySent
//	switchReady -- switch --------->   switchReady
//	switchSent
//	idle  <--------------- switch --   idle
//
// A direction moves to the new generation behind its switch, so that nobody
// waits: what opens has the new keys before what seals uses them.
type stage uint8

const (
	idle stage = iota
	offerReady
	offerSent
	replyReceived
	offerReceived
	replyReady
	replySent
	switchReady
	switchSent
)

// ratchet is the state of generations, shared by both directions.
type ratchet struct {
	mu         sync.Mutex
	role       Role
	limits     *Limits
	primitives primitives

	current, next *generation
	stage         stage
	computing     bool
	began         time.Time // the latest ratchet
	requested     bool      // we, the responder, have asked
	wanted        bool      // on demand, or because keys are stale
	used          atomic.Bool
	err           error // final

	// Of the ratchet in flight:
	born         time.Time
	dh           *ecdh.PrivateKey
	kem          *mlkem.DecapsulationKey768
	offer, reply []byte
}

// due reports whether a ratchet is to begin: on demand, or by age if anything
// was sealed or opened since the last one.
func (r *ratchet) due(now time.Time, limit time.Duration) bool {
	return r.wanted || r.used.Load() && age(now, r.current.born) >= limit
}

// needsPrepare reports whether prepare has something to compute.
func (r *ratchet) needsPrepare(now time.Time) bool {
	if r.err != nil || r.computing {
		return false
	}
	switch r.stage {
	case idle:
		return r.role == Initiator && r.due(now, r.limits.RatchetAge) && age(now, r.began) >= minRatchetGap
	case offerReceived:
		return age(now, r.began) >= minRatchetGap
	case replyReceived:
		return true
	}
	return false
}

// pending returns the type of the control record to be sealed next.
func (r *ratchet) pending(now time.Time) (Type, bool) {
	if r.err != nil {
		return 0, false
	}
	switch r.stage {
	case idle:
		ask := r.role == Responder && !r.requested && r.due(now, r.limits.requestAge())
		return RatchetRequest, ask
	case offerReady:
		return RatchetOffer, true
	case replyReady:
		return RatchetReply, true
	case switchReady:
		return RatchetSwitch, true
	}
	return 0, false
}

// content returns what a control record of ours holds.
func (r *ratchet) content(t Type) []byte {
	switch t {
	case RatchetOffer:
		return r.offer
	case RatchetReply:
		return r.reply
	case RatchetSwitch:
		return r.next.confirmations[r.role][:]
	}
	return nil
}

// sent moves on after a control record of ours was sealed by h.
func (r *ratchet) sent(t Type, h *half) {
	switch t {
	case RatchetRequest:
		r.requested, r.wanted = true, false
	case RatchetOffer:
		r.stage = offerSent
	case RatchetReply:
		r.stage = replySent
	case RatchetSwitch:
		h.enter(&r.next.phases[r.role], r.next.born)
		r.primitives.wipe(r.next.confirmations[r.role][:])
		if r.role == Responder {
			r.complete()
			return
		}
		r.stage = switchSent
	}
}

// receive takes a control record of the peer's, which h has opened.
func (r *ratchet) receive(t Type, content []byte, h *half) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.err != nil:
		return r.err
	case t == RatchetRequest && r.role == Initiator:
		r.wanted = r.wanted || r.stage == idle && !r.computing
	case t == RatchetOffer && r.role == Responder && r.stage == idle:
		r.offer, r.stage = bytes.Clone(content), offerReceived
	case t == RatchetReply && r.stage == offerSent:
		r.reply, r.stage = bytes.Clone(content), replyReceived
	case t == RatchetSwitch && (r.stage == replySent || r.stage == switchSent):
		return r.receiveSwitch(content, h)
	default:
		return fmt.Errorf("%w: type %d", ErrUnexpected, t)
	}
	return nil
}

// receiveSwitch lets the peer's direction enter the new generation.
func (r *ratchet) receiveSwitch(confirmation []byte, h *half) error {
	peer := r.role.peer()
	expected := &r.next.confirmations[peer]
	if subtle.ConstantTimeCompare(confirmation, expected[:]) != 1 {
		return fmt.Errorf("%w: the switch to generation %d does not confirm it", ErrConfirmation, r.next.number)
	}
	r.primitives.wipe(expected[:])
	h.enter(&r.next.phases[peer], r.next.born)
	if r.role == Initiator {
		r.complete()
		return nil
	}
	r.stage = switchReady
	return nil
}

// complete ends a ratchet: both directions are in the new generation.
func (r *ratchet) complete() {
	r.current.wipe(r.primitives.wipe)
	r.current, r.next = r.next, nil
	r.stage, r.requested = idle, false
}

// end forgets all secrets. The first reason stays.
func (r *ratchet) end(reason error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = reason
	}
	r.current.wipe(r.primitives.wipe)
	if r.next != nil {
		r.next.wipe(r.primitives.wipe)
	}
	r.forget()
}

// forget drops what only the computing needs.
func (r *ratchet) forget() { r.dh, r.kem, r.offer, r.reply = nil, nil, nil, nil }
