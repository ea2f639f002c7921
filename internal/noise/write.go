package noise

import (
	"crypto/mlkem"
	"fmt"
)

// WriteMessage appends the next handshake message, with payload, to dst, which
// must not overlap payload. How far the payload is protected depends on pattern and message (section 7.7). It
// returns an error wrapping [ErrOrder] if it is the peer's turn or [ErrLength]
// if the message would be longer than [MaxMessage], and then nothing has
// changed; or one wrapping [ErrPublicKey] or the failure of the system's
// randomness, and then the handshake has ended.
func (h *HandshakeState) WriteMessage(dst, payload []byte) ([]byte, error) {
	if err := h.due(h.role); err != nil {
		return nil, err
	}
	if room := MaxMessage - h.protocol.Overhead(h.message); len(payload) > room {
		return nil, fmt.Errorf("noise: %w: a payload of message %d has at most %d bytes, got %d", ErrLength, h.message+1, room, len(payload))
	}
	var err error
	for _, t := range h.protocol.pattern.messages[h.message] {
		if dst, err = h.write(dst, t); err != nil {
			return nil, h.fail(err)
		}
	}
	if dst, err = h.symmetric.encryptAndHash(dst, payload); err != nil {
		return nil, h.fail(err)
	}
	h.next()
	return dst, nil
}

// write processes one token of a message that is being written.
func (h *HandshakeState) write(dst []byte, t token) ([]byte, error) {
	switch t {
	case tokenE:
		return h.writeE(dst)
	case tokenS:
		return h.symmetric.encryptAndHash(dst, h.s.public[:])
	case tokenE1:
		return h.writeE1(dst)
	case tokenEKEM1:
		return h.writeCiphertext(dst, h.re1)
	case tokenSKEM1:
		return h.writeCiphertext(dst, h.rs1)
	case tokenPSK:
		h.mixPSK()
		return dst, nil
	default:
		return dst, h.mixDH(t)
	}
}

func (h *HandshakeState) writeE(dst []byte) (_ []byte, err error) {
	if h.e, err = h.source.dhKey(); err != nil {
		return nil, fmt.Errorf("drawing an ephemeral key: %w", err)
	}
	h.mixEphemeral(h.e.public[:])
	return append(dst, h.e.public[:]...), nil
}

func (h *HandshakeState) writeE1(dst []byte) (_ []byte, err error) {
	if h.e1, err = h.source.kemKey(); err != nil {
		return nil, fmt.Errorf("drawing an ephemeral key: %w", err)
	}
	return h.symmetric.encryptAndHash(dst, h.e1.EncapsulationKey().Bytes())
}

// writeCiphertext encapsulates to key, sends the ciphertext and mixes the shared
// secret in.
func (h *HandshakeState) writeCiphertext(dst []byte, key *mlkem.EncapsulationKey768) ([]byte, error) {
	secret, ciphertext, err := h.source.encapsulate(key)
	if err != nil {
		return nil, fmt.Errorf("encapsulating: %w", err)
	}
	if dst, err = h.symmetric.encryptAndHash(dst, ciphertext); err != nil {
		return nil, err
	}
	h.mixSecret(secret)
	return dst, nil
}
