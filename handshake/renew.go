package handshake

import (
	"context"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/session"
)

// Messages of a renewal, in records of type Channel (docs/spec/handshake.md).
const (
	renewAsk    = 1 // type 1, descriptor number 8, length of certificate 2, certificate, proof 32
	renewAnswer = 2 // type 1, code 2, end of the channel in Unix seconds 8
	renewKey    = 3 // type 1, X25519 public key 32

	renewProofSize  = sha256.Size
	renewAskFixed   = 1 + 8 + 2 + renewProofSize
	renewAnswerSize = 1 + 2 + 8
	renewKeySize    = 1 + 32
	// renewTimeout bounds what a venue spends on one renewal.
	renewTimeout = 10 * time.Second
	// renewGap is the least time between two renewals of a channel.
	renewGap = time.Second
	// renewLabel names the exported key that a renewal's proof is bound to.
	renewLabel = "zkkex renew"
)

// ErrRenewing reports a renewal that was asked for while another is under way.
var ErrRenewing = errors.New("handshake: another renewal is under way")

// renewal is one side of the renewals of a channel. Exactly one of venue and
// answers is set.
type renewal struct {
	conn  *Conn
	begun sync.WaitGroup // until conn has its channel, whose reader runs before

	// The member's side.
	asking  sync.Mutex // a renewal is under way
	answers chan []byte
	keyed   chan struct{}   // closed when the venue's key is there
	theirs  *ecdh.PublicKey // the venue's key, once keyed is closed

	// The venue's side.
	venue   *ServerConfig
	source  context.Context
	own     *ecdh.PrivateKey // offered on this channel, once the peer is confirmed
	working atomic.Bool
	last    time.Time // when the last one was begun; of who has set working
}

// offer sends the venue's key. It is called before the first message is taken.
func (r *renewal) offer() (err error) {
	r.begun.Wait()
	if r.own, err = r.venue.Responder.renewals.current(); err != nil {
		return err
	}
	return r.conn.channel.SendWithData(append([]byte{renewKey}, r.own.PublicKey().Bytes()...))
}

// message takes a record of the peer's. It does not block.
func (r *renewal) message(b []byte) {
	r.begun.Wait()
	switch {
	case r.venue == nil && b[0] == renewKey:
		r.take(b)
	case r.venue == nil:
		select {
		case r.answers <- b:
		default: // not asked for
		}
	case r.working.CompareAndSwap(false, true):
		go r.answer(b)
	default: // a peer of ours waits for the answer first
	}
}

// take takes the venue's key, which comes once.
func (r *renewal) take(b []byte) {
	key, err := parseRenewKey(b)
	if err != nil || r.theirs != nil {
		r.conn.end(AlertRecord)
		return
	}
	r.theirs = key
	close(r.keyed)
}

// ask is the member's side of one renewal.
func (r *renewal) ask(ctx context.Context, v *Venue, cert *session.Certificate) error {
	if !r.asking.TryLock() {
		return ErrRenewing
	}
	defer r.asking.Unlock()
	select {
	case <-r.keyed:
	case <-r.conn.Done():
		return fmt.Errorf("handshake: the channel ended before the renewal was asked for: %w", r.conn.channel.Err())
	case <-ctx.Done():
		return ctx.Err()
	}
	request, err := r.request(v, cert)
	if err != nil {
		return err
	}
	undo, err := r.conn.awaitRenewal(cert.Presentation().Epoch)
	if err != nil {
		return err
	}
	if err := r.conn.channel.Send(request); err != nil {
		undo()
		return err
	}
	select {
	case b := <-r.answers:
		err := r.renewed(b, cert)
		if err != nil {
			undo()
		}
		return err
	case <-r.conn.Done():
		return fmt.Errorf("handshake: the channel ended before the renewal was answered: %w", r.conn.channel.Err())
	case <-ctx.Done():
		// The answer may still come, and must not be taken for the next one's.
		r.conn.Close()
		return ctx.Err()
	}
}

// request returns the message that presents a certificate.
func (r *renewal) request(v *Venue, cert *session.Certificate) ([]byte, error) {
	key := cert.Key()
	if key == nil {
		return nil, fmt.Errorf("handshake: renewing with a certificate that was wiped: %w", ErrUsed)
	}
	shared, err := dhs(key.ECDH, v.Static, r.theirs)
	if err != nil {
		return nil, err
	}
	proof, err := r.proof(shared, v.Digest, cert.Digest())
	if err != nil {
		return nil, err
	}
	p, err := cert.Presentation().AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	b := []byte{renewAsk}
	b = binary.BigEndian.AppendUint64(b, v.Number)
	b = binary.BigEndian.AppendUint16(b, uint16(len(p)))
	b = append(b, p...)
	return append(b, proof...), nil
}

// dhs returns what X25519 gives with the venue's prekey and, behind it, with the
// key that it offered on the channel. Whoever has stolen the prekey knows the first
// half for every session key, and the second for none but its own: as with the
// tokens ss and se of the handshake.
func dhs[K any](dh func(K) ([]byte, error), prekey, drawn K) ([]byte, error) {
	static, err := dh(prekey)
	if err != nil {
		return nil, err
	}
	defer clear(static)
	fresh, err := dh(drawn)
	if err != nil {
		return nil, err
	}
	defer clear(fresh)
	return slices.Concat(static, fresh), nil
}

// proof shows to the venue of a descriptor, in this channel and in no other,
// that its sender holds the private key of a certificate: only sender and venue
// know what X25519 of session key and the venue's two keys gives. It clears that.
func (r *renewal) proof(shared []byte, descriptor [32]byte, certificate session.Digest) ([]byte, error) {
	exported, err := r.conn.Export(renewLabel, nil, sha256.Size)
	if err != nil {
		return nil, err
	}
	return renewProof(shared, exported, descriptor, certificate)
}

func renewProof(shared, exported []byte, descriptor [32]byte, certificate session.Digest) ([]byte, error) {
	defer clear(shared)
	key, err := hkdf.Extract(sha256.New, shared, exported)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	mac := hmac.New(sha256.New, key)
	mac.Write(domain.Frame(domain.Renew, descriptor[:], certificate[:]))
	return mac.Sum(nil), nil
}

// renewed takes the venue's answer.
func (r *renewal) renewed(b []byte, cert *session.Certificate) error {
	code, ends, err := parseRenewAnswer(b)
	if err != nil {
		r.conn.Close()
		return err
	}
	if code != 0 {
		return refusal(code)
	}
	p := cert.Presentation()
	r.conn.renewed(&Admission{Certificate: cert.Digest(), Statement: p.Statement, Epoch: p.Epoch}, ends)
	return nil
}

// awaitRenewal lets the channel live, until undo is called, as long as it will if
// the venue agrees to a certificate of another epoch. The venue holds to the end
// it knows; its answer can be stuck for long behind data that our application
// does not read.
func (c *Conn) awaitRenewal(next zkkex.Epoch) (undo func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	present, err := c.state.Epoch.End()
	if err != nil {
		return nil, err
	}
	end, err := next.End()
	if err != nil {
		return nil, err
	}
	ends := c.state.Ends
	if later := end.Add(ends.Sub(present)); later.After(ends) {
		c.setEnd(later)
	}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.setEnd(ends)
	}, nil
}

// renewed takes over another certificate.
func (c *Conn) renewed(a *Admission, ends time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.Certificate, c.state.Statement, c.state.Epoch = a.Certificate, a.Statement, a.Epoch
	c.state.Opens, c.state.Ends = 0, ends
	c.state.Renewals++
	c.setEnd(ends)
}

// answer is the venue's side of one renewal.
func (r *renewal) answer(b []byte) {
	now := r.venue.Now()
	if now.Sub(r.last) < renewGap {
		r.refuse(zkkex.Reject(zkkex.Busy, "renewals must be %v apart", renewGap))
		return
	}
	r.last = now
	ctx, cancel := context.WithTimeout(r.source, renewTimeout)
	defer cancel()
	admission, ends, err := r.admit(ctx, b)
	if errors.Is(err, zkkex.ErrMalformed) || errors.Is(err, errRenewProof) {
		r.conn.end(AlertRecord)
		return
	}
	if err == nil {
		err = r.conn.switchTo(admission, r.venue.Gate)
	}
	if err != nil {
		r.refuse(err)
		return
	}
	r.conn.renewed(admission, ends)
	r.say(appendRenewAnswer(nil, 0, ends))
	if r.venue.Renewed != nil {
		r.venue.Renewed(r.conn)
	}
}

// refuse answers with the reason of err.
func (r *renewal) refuse(err error) {
	r.venue.Log.Debug("renewal refused", "reason", reasonOf(err))
	r.say(appendRenewAnswer(nil, code(reasonOf(err)), time.Time{}))
}

// say sends the venue's answer, upon which the peer can ask again. An answer that
// cannot be sent is none: the channel has ended.
func (r *renewal) say(b []byte) {
	r.working.Store(false)
	_ = r.conn.channel.Send(b)
}

// errRenewProof reports a renewal whose sender does not hold the session key.
var errRenewProof = errors.New("handshake: the sender of the renewal was not shown to hold the session key")

// admit decides about the certificate of a renewal.
func (r *renewal) admit(ctx context.Context, b []byte) (*Admission, time.Time, error) {
	var never time.Time
	ask, err := parseRenewAsk(b)
	if err != nil {
		return nil, never, err
	}
	keys, err := r.venue.Keys.Keys(ask.number)
	if err != nil {
		return nil, never, err
	}
	if err := r.holds(keys, ask); err != nil {
		return nil, never, err
	}
	// Whoever is banned does not get into the next epoch by it.
	if _, err := r.venue.Gate.Live(r.conn.present(), r.venue.Now()); isReason(err, Banned) {
		return nil, never, err
	}
	admission, err := r.venue.Gate.Admit(ctx, ask.certificate)
	if err != nil {
		return nil, never, err
	}
	ends, err := r.venue.Gate.Live(admission, r.venue.Now())
	return admission, ends, err
}

// holds checks that whoever asks holds the session key.
func (r *renewal) holds(keys *Keys, ask *renewRequest) error {
	digest, err := session.DigestOf(ask.certificate)
	if err != nil {
		return err
	}
	public, err := ecdh.X25519().NewPublicKey(ask.certificate.Authorization.Value[:])
	if err != nil {
		return fmt.Errorf("%w: %w", errRenewProof, err)
	}
	with := func(own *ecdh.PrivateKey) ([]byte, error) { return own.ECDH(public) }
	shared, err := dhs(with, keys.Static, r.own)
	if err != nil {
		return fmt.Errorf("%w: %w", errRenewProof, err)
	}
	want, err := r.proof(shared, keys.Digest, digest)
	if err != nil {
		return err
	}
	if !hmac.Equal(want, ask.proof) {
		return errRenewProof
	}
	return nil
}

type renewRequest struct {
	number      uint64
	certificate *zkkex.Presentation
	proof       []byte
}

func parseRenewAsk(b []byte) (*renewRequest, error) {
	if len(b) < renewAskFixed || b[0] != renewAsk {
		return nil, malformedRenewal("expected a request of at least %d bytes", renewAskFixed)
	}
	size := int(binary.BigEndian.Uint16(b[9:]))
	if len(b) != renewAskFixed+size {
		return nil, malformedRenewal("got %d bytes with a certificate of %d, expected %d", len(b), size, renewAskFixed+size)
	}
	p, err := zkkex.ParsePresentation(b[11 : 11+size])
	if err != nil {
		return nil, malformedRenewal("%w", err)
	}
	return &renewRequest{number: binary.BigEndian.Uint64(b[1:]), certificate: p, proof: b[11+size:]}, nil
}

func parseRenewKey(b []byte) (*ecdh.PublicKey, error) {
	if len(b) != renewKeySize || b[0] != renewKey {
		return nil, malformedRenewal("expected a key in %d bytes", renewKeySize)
	}
	key, err := ecdh.X25519().NewPublicKey(b[1:])
	if err != nil {
		return nil, malformedRenewal("%w", err)
	}
	return key, nil
}

func appendRenewAnswer(b []byte, code uint16, ends time.Time) []byte {
	var seconds int64
	if code == 0 {
		seconds = ends.Unix()
	}
	b = binary.BigEndian.AppendUint16(append(b, renewAnswer), code)
	return binary.BigEndian.AppendUint64(b, uint64(seconds))
}

func parseRenewAnswer(b []byte) (code uint16, ends time.Time, err error) {
	if len(b) != renewAnswerSize || b[0] != renewAnswer {
		return 0, ends, malformedRenewal("expected an answer of %d bytes", renewAnswerSize)
	}
	code = binary.BigEndian.Uint16(b[1:])
	seconds := binary.BigEndian.Uint64(b[3:])
	if (code == 0) != (seconds != 0) || seconds > maxUnixSeconds {
		return 0, ends, malformedRenewal("code %d with an end at %d", code, seconds)
	}
	return code, time.Unix(int64(seconds), 0), nil
}

// maxUnixSeconds is the last second of the year 9999.
const maxUnixSeconds = 253402300799

func malformedRenewal(msg string, args ...any) error {
	return &zkkex.ParseError{Format: "renewal", Err: fmt.Errorf(msg, args...)}
}
