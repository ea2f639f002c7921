package handshake

import (
	"crypto/ecdh"
	"crypto/rand"
	"fmt"
	"hash"

	"golang.org/x/crypto/blake2s"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/zkkex/zkkex/internal/domain"
)

// mac is BLAKE2s with a key and 16 bytes of output (RFC 7693, section 2.9).
func mac(key []byte, parts ...[]byte) (out [macSize]byte) {
	h := newMAC(key)
	for _, p := range parts {
		h.Write(p)
	}
	return [macSize]byte(h.Sum(nil))
}

func newMAC(key []byte) hash.Hash {
	h, err := blake2s.New128(key)
	if err != nil {
		panic("handshake: " + err.Error()) // keys are arrays of 16 or 32 bytes
	}
	return h
}

// outerKey is what a first message's outer MAC is keyed with. Whoever has the
// descriptor knows it.
func outerKey(digest [32]byte, static *ecdh.PublicKey) [32]byte {
	return domain.Hash(domain.HandshakeMAC, digest[:], static.Bytes())
}

// cookieKey is what a cookie is sealed with. Whoever has the descriptor knows it:
// sealed to mac1, it helps only who sees the first message.
func cookieKey(digest [32]byte, static *ecdh.PublicKey) [32]byte {
	return domain.Hash(domain.HandshakeCookie, digest[:], static.Bytes())
}

// cookieAnswerSize is the length of the answer with a cookie.
const cookieAnswerSize = PrefixSize + chacha20poly1305.NonceSizeX + macSize + chacha20poly1305.Overhead

// sealCookie returns the answer that brings a cookie (the WireGuard paper, section
// 5.4.7).
func sealCookie(key [32]byte, cookie [macSize]byte, mac1 []byte) ([]byte, error) {
	aead, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		return nil, fmt.Errorf("handshake: sealing a cookie: %w", err)
	}
	out := appendPrefix(make([]byte, 0, cookieAnswerSize), typeCookie, cookieAnswerSize-PrefixSize)
	out = out[:PrefixSize+aead.NonceSize()]
	rand.Read(out[PrefixSize:])
	return aead.Seal(out, out[PrefixSize:], cookie[:], mac1), nil
}

// openCookie returns the cookie in an answer to the message with that mac1. It
// returns an error wrapping [ErrLength], [ErrType] or [ErrUnauthentic].
func openCookie(key [32]byte, answer, mac1 []byte) (cookie [macSize]byte, err error) {
	t, err := parsePrefix(answer)
	switch {
	case err != nil:
		return cookie, err
	case t != typeCookie:
		return cookie, malformed(messageFormat, ErrType, "expected %d, got %d", typeCookie, t)
	case len(answer) != cookieAnswerSize:
		return cookie, malformed(messageFormat, ErrLength, "expected %d bytes, got %d", cookieAnswerSize, len(answer))
	}
	aead, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		return cookie, fmt.Errorf("handshake: opening a cookie: %w", err)
	}
	nonce, sealed := answer[PrefixSize:PrefixSize+aead.NonceSize()], answer[PrefixSize+aead.NonceSize():]
	text, err := aead.Open(nil, nonce, sealed, mac1)
	if err != nil {
		return cookie, fmt.Errorf("handshake: cookie: %w", ErrUnauthentic)
	}
	return [macSize]byte(text), nil
}

// unknownDescriptorAnswer is the one answer to a descriptor number that is not
// known.
func unknownDescriptorAnswer() []byte { return appendPrefix(nil, typeUnknownDescriptor, 0) }
