package noise

import (
	"bytes"
	"errors"
	mathrand "math/rand/v2"
	"slices"
	"testing"

	"github.com/zkkex/zkkex"
)

// A name that parses is the name of the protocol it gives.
func FuzzParseProtocol(f *testing.F) {
	for _, name := range append(hybridNames(), "Noise_XXpsk0+psk1+psk2+psk3_25519_AESGCM_BLAKE2b", "Noise_N_25519_ChaChaPoly_SHA512", "Noise_IKpsk02_25519_AESGCM_SHA256") {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		p, err := ParseProtocol(name)
		if err != nil {
			if !errors.Is(err, zkkex.ErrUnsupported) {
				t.Errorf("%v: not unsupported", err)
			}
			return
		}
		if p.String() != name || p.Messages() < 1 || p.Messages() > 4 {
			t.Errorf("%q becomes %s", name, p)
		}
	})
}

// fuzzMessage puts patch into the genuine message, which may grow by it, and
// cuts bytes off the end: what is not the genuine message is refused with a
// reason, and ends the handshake. Whole messages as input would leave the fuzzer
// to shorten them most of its time.
func fuzzMessage(t *testing.T, r reader, at uint16, patch []byte, cut uint16) {
	message := patched(r.genuine, at, patch)
	message = message[:len(message)-int(cut)%(len(message)+1)]

	h := r.begin(t)
	got, err := h.ReadMessage(nil, message)
	if bytes.Equal(message, r.genuine) {
		if err != nil || string(got) != testPayload {
			t.Fatalf("the genuine message is refused: %v", err)
		}
		return
	}
	if !refusedWithReason(err) || got != nil {
		t.Fatalf("got %x, %v", got, err)
	}
	requireDead(t, h)
}

// patched returns b with patch put in at a place, and longer where patch reaches
// beyond the end. No fuzzer needs a patch that would make a message too long for
// its test, and the longest are tried elsewhere.
func patched(b []byte, at uint16, patch []byte) []byte {
	b, patch = slices.Clone(b), patch[:min(len(patch), MaxMessage/2)]
	n := copy(b[int(at)%(len(b)+1):], patch)
	return append(b, patch[n:]...)
}

func refusedWithReason(err error) bool {
	return slices.ContainsFunc([]error{ErrLength, ErrPublicKey, ErrEncapsulationKey, ErrOwnKey, ErrAuthentication}, func(reason error) bool { return errors.Is(err, reason) })
}

func addMessageSeeds(f *testing.F, genuine []byte) {
	f.Add(uint16(0), []byte{}, uint16(0))
	f.Add(uint16(0), make([]byte, PublicKeySize), uint16(0))
	f.Add(uint16(0), []byte{}, uint16(1))
	f.Add(uint16(len(genuine)), []byte{0}, uint16(0))
	f.Add(uint16(len(genuine)-20), []byte("patch"), uint16(3))
}

// FuzzMessage1 is message 1 of IKhfs, to the responder.
func FuzzMessage1(f *testing.F) {
	r := readers(f)[0]
	addMessageSeeds(f, r.genuine)
	f.Fuzz(func(t *testing.T, at uint16, patch []byte, cut uint16) { fuzzMessage(t, r, at, patch, cut) })
}

// FuzzMessage2 is message 2 of IKhfs, to the initiator.
func FuzzMessage2(f *testing.F) {
	r := readers(f)[1]
	addMessageSeeds(f, r.genuine)
	f.Fuzz(func(t *testing.T, at uint16, patch []byte, cut uint16) { fuzzMessage(t, r, at, patch, cut) })
}

// FuzzMessage1Prekey is message 1 of IKhfs+skem1, to the responder.
func FuzzMessage1Prekey(f *testing.F) {
	r := readers(f)[2]
	addMessageSeeds(f, r.genuine)
	f.Fuzz(func(t *testing.T, at uint16, patch []byte, cut uint16) { fuzzMessage(t, r, at, patch, cut) })
}

// FuzzMessage2Prekey is message 2 of IKhfs+skem1, to the initiator.
func FuzzMessage2Prekey(f *testing.F) {
	r := readers(f)[3]
	addMessageSeeds(f, r.genuine)
	f.Fuzz(func(t *testing.T, at uint16, patch []byte, cut uint16) { fuzzMessage(t, r, at, patch, cut) })
}

// FuzzInsider1 is message 1 by a peer that seals whatever it likes: one field of
// it is the fuzzer's, and no bytes in it make the responder panic, or accept
// what the straight-line implementation would not.
func FuzzInsider1(f *testing.F) {
	x := straightFor(f, prekeyName, prekeyName)
	_, ciphertext := encapsulateTo(f, x.prekey, x.skem1)
	fields := []struct {
		name   string
		honest []byte
	}{
		{"s", privateKey(f, x.is).PublicKey().Bytes()}, {"e1", x.e1.EncapsulationKey().Bytes()}, {"skem1", ciphertext}, {"payload1", x.payload1},
	}
	f.Add(uint8(0), uint16(0), make([]byte, PublicKeySize))
	f.Add(uint8(0), uint16(31), []byte{0xff})
	f.Add(uint8(1), uint16(0), []byte{})
	f.Add(uint8(1), uint16(33), []byte{0xff, 0xff, 0xff})
	f.Add(uint8(2), uint16(0), []byte{1})
	f.Add(uint8(3), uint16(0), []byte(testPayload))
	_, rp := pair(f, parse(f, prekeyName), prekeyName)
	f.Fuzz(func(t *testing.T, which uint8, at uint16, patch []byte) {
		x, chosen := x, fields[int(which)%len(fields)]
		field, value := chosen.name, patched(chosen.honest, at, patch)
		x.forged = map[string][]byte{field: value}
		h := rp.begin(t)
		got, err := h.ReadMessage(nil, x.run(t).message1)
		switch {
		case field == "payload1":
			if err != nil || !bytes.Equal(got, value) {
				t.Fatalf("an honest payload is refused: %v", err)
			}
		case err == nil && field == "e1":
			if _, err := h.WriteMessage(nil, nil); err != nil {
				t.Fatalf("an accepted key gives no answer: %v", err)
			}
		case err == nil:
			if out := straightFor(t, prekeyName, prekeyName).run(t); !bytes.Equal(x.run(t).message1, out.message1) {
				t.Fatal("a forgery is accepted")
			}
		case !refusedWithReason(err):
			t.Fatalf("refused without a reason: %v", err)
		default:
			requireDead(t, h)
		}
	})
}

// FuzzInsider2 is message 2 by such a peer.
func FuzzInsider2(f *testing.F) {
	x := straightFor(f, hybridName, hybridName)
	_, ciphertext := encapsulateTo(f, x.e1, x.ekem1)
	fields := []struct {
		name   string
		honest []byte
	}{
		{"re", privateKey(f, x.re).PublicKey().Bytes()}, {"ekem1", ciphertext}, {"payload2", x.payload2},
	}
	f.Add(uint8(0), uint16(0), make([]byte, PublicKeySize))
	f.Add(uint8(1), uint16(100), []byte{1})
	f.Add(uint8(2), uint16(0), []byte(testPayload))
	ip, _ := pair(f, parse(f, hybridName), hybridName)
	f.Fuzz(func(t *testing.T, which uint8, at uint16, patch []byte) {
		x, chosen := x, fields[int(which)%len(fields)]
		field, value := chosen.name, patched(chosen.honest, at, patch)
		x.forged = map[string][]byte{field: value}
		h := ip.begin(t)
		write(t, h, x.payload1)
		out := x.run(t)
		got, err := h.ReadMessage(nil, out.message2)
		switch {
		case field == "payload2":
			if err != nil || !bytes.Equal(got, value) {
				t.Fatalf("an honest payload is refused: %v", err)
			}
		case err == nil:
			if !bytes.Equal(out.message2, straightFor(t, hybridName, hybridName).run(t).message2) {
				t.Fatal("a forgery is accepted")
			}
		case !refusedWithReason(err):
			t.Fatalf("refused without a reason: %v", err)
		default:
			requireDead(t, h)
		}
	})
}

// fuzzTransport feeds bytes to one end after a handshake.
func fuzzTransport(t *testing.T, toResponder bool, message []byte) {
	from, to := transports(t, "Noise_NN_25519_ChaChaPoly_BLAKE2s")
	if !toResponder {
		from, to = to, from
	}
	genuine, err := from.Seal(nil, nil, []byte(testPayload))
	if err != nil {
		t.Fatal(err)
	}
	got, err := to.Open(nil, nil, message)
	if bytes.Equal(message, genuine) {
		if err != nil || string(got) != testPayload {
			t.Fatalf("the genuine message is refused: %v", err)
		}
		return
	}
	if !refusedWithReason(err) || got != nil {
		t.Fatalf("got %x, %v", got, err)
	}
	if _, err := to.Open(nil, nil, genuine); !errors.Is(err, ErrFailed) {
		t.Fatalf("the direction goes on: %v", err)
	}
}

// FuzzTransportToResponder is the first message after a handshake.
func FuzzTransportToResponder(f *testing.F) {
	i, _ := transports(f, "Noise_NN_25519_ChaChaPoly_BLAKE2s")
	genuine, err := i.Seal(nil, nil, []byte(testPayload))
	check(f, err)
	f.Add(genuine)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, message []byte) { fuzzTransport(t, true, message) })
}

// FuzzTransportToInitiator is the first message the other way.
func FuzzTransportToInitiator(f *testing.F) {
	_, r := transports(f, "Noise_NN_25519_ChaChaPoly_BLAKE2s")
	genuine, err := r.Seal(nil, nil, []byte(testPayload))
	check(f, err)
	f.Add(genuine)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, message []byte) { fuzzTransport(t, false, message) })
}

// FuzzAgainstFlynn runs handshakes with the second implementation: whatever the
// keys, the payloads and the prologue, the two understand each other.
func FuzzAgainstFlynn(f *testing.F) {
	f.Add(uint64(0), uint8(13), true, true, int8(-1), true)
	f.Add(uint64(1), uint8(0), false, true, int8(1), false)
	f.Add(uint64(2), uint8(8), true, false, int8(3), false)
	f.Fuzz(func(t *testing.T, seed uint64, which uint8, aes, sha bool, psk int8, initiator bool) {
		pattern := flynnPatternTable[int(which)%len(flynnPatternTable)]
		cipher, hash, role := "ChaChaPoly", "BLAKE2b", Responder
		if aes {
			cipher = "AESGCM"
		}
		if sha {
			hash = "SHA256"
		}
		if initiator {
			role = Initiator
		}
		place := max(-1, min(int(psk), len(pattern.Messages)))
		againstFlynn(t, pattern, cipher, hash, place, role, mathrand.New(mathrand.NewPCG(seed, 0)))
	})
}
