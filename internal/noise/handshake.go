package noise

import (
	"crypto/ecdh"
	"crypto/mlkem"
	"fmt"
	"slices"

	"github.com/zkkex/zkkex/internal/domain"
)

// HandshakeState is one peer's side of one handshake (section 5.3). Its methods
// are called in the order the protocol has: messages by turns, then
// [HandshakeState.Split]. The first failure ends it and wipes its secrets. It is
// not safe for concurrent use, and must not be copied.
type HandshakeState struct {
	silent
	protocol  *Protocol
	role      Role
	symmetric *symmetricState
	source    source

	s, e   *dhKey                     // ours: static, ephemeral
	rs, re *ecdh.PublicKey            // the peer's
	s1, e1 *mlkem.DecapsulationKey768 // ours
	rs1    *mlkem.EncapsulationKey768 // the peer's
	re1    *mlkem.EncapsulationKey768 // the peer's
	psks   []PSK                      // those still to be used

	statics StaticSecrets
	toStore *[PublicKeySize]byte // a static secret that no message has authenticated yet

	stage   stage
	message int // the next message, or the one being read, from 0

	// Of the message being read:
	tokens    []token // those still to be processed
	rest      []byte  // the bytes that belong to them
	encodedE1 []byte  // its e1
}

// stage is where a handshake stands.
type stage uint8

const (
	between  stage = iota // between two messages
	reading               // a message is read as far as its static key
	complete              // all messages are through
	ended                 // failed, split or wiped
)

// NewHandshake returns a handshake before its first message. It returns an error
// wrapping [ErrConfig], [ErrOwnKey] or [ErrPublicKey].
func NewHandshake(c Config) (*HandshakeState, error) { return newHandshake(c, system{}) }

func newHandshake(c Config, fresh source) (*HandshakeState, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	h := &HandshakeState{
		protocol: c.Protocol, role: c.Role, symmetric: newSymmetricState(c.Protocol), source: fresh,
		s: dhKeyOf(c.Static), rs: c.PeerStatic, s1: c.Prekey, rs1: c.PeerPrekey, psks: slices.Clone(c.PSKs), statics: c.StaticSecrets,
	}
	h.symmetric.mixHash(c.Prologue)
	for _, role := range []Role{Initiator, Responder} {
		for _, t := range c.Protocol.pattern.known[role] {
			h.symmetric.mixHash(h.knownKey(role, t))
		}
	}
	return h, nil
}

// knownKey returns the encoding of role's key that is known in advance.
func (h *HandshakeState) knownKey(role Role, t token) []byte {
	switch ours := role == h.role; {
	case t == tokenS && ours:
		return h.s.public[:]
	case t == tokenS:
		return h.rs.Bytes()
	case ours: // s1
		return h.s1.EncapsulationKey().Bytes()
	default:
		return h.rs1.Bytes()
	}
}

// Complete reports whether all messages are through.
func (h *HandshakeState) Complete() bool { return h.stage == complete }

// Hash returns the transcript hash: of the protocol's name, the prologue, the
// keys known in advance, and every message so far. After the last message it
// identifies the session for both peers (section 11.2).
func (h *HandshakeState) Hash() []byte { return slices.Clone(h.symmetric.transcript()) }

// PeerStatic returns the peer's static key, or nil if it is not known (yet). A
// key that came with a message is authenticated once [HandshakeState.ReadMessage]
// or [HandshakeState.ReadPayload] has accepted a message with a DH of it.
func (h *HandshakeState) PeerStatic() *ecdh.PublicKey { return h.rs }

// Derive returns a secret for a use that tag names, over the transcript so far
// and context: both peers get the same one between the same two messages, and
// nobody else gets it. It reveals nothing of other keys. The caller clears it.
//
// A secret derived after message 1 alone comes out again when message 1 is
// replayed. Whoever seals with it puts fresh randomness into context.
//
// It returns [ErrOrder] while a message is half read or before the first key,
// and [ErrFailed] once the handshake has ended.
func (h *HandshakeState) Derive(tag domain.Tag, context ...[]byte) ([32]byte, error) {
	switch {
	case h.stage == ended:
		return [32]byte{}, fmt.Errorf("noise: %w", ErrFailed)
	case h.stage == reading || h.message == 0 || !h.symmetric.keyed:
		return [32]byte{}, fmt.Errorf("noise: %w: there is a secret only after a message with a key exchange", ErrOrder)
	}
	return h.symmetric.derive(tag, context), nil
}

// Split returns what seals and opens after the handshake, and wipes the
// handshake. It returns [ErrOrder] before the last message and [ErrFailed] once
// the handshake has ended.
func (h *HandshakeState) Split() (*Transport, error) {
	switch h.stage {
	case ended:
		return nil, fmt.Errorf("noise: %w", ErrFailed)
	case complete:
	default:
		return nil, fmt.Errorf("noise: %w: split after the last message", ErrOrder)
	}
	t := newTransport(h)
	h.Wipe()
	return t, nil
}

// Wipe ends the handshake and forgets its secrets. [HandshakeState.Hash] and
// [HandshakeState.PeerStatic] still answer.
func (h *HandshakeState) Wipe() {
	h.stage = ended
	h.symmetric.wipe()
	h.forgetStatic()
	h.s.wipe()
	h.e.wipe()
	h.s, h.e, h.s1, h.e1 = nil, nil, nil, nil
	h.re, h.rs1, h.re1, h.psks = nil, nil, nil, nil
	h.tokens, h.rest, h.encodedE1 = nil, nil, nil
}

// due returns nil if a message is to be sent by sender now.
func (h *HandshakeState) due(from Role) error {
	switch {
	case h.stage == ended:
		return fmt.Errorf("noise: %w", ErrFailed)
	case h.stage == complete:
		return fmt.Errorf("noise: %w: all %d messages are through", ErrOrder, h.message)
	case h.stage == reading:
		return fmt.Errorf("noise: %w: the payload of message %d is not read yet", ErrOrder, h.message+1)
	case sender(h.message) != from:
		return fmt.Errorf("noise: %w: message %d is the %s's", ErrOrder, h.message+1, sender(h.message))
	}
	return nil
}

// fail ends the handshake because of err, and returns it with the message's
// number.
func (h *HandshakeState) fail(err error) error {
	number := h.message + 1
	h.Wipe()
	return fmt.Errorf("noise: handshake message %d: %w", number, err)
}

// next ends a message.
func (h *HandshakeState) next() {
	h.stage = between
	h.tokens, h.rest, h.encodedE1 = nil, nil, nil
	h.storeStatic()
	if h.message++; h.message == h.protocol.Messages() {
		h.stage = complete
	}
}

// mixDH mixes in the shared secret that a DH token names.
func (h *HandshakeState) mixDH(t token) error {
	secret, err := h.dh(t)
	if err != nil {
		return err
	}
	h.mixSecret(secret)
	return nil
}

func (h *HandshakeState) dh(t token) ([]byte, error) {
	if t == tokenSS {
		return h.staticSecret()
	}
	private, public := h.dhKeys(t)
	return sharedSecret(private, public)
}

// dhKeys returns our private and the peer's public key of a DH token, whose
// first letter is the initiator's key and whose second the responder's.
func (h *HandshakeState) dhKeys(t token) (*dhKey, *ecdh.PublicKey) {
	ours, theirs := t[h.role], t[h.role.peer()]
	private, public := h.s, h.rs
	if ours == 'e' {
		private = h.e
	}
	if theirs == 'e' {
		public = h.re
	}
	return private, public
}

// mixSecret mixes a shared secret in, and clears it.
func (h *HandshakeState) mixSecret(secret []byte) {
	h.symmetric.mixKey(secret)
	clear(secret)
}

// mixPSK mixes the next pre-shared key in.
func (h *HandshakeState) mixPSK() {
	h.symmetric.mixKeyAndHash(h.psks[0].reveal()[:])
	h.psks = h.psks[1:]
}

// mixEphemeral hashes an ephemeral key, and with pre-shared keys mixes it in as
// well (section 9.2).
func (h *HandshakeState) mixEphemeral(public []byte) {
	h.symmetric.mixHash(public)
	if h.protocol.pattern.count(tokenPSK) > 0 {
		h.symmetric.mixKey(public)
	}
}
