package handshake

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/noise"
	"github.com/zkkex/zkkex/internal/record"
	"github.com/zkkex/zkkex/session"
)

// exchange is one first message and what is known of it so far.
type exchange struct {
	r       *Responder
	ctx     context.Context
	source  netip.Addr
	message []byte

	first     first
	keys      *Keys
	suite     *Suite
	sizes     sizes
	done      func() // of the count of handshakes in progress, or nil
	state     *noise.HandshakeState
	static    [32]byte // s.pub, shown to be held once authentic is set
	admission *Admission
	lookUpErr error
	authentic bool // the payload has authenticated: refusals are answered
	payload   *payload
	until     time.Time

	accepted *Accepted
	answer   []byte
}

// run makes the checks, the cheap ones first, until one fails. Times are of one
// core, to tell orders of magnitude.
func (x *exchange) run() error {
	for _, check := range [...]func(*exchange) error{
		(*exchange).checkForm,       // length, version, type
		(*exchange).checkDescriptor, // its number; then suite and exact length
		(*exchange).checkRate,       // the address's bucket
		(*exchange).checkHalfOpen,   // handshakes in progress
		(*exchange).checkUnseen,     // ephemeral key
		(*exchange).checkMAC,        // mac1: 2 us
		(*exchange).checkCookie,     // mac2, if under load
		(*exchange).readStatic,      // es, [skem1], e1, s: 60 us
		(*exchange).lookUp,          // admitted?
		(*exchange).readPayload,     // ss, payload: 60 us
		(*exchange).enter,           // the ephemeral key is now seen
		(*exchange).checkFields,     // against the descriptor and the record
		(*exchange).admit,           // pairing, then the atomic record: 1,300 us
		(*exchange).checkLife,       // epoch, generation, channels
		(*exchange).spendEarly,      // durable, before anything is answered
		(*exchange).respond,         // e, ee, ekem1, se: 250 us
	} {
		if err := check(x); err != nil {
			return err
		}
	}
	return nil
}

// end forgets what only the exchange needs.
func (x *exchange) end() {
	if x.state != nil {
		x.state.Wipe()
	}
	if x.done != nil {
		x.done()
	}
}

// refuse returns the answer to a first message that failed a check, or nil, and
// what to return for err. Nothing but fixed answers goes to whom the payload did
// not authenticate.
func (x *exchange) refuse(err error) ([]byte, error) {
	x.release()
	switch {
	case errors.Is(err, ErrUnknownDescriptor):
		return unknownDescriptorAnswer(), err
	case errors.Is(err, ErrCookie):
		return x.sealCookie(err)
	case !x.authentic || errors.Is(err, ErrReplay) || errors.Is(err, ErrPayload):
		return nil, err
	}
	if reasonOf(err) == Unavailable {
		err = fmt.Errorf("handshake: %w: %w", ErrUnavailable, err)
	}
	answer, failed := sealRefusal(x.suite, x.state, code(reasonOf(err)))
	if failed != nil {
		return nil, fmt.Errorf("%w (not answered: %w)", err, failed)
	}
	return answer, err
}

// release takes back what an exchange that fails has counted.
func (x *exchange) release() {
	if x.accepted != nil {
		x.accepted.Release()
		x.accepted = nil
	}
}

func (x *exchange) sealCookie(err error) ([]byte, error) {
	key := cookieKey(x.keys.Digest, x.keys.Static.PublicKey())
	answer, failed := sealCookie(key, x.r.cookies.of(x.source), x.first.mac1)
	if failed != nil {
		return nil, fmt.Errorf("%w (not answered: %w)", err, failed)
	}
	return answer, err
}

func (x *exchange) checkForm() (err error) {
	x.first, err = parseFirst(x.message)
	return err
}

func (x *exchange) checkDescriptor() (err error) {
	if x.keys, err = x.r.keys(x.first.number); err != nil {
		return err
	}
	x.suite = suiteByID(x.first.suite)
	if x.suite == nil || !slices.Contains(x.keys.Suites, x.suite.String()) || x.suite.prekey && x.keys.Prekey == nil {
		return fmt.Errorf("handshake: %w by descriptor %d: number %d", ErrSuite, x.first.number, x.first.suite)
	}
	x.sizes = sizesOf(x.suite, x.keys.Padding)
	if !x.sizes.possible(len(x.message)) {
		return malformed(messageFormat, ErrLength, "%d bytes, expected %d or %d", len(x.message), x.sizes.base[0], x.sizes.base[1])
	}
	return nil
}

func (x *exchange) checkRate() error {
	if !x.r.buckets.take(x.source) {
		return fmt.Errorf("handshake: %w: %s", ErrRate, x.source)
	}
	return nil
}

func (x *exchange) checkHalfOpen() (err error) {
	x.done, err = x.r.Progress()
	return err
}

func (x *exchange) checkUnseen() error {
	if x.r.seen.has(x.first.number, x.first.ephemeral()) {
		return fmt.Errorf("handshake: %w", ErrReplay)
	}
	return nil
}

func (x *exchange) checkMAC() error {
	key := outerKey(x.keys.Digest, x.keys.Static.PublicKey())
	sum := mac(key[:], x.first.authenticated)
	if subtle.ConstantTimeCompare(sum[:], x.first.mac1) != 1 {
		return fmt.Errorf("handshake: %w", ErrMAC)
	}
	return nil
}

// checkCookie asks for a cookie under load. A mac2 that is there must be right at
// any time, so that no byte of a message is without meaning.
func (x *exchange) checkCookie() error {
	if zeros(x.first.mac2) && !x.r.UnderLoad() {
		return nil
	}
	cookie := x.r.cookies.of(x.source)
	sum := mac(cookie[:], x.first.authenticated, x.first.mac1)
	if subtle.ConstantTimeCompare(sum[:], x.first.mac2) != 1 {
		return fmt.Errorf("handshake: %w", ErrCookie)
	}
	return nil
}

func (x *exchange) readStatic() (err error) {
	c := noise.Config{
		Protocol: x.suite.protocol, Role: noise.Responder, Prologue: prologue(x.suite, x.keys.Number, x.keys.Digest),
		Static: x.keys.Static, StaticSecrets: staticsOfDescriptor{x.r.statics, x.keys.Number},
	}
	if x.suite.prekey {
		c.Prekey = x.keys.Prekey
	}
	if x.state, err = noise.NewHandshake(c); err != nil {
		return fmt.Errorf("handshake: %w: %w: %w", ErrUnavailable, ErrConfig, err)
	}
	s, err := x.state.ReadStatic(x.first.noise)
	if err != nil {
		return fmt.Errorf("handshake: %w: %w", ErrUnauthentic, err)
	}
	x.static = [32]byte(s.Bytes())
	return nil
}

// lookUp asks what is recorded of the key. A failure is told to the peer once it
// is known to hold the key, not before.
func (x *exchange) lookUp() error {
	x.admission, x.lookUpErr = x.r.config.Gate.Admitted(x.ctx, x.static)
	return nil
}

func (x *exchange) readPayload() error {
	text, err := x.state.ReadPayload(nil)
	if err != nil {
		return fmt.Errorf("handshake: %w: %w", ErrUnauthentic, err)
	}
	x.authentic = true
	if x.payload, err = parsePayload(text); err != nil {
		return err
	}
	if want := x.sizes.of(len(x.payload.certificate), len(x.payload.early)); want != len(x.message) {
		return malformed(payloadFormat, ErrPayload, "a message of %d bytes, expected %d for what it carries", len(x.message), want)
	}
	return nil
}

func (x *exchange) enter() error {
	if !x.r.seen.enter(x.first.number, x.first.ephemeral()) {
		return fmt.Errorf("handshake: %w", ErrReplay)
	}
	return nil
}

// checkFields compares what the payload says with the descriptor and with what is
// recorded of the key.
func (x *exchange) checkFields() error {
	p := x.payload
	switch {
	case x.lookUpErr != nil:
		return x.lookUpErr
	case x.admission == nil && !p.kind.certificate():
		return zkkex.Reject(NotAdmitted, "no certificate with this session key is admitted")
	case x.admission != nil && x.admission.Key != x.static:
		return fmt.Errorf("the gate's record is of another session key")
	case x.admission != nil && x.admission.Certificate != p.digest:
		return zkkex.Reject(zkkex.WrongBinding, "the session key is recorded with certificate %s, the message names %s", x.admission.Certificate, p.digest)
	case p.kind.opens() && p.counter >= x.keys.MaxOpens:
		return zkkex.Reject(OpensExceeded, "open counter %d, expected less than %d", p.counter, x.keys.MaxOpens)
	case len(p.early) > 0 && !x.r.config.EarlyData:
		return zkkex.Reject(EarlyRefused, "%d bytes of early data, expected none", len(p.early))
	}
	return nil
}

// admit has the certificate that came along admitted. What is recorded already,
// under the same digest, needs no second pairing.
func (x *exchange) admit() error {
	if !x.payload.kind.certificate() {
		return nil
	}
	p, err := x.shown()
	if err != nil {
		return err
	}
	if x.admission != nil {
		return nil
	}
	if x.admission, err = x.r.config.Gate.Admit(x.ctx, p); err != nil {
		return err
	}
	if a := x.admission; a == nil || a.Key != x.static || a.Certificate != x.payload.digest {
		return fmt.Errorf("the gate's record is not of the certificate that was shown")
	}
	return nil
}

// shown returns the certificate that came along, if it is for the key that the
// sender holds, and the one that the message names.
func (x *exchange) shown() (*zkkex.Presentation, error) {
	p, err := zkkex.ParsePresentation(x.payload.certificate)
	switch {
	case errors.Is(err, zkkex.ErrUnsupported):
		return nil, zkkex.Reject(zkkex.WrongCircuit, "%v", err)
	case err != nil:
		return nil, malformed(payloadFormat, ErrPayload, "certificate: %w", err)
	case p.Authorization != zkkex.SessionKey(x.static):
		return nil, zkkex.Reject(zkkex.WrongBinding, "the certificate authorises another key than the sender's")
	}
	digest, err := session.DigestOf(p)
	if err != nil {
		return nil, malformed(payloadFormat, ErrPayload, "certificate: %w", err)
	}
	if digest != x.payload.digest {
		return nil, zkkex.Reject(zkkex.WrongBinding, "the message names certificate %s and shows %s", x.payload.digest, digest)
	}
	return p, nil
}

// checkLife asks until when a channel may live, and whether there may be one more.
// It counts none yet: message 1 may be a replay.
func (x *exchange) checkLife() (err error) {
	if x.until, err = x.r.config.Gate.Live(x.admission, x.r.config.Now()); err != nil {
		return err
	}
	if !x.payload.kind.opens() {
		return nil
	}
	release, err := x.r.config.Gate.Acquire(x.admission)
	if err != nil {
		return err
	}
	release()
	return nil
}

// spendEarly spends the open before early data goes anywhere. That a certificate
// is admitted, again or newly, never stands for it.
func (x *exchange) spendEarly() error {
	x.accepted = &Accepted{
		Kind: x.payload.kind, Suite: x.suite, Admission: x.admission, Counter: x.payload.counter,
		Venue: x.keys.ID, Descriptor: x.keys.Number, Until: x.until,
		gate: x.r.config.Gate, channel: &channel{},
	}
	if len(x.payload.early) == 0 {
		return nil
	}
	if err := x.accepted.spend(x.ctx, true); err != nil {
		return err
	}
	x.accepted.Early = x.payload.early
	return nil
}

func (x *exchange) respond() (err error) {
	y := yes{kind: x.payload.kind, generation: x.admission.Generation, until: x.until}
	size := answerSize(x.suite)
	out := appendPrefix(make([]byte, 0, size), typeAnswer, size-PrefixSize)
	if x.answer, err = x.state.WriteMessage(out, y.append(nil)); err != nil {
		x.answer = nil
		return err
	}
	if x.accepted.channel, err = newChannel(x.suite, record.Responder, x.state); err != nil {
		return err
	}
	if !x.payload.kind.opens() {
		x.accepted.channel.wipe()
	}
	return nil
}
