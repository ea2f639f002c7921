package noise

import (
	"bytes"
	"crypto/ecdh"
	"crypto/mlkem"
	"fmt"
	"slices"
)

// ReadMessage reads the peer's next handshake message and appends its payload to
// dst, which must not overlap message. It returns an error wrapping [ErrOrder] if
// it is our turn, and then nothing has changed. Every other error ends the handshake; it wraps
// [ErrLength], [ErrPublicKey], [ErrEncapsulationKey], [ErrOwnKey] or
// [ErrAuthentication], or is [ErrFailed] if the handshake had ended before.
func (h *HandshakeState) ReadMessage(dst, message []byte) ([]byte, error) {
	if err := h.begin(message); err != nil {
		return nil, err
	}
	return h.ReadPayload(dst)
}

// ReadStatic reads the peer's next message as far as its static key and returns
// that, so that the caller can look it up before paying for the rest. Nothing
// says yet that the sender holds the key. [HandshakeState.ReadPayload] goes on;
// until then message must not change. Errors are those of
// [HandshakeState.ReadMessage], and [ErrOrder] if the message has no static key.
func (h *HandshakeState) ReadStatic(message []byte) (*ecdh.PublicKey, error) {
	if err := h.due(h.role.peer()); err != nil {
		return nil, err
	}
	if !slices.Contains(h.protocol.pattern.messages[h.message], tokenS) {
		return nil, fmt.Errorf("noise: %w: message %d of %s brings no static key", ErrOrder, h.message+1, h.protocol)
	}
	if err := h.begin(message); err != nil {
		return nil, err
	}
	for h.rs == nil {
		if err := h.read(); err != nil {
			return nil, h.fail(err)
		}
	}
	return h.rs, nil
}

// ReadPayload reads the rest of the message that [HandshakeState.ReadStatic] has
// begun and appends its payload to dst, which must not overlap the message. Errors are those of
// [HandshakeState.ReadMessage], and [ErrOrder] if no message has begun.
func (h *HandshakeState) ReadPayload(dst []byte) ([]byte, error) {
	switch h.stage {
	case reading:
	case ended:
		return nil, fmt.Errorf("noise: %w", ErrFailed)
	default:
		return nil, fmt.Errorf("noise: %w: no message is being read", ErrOrder)
	}
	for len(h.tokens) > 0 {
		if err := h.read(); err != nil {
			return nil, h.fail(err)
		}
	}
	dst, err := h.symmetric.decryptAndHash(dst, h.rest)
	if err != nil {
		return nil, h.fail(err)
	}
	if err := h.expandE1(); err != nil {
		return nil, h.fail(err)
	}
	h.next()
	return dst, nil
}

// begin takes the peer's next message, if it is due and long enough.
func (h *HandshakeState) begin(message []byte) error {
	if err := h.due(h.role.peer()); err != nil {
		return err
	}
	if least := h.protocol.Overhead(h.message); len(message) < least || len(message) > MaxMessage {
		return h.fail(malformed("handshake message", ErrLength, "expected %d to %d bytes, got %d", least, MaxMessage, len(message)))
	}
	h.stage = reading
	h.tokens, h.rest = h.protocol.pattern.messages[h.message], message
	return nil
}

// read processes the next token of the message that is being read.
func (h *HandshakeState) read() error {
	t := h.tokens[0]
	h.tokens = h.tokens[1:]
	switch t {
	case tokenE:
		return h.readE()
	case tokenS:
		return h.readS()
	case tokenE1:
		return h.readE1()
	case tokenEKEM1:
		return h.readCiphertext(t, h.e1)
	case tokenSKEM1:
		return h.readCiphertext(t, h.s1)
	case tokenPSK:
		h.mixPSK()
		return nil
	default:
		return h.mixDH(t)
	}
}

// take returns the bytes of a token. The length was checked for all of them.
func (h *HandshakeState) take(t token) []byte {
	n := t.size(h.symmetric.keyed)
	field := h.rest[:n]
	h.rest = h.rest[n:]
	return field
}

func (h *HandshakeState) readE() (err error) {
	field := h.take(tokenE)
	if h.re, err = parsePeer(field, h.e); err != nil {
		return fmt.Errorf("ephemeral key: %w", err)
	}
	h.mixEphemeral(field)
	return nil
}

func (h *HandshakeState) readS() error {
	encoded, err := h.symmetric.decryptAndHash(make([]byte, 0, PublicKeySize), h.take(tokenS))
	if err != nil {
		return err
	}
	if h.rs, err = parsePeer(encoded, h.s); err != nil {
		return fmt.Errorf("static key: %w", err)
	}
	return nil
}

// parsePeer reads the peer's public key, which is not ours.
func parsePeer(b []byte, ours *dhKey) (*ecdh.PublicKey, error) {
	key, err := parsePublicKey(b)
	if err != nil {
		return nil, err
	}
	if ours != nil && bytes.Equal(ours.public[:], b) {
		return nil, ErrOwnKey
	}
	return key, nil
}

func (h *HandshakeState) readE1() (err error) {
	h.encodedE1, err = h.symmetric.decryptAndHash(make([]byte, 0, EncapsulationKeySize), h.take(tokenE1))
	return err
}

// expandE1 parses the e1 of the message, if it had one. That costs a third of a
// DH, which only a message that turned out to be authentic is worth.
func (h *HandshakeState) expandE1() (err error) {
	if h.encodedE1 == nil {
		return nil
	}
	h.re1, err = parseEncapsulationKey(h.encodedE1)
	return err
}

// readCiphertext opens a ciphertext for key and mixes the shared secret in. A
// ciphertext that was not made for key gives another secret, and the next tag
// does not fit (implicit rejection, FIPS 203).
func (h *HandshakeState) readCiphertext(t token, key *mlkem.DecapsulationKey768) error {
	ciphertext, err := h.symmetric.decryptAndHash(make([]byte, 0, CiphertextSize), h.take(t))
	if err != nil {
		return err
	}
	secret, err := key.Decapsulate(ciphertext)
	if err != nil {
		return fmt.Errorf("decapsulating: %w", err)
	}
	h.mixSecret(secret)
	return nil
}
