package noise

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/mlkem"
	"crypto/mlkem/mlkemtest"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"strings"
	"testing"

	"golang.org/x/crypto/blake2s"
	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/crypto/curve25519"
)

// straight is a second implementation of the two hybrid protocols, written from
// docs/spec/noise.md in one straight line, that shares no code with the first.
// It knows both peers' secrets, and plays both at once.
//
// forged and unhashed make it a peer that holds all keys and still cheats: what
// it puts in place of a field, and which fields it leaves out of the transcript.
type straight struct {
	name               string
	prologue           []byte
	is, ie, rs, re     []byte // X25519 private keys
	prekey, e1         *mlkem.DecapsulationKey768
	skem1, ekem1       []byte // encapsulation randomness, 32 bytes
	payload1, payload2 []byte

	forged   map[string][]byte
	unhashed string
}

// result is what a run of straight gives.
type result struct {
	message1, message2       []byte
	hash1, hash              []byte // transcript hash after message 1, and after both
	toResponder, toInitiator []byte // the first transport messages, of an empty plaintext
	chainingKey              []byte // after message 2
	trace                    string // chaining key and transcript hash after each step
}

func (x straight) run(t testing.TB) (out result) {
	t.Helper()
	newHash, newAEAD, putNonce := sha256.New, gcm, binary.BigEndian.PutUint64
	if strings.HasSuffix(x.name, "_BLAKE2s") {
		newHash = blake2
	}
	if strings.Contains(x.name, "_ChaChaPoly_") {
		newAEAD, putNonce = chachaPoly, binary.LittleEndian.PutUint64
	}
	var h, ck, k []byte
	var n uint64
	digest := func(parts ...[]byte) []byte {
		d := newHash()
		for _, part := range parts {
			d.Write(part)
		}
		return d.Sum(nil)
	}
	note := func(step string) { out.trace += fmt.Sprintf("%-9s h  %x\n", step, h) }
	mixKey := func(step string, input []byte) {
		prk, err := hkdf.Extract(newHash, input, ck)
		check(t, err)
		okm, err := hkdf.Expand(newHash, prk, "", 64)
		check(t, err)
		ck, k, n = okm[:32], okm[32:], 0
		out.trace += fmt.Sprintf("%-9s ck %x\n", step, ck)
	}
	seal := func(key []byte, n uint64, ad, plaintext []byte) []byte {
		nonce := make([]byte, 12)
		putNonce(nonce[4:], n)
		return newAEAD(key).Seal(nil, nonce, plaintext, ad)
	}
	// field is what stands in the message for one field, sealed or in clear.
	field := func(name string, value []byte, sealed bool) []byte {
		if forged, ok := x.forged[name]; ok {
			value = forged
		}
		if sealed {
			value = seal(k, n, h, value)
			n++
		}
		if x.unhashed != name {
			h = digest(h, value)
		}
		note(name)
		return value
	}
	dh := func(private, public []byte) []byte {
		secret, err := curve25519.X25519(private, public)
		check(t, err)
		return secret
	}
	base := func(private []byte) []byte { return dh(private, curve25519.Basepoint) }
	encapsulate := func(key *mlkem.EncapsulationKey768, randomness []byte) (secret, ciphertext []byte) {
		secret, ciphertext, err := mlkemtest.Encapsulate768(key, randomness)
		check(t, err)
		return secret, ciphertext
	}
	withPrekey := x.prekey != nil

	// Before the first message.
	h = digest([]byte(x.name))
	ck = h
	note("name")
	h = digest(h, x.prologue)
	note("prologue")
	h = digest(h, base(x.rs))
	note("<- s")
	if withPrekey {
		h = digest(h, x.prekey.EncapsulationKey().Bytes())
		note("<- s1")
	}

	// Message 1.
	m := field("e", base(x.ie), false)
	mixKey("es", dh(x.ie, base(x.rs)))
	if withPrekey {
		secret, ciphertext := encapsulate(x.prekey.EncapsulationKey(), x.skem1)
		m = append(m, field("skem1", ciphertext, true)...)
		mixKey("skem1", secret)
	}
	m = append(m, field("e1", x.e1.EncapsulationKey().Bytes(), true)...)
	m = append(m, field("s", base(x.is), true)...)
	mixKey("ss", dh(x.is, base(x.rs)))
	m = append(m, field("payload1", x.payload1, true)...)
	out.message1, out.hash1 = m, h

	// Message 2.
	m = field("re", base(x.re), false)
	mixKey("ee", dh(x.re, base(x.ie)))
	secret, ciphertext := encapsulate(x.e1.EncapsulationKey(), x.ekem1)
	m = append(m, field("ekem1", ciphertext, true)...)
	mixKey("ekem1", secret)
	mixKey("se", dh(x.re, base(x.is)))
	m = append(m, field("payload2", x.payload2, true)...)
	out.message2, out.hash = m, h

	// After the handshake.
	out.chainingKey = ck
	prk, err := hkdf.Extract(newHash, nil, ck)
	check(t, err)
	keys, err := hkdf.Expand(newHash, prk, "", 64)
	check(t, err)
	out.toResponder, out.toInitiator = seal(keys[:32], 0, nil, nil), seal(keys[32:], 0, nil, nil)
	return out
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func gcm(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}

func chachaPoly(key []byte) cipher.AEAD {
	aead, err := chacha20poly1305.New(key)
	if err != nil {
		panic(err)
	}
	return aead
}

func blake2() hash.Hash {
	h, err := blake2s.New256(nil)
	if err != nil {
		panic(err)
	}
	return h
}
