package record

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/mlkem"
	"crypto/mlkem/mlkemtest"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"
)

// straight is a second implementation of docs/spec/record.md that shares no code
// with the package: it makes the vectors, and is what a thief runs.
type straight struct {
	t                   testing.TB
	suite               byte
	th, ratchet, export []byte
	sides               map[string]*straightSide
	confirm             map[string][]byte // of the generation derived last
	phases              map[string][]byte // the same
	trace               strings.Builder
}

// straightSide is one direction.
type straightSide struct {
	secret   []byte
	phase    uint32
	sequence uint64
	entering bool
}

func mac(key []byte, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

func framed(parts ...[]byte) (out []byte) {
	for _, p := range parts {
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(p))), p...)
	}
	return out
}

// derive is HKDF-Expand with the record layer's info.
func derive(secret []byte, n int, parts ...string) (out []byte) {
	fields := [][]byte{[]byte("zkkex/v1 record")}
	for _, p := range parts {
		fields = append(fields, []byte(p))
	}
	info := framed(fields...)
	var block []byte
	for i := byte(1); len(out) < n; i++ {
		block = mac(secret, block, info, []byte{i})
		out = append(out, block...)
	}
	return out[:n]
}

func straightHash(parts ...[]byte) []byte {
	sum := sha256.Sum256(framed(append([][]byte{[]byte("zkkex/v1 record")}, parts...)...))
	return sum[:]
}

func (x *straight) note(name string, value []byte) { fmt.Fprintf(&x.trace, "%-26s %x\n", name, value) }

func newStraight(t testing.TB, suite Suite, secret, transcript []byte) *straight {
	x := &straight{t: t, suite: byte(suite), sides: map[string]*straightSide{}}
	x.th = straightHash([]byte("handshake"), []byte{byte(suite)}, transcript)
	x.note("transcript 0", x.th)
	channel := derive(mac(x.th, secret), 32, "channel", string(x.th))
	x.export = derive(channel, 32, "exporter", string(x.th))
	x.note("exporter secret", x.export)
	x.generation(channel)
	for _, role := range []string{"initiator", "responder"} {
		x.sides[role] = &straightSide{secret: x.phases[role]}
		x.noteKey(role)
	}
	return x
}

func (x *straight) generation(channel []byte) {
	x.note("channel secret", channel)
	x.phases, x.confirm = map[string][]byte{}, map[string][]byte{}
	for _, role := range []string{"initiator", "responder"} {
		x.phases[role] = derive(channel, 32, "direction", role, string(x.th))
		x.confirm[role] = derive(channel, 32, "confirm", role, string(x.th))
	}
	x.ratchet = derive(channel, 32, "next generation", string(x.th))
}

// renew goes to the next generation's secrets; the directions enter it one by
// one.
func (x *straight) renew(offer, reply, input []byte) {
	x.th = straightHash([]byte("ratchet"), x.th, offer, reply)
	x.note("transcript", x.th)
	x.generation(derive(mac(x.ratchet, input), 32, "channel", string(x.th)))
}

func (x *straight) enter(role string) {
	x.sides[role].secret, x.sides[role].entering = x.phases[role], true
}

// advance goes to the next phase.
func (x *straight) advance(role string) {
	s := x.sides[role]
	if !s.entering {
		s.secret = derive(s.secret, 32, "step", role)
	}
	s.entering = false
	s.phase++
	x.noteKey(role)
}

func (x *straight) noteKey(role string) {
	x.note(fmt.Sprintf("%s phase %d key", role, x.sides[role].phase), derive(x.sides[role].secret, 32, "key", role))
	x.note(fmt.Sprintf("%s phase %d iv", role, x.sides[role].phase), derive(x.sides[role].secret, 12, "iv", role))
}

func straightAEAD(t testing.TB, suite byte, key []byte) cipher.AEAD {
	if suite == 2 {
		aead, err := chacha20poly1305.New(key)
		if err != nil {
			t.Fatal(err)
		}
		return aead
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return aead
}

func straightNonce(iv []byte, sequence uint64) []byte {
	nonce := binary.BigEndian.AppendUint64(make([]byte, 4), sequence)
	for i := range nonce {
		nonce[i] ^= iv[i]
	}
	return nonce
}

// sealInner seals anything at all as role's next record, with a header of the
// given phase and type.
func (x *straight) sealInner(role string, kind byte, phase uint32, inner []byte) []byte {
	s := x.sides[role]
	header := append([]byte{kind}, binary.BigEndian.AppendUint16(nil, uint16(len(inner)+16))...)
	header = binary.BigEndian.AppendUint32(header, phase)
	aead := straightAEAD(x.t, x.suite, derive(s.secret, 32, "key", role))
	nonce := straightNonce(derive(s.secret, 12, "iv", role), s.sequence)
	s.sequence++
	return aead.Seal(header, nonce, inner, header)
}

// inner is a record's inside: content, zeros up to size, length, type.
func inner(t byte, content string, size int) []byte {
	b := append([]byte(content), make([]byte, size-len(content))...)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(content))), t)
}

func (x *straight) seal(role string, t byte, content string, size int) []byte {
	if x.sides[role].entering {
		x.advance(role)
	}
	return x.sealInner(role, 1, x.sides[role].phase, inner(t, content, size))
}

// open opens role's next record as whoever has the state can.
func (x *straight) open(role string, record []byte) (byte, []byte, bool) {
	s := x.sides[role]
	if binary.BigEndian.Uint32(record[3:]) != s.phase {
		x.advance(role)
	}
	aead := straightAEAD(x.t, x.suite, derive(s.secret, 32, "key", role))
	inner, err := aead.Open(nil, straightNonce(derive(s.secret, 12, "iv", role), s.sequence), record[7:], record[:7])
	s.sequence++
	if err != nil {
		return 0, nil, false
	}
	n := len(inner) - 3
	return inner[n+2], inner[:binary.BigEndian.Uint16(inner[n:])], true
}

// straightRatchet is a ratchet's messages and secrets from what both sides drew.
type straightRatchet struct{ offer, reply, dh, kem []byte }

func newStraightRatchet(t testing.TB, idh, ikem, rdh, random []byte) (r straightRatchet) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	initiator, err := ecdh.X25519().NewPrivateKey(idh)
	check(err)
	responder, err := ecdh.X25519().NewPrivateKey(rdh)
	check(err)
	kem, err := mlkem.NewDecapsulationKey768(ikem)
	check(err)
	shared, ciphertext, err := mlkemtest.Encapsulate768(kem.EncapsulationKey(), random)
	check(err)
	r.dh, err = initiator.ECDH(responder.PublicKey())
	check(err)
	r.kem = shared
	r.offer = append(initiator.PublicKey().Bytes(), kem.EncapsulationKey().Bytes()...)
	r.reply = append(responder.PublicKey().Bytes(), ciphertext...)
	return r
}

func (r *straightRatchet) input() []byte { return append(append([]byte{}, r.dh...), r.kem...) }
