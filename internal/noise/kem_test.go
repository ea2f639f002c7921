package noise

import (
	"errors"
	"slices"
	"testing"
)

// Each of the 1,152 bytes that hold coefficients matters: a coefficient of 3329
// or more, at each of the 768 places, is refused once the message is authentic.
func TestUnreducedEncapsulationKeys(t *testing.T) {
	key := kemKey(t, longSeed("reduced")).EncapsulationKey().Bytes()
	if _, err := parseEncapsulationKey(key); err != nil {
		t.Fatal(err)
	}
	for i := range 768 {
		for _, value := range []int{3329, 4095} {
			if _, err := parseEncapsulationKey(withCoefficient(key, i, value)); !errors.Is(err, ErrEncapsulationKey) {
				t.Errorf("coefficient %d is %d: got %v", i, value, err)
			}
		}
		if _, err := parseEncapsulationKey(withCoefficient(key, i, 3328)); err != nil {
			t.Errorf("coefficient %d is 3328: got %v", i, err)
		}
	}
	for _, n := range []int{0, len(key) - 1, len(key) + 1} {
		if _, err := parseEncapsulationKey(make([]byte, n)); !errors.Is(err, ErrEncapsulationKey) {
			t.Errorf("%d bytes: got %v", n, err)
		}
	}
}

// withCoefficient returns key with its i-th coefficient, of 12 bits, replaced.
func withCoefficient(key []byte, i, value int) []byte {
	key = slices.Clone(key)
	at := i / 2 * 3
	if i%2 == 0 {
		key[at], key[at+1] = byte(value), key[at+1]&0xf0|byte(value>>8)
	} else {
		key[at+1], key[at+2] = key[at+1]&0x0f|byte(value<<4), byte(value>>4)
	}
	return key
}

// A peer that holds all keys, and seals a changed KEM ciphertext correctly: the
// tag fits, the shared secret does not, and the next tag says so (implicit
// rejection).
func TestChangedCiphertexts(t *testing.T) {
	for _, name := range []string{hybridName, prekeyName} {
		ip, rp := pair(t, parse(t, name), name)
		x := straightFor(t, name, name)
		for at := 0; at < CiphertextSize; at += 64 {
			if x.prekey != nil {
				_, ciphertext := encapsulateTo(t, x.prekey, x.skem1)
				ciphertext[at] ^= 1
				x.forged = map[string][]byte{"skem1": ciphertext}
				requireRefused(t, rp.begin(t), x.run(t).message1, ErrAuthentication)
			}
			_, ciphertext := encapsulateTo(t, x.e1, x.ekem1)
			ciphertext[at] ^= 1
			x.forged = map[string][]byte{"ekem1": ciphertext}
			i := ip.begin(t)
			write(t, i, x.payload1)
			requireRefused(t, i, x.run(t).message2, ErrAuthentication)
		}
	}
}

// KEM keys and ciphertexts are in the transcript (trap T5): each of them, left
// out by one side, ends the handshake.
func TestKEMFieldsAreInTheTranscript(t *testing.T) {
	for _, field := range []string{"e1", "skem1", "ekem1"} {
		ip, rp := pair(t, parse(t, prekeyName), prekeyName)
		out := withUnhashed(straightFor(t, prekeyName, prekeyName), field).run(t)
		i := ip.begin(t)
		if field == "ekem1" {
			write(t, i, []byte("first payload"))
			requireRefused(t, i, out.message2, ErrAuthentication)
			continue
		}
		requireRefused(t, rp.begin(t), out.message1, ErrAuthentication)
	}
}

// Both shared secrets count: a run with another ephemeral X25519 key, and one
// with another ephemeral ML-KEM secret, each have other keys afterwards.
func TestBothExchangesCount(t *testing.T) {
	for _, name := range []string{hybridName, prekeyName} {
		base := straightFor(t, name, name)
		seen := make(map[string]bool)
		otherDH, otherKEM := base, base
		otherDH.re, otherKEM.ekem1 = seed("another e"), seed("another ekem1")
		for _, x := range []straight{base, otherDH, otherKEM} {
			seen[string(x.run(t).chainingKey)] = true
			ip, rp := pair(t, parse(t, name), name)
			rp.source.e, rp.source.encapsulation = privateKey(t, x.re), [][]byte{x.ekem1}
			i, r := ip.begin(t), rp.begin(t)
			finish(t, i, r, func(n int) []byte { return [][]byte{x.payload1, x.payload2}[n] })
			seen[string(i.symmetric.ck[:32])] = true
		}
		if len(seen) != 3 {
			t.Errorf("%s: %d chaining keys, expected 3, the same in both implementations", name, len(seen))
		}
	}
}
