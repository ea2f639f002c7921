package handshake

import (
	"crypto/ecdh"
	"errors"
	"fmt"
	"slices"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/noise"
	"github.com/zkkex/zkkex/internal/record"
	"github.com/zkkex/zkkex/session"
)

// InitiatorOptions are what the caller chooses.
type InitiatorOptions struct {
	// Kind is what is asked for. There is no default.
	Kind Kind
	// Early is application data that message 1 carries, at most [MaxEarlyData]
	// bytes, nil for none. It needs a suite of [Suite.EarlyData] and a venue that
	// takes it, has no forward secrecy once the venue's prekey is known, and is
	// delivered at most once.
	Early []byte

	// again, if set, is an attempt with the same certificate that opened nothing:
	// its open counter is used once more, so that of both one counts at most.
	again *Initiator
}

// Initiator is the side that asks, for one handshake. It is not safe for
// concurrent use and does not print.
type Initiator struct {
	silent
	venue  *Venue
	suite  *Suite
	digest session.Digest

	kind    Kind
	counter uint32
	early   []byte

	presentation *zkkex.Presentation
	certificate  []byte // its encoding, if it is shown, or nil
	state        *noise.HandshakeState
	message      []byte // message 1
	over         bool
}

// NewInitiator begins a handshake. A kind that opens a channel takes the next open
// counter of the certificate, which is then used, whatever becomes of the
// handshake. It returns an error wrapping [ErrConfig], [zkkex.ErrUnsupported] for a
// suite that is unknown, or [session.ErrOpensUsed].
func NewInitiator(v *Venue, c *session.Certificate, o InitiatorOptions) (*Initiator, error) {
	suite, err := ParseSuite(v.Suite)
	if err != nil {
		return nil, err
	}
	i := &Initiator{venue: v, suite: suite, digest: c.Digest(), presentation: c.Presentation(), kind: o.Kind, early: slices.Clone(o.Early)}
	if err := i.check(); err != nil {
		return nil, err
	}
	if i.kind.certificate() {
		i.certificate, _ = c.Presentation().AppendBinary(nil)
		if !isCertificateSize(len(i.certificate)) {
			return nil, fmt.Errorf("handshake: %w: a certificate of %d bytes, expected one of %d", ErrConfig, len(i.certificate), certificateSizes[1:])
		}
	}
	if i.state, err = newInitiatorState(v, suite, c.Key(), certificateStatics{c}); err != nil {
		return nil, err
	}
	if i.kind.opens() {
		if i.counter, err = o.open(c, v.MaxOpens); err != nil {
			return nil, err
		}
	}
	return i, nil
}

// open returns the open counter to use.
func (o *InitiatorOptions) open(c *session.Certificate, most uint32) (uint32, error) {
	if o.again == nil {
		return c.TakeOpen(most)
	}
	if o.again.counter >= most {
		return 0, session.ErrOpensUsed
	}
	return o.again.counter, nil
}

// check refuses what has no message.
func (i *Initiator) check() error {
	switch {
	case !i.kind.valid():
		return fmt.Errorf("handshake: %w: kind %d, expected Open, Admit or Inline", ErrConfig, i.kind)
	case len(i.early) > 0 && !i.suite.EarlyData():
		return fmt.Errorf("handshake: %w: suite %s carries no early data: choose one with skem1", ErrConfig, i.suite)
	case len(i.early) > 0 && i.kind == Admit:
		return fmt.Errorf("handshake: %w: an admission carries no early data", ErrConfig)
	case len(i.early) > MaxEarlyData:
		return fmt.Errorf("handshake: %w: %d bytes of early data, expected at most %d", ErrConfig, len(i.early), MaxEarlyData)
	}
	return nil
}

func (i *Initiator) size() int {
	return sizesOf(i.suite, i.venue.Padding).of(len(i.certificate), len(i.early))
}

func newInitiatorState(v *Venue, s *Suite, key *ecdh.PrivateKey, known noise.StaticSecrets) (*noise.HandshakeState, error) {
	c := noise.Config{
		Protocol: s.protocol, Role: noise.Initiator, Prologue: prologue(s, v.Number, v.Digest),
		Static: key, PeerStatic: v.Static, StaticSecrets: known,
	}
	if s.prekey {
		c.PeerPrekey = v.Prekey
	}
	h, err := noise.NewHandshake(c)
	if err != nil {
		return nil, fmt.Errorf("handshake: %w: %w", ErrConfig, err)
	}
	return h, nil
}

// prologue is what both peers must agree on before anything is sent.
func prologue(s *Suite, number uint64, digest [32]byte) []byte {
	head := append([]byte{version}, domain.Uint16(s.id)...)
	return domain.Frame(domain.Handshake, head, domain.Uint64(number), digest[:])
}

// Message returns message 1, whole, the same at every call. It needs no peer and
// can be made ahead, for as long as the descriptor's prekey and the certificate's
// epoch last. It returns an error if the system has no randomness, or wrapping
// [ErrUsed] once the handshake is over.
func (i *Initiator) Message() ([]byte, error) {
	if i.over {
		return nil, fmt.Errorf("handshake: message 1: %w", ErrUsed)
	}
	if i.message == nil {
		if err := i.write(); err != nil {
			i.Wipe()
			return nil, err
		}
	}
	return slices.Clone(i.message), nil
}

// write makes message 1, without a cookie.
func (i *Initiator) write() error {
	size := i.size()
	p := payload{kind: i.kind, counter: i.counter, digest: i.digest, certificate: i.certificate, early: i.early}
	text := p.append(nil, sizesOf(i.suite, i.venue.Padding).payload(size))
	defer clear(text)

	out := appendHeader(make([]byte, 0, size), header{suite: i.suite.id, number: i.venue.Number}, size)
	out, err := i.state.WriteMessage(out, text)
	if err != nil {
		return err
	}
	key := outerKey(i.venue.Digest, i.venue.Static)
	mac1 := mac(key[:], out)
	i.message = append(append(out, mac1[:]...), make([]byte, macSize)...)
	return nil
}

// Cookie takes the responder's answer for which [Initiator.Finish] returned
// [ErrCookie], and returns message 1 again, with the cookie. It is to be sent from
// the same address within two minutes. It returns an error wrapping [ErrUsed],
// [ErrLength], [ErrType] or [ErrUnauthentic]; then nothing has changed.
func (i *Initiator) Cookie(answer []byte) ([]byte, error) {
	if i.over || i.message == nil {
		return nil, fmt.Errorf("handshake: cookie: %w", ErrUsed)
	}
	covered, mac1, mac2 := cutMACs(i.message)
	cookie, err := openCookie(cookieKey(i.venue.Digest, i.venue.Static), answer, mac1)
	if err != nil {
		return nil, err
	}
	sum := mac(cookie[:], covered, mac1)
	copy(mac2, sum[:])
	return slices.Clone(i.message), nil
}

// cutMACs cuts a first message of a possible length: what mac1 covers, and both.
func cutMACs(message []byte) (covered, mac1, mac2 []byte) {
	end := len(message) - macsSize
	return message[:end], message[end : end+macSize], message[end+macSize:]
}

// Finish takes the responder's answer. Its errors:
//
//   - one wrapping [zkkex.ErrRejected], with the venue's reason: no;
//   - [ErrUnavailable]: the venue could not tell;
//   - [ErrUnknownDescriptor]: the venue does not know, or no longer, what we know of
//     it. Nobody vouches for this answer; the venue's log does. The handshake is
//     not over;
//   - [ErrCookie]: see [Initiator.Cookie]. The handshake is not over;
//   - [ErrLength], [ErrVersion], [ErrType]: bytes that are no answer. The handshake
//     is not over, but on a stream nothing that follows can be right;
//   - [ErrUnauthentic] or [ErrPayload]: an answer that is not the venue's. The
//     handshake is over;
//   - [ErrUsed] before [Initiator.Message] and once the handshake is over.
func (i *Initiator) Finish(answer []byte) (*Established, error) {
	if i.over || i.message == nil {
		return nil, fmt.Errorf("handshake: finish: %w", ErrUsed)
	}
	if err := i.due(answer); err != nil {
		return nil, err
	}
	defer i.Wipe()
	switch code, refused, err := openRefusal(i.suite, i.state, answer); {
	case err != nil:
		return nil, err
	case refused:
		return nil, refusal(code)
	}
	return i.accept(answer)
}

// due checks that the answer is a message 2, by its length and type.
func (i *Initiator) due(answer []byte) error {
	t, err := parsePrefix(answer)
	if err != nil {
		return err
	}
	want := map[messageType]int{typeAnswer: answerSize(i.suite), typeUnknownDescriptor: PrefixSize, typeCookie: cookieAnswerSize}[t]
	switch {
	case want == 0:
		return malformed(messageFormat, ErrType, "expected %d (answer), %d or %d, got %d", typeAnswer, typeUnknownDescriptor, typeCookie, t)
	case len(answer) != want:
		return malformed(messageFormat, ErrLength, "expected %d bytes in a message of type %d, got %d", want, t, len(answer))
	case t == typeUnknownDescriptor:
		return fmt.Errorf("handshake: the venue answered: %w", ErrUnknownDescriptor)
	case t == typeCookie:
		return fmt.Errorf("handshake: %w", ErrCookie)
	}
	return nil
}

// accept reads a yes.
func (i *Initiator) accept(answer []byte) (*Established, error) {
	text, err := i.state.ReadMessage(nil, answer[PrefixSize:])
	if err != nil {
		return nil, fmt.Errorf("handshake: answer: %w: %w", ErrUnauthentic, err)
	}
	y, err := parseYes(text)
	if err != nil {
		return nil, err
	}
	if y.kind != i.kind {
		return nil, malformed(payloadFormat, ErrPayload, "the answer is to a message of kind %s, expected %s", y.kind, i.kind)
	}
	ch, err := newChannel(i.suite, record.Initiator, i.state)
	if err != nil {
		return nil, err
	}
	if !i.kind.opens() {
		ch.wipe()
	}
	return &Established{
		Kind: i.kind, Suite: i.suite, Counter: i.counter, Certificate: i.digest,
		Venue: i.venue.ID, Descriptor: i.venue.Number, Generation: y.generation, Until: y.until, channel: ch,
	}, nil
}

// Counter returns the open counter that this handshake uses.
func (i *Initiator) Counter() uint32 { return i.counter }

// Wipe ends the handshake and forgets its secrets. It may be called again.
func (i *Initiator) Wipe() {
	i.over = true
	i.state.Wipe()
	clear(i.early)
	i.early = nil
}

// Retryable reports whether the same certificate may simply be tried again later,
// after an error of [Initiator.Finish]: the venue decided nothing.
func Retryable(err error) bool {
	var reject *zkkex.RejectError
	return errors.Is(err, ErrUnavailable) || errors.As(err, &reject) && reject.Reason == zkkex.Busy
}
