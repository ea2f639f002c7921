package handshake

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/noise"
	"github.com/zkkex/zkkex/internal/record"
)

// answerPayloadSize is the length of what a yes carries: kind, generation, end,
// zeros.
const answerPayloadSize = 32

// yes is what the responder tells of the channel.
type yes struct {
	kind       Kind
	generation uint32
	until      time.Time // to the second
}

func (y *yes) append(b []byte) []byte {
	end := len(b) + answerPayloadSize
	b = append(b, byte(y.kind))
	b = binary.BigEndian.AppendUint32(b, y.generation)
	b = binary.BigEndian.AppendUint64(b, uint64(y.until.Unix()))
	return append(b, make([]byte, end-len(b))...)
}

// parseYes decodes the payload of message 2. It returns an error that matches
// [zkkex.ErrMalformed] and [ErrPayload].
func parseYes(b []byte) (*yes, error) {
	if len(b) != answerPayloadSize {
		return nil, malformed(payloadFormat, ErrPayload, "expected %d bytes, got %d", answerPayloadSize, len(b))
	}
	y := &yes{
		kind:       Kind(b[0]),
		generation: binary.BigEndian.Uint32(b[1:]),
		until:      time.Unix(int64(binary.BigEndian.Uint64(b[5:])), 0),
	}
	if !y.kind.valid() {
		return nil, malformed(payloadFormat, ErrPayload, "kind %d, expected 1 (open), 2 (admit) or 3 (inline)", b[0])
	}
	if !zeros(b[13:]) {
		return nil, malformed(payloadFormat, ErrPayload, "expected zeros behind the end of the channel")
	}
	return y, nil
}

// sealRefusal returns a message 2 that says no. A fresh public key stands where a
// yes has one; it makes the key that seals, which is therefore used once, however
// often message 1 is replayed.
func sealRefusal(s *Suite, h *noise.HandshakeState, code uint16) ([]byte, error) {
	fresh, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("handshake: drawing randomness for a refusal: %w", err)
	}
	size := answerSize(s)
	out := appendPrefix(make([]byte, 0, size), typeAnswer, size-PrefixSize)
	out = append(out, fresh.PublicKey().Bytes()...)
	aead, err := refusalAEAD(s, h, out[PrefixSize:])
	if err != nil {
		return nil, err
	}
	text := make([]byte, size-len(out)-aead.Overhead())
	binary.BigEndian.PutUint16(text, code)
	return aead.Seal(out, make([]byte, aead.NonceSize()), text, out[:PrefixSize]), nil
}

// openRefusal returns the code of a message 2 that says no, and false if it is
// none.
func openRefusal(s *Suite, h *noise.HandshakeState, message []byte) (code uint16, ok bool, err error) {
	sealed := message[PrefixSize+noise.PublicKeySize:]
	aead, err := refusalAEAD(s, h, message[PrefixSize:PrefixSize+noise.PublicKeySize])
	if err != nil {
		return 0, false, err
	}
	text, err := aead.Open(nil, make([]byte, aead.NonceSize()), sealed, message[:PrefixSize])
	if err != nil {
		return 0, false, nil
	}
	if !zeros(text[2:]) {
		return 0, false, malformed(payloadFormat, ErrPayload, "expected zeros behind the reason")
	}
	return binary.BigEndian.Uint16(text), true, nil
}

// refusalAEAD returns what seals one refusal, with its nonce 0.
func refusalAEAD(s *Suite, h *noise.HandshakeState, fresh []byte) (cipher.AEAD, error) {
	key, err := h.Derive(domain.Reject, fresh)
	if err != nil {
		return nil, err
	}
	defer clear(key[:])
	if s.record == record.ChaCha20Poly1305 {
		return chacha20poly1305.New(key[:])
	}
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
