package record

import (
	"fmt"
	"io"
	"time"
)

// Config is what a session starts from. It is only read.
type Config struct {
	// Suite seals the records, of both directions.
	Suite Suite
	// Role is ours. The peer has the other.
	Role Role
	// Transcript is the handshake's transcript hash, 32 to 64 bytes. It covers
	// everything before the first record.
	Transcript []byte
	// Limits tighten the package's constants.
	Limits Limits
	// Padding is what our records get.
	Padding Padding
	// Now is the clock; nil is [time.Now].
	Now func() time.Time
}

func (c *Config) check() error {
	switch {
	case c.Suite != AES256GCM && c.Suite != ChaCha20Poly1305:
		return fmt.Errorf("record: %w: there is no suite %d", ErrConfig, c.Suite)
	case c.Role > Responder:
		return fmt.Errorf("record: %w: there is no role %d", ErrConfig, c.Role)
	case len(c.Transcript) < 32 || len(c.Transcript) > 64:
		return fmt.Errorf("record: %w: a transcript hash has 32 to 64 bytes, got %d", ErrConfig, len(c.Transcript))
	case c.Padding > PadBuckets:
		return fmt.Errorf("record: %w: there is no padding %d", ErrConfig, c.Padding)
	}
	return nil
}

// Session is one peer's side of a channel. One goroutine may seal, another open,
// and others call everything else, all at once. Records are sent in the order in
// which Seal, Control, Close and Alert made them.
type Session struct {
	silent
	*state
}

// state is a session's. It is behind a pointer, because formatters do not call
// the methods of unexported fields, but look into them.
type state struct {
	limits   Limits
	padding  Padding
	now      func() time.Time
	send     half
	receive  half
	ratchet  ratchet
	exporter exporterSecret // guarded by send.mu
	wiped    bool           // guarded by send.mu
}

// New returns a session. The secret is 32 bytes that both peers of the handshake,
// and nobody else, have, derived for this use alone; New clears it. It returns
// an error wrapping [ErrConfig].
func New(c Config, secret []byte) (*Session, error) { return newSession(c, secret, system()) }

func newSession(c Config, secret []byte, p primitives) (*Session, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if len(secret) != secretSize {
		return nil, fmt.Errorf("record: %w: the secret has %d bytes, got %d", ErrConfig, secretSize, len(secret))
	}
	limits, err := c.Limits.complete()
	if err != nil {
		return nil, err
	}
	s := &Session{state: &state{limits: limits, padding: c.Padding, now: c.Now}}
	if s.now == nil {
		s.now = time.Now
	}
	now := s.now()
	t := firstTranscript(c.Suite, c.Transcript)
	first := firstChannelSecret(secret, &t)
	p.wipe(secret)
	s.exporter = first.exporter(&t)
	g := newGeneration(0, now, &first, t, p.wipe)
	s.ratchet.role, s.ratchet.limits, s.ratchet.primitives, s.ratchet.current = c.Role, &s.limits, p, g
	s.send.begin(c.Suite, c.Role, g, p.wipe)
	s.receive.begin(c.Suite, c.Role.peer(), g, p.wipe)
	return s, nil
}

// Seal appends a record to dst, which must not overlap plaintext, and takes a
// symmetric step first if the key is used up. The type is [Application] or
// [Channel]; the plaintext has at most [MaxPlaintext] bytes, and may be empty. It
// returns an error wrapping [ErrType], [ErrLength], [ErrStale] if a ratchet must
// complete first, [ErrClosed], [ErrExhausted] or [ErrWiped]; then nothing was
// appended.
func (s *Session) Seal(dst []byte, t Type, plaintext []byte) ([]byte, error) {
	if t != Application && t != Channel {
		return dst, fmt.Errorf("record: sealing: %w: %d", ErrType, t)
	}
	if len(plaintext) > MaxPlaintext {
		return dst, fmt.Errorf("record: sealing: %w: a plaintext has at most %d bytes, got %d", ErrLength, MaxPlaintext, len(plaintext))
	}
	s.send.mu.Lock()
	defer s.send.mu.Unlock()
	if err := s.sealable(); err != nil {
		return dst, err
	}
	now := s.now()
	if age(now, s.send.born) >= s.limits.StaleAge {
		s.want(false)
		return dst, fmt.Errorf("record: sealing: %w: they are %v old, and at most %v is allowed", ErrStale, age(now, s.send.born), s.limits.StaleAge)
	}
	s.touch()
	return s.seal(dst, t, plaintext, now)
}

// Close appends the authenticated end of our direction: Seal then returns
// [ErrClosed]. Ratchets still go on, for what the peer seals. It returns an
// error as Seal does.
func (s *Session) Close(dst []byte) ([]byte, error) {
	s.send.mu.Lock()
	defer s.send.mu.Unlock()
	if err := s.sealable(); err != nil {
		return dst, err
	}
	out, err := s.seal(dst, CloseNotify, nil, s.now())
	if err == nil {
		s.send.closed = true
	}
	return out, err
}

// Alert appends an alert, after which nothing is sealed: it is how to tell the
// peer that we give up. It returns an error as Seal does, but may follow Close.
func (s *Session) Alert(dst []byte, a Alert) ([]byte, error) {
	s.send.mu.Lock()
	defer s.send.mu.Unlock()
	if s.send.err != nil {
		return dst, s.send.err
	}
	out, err := s.seal(dst, typeAlert, []byte{byte(a)}, s.now())
	if err != nil {
		return dst, err
	}
	s.send.end(fmt.Errorf("record: %w: by our alert", ErrClosed))
	s.ratchet.end(s.send.err)
	return out, nil
}

// sealable returns nil while the application's part of our direction goes on.
func (s *Session) sealable() error {
	if s.send.err != nil {
		return s.send.err
	}
	if s.send.closed {
		return fmt.Errorf("record: sealing: %w", ErrClosed)
	}
	return nil
}

// seal seals with padding. Failures are final: numbers are used up.
func (s *Session) seal(dst []byte, t Type, content []byte, now time.Time) ([]byte, error) {
	out, err := s.send.seal(dst, t, content, s.padding.size(t, len(content)), &s.limits, now)
	if err != nil {
		return dst, s.send.end(fmt.Errorf("record: sealing: %w", err))
	}
	return out, nil
}

// Open opens the peer's next record, whole and with its header. For the types
// [Application] and [Channel] it appends the plaintext to dst; with other types
// it has done itself what there is to do, and dst comes back as it was. dst may
// be record[HeaderSize:HeaderSize]; otherwise it must not overlap record, and
// with room for len(record) bytes nothing is allocated.
//
// The first error is final, and returned ever after: one wrapping [ErrLength],
// [ErrHeader], [ErrPhase], [ErrAuthentication], [ErrLimit], [ErrContent],
// [ErrUnexpected], [ErrConfirmation], [ErrExhausted] or [ErrWiped], or an
// [Alert] of the peer's together with [ErrClosed]. Tell the peer with
// [Session.Alert], no more.
func (s *Session) Open(dst, record []byte) (Type, []byte, error) {
	h := &s.receive
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil {
		return 0, dst, h.err
	}
	t, out, err := h.open(dst, record, s.now)
	if err == nil {
		err = s.take(t, out[len(dst):])
	}
	if err != nil {
		err = h.end(fmt.Errorf("record: opening: %w", err))
		s.ratchet.end(err)
		return 0, dst, err
	}
	if t != Application && t != Channel {
		return t, dst, nil
	}
	return t, out, nil
}

// take does what an authentic record asks for.
func (s *Session) take(t Type, content []byte) error {
	h := &s.receive
	switch {
	case t >= RatchetRequest:
		return s.ratchet.receive(t, content, h)
	case t == typeAlert:
		return fmt.Errorf("%w: %w", ErrClosed, Alert(content[0]))
	case h.closed:
		return fmt.Errorf("%w: type %d after the close", ErrUnexpected, t)
	case t == CloseNotify:
		h.closed = true
	default:
		s.touch()
	}
	return nil
}

// touch notes that the generation is used: an idle channel does not ratchet.
func (s *Session) touch() {
	if used := &s.ratchet.used; !used.Load() {
		used.Store(true)
	}
}

// Confirmed reports whether the peer has shown to have the keys: any record of
// its has opened.
func (s *Session) Confirmed() bool {
	s.receive.mu.Lock()
	defer s.receive.mu.Unlock()
	return s.receive.confirmed
}

// Closed reports whether our close was sealed and whether the peer's was opened.
func (s *Session) Closed() (sent, received bool) {
	s.send.mu.Lock()
	sent = s.send.closed
	s.send.mu.Unlock()
	s.receive.mu.Lock()
	defer s.receive.mu.Unlock()
	return sent, s.receive.closed
}

// End says what the end of the stream from the peer means: [io.EOF] after the
// peer's close, the reason if a record was refused or the peer sent an alert,
// otherwise an error wrapping [ErrTruncated].
func (s *Session) End() error {
	s.receive.mu.Lock()
	defer s.receive.mu.Unlock()
	switch {
	case s.receive.err != nil:
		return s.receive.err
	case s.receive.closed:
		return io.EOF
	}
	return errTruncated
}

// Wipe forgets all keys. Everything then returns [ErrWiped], or the reason for
// which it failed before.
func (s *Session) Wipe() {
	s.send.mu.Lock()
	s.send.end(errWiped)
	s.send.wipe(s.exporter[:])
	s.wiped = true
	s.send.mu.Unlock()
	s.receive.mu.Lock()
	s.receive.end(errWiped)
	s.receive.mu.Unlock()
	s.ratchet.end(errWiped)
}
