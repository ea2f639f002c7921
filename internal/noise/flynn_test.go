package noise

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"

	flynn "github.com/flynn/noise"
)

var flynnPatternTable = []flynn.HandshakePattern{
	flynn.HandshakeN, flynn.HandshakeK, flynn.HandshakeX,
	flynn.HandshakeNN, flynn.HandshakeNK, flynn.HandshakeNX,
	flynn.HandshakeXN, flynn.HandshakeXK, flynn.HandshakeXX,
	flynn.HandshakeKN, flynn.HandshakeKK, flynn.HandshakeKX,
	flynn.HandshakeIN, flynn.HandshakeIK, flynn.HandshakeIX,
}

var flynnCiphers = map[string]flynn.CipherFunc{"AESGCM": flynn.CipherAESGCM, "ChaChaPoly": flynn.CipherChaChaPoly}

var flynnHashes = map[string]flynn.HashFunc{
	"SHA256": flynn.HashSHA256, "SHA512": flynn.HashSHA512, "BLAKE2s": flynn.HashBLAKE2s, "BLAKE2b": flynn.HashBLAKE2b,
}

// A live second implementation: every pattern it has, with every cipher and
// hash, without a pre-shared key and with one at every place, we being one peer
// and then the other. Keys and payloads are new in every run.
func TestAgainstFlynn(t *testing.T) {
	random := newRandom(t)
	runs := 0
	for _, pattern := range flynnPatternTable {
		for cipher := range flynnCiphers {
			for hash := range flynnHashes {
				for psk := -1; psk <= len(pattern.Messages); psk++ {
					for _, role := range []Role{Initiator, Responder} {
						runs++
						againstFlynn(t, pattern, cipher, hash, psk, role, random)
					}
				}
			}
		}
	}
	if want := 2 * 4 * 2 * (3*3 + 9*4 + 3*5); runs != want {
		t.Errorf("%d runs, expected %d", runs, want)
	}
}

// newRandom returns a source for test data that differs from run to run, and
// logs what repeats it.
func newRandom(t *testing.T) *mathrand.Rand {
	t.Helper()
	var seed [8]byte
	rand.Read(seed[:])
	n := binary.LittleEndian.Uint64(seed[:])
	t.Logf("random data from seed %d", n)
	return mathrand.New(mathrand.NewPCG(n, 0))
}

func bytesOf(random *mathrand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}

// againstFlynn runs one handshake and some transport messages. We have role.
func againstFlynn(t *testing.T, pattern flynn.HandshakePattern, cipher, hash string, psk int, role Role, random *mathrand.Rand) {
	t.Helper()
	modifier := ""
	if psk >= 0 {
		modifier = fmt.Sprintf("psk%d", psk)
	}
	name := strings.Join([]string{"Noise", pattern.Name + modifier, "25519", cipher, hash}, "_")
	protocol := parse(t, name)
	i, r := pair(t, protocol, fmt.Sprint(random.Uint64()))
	ours, theirs := i, r
	if role == Responder {
		ours, theirs = r, i
	}
	config := ours.config
	h, err := NewHandshake(config)
	if err != nil {
		t.Fatal(err)
	}
	other := newFlynn(t, pattern, cipher, hash, psk, theirs.config)

	var first, second *flynn.CipherState
	for n := range protocol.Messages() {
		payload := bytesOf(random, random.IntN(200))
		if sender(n) == role {
			message := write(t, h, payload)
			var got []byte
			got, first, second, err = other.ReadMessage(nil, message)
			if err != nil || !bytes.Equal(got, payload) {
				t.Fatalf("%s: they do not read message %d: %v", name, n, err)
			}
			continue
		}
		var message []byte
		message, first, second, err = other.WriteMessage(nil, payload)
		if err != nil {
			t.Fatal(err)
		}
		deliver(t, h, message, payload)
	}
	if !bytes.Equal(h.Hash(), other.ChannelBinding()) {
		t.Fatalf("%s: the transcript hashes differ", name)
	}
	send, receive := first, second // theirs
	if role == Initiator {
		send, receive = second, first
	}
	exchange(t, protocol, split(t, h), role, send, receive, random)
}

// exchange sends some messages both ways, with new keys now and then.
func exchange(t *testing.T, protocol *Protocol, ours *Transport, role Role, send, receive *flynn.CipherState, random *mathrand.Rand) {
	t.Helper()
	oneWay := protocol.pattern.oneWay()
	for range 8 {
		ad, plaintext := bytesOf(random, random.IntN(20)), bytesOf(random, random.IntN(500))
		rekey := random.IntN(2) == 0
		if !oneWay || role == Initiator {
			if rekey {
				receive.Rekey()
				if err := ours.RekeySend(); err != nil {
					t.Fatal(err)
				}
			}
			sealed, err := ours.Seal(nil, ad, plaintext)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := receive.Decrypt(nil, ad, sealed); err != nil || !bytes.Equal(got, plaintext) {
				t.Fatalf("%s: they do not open what we seal: %v", protocol, err)
			}
		}
		if !oneWay || role == Responder {
			if rekey {
				send.Rekey()
				if err := ours.RekeyReceive(); err != nil {
					t.Fatal(err)
				}
			}
			sealed, err := send.Encrypt(nil, ad, plaintext)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := ours.Open(nil, ad, sealed); err != nil || !bytes.Equal(got, plaintext) {
				t.Fatalf("%s: we do not open what they seal: %v", protocol, err)
			}
		}
	}
}

func newFlynn(t testing.TB, pattern flynn.HandshakePattern, cipher, hash string, psk int, c Config) *flynn.HandshakeState {
	t.Helper()
	// The module changes the messages of a pattern that has a pre-shared key.
	pattern.Messages = slices.Clone(pattern.Messages)
	config := flynn.Config{
		CipherSuite: flynn.NewCipherSuite(flynn.DH25519, flynnCiphers[cipher], flynnHashes[hash]),
		Pattern:     pattern,
		Initiator:   c.Role == Initiator,
		Prologue:    c.Prologue,
	}
	if c.Static != nil {
		config.StaticKeypair = flynn.DHKey{Private: c.Static.Bytes(), Public: c.Static.PublicKey().Bytes()}
	}
	if c.PeerStatic != nil {
		config.PeerStatic = c.PeerStatic.Bytes()
	}
	if psk >= 0 {
		config.PresharedKey, config.PresharedKeyPlacement = c.PSKs[0].reveal()[:], psk
	}
	h, err := flynn.NewHandshakeState(config)
	if err != nil {
		t.Fatal(err)
	}
	return h
}
