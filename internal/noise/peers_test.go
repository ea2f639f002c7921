package noise

import (
	"bytes"
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/mlkem/mlkemtest"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// fixed is a source of given ephemeral secrets, for vectors. Each is drawn once.
type fixed struct {
	e             *ecdh.PrivateKey
	e1            *mlkem.DecapsulationKey768
	encapsulation [][]byte // 32 bytes each, in order
}

func (f *fixed) dhKey() (*dhKey, error) {
	if f.e == nil {
		return nil, fmt.Errorf("no ephemeral key is left")
	}
	e := f.e
	f.e = nil
	return dhKeyOf(e), nil
}

func (f *fixed) kemKey() (*mlkem.DecapsulationKey768, error) {
	if f.e1 == nil {
		return nil, fmt.Errorf("no ephemeral KEM key is left")
	}
	e1 := f.e1
	f.e1 = nil
	return e1, nil
}

func (f *fixed) encapsulate(key *mlkem.EncapsulationKey768) (shared, ciphertext []byte, err error) {
	if len(f.encapsulation) == 0 {
		return nil, nil, fmt.Errorf("no encapsulation randomness is left")
	}
	randomness := f.encapsulation[0]
	f.encapsulation = f.encapsulation[1:]
	return mlkemtest.Encapsulate768(key, randomness)
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func privateKey(t testing.TB, b []byte) *ecdh.PrivateKey {
	t.Helper()
	key, err := ecdh.X25519().NewPrivateKey(b)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func publicKey(t testing.TB, b []byte) *ecdh.PublicKey {
	t.Helper()
	key, err := ecdh.X25519().NewPublicKey(b)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func kemKey(t testing.TB, seed []byte) *mlkem.DecapsulationKey768 {
	t.Helper()
	key, err := mlkem.NewDecapsulationKey768(seed)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func parse(t testing.TB, name string) *Protocol {
	t.Helper()
	p, err := ParseProtocol(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// seed returns 32 bytes that follow from a label, for keys of tests and vectors.
func seed(label string) []byte {
	digest := sha256.Sum256([]byte("zkkex noise test: " + label))
	return digest[:]
}

// longSeed returns the 64 bytes that an ML-KEM-768 key follows from.
func longSeed(label string) []byte {
	digest := sha512.Sum512([]byte("zkkex noise test: " + label))
	return digest[:]
}

// party is a peer of a test: a configuration, and what it would draw.
type party struct {
	config Config
	source fixed
}

func (p party) begin(t testing.TB) *HandshakeState {
	t.Helper()
	source := p.source
	h, err := newHandshake(p.config, &source)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// pair returns the two parties of a protocol, with keys that follow from label.
func pair(t testing.TB, protocol *Protocol, label string) (initiator, responder party) {
	t.Helper()
	prologue := []byte("prologue of " + label)
	p := protocol.pattern
	is, rs := privateKey(t, seed(label+"/init_static")), privateKey(t, seed(label+"/resp_static"))
	prekey := kemKey(t, longSeed(label+"/resp_prekey"))
	initiator = party{
		config: Config{Protocol: protocol, Role: Initiator, Prologue: prologue},
		source: fixed{
			e:             privateKey(t, seed(label+"/init_ephemeral")),
			e1:            kemKey(t, longSeed(label+"/init_e1")),
			encapsulation: [][]byte{seed(label + "/skem1")},
		},
	}
	responder = party{
		config: Config{Protocol: protocol, Role: Responder, Prologue: prologue},
		source: fixed{
			e:             privateKey(t, seed(label+"/resp_ephemeral")),
			encapsulation: [][]byte{seed(label + "/ekem1")},
		},
	}
	if slices.Contains(p.known[Initiator], tokenS) || p.sends(Initiator, tokenS) {
		initiator.config.Static = is
	}
	if slices.Contains(p.known[Initiator], tokenS) {
		responder.config.PeerStatic = is.PublicKey()
	}
	if slices.Contains(p.known[Responder], tokenS) || p.sends(Responder, tokenS) {
		responder.config.Static = rs
	}
	if slices.Contains(p.known[Responder], tokenS) {
		initiator.config.PeerStatic = rs.PublicKey()
	}
	if slices.Contains(p.known[Responder], tokenS1) {
		responder.config.Prekey, initiator.config.PeerPrekey = prekey, prekey.EncapsulationKey()
	}
	for i := range p.count(tokenPSK) {
		psk := NewPSK([32]byte(seed(fmt.Sprint(label, "/psk", i))))
		initiator.config.PSKs = append(initiator.config.PSKs, psk)
		responder.config.PSKs = append(responder.config.PSKs, psk)
	}
	return initiator, responder
}

// write returns the next message of h, which must be due.
func write(t testing.TB, h *HandshakeState, payload []byte) []byte {
	t.Helper()
	message, err := h.WriteMessage(nil, payload)
	if err != nil {
		t.Fatal(err)
	}
	return message
}

// deliver has h read message and compares the payload.
func deliver(t testing.TB, h *HandshakeState, message, payload []byte) {
	t.Helper()
	got, err := h.ReadMessage(nil, message)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, payload) {
		t.Fatalf("payload %x, expected %x", got, payload)
	}
}

func split(t testing.TB, h *HandshakeState) *Transport {
	t.Helper()
	transport, err := h.Split()
	if err != nil {
		t.Fatal(err)
	}
	return transport
}

// finish exchanges all messages of two fresh handshakes, with the payloads given
// by number, and returns the messages.
func finish(t testing.TB, i, r *HandshakeState, payload func(n int) []byte) [][]byte {
	t.Helper()
	var messages [][]byte
	for n := range i.protocol.Messages() {
		from, to := i, r
		if sender(n) == Responder {
			from, to = r, i
		}
		message := write(t, from, payload(n))
		deliver(t, to, message, payload(n))
		messages = append(messages, message)
	}
	if !i.Complete() || !r.Complete() || !bytes.Equal(i.Hash(), r.Hash()) {
		t.Fatal("the peers do not agree that they are through")
	}
	return messages
}

// carry seals with one transport and opens with the other.
func carry(t testing.TB, from, to *Transport, ad, plaintext []byte) []byte {
	t.Helper()
	sealed, err := from.Seal(nil, ad, plaintext)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := to.Open(nil, ad, sealed)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(opened, plaintext) {
		t.Fatalf("opened %x, expected %x", opened, plaintext)
	}
	return sealed
}

// encapsulateTo returns a shared secret and a ciphertext for the holder of key.
func encapsulateTo(t testing.TB, key *mlkem.DecapsulationKey768, randomness []byte) (secret, ciphertext []byte) {
	t.Helper()
	secret, ciphertext, err := mlkemtest.Encapsulate768(key.EncapsulationKey(), randomness)
	if err != nil {
		t.Fatal(err)
	}
	return secret, ciphertext
}

// requireDead checks that nothing works any more.
func requireDead(t testing.TB, h *HandshakeState) {
	t.Helper()
	_, written := h.WriteMessage(nil, nil)
	_, read := h.ReadMessage(nil, nil)
	_, static := h.ReadStatic(nil)
	_, payload := h.ReadPayload(nil)
	_, splitting := h.Split()
	_, derived := h.Derive("tag")
	for _, err := range []error{written, read, static, payload, splitting, derived} {
		if !errors.Is(err, ErrFailed) {
			t.Errorf("got %v, expected a state that is no longer usable", err)
		}
	}
	if h.symmetric.ck != [maxHash]byte{} || h.s != nil || h.e != nil || h.s1 != nil || h.e1 != nil || h.symmetric.cipher.aead != nil {
		t.Error("secrets are left")
	}
}
