package handshake

import (
	"crypto/ecdh"
	"testing"

	"github.com/zkkex/zkkex/internal/noise"
)

// handmade returns a first message of the plain suite whose payload is the test's.
func (s *scene) handmade(t testing.TB, key *ecdh.PrivateKey, text []byte) []byte {
	t.Helper()
	suite := suites()[0]
	h, err := newInitiatorState(s.venue(suite.String()), suite, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	size := headerSize + suite.protocol.Overhead(0) + len(text) + macsSize
	out := appendHeader(nil, header{suite: suite.id, number: s.keys.Number}, size)
	if out, err = h.WriteMessage(out, text); err != nil {
		t.Fatal(err)
	}
	return remac(s.keys, append(out, make([]byte, macsSize)...))
}

// responderState returns a Noise machine of the responder's, apart from it.
func responderState(t testing.TB, k *Keys, s *Suite) *noise.HandshakeState {
	t.Helper()
	c := noise.Config{Protocol: s.protocol, Role: noise.Responder, Static: k.Static, Prologue: prologue(s, k.Number, k.Digest)}
	if s.prekey {
		c.Prekey = k.Prekey
	}
	h, err := noise.NewHandshake(c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}
