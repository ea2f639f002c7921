package noise

import (
	"fmt"
	"slices"
)

// Transport seals and opens after a handshake (section 5.1 and 5.2). Which of
// the two keys is whose follows from the role; nobody has to know. Sealing and
// opening may go on at the same time, each one at a time. A Transport must not
// be copied.
type Transport struct {
	silent
	send, receive *cipherState // nil: a direction that a one-way pattern does not have
	hash          []byte
}

func newTransport(h *HandshakeState) *Transport {
	initiator, responder := h.symmetric.split()
	if h.protocol.pattern.oneWay() {
		responder = nil
	}
	t := &Transport{send: initiator, receive: responder, hash: h.Hash()}
	if h.role == Responder {
		t.send, t.receive = responder, initiator
	}
	return t
}

// Seal appends plaintext to dst, sealed for the peer and longer by [TagSize];
// the peer must give the same ad. The plaintext may be sealed in place, at
// dst[len(dst):]. It returns an error wrapping [ErrLength] if
// the result would be longer than [MaxMessage], [ErrExhausted], [ErrOneWay], or
// [ErrFailed] once wiped.
func (t *Transport) Seal(dst, ad, plaintext []byte) ([]byte, error) {
	if t.send == nil {
		return nil, fmt.Errorf("noise: %w", ErrOneWay)
	}
	if len(plaintext) > MaxMessage-TagSize {
		return nil, fmt.Errorf("noise: %w: a plaintext has at most %d bytes, got %d", ErrLength, MaxMessage-TagSize, len(plaintext))
	}
	dst, err := t.send.seal(dst, ad, plaintext)
	if err != nil {
		return nil, fmt.Errorf("noise: %w", err)
	}
	return dst, nil
}

// Open appends the plaintext of what the peer sealed to dst, which may be
// ciphertext[:0]. Messages are opened in the order in which they were sealed. It
// returns an error wrapping
// [ErrLength], [ErrExhausted], [ErrOneWay], or [ErrAuthentication]; and
// [ErrFailed] for ever after a length or an authentication that failed: on a
// stream nothing that follows can be right.
func (t *Transport) Open(dst, ad, ciphertext []byte) ([]byte, error) {
	if t.receive == nil {
		return nil, fmt.Errorf("noise: %w", ErrOneWay)
	}
	if err := t.receive.usable(); err != nil {
		return nil, fmt.Errorf("noise: %w", err)
	}
	if len(ciphertext) < TagSize || len(ciphertext) > MaxMessage {
		t.receive.wipe()
		return nil, malformed("transport message", ErrLength, "expected %d to %d bytes, got %d", TagSize, MaxMessage, len(ciphertext))
	}
	dst, err := t.receive.open(dst, ad, ciphertext)
	if err != nil {
		t.receive.wipe()
		return nil, fmt.Errorf("noise: %w", err)
	}
	return dst, nil
}

// RekeySend replaces the key that seals by a one-way function of it (section
// 11.3). The peer calls [Transport.RekeyReceive] at the same place of the
// stream. The counter goes on. It returns an error wrapping [ErrOneWay] or
// [ErrFailed].
func (t *Transport) RekeySend() error { return rekey(t.send) }

// RekeyReceive replaces the key that opens, as the peer's [Transport.RekeySend]
// does.
func (t *Transport) RekeyReceive() error { return rekey(t.receive) }

func rekey(c *cipherState) error {
	if c == nil {
		return fmt.Errorf("noise: %w", ErrOneWay)
	}
	if err := c.rekey(); err != nil {
		return fmt.Errorf("noise: %w", err)
	}
	return nil
}

// Hash returns the transcript hash of the handshake, which identifies the
// session for both peers (section 11.2). It is not secret.
func (t *Transport) Hash() []byte { return slices.Clone(t.hash) }

// Wipe forgets both keys. Sealing and opening then return [ErrFailed].
func (t *Transport) Wipe() {
	for _, c := range []*cipherState{t.send, t.receive} {
		if c != nil {
			c.wipe()
		}
	}
}
