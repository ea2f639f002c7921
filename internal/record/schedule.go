package record

import (
	"crypto/cipher"
	"crypto/sha256"
	"sync"

	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/hmac"
)

// channelSecret is what a generation begins with. It is used once.
type channelSecret [secretSize]byte

// phaseSecret is what a phase of a direction begins with. It gives that phase's
// key, or the next phase.
type phaseSecret [secretSize]byte

// ratchetSecret joins a generation to the one before it.
type ratchetSecret [secretSize]byte

// exporterSecret gives exported keys, and nothing of the channel's.
type exporterSecret [secretSize]byte

// transcript is a hash of everything that both peers have agreed on: the suite,
// the handshake, and every ratchet's messages.
type transcript [sha256.Size]byte

// expand fills out with HKDF-Expand (RFC 5869) of secret. The info is framed, so
// no two labels or fields meet.
func expand(out []byte, secret *[secretSize]byte, label string, fields ...[]byte) {
	info := domain.Frame(domain.Record, append([][]byte{[]byte(label)}, fields...)...)
	mac := borrowMAC()
	defer giveBackMAC(mac)
	mac.Expand(out, secret[:], info)
}

var macs = sync.Pool{New: func() any { return &hmac.State{Hash: sha256.New()} }}

func borrowMAC() *hmac.State { return macs.Get().(*hmac.State) }

// giveBackMAC wipes it: the next borrower has another secret.
func giveBackMAC(mac *hmac.State) {
	mac.Wipe()
	macs.Put(mac)
}

// extract returns HKDF-Extract (RFC 5869).
func extract(salt *[secretSize]byte, input []byte) (out [secretSize]byte) {
	mac := borrowMAC()
	defer giveBackMAC(mac)
	mac.Extract(out[:], input, salt[:])
	return out
}

// firstTranscript covers the suite and the handshake's own transcript hash.
func firstTranscript(suite Suite, handshake []byte) transcript {
	return domain.Hash(domain.Record, []byte("handshake"), []byte{byte(suite)}, handshake)
}

// after covers a ratchet as well: both X25519 keys, the encapsulation key and
// the ciphertext.
func (t *transcript) after(offer, reply []byte) transcript {
	return domain.Hash(domain.Record, []byte("ratchet"), t[:], offer, reply)
}

// firstChannelSecret takes the handshake's secret.
func firstChannelSecret(secret []byte, t *transcript) (c channelSecret) {
	mixed := extract((*[secretSize]byte)(t), secret)
	expand(c[:], &mixed, "channel", t[:])
	clear(mixed[:])
	return c
}

// next mixes a ratchet's input, the two shared secrets, into what the generation
// before has left.
func (r *ratchetSecret) next(input []byte, t *transcript) (c channelSecret) {
	mixed := extract((*[secretSize]byte)(r), input)
	expand(c[:], &mixed, "channel", t[:])
	clear(mixed[:])
	return c
}

// phase returns the first phase of the direction in which role seals.
func (c *channelSecret) phase(role Role, t *transcript) (p phaseSecret) {
	expand(p[:], (*[secretSize]byte)(c), "direction", []byte(role.String()), t[:])
	return p
}

func (c *channelSecret) ratchet(t *transcript) (r ratchetSecret) {
	expand(r[:], (*[secretSize]byte)(c), "next generation", t[:])
	return r
}

// confirmation returns what role shows to have the same secret and transcript.
func (c *channelSecret) confirmation(role Role, t *transcript) (mac [confirmationSize]byte) {
	expand(mac[:], (*[secretSize]byte)(c), "confirm", []byte(role.String()), t[:])
	return mac
}

func (c *channelSecret) exporter(t *transcript) (e exporterSecret) {
	expand(e[:], (*[secretSize]byte)(c), "exporter", t[:])
	return e
}

// keys returns what seals and opens in the phase.
func (p *phaseSecret) keys(suite Suite, role Role) (aead cipher.AEAD, iv [nonceSize]byte) {
	var key [keySize]byte
	expand(key[:], (*[secretSize]byte)(p), "key", []byte(role.String()))
	expand(iv[:], (*[secretSize]byte)(p), "iv", []byte(role.String()))
	aead = suite.aead(&key)
	clear(key[:])
	return aead, iv
}

// step returns the secret of the next phase.
func (p *phaseSecret) step(role Role) (next phaseSecret) {
	expand(next[:], (*[secretSize]byte)(p), "step", []byte(role.String()))
	return next
}

func (e *exporterSecret) export(label string, context []byte, length int) []byte {
	out := make([]byte, length)
	expand(out, (*[secretSize]byte)(e), "export", []byte(label), context, domain.Uint16(uint16(length)))
	return out
}
