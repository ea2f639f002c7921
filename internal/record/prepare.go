package record

import (
	"crypto/ecdh"
	"crypto/mlkem"
	"fmt"
	"time"
)

// prepare computes what the stage needs, if anything. Only taking the inputs and
// storing the outputs hold the lock.
func (r *ratchet) prepare(now time.Time) error {
	job := r.takeJob(now)
	if job == nil {
		return nil
	}
	err := job.run()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.computing = false
	if r.err != nil { // ended meanwhile
		if job.next != nil {
			job.next.wipe(r.primitives.wipe)
		}
		return r.err
	}
	if err != nil {
		r.err = err
		return err
	}
	r.storeJob(job)
	return nil
}

// job is one computation of a ratchet, apart from the state that others use.
type job struct {
	primitives   primitives
	stage        stage
	born         time.Time
	number       uint64
	transcript   transcript
	salt         ratchetSecret
	dh           *ecdh.PrivateKey
	kem          *mlkem.DecapsulationKey768
	offer, reply []byte
	next         *generation
}

func (r *ratchet) takeJob(now time.Time) *job {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.needsPrepare(now) {
		return nil
	}
	r.computing = true
	j := &job{
		primitives: r.primitives, stage: r.stage, born: r.born,
		number: r.current.number + 1, transcript: r.current.transcript,
		dh: r.dh, kem: r.kem, offer: r.offer, reply: r.reply,
	}
	if r.stage == replyReceived {
		j.salt = r.current.ratchet
		return j
	}
	if r.stage == offerReceived {
		j.salt = r.current.ratchet
	}
	// Fresh secrets are drawn now: whatever was wanted before is answered.
	r.began, r.born, r.wanted = now, now, false
	j.born = now
	return j
}

func (r *ratchet) storeJob(j *job) {
	switch j.stage {
	case idle:
		r.dh, r.kem, r.offer, r.stage = j.dh, j.kem, j.offer, offerReady
		return
	case offerReceived:
		r.forget()
		r.reply, r.stage = j.reply, replyReady
	case replyReceived:
		r.forget()
		r.stage = switchReady
	}
	r.next = j.next
	r.primitives.wipe(r.current.ratchet[:])
	r.used.Store(false)
}

func (j *job) run() error {
	switch j.stage {
	case idle:
		return j.makeOffer()
	case offerReceived:
		return j.makeReply()
	default:
		return j.takeReply()
	}
}

// makeOffer draws the initiator's keys.
func (j *job) makeOffer() (err error) {
	if j.dh, err = j.primitives.dhKey(); err != nil {
		return fmt.Errorf("drawing a ratchet key: %w", err)
	}
	if j.kem, err = j.primitives.kemKey(); err != nil {
		return fmt.Errorf("drawing a ratchet key: %w", err)
	}
	j.offer = append(j.dh.PublicKey().Bytes(), j.kem.EncapsulationKey().Bytes()...)
	return nil
}

// makeReply answers an offer and derives the new generation.
func (j *job) makeReply() error {
	peer, err := parsePublicKey(j.offer[:publicKeySize])
	if err != nil {
		return err
	}
	encapsulation, err := mlkem.NewEncapsulationKey768(j.offer[publicKeySize:])
	if err != nil {
		return malformed("ML-KEM-768 encapsulation key", ErrKey, "expected %d bytes with coefficients below 3329", encapsulationKeySize)
	}
	if j.dh, err = j.primitives.dhKey(); err != nil {
		return fmt.Errorf("drawing a ratchet key: %w", err)
	}
	shared, ciphertext, err := j.primitives.encapsulate(encapsulation)
	if err != nil {
		return fmt.Errorf("encapsulating: %w", err)
	}
	j.reply = append(j.dh.PublicKey().Bytes(), ciphertext...)
	return j.derive(peer, shared)
}

// takeReply opens a reply and derives the new generation. A ciphertext that was
// not made for our key gives another secret, and the peer's confirmation does
// not fit (implicit rejection, FIPS 203).
func (j *job) takeReply() error {
	peer, err := parsePublicKey(j.reply[:publicKeySize])
	if err != nil {
		return err
	}
	shared, err := j.kem.Decapsulate(j.reply[publicKeySize:])
	if err != nil {
		return fmt.Errorf("decapsulating: %w", err)
	}
	return j.derive(peer, shared)
}

// derive mixes both shared secrets and the messages, and wipes what went in.
func (j *job) derive(peer *ecdh.PublicKey, kem []byte) error {
	wipe := j.primitives.wipe
	defer func() { wipe(kem); wipe(j.salt[:]) }()
	dh, err := j.dh.ECDH(peer)
	if err != nil {
		return malformed("X25519 public key", ErrKey, "it is of small order")
	}
	input := j.primitives.combine(dh, kem)
	wipe(dh)
	next := j.transcript.after(j.offer, j.reply)
	secret := j.salt.next(input, &next)
	wipe(input)
	j.next = newGeneration(j.number, j.born, &secret, next, wipe)
	return nil
}

// parsePublicKey reads an X25519 public key in its one canonical encoding: a
// little-endian integer below 2^255-19. RFC 7748 would reduce others.
func parsePublicKey(b []byte) (*ecdh.PublicKey, error) {
	if !canonical(b) {
		return nil, malformed("X25519 public key", ErrKey, "expected an integer below 2^255-19")
	}
	return ecdh.X25519().NewPublicKey(b)
}

// canonical reports whether the 32 bytes of b, little-endian, are below 2^255-19,
// which is ed ff ... ff 7f.
func canonical(b []byte) bool {
	if b[31] != 0x7f {
		return b[31] < 0x7f
	}
	for _, c := range b[1:31] {
		if c != 0xff {
			return true
		}
	}
	return b[0] < 0xed
}
