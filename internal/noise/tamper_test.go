package noise

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
)

const (
	hybridName  = "Noise_IKhfs_25519+MLKEM768_AESGCM_SHA256"
	prekeyName  = "Noise_IKhfs+skem1_25519+MLKEM768_AESGCM_SHA256"
	testPayload = "payload"
)

// reader is a handshake that waits for a message, and that message.
type reader struct {
	name    string
	begin   func(t testing.TB) *HandshakeState
	genuine []byte
}

// readers returns the readers of every message of both hybrid protocols.
func readers(t testing.TB) (list []reader) {
	t.Helper()
	for _, name := range []string{hybridName, prekeyName} {
		ip, rp := pair(t, parse(t, name), name)
		i, r := ip.begin(t), rp.begin(t)
		messages := finish(t, i, r, func(int) []byte { return []byte(testPayload) })
		list = append(list,
			reader{name + "/1", rp.begin, messages[0]},
			reader{name + "/2", func(t testing.TB) *HandshakeState {
				t.Helper()
				i := ip.begin(t)
				write(t, i, []byte(testPayload))
				return i
			}, messages[1]},
		)
	}
	return list
}

// requireRefused checks that message is refused for one reason, and that the
// handshake is over.
func requireRefused(t testing.TB, h *HandshakeState, message []byte, reason error) {
	t.Helper()
	got, err := h.ReadMessage(nil, message)
	if !errors.Is(err, reason) || got != nil {
		t.Errorf("got %x, %v, expected: %v", got, err, reason)
	}
	if outside := !errors.Is(reason, ErrAuthentication) && !errors.Is(reason, ErrOwnKey); errors.Is(err, zkkex.ErrMalformed) != outside {
		t.Errorf("%v: malformed is wrong", err)
	}
	requireDead(t, h)
}

// Every byte of every message counts: changed, it is refused, and the handshake
// is over. One bit in quick runs, each bit with ZKKEX_DEEP=1.
func TestEveryByteIsAuthenticated(t *testing.T) {
	for _, r := range readers(t) {
		t.Run(r.name, func(t *testing.T) {
			for at := range r.genuine {
				for bit := range 8 {
					if os.Getenv("ZKKEX_DEEP") != "1" && bit != at%8 {
						continue
					}
					message := slices.Clone(r.genuine)
					message[at] ^= 1 << bit
					reason := ErrAuthentication
					if at == PublicKeySize-1 && bit == 7 {
						reason = ErrPublicKey // above the field
					}
					requireRefused(t, r.begin(t), message, reason)
					if t.Failed() {
						t.Fatalf("byte %d, bit %d", at, bit)
					}
				}
			}
			deliver(t, r.begin(t), r.genuine, []byte(testPayload))
		})
	}
}

// Every message that is cut, and some that go on.
func TestLengths(t *testing.T) {
	for _, r := range readers(t) {
		t.Run(r.name, func(t *testing.T) {
			least := len(r.genuine) - len(testPayload)
			for n := range r.genuine {
				reason := ErrLength
				if n >= least {
					reason = ErrAuthentication
				}
				requireRefused(t, r.begin(t), r.genuine[:n], reason)
			}
			for _, n := range []int{1, TagSize, MaxMessage - len(r.genuine)} {
				requireRefused(t, r.begin(t), append(slices.Clone(r.genuine), make([]byte, n)...), ErrAuthentication)
			}
			requireRefused(t, r.begin(t), append(slices.Clone(r.genuine), make([]byte, MaxMessage-len(r.genuine)+1)...), ErrLength)
		})
	}
}

// The longest message there can be goes through, and none beyond.
func TestMaxMessage(t *testing.T) {
	ip, rp := pair(t, parse(t, prekeyName), "longest")
	i, r := ip.begin(t), rp.begin(t)
	payload := make([]byte, MaxMessage-i.protocol.Overhead(0))
	if _, err := i.WriteMessage(nil, append(payload, 0)); !errors.Is(err, ErrLength) {
		t.Errorf("got %v, expected a length error", err)
	}
	message := write(t, i, payload) // the refusal above changed nothing
	if len(message) != MaxMessage {
		t.Errorf("%d bytes, expected %d", len(message), MaxMessage)
	}
	deliver(t, r, message, payload)
	deliver(t, i, write(t, r, nil), nil)

	from, to := split(t, i), split(t, r)
	plaintext := make([]byte, MaxMessage-TagSize)
	if _, err := from.Seal(nil, nil, append(plaintext, 0)); !errors.Is(err, ErrLength) {
		t.Errorf("got %v, expected a length error", err)
	}
	if sealed := carry(t, from, to, nil, plaintext); len(sealed) != MaxMessage {
		t.Errorf("%d bytes, expected %d", len(sealed), MaxMessage)
	}
}

// Messages out of their order, again, and back to their sender (trap T3).
func TestOrder(t *testing.T) {
	for _, name := range []string{hybridName, prekeyName} {
		t.Run(name, func(t *testing.T) {
			ip, rp := pair(t, parse(t, name), name)
			i, r := ip.begin(t), rp.begin(t)

			requireOrder(t, i, "the initiator reads first", func() error { _, err := i.ReadMessage(nil, make([]byte, 2000)); return err })
			requireOrder(t, r, "the responder writes first", func() error { _, err := r.WriteMessage(nil, nil); return err })
			first := write(t, i, nil)
			requireOrder(t, i, "the initiator writes twice", func() error { _, err := i.WriteMessage(nil, nil); return err })
			requireRefused(t, againInitiator(t, ip), first, ErrOwnKey) // reflected
			requireOrder(t, i, "split half-way", func() error { _, err := i.Split(); return err })

			deliver(t, r, first, nil)
			requireOrder(t, r, "message 1 again", func() error { _, err := r.ReadMessage(nil, first); return err })
			second := write(t, r, nil)
			requireOrder(t, r, "message 2 reflected", func() error { _, err := r.ReadMessage(nil, second); return err })
			requireRefused(t, rp.begin(t), second, ErrLength) // in place of message 1
			requireRefused(t, rp.begin(t), append(slices.Clone(second), make([]byte, 2000)...), ErrAuthentication)

			deliver(t, i, second, nil)
			requireOrder(t, i, "message 2 again", func() error { _, err := i.ReadMessage(nil, second); return err })
			requireOrder(t, i, "a third message", func() error { _, err := i.WriteMessage(nil, nil); return err })
			it, rt := split(t, i), split(t, r)
			requireDead(t, i)
			requireDead(t, r)
			carry(t, it, rt, nil, nil)
			carry(t, rt, it, nil, nil)
		})
	}
}

// againInitiator returns an initiator that has written its message 1.
func againInitiator(t *testing.T, p party) *HandshakeState {
	t.Helper()
	h := p.begin(t)
	write(t, h, nil)
	return h
}

// requireOrder checks that a call is refused as out of order, and changes
// nothing.
func requireOrder(t *testing.T, h *HandshakeState, what string, call func() error) {
	t.Helper()
	before, message := h.Hash(), h.message
	if err := call(); !errors.Is(err, ErrOrder) {
		t.Errorf("%s: got %v", what, err)
	}
	if !bytes.Equal(h.Hash(), before) || h.message != message || h.stage == ended {
		t.Errorf("%s: something has changed", what)
	}
}

// A message 1 that comes again is accepted: only the caller can remember. But
// what is sealed in answer never repeats (trap T1b).
func TestReplayedFirstMessage(t *testing.T) {
	for _, name := range []string{hybridName, prekeyName} {
		ip, rp := pair(t, parse(t, name), name)
		i := ip.begin(t)
		first := write(t, i, nil)
		answers := make(map[string]bool)
		for range 4 {
			r, err := NewHandshake(rp.config)
			if err != nil {
				t.Fatal(err)
			}
			deliver(t, r, first, nil)
			answer := write(t, r, nil)
			answers[string(answer[:PublicKeySize])] = true
			answers[string(answer[PublicKeySize:])] = true
			answers[string(r.Hash())] = true
		}
		if len(answers) != 4*3 {
			t.Errorf("%s: answers to one message repeat", name)
		}
	}
}

// Peers that differ in anything they should agree on refuse the first message
// (traps T4, T5, T6).
func TestDisagreement(t *testing.T) {
	other := func(t *testing.T, what string) []byte { return seed("other " + what) }
	for _, c := range []struct {
		what   string
		change func(t *testing.T, initiator *Config)
	}{
		{"prologue", func(t *testing.T, c *Config) { c.Prologue = append(c.Prologue, 0) }},
		{"no prologue", func(t *testing.T, c *Config) { c.Prologue = nil }},
		{"responder's static key", func(t *testing.T, c *Config) {
			c.PeerStatic = privateKey(t, other(t, "static")).PublicKey()
		}},
		{"responder's prekey", func(t *testing.T, c *Config) {
			c.PeerPrekey = kemKey(t, longSeed("other prekey")).EncapsulationKey()
		}},
		{"hash", func(t *testing.T, c *Config) {
			c.Protocol = parse(t, strings.Replace(c.Protocol.String(), "SHA256", "BLAKE2s", 1))
		}},
		{"cipher", func(t *testing.T, c *Config) {
			c.Protocol = parse(t, strings.Replace(c.Protocol.String(), "AESGCM", "ChaChaPoly", 1))
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			ip, rp := pair(t, parse(t, prekeyName), "disagreement")
			c.change(t, &ip.config)
			requireRefused(t, rp.begin(t), write(t, ip.begin(t), nil), ErrAuthentication)
		})
	}
}

// The pattern without the prekey and the one with it never meet: the names
// differ, and the lengths do.
func TestSuitesDoNotMeet(t *testing.T) {
	ip, _ := pair(t, parse(t, hybridName), "suites")
	jp, rp := pair(t, parse(t, prekeyName), "suites")
	requireRefused(t, rp.begin(t), write(t, ip.begin(t), nil), ErrLength)
	requireRefused(t, rp.begin(t), write(t, ip.begin(t), make([]byte, 2000)), ErrAuthentication)
	plain := rp
	plain.config.Protocol, plain.config.Prekey = ip.config.Protocol, nil
	requireRefused(t, plain.begin(t), write(t, jp.begin(t), nil), ErrAuthentication)
}

// An initiator that is its own responder is refused by both (Selfie, trap T3).
func TestSelf(t *testing.T) {
	ip, rp := pair(t, parse(t, hybridName), "self")
	config := ip.config
	config.Static = rp.config.Static
	if _, err := NewHandshake(config); !errors.Is(err, ErrOwnKey) {
		t.Errorf("got %v, expected the own key to be refused", err)
	}
	// XX learns the key only from the message.
	xp, yp := pair(t, parse(t, "Noise_XX_25519_AESGCM_SHA256"), "self")
	yp.config.Static = xp.config.Static
	x, y := xp.begin(t), yp.begin(t)
	deliver(t, y, write(t, x, nil), nil)
	requireRefused(t, x, write(t, y, nil), ErrOwnKey)
}
