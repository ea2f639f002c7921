package threshold

import (
	"crypto/cipher"
	"crypto/hpke"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/redact"
	"github.com/zkkex/zkkex/threshold/frost"
)

// session is one signing session: the messages in its context are sealed with a key
// that only the group's participants and the requester have. Who keeps the board
// could otherwise recognise bindings and signatures, and so the group, among the
// sessions of a venue.
type session struct {
	redact.Silent
	context [32]byte
	aead    cipher.AEAD
}

// Beginnings of topics.
const (
	requestsPrefix = "requests-"
	sessionPrefix  = "sign-"
)

// requestsTopic is where the members of a setup ask for signatures.
func requestsTopic(s *Setup) string {
	digest := s.Digest()
	return requestsPrefix + hex.EncodeToString(digest[:])
}

// sessionContext names a session of a group by a requester's choice.
func sessionContext(group [32]byte, from sender, id [32]byte) [32]byte {
	return domain.Hash(domain.ThresholdSession, group[:], domain.Uint16(uint16(from)), id[:])
}

func sessionTopic(context [32]byte) string { return sessionPrefix + hex.EncodeToString(context[:]) }

func newSession(context [32]byte, key []byte) (*session, error) {
	aead, err := chacha20poly1305.NewX(key)
	return &session{context: context, aead: aead}, err
}

// seal returns a body of a message: a random nonce and the sealed text, bound to the
// message's header.
func (s *session) seal(k kind, from sender, text []byte) ([]byte, error) {
	nonce := make([]byte, chacha20poly1305.NonceSizeX, chacha20poly1305.NonceSizeX+len(text)+s.aead.Overhead())
	if _, err := io.ReadFull(rand.Reader, nonce); err != nil {
		return nil, fmt.Errorf("reading randomness: %w", err)
	}
	header := (&message{kind: k, from: from, context: s.context}).header()
	return s.aead.Seal(nonce, nonce, text, header), nil
}

// open opens what [session.seal] sealed.
func (s *session) open(k kind, from sender, sealed []byte) ([]byte, error) {
	if len(sealed) < chacha20poly1305.NonceSizeX {
		return nil, fmt.Errorf("%w: it is too short", ErrBadMessage)
	}
	header := (&message{kind: k, from: from, context: s.context}).header()
	text, err := s.aead.Open(nil, sealed[:chacha20poly1305.NonceSizeX], sealed[chacha20poly1305.NonceSizeX:], header)
	if err != nil {
		return nil, fmt.Errorf("%w: it is not sealed with the session's key", ErrBadMessage)
	}
	return text, nil
}

// sealKeys seals the session's key to every participant, in order.
func sealKeys(inboxes []hpke.PublicKey, context [32]byte, from sender, key []byte) ([]byte, error) {
	var out []byte
	for i, inbox := range inboxes {
		sealed, err := sealTo(inbox, sealInfo(context, from, frost.Identifier(i+1)), key)
		if err != nil {
			return nil, fmt.Errorf("sealing the session's key to participant %d: %w", i+1, err)
		}
		out = append(out, sealed...)
	}
	return out, nil
}
