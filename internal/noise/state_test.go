package noise

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
)

// transports returns both ends after a handshake.
func transports(t testing.TB, name string) (initiator, responder *Transport) {
	t.Helper()
	ip, rp := pair(t, parse(t, name), name)
	i, r := ip.begin(t), rp.begin(t)
	finish(t, i, r, func(int) []byte { return nil })
	return split(t, i), split(t, r)
}

// The counter ends before the value that rekeying uses, and never goes back, not
// even when the key changes.
func TestNonces(t *testing.T) {
	i, r := transports(t, hybridName)
	carry(t, i, r, nil, nil)
	if i.send.n != 1 || r.receive.n != 1 || i.receive.n != 0 {
		t.Fatal("the counters do not count")
	}
	if err := errors.Join(i.RekeySend(), r.RekeyReceive()); err != nil {
		t.Fatal(err)
	}
	if i.send.n != 1 || r.receive.n != 1 {
		t.Error("a new key has set the counter back")
	}
	i.send.n, r.receive.n = maxNonce-1, maxNonce-1
	carry(t, i, r, nil, nil)
	for range 2 {
		if _, err := i.Seal(nil, nil, nil); !errors.Is(err, ErrExhausted) {
			t.Errorf("sealing: got %v", err)
		}
		if _, err := r.Open(nil, nil, make([]byte, TagSize)); !errors.Is(err, ErrExhausted) {
			t.Errorf("opening: got %v", err)
		}
	}
	carry(t, r, i, nil, nil) // the other direction goes on
}

// Each nonce gives another ciphertext of the same plaintext, and each cipher has
// its own byte order (section 12.3, 12.4).
func TestNonceEncoding(t *testing.T) {
	for name, want := range map[string][]byte{
		"AESGCM":     {0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8},
		"ChaChaPoly": {0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1},
	} {
		c := cipherState{function: parse(t, "Noise_NN_25519_"+name+"_SHA256").cipher}
		if got := c.nonceFor(0x0102030405060708); !bytes.Equal(got, want) {
			t.Errorf("%s: %x, expected %x", name, got, want)
		}
	}
}

// Rekeying is the specification's formula: the first 32 bytes of zeros sealed
// under nonce 2^64-1 (section 4.2). What was sealed before stays closed.
func TestRekey(t *testing.T) {
	for _, function := range cipherFunctions {
		key := [keySize]byte(seed("key"))
		aead, err := function.new(&key)
		if err != nil {
			t.Fatal(err)
		}
		nonce := append(make([]byte, 4), bytes.Repeat([]byte{0xff}, 8)...)
		next := [keySize]byte(aead.Seal(nil, nonce, make([]byte, 32), nil))
		var c, want cipherState
		c.initialize(&function, &key)
		want.initialize(&function, &next)
		if err := c.rekey(); err != nil {
			t.Fatal(err)
		}
		got, err := c.seal(nil, nil, []byte("plaintext"))
		if err != nil {
			t.Fatal(err)
		}
		if expected, _ := want.seal(nil, nil, []byte("plaintext")); !bytes.Equal(got, expected) {
			t.Errorf("%s: another key than the formula's", function.name)
		}
	}
	i, r := transports(t, hybridName)
	before, err := i.Seal(nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.RekeyReceive(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Open(nil, nil, before); !errors.Is(err, ErrAuthentication) {
		t.Errorf("got %v", err)
	}
}

// Transport messages that are reflected, repeated, out of order, changed, cut, or
// bound to other data are refused; and then that direction is over.
func TestTransportRefuses(t *testing.T) {
	const plaintext, ad = "plaintext", "ad"
	for _, c := range []struct {
		what   string
		reason error
		try    func(i, r *Transport, first, second []byte) error
	}{
		{"reflected", ErrAuthentication, func(i, r *Transport, first, _ []byte) error { _, err := i.Open(nil, []byte(ad), first); return err }},
		{"again", ErrAuthentication, func(i, r *Transport, first, _ []byte) error {
			if _, err := r.Open(nil, []byte(ad), first); err != nil {
				return err
			}
			_, err := r.Open(nil, []byte(ad), first)
			return err
		}},
		{"out of order", ErrAuthentication, func(i, r *Transport, _, second []byte) error { _, err := r.Open(nil, []byte(ad), second); return err }},
		{"other ad", ErrAuthentication, func(i, r *Transport, first, _ []byte) error { _, err := r.Open(nil, nil, first); return err }},
		{"changed", ErrAuthentication, func(i, r *Transport, first, _ []byte) error {
			first[3] ^= 1
			_, err := r.Open(nil, []byte(ad), first)
			return err
		}},
		{"cut", ErrAuthentication, func(i, r *Transport, first, _ []byte) error {
			_, err := r.Open(nil, []byte(ad), first[:len(first)-1])
			return err
		}},
		{"shorter than a tag", ErrLength, func(i, r *Transport, first, _ []byte) error {
			_, err := r.Open(nil, []byte(ad), first[:TagSize-1])
			return err
		}},
		{"too long", ErrLength, func(i, r *Transport, first, _ []byte) error {
			_, err := r.Open(nil, []byte(ad), append(first, make([]byte, MaxMessage)...))
			return err
		}},
	} {
		for _, name := range []string{hybridName, prekeyName} {
			i, r := transports(t, name)
			first, err := i.Seal(nil, []byte(ad), []byte(plaintext))
			if err != nil {
				t.Fatal(err)
			}
			second, err := i.Seal(nil, []byte(ad), []byte(plaintext))
			if err != nil {
				t.Fatal(err)
			}
			if err := c.try(i, r, bytes.Clone(first), second); !errors.Is(err, c.reason) {
				t.Errorf("%s: got %v", c.what, err)
			}
			victim := r
			if c.what == "reflected" {
				victim = i
			}
			if _, err := victim.Open(nil, []byte(ad), first); !errors.Is(err, ErrFailed) {
				t.Errorf("%s: the direction goes on: %v", c.what, err)
			}
			if err := victim.RekeyReceive(); !errors.Is(err, ErrFailed) {
				t.Errorf("%s: the direction gets a new key: %v", c.what, err)
			}
		}
	}
}

// A one-way pattern has one direction, for messages and for keys.
func TestOneWay(t *testing.T) {
	for _, name := range []string{"N", "K", "X"} {
		i, r := transports(t, "Noise_"+name+"_25519_AESGCM_SHA256")
		_, sealing := r.Seal(nil, nil, nil)
		_, opening := i.Open(nil, nil, make([]byte, TagSize))
		for _, err := range []error{sealing, opening, r.RekeySend(), i.RekeyReceive()} {
			if !errors.Is(err, ErrOneWay) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		if err := errors.Join(i.RekeySend(), r.RekeyReceive()); err != nil {
			t.Error(err)
		}
		carry(t, i, r, nil, nil)
		i.Wipe()
		r.Wipe()
	}
}

// A buffer that is used again and again, sealed and opened in place.
func TestTransportInPlace(t *testing.T) {
	i, r := transports(t, hybridName)
	buffer := make([]byte, 0, 64)
	for n := range 3 {
		plaintext := fmt.Appendf(buffer[:0], "message %d", n)
		want := string(plaintext)
		sealed, err := i.Seal(plaintext[:0], nil, plaintext)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := r.Open(sealed[:0], nil, sealed)
		if err != nil || string(opened) != want {
			t.Errorf("got %q, %v", opened, err)
		}
		if &opened[0] != &buffer[:1][0] {
			t.Error("another buffer was made")
		}
	}
}

// Sealing and opening into buffers that are there allocate nothing.
func TestTransportAllocatesNothing(t *testing.T) {
	for _, name := range []string{hybridName, "Noise_NN_25519_ChaChaPoly_BLAKE2s"} {
		i, r := transports(t, name)
		plaintext, sealed, opened := make([]byte, 100), make([]byte, 0, 200), make([]byte, 0, 200)
		if n := testing.AllocsPerRun(100, func() {
			sealed, _ = i.Seal(sealed[:0], nil, plaintext)
			opened, _ = r.Open(opened[:0], nil, sealed)
		}); n != 0 || len(opened) != len(plaintext) {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// Both directions may be used at the same time.
func TestTransportDirectionsAreIndependent(t *testing.T) {
	i, r := transports(t, hybridName)
	var group sync.WaitGroup
	failures := make(chan error, 4)
	pipe := func(from, to *Transport) {
		sealed := make(chan []byte, 16)
		group.Go(func() {
			defer close(sealed)
			for n := range 200 {
				b, err := from.Seal(nil, nil, []byte{byte(n)})
				if err != nil {
					failures <- err
					return
				}
				sealed <- b
			}
		})
		group.Go(func() {
			for b := range sealed {
				if _, err := to.Open(nil, nil, b); err != nil {
					failures <- err
				}
			}
		})
	}
	pipe(i, r)
	pipe(r, i)
	group.Wait()
	close(failures)
	for err := range failures {
		t.Error(err)
	}
}

func TestWipe(t *testing.T) {
	ip, rp := pair(t, parse(t, prekeyName), "wipe")
	for _, h := range []*HandshakeState{ip.begin(t), rp.begin(t), againInitiator(t, ip)} {
		h.Wipe()
		requireDead(t, h)
	}
	i, _ := transports(t, hybridName)
	hash := i.Hash()
	i.Wipe()
	_, sealing := i.Seal(nil, nil, nil)
	_, opening := i.Open(nil, nil, make([]byte, TagSize))
	for _, err := range []error{sealing, opening, i.RekeySend(), i.RekeyReceive()} {
		if !errors.Is(err, ErrFailed) {
			t.Errorf("got %v", err)
		}
	}
	if !bytes.Equal(i.Hash(), hash) {
		t.Error("the transcript hash is gone: it is no secret")
	}
	// A wiped symmetric state seals nothing, and above all not in clear.
	s := newSymmetricState(parse(t, hybridName))
	s.mixKey(seed("secret"))
	s.wipe()
	if got, err := s.encryptAndHash(nil, []byte("plaintext")); !errors.Is(err, ErrFailed) || got != nil {
		t.Errorf("got %x, %v", got, err)
	}
}

// Keys leave no trace in the scratch memory of the state.
func TestScratchIsCleared(t *testing.T) {
	s := newSymmetricState(parse(t, "Noise_NN_25519_AESGCM_SHA512"))
	steps := []func(){
		func() { s.mixKey(seed("dh")) },
		func() { s.mixKeyAndHash(seed("psk")) },
		func() { s.derive("tag", nil) },
		func() { s.split() },
	}
	secret := seed("shared secret")
	(&HandshakeState{symmetric: s}).mixSecret(secret)
	if !bytes.Equal(secret, make([]byte, len(secret))) {
		t.Error("a shared secret is left behind")
	}
	for n, step := range steps {
		step()
		if s.temp != [2][maxHash]byte{} {
			t.Errorf("step %d leaves keys behind", n)
		}
	}
}

const testTag = domain.Tag("zkkex/v1 noise test")

// A derived secret is HKDF over tag, transcript and context, the same on both
// sides at the same place and another everywhere else.
func TestDerive(t *testing.T) {
	ip, rp := pair(t, parse(t, hybridName), "derive")
	i, r := ip.begin(t), rp.begin(t)
	seen := make(map[[32]byte]bool)
	both := func(tag domain.Tag, context ...[]byte) {
		t.Helper()
		a, err := i.Derive(tag, context...)
		if err != nil {
			t.Fatal(err)
		}
		b, err := r.Derive(tag, context...)
		if err != nil || a != b {
			t.Errorf("the peers derive different secrets: %v", err)
		}
		if seen[a] {
			t.Error("a secret repeats")
		}
		seen[a] = true
	}
	for _, h := range []*HandshakeState{i, r} {
		if _, err := h.Derive(testTag); !errors.Is(err, ErrOrder) {
			t.Errorf("before the first message: got %v", err)
		}
	}
	first := write(t, i, nil)
	if _, err := r.ReadStatic(first); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Derive(testTag); !errors.Is(err, ErrOrder) {
		t.Errorf("half-way: got %v", err)
	}
	if _, err := r.ReadPayload(nil); err != nil {
		t.Fatal(err)
	}
	both(testTag)
	both(testTag, nil)
	both(testTag, []byte("a"), []byte("b"))
	both(testTag, []byte("ab"))
	both(testTag + " too")

	extracted, err := hkdf.Extract(sha256.New, domain.Frame(testTag, i.Hash(), []byte("c")), i.symmetric.ck[:32])
	if err != nil {
		t.Fatal(err)
	}
	want, err := hkdf.Expand(sha256.New, extracted, "", 32)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := i.Derive(testTag, []byte("c")); !bytes.Equal(got[:], want) {
		t.Error("not what the specification says")
	}
	deliver(t, i, write(t, r, nil), nil) // deriving has changed nothing
	both(testTag)

	nn, _ := pair(t, parse(t, "Noise_NN_25519_AESGCM_SHA256"), "derive")
	h := nn.begin(t)
	write(t, h, nil)
	if _, err := h.Derive(testTag); !errors.Is(err, ErrOrder) {
		t.Errorf("before the first key exchange: got %v", err)
	}
}

// Nothing is derived from a message that is half read, whichever it is.
func TestDeriveHalfWay(t *testing.T) {
	ip, rp := pair(t, parse(t, "Noise_XX_25519_AESGCM_SHA256"), "half-way")
	i, r := ip.begin(t), rp.begin(t)
	deliver(t, r, write(t, i, nil), nil)
	deliver(t, i, write(t, r, nil), nil)
	if _, err := r.Derive(testTag); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReadStatic(write(t, i, nil)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Derive(testTag); !errors.Is(err, ErrOrder) {
		t.Errorf("got %v", err)
	}
}

// Reading as far as the static key, and then the rest, is reading.
func TestReadStatic(t *testing.T) {
	for _, name := range []string{hybridName, prekeyName, "Noise_XX_25519_ChaChaPoly_BLAKE2b", "Noise_IX_25519_AESGCM_SHA512"} {
		ip, rp := pair(t, parse(t, name), name)
		i, r := ip.begin(t), rp.begin(t)
		staged := 0
		for n := range i.protocol.Messages() {
			from, to := i, r
			if sender(n) == Responder {
				from, to = r, i
			}
			message := write(t, from, []byte(testPayload))
			key, err := to.ReadStatic(message)
			if errors.Is(err, ErrOrder) {
				deliver(t, to, message, []byte(testPayload))
				continue
			}
			if err != nil || !bytes.Equal(key.Bytes(), from.s.public[:]) || !key.Equal(to.PeerStatic()) {
				t.Fatalf("%s: got %v, %v", name, key, err)
			}
			staged++
			requireOrder(t, to, "another message half-way", func() error { _, err := to.ReadStatic(message); return err })
			requireOrder(t, to, "another message half-way", func() error { _, err := to.ReadMessage(nil, message); return err })
			requireOrder(t, to, "writing half-way", func() error { _, err := to.WriteMessage(nil, nil); return err })
			requireOrder(t, to, "splitting half-way", func() error { _, err := to.Split(); return err })
			got, err := to.ReadPayload(nil)
			if err != nil || string(got) != testPayload {
				t.Fatalf("%s: got %q, %v", name, got, err)
			}
			requireOrder(t, to, "the payload again", func() error { _, err := to.ReadPayload(nil); return err })
		}
		if want := i.protocol.pattern.count(tokenS); staged != want {
			t.Errorf("%s: %d static keys came, expected %d", name, staged, want)
		}
		if !bytes.Equal(i.Hash(), r.Hash()) {
			t.Errorf("%s: the transcripts differ", name)
		}
	}
}

// A changed message fails at the stage that the change is in: what a stranger
// can seal costs no more than the key he shows.
func TestReadStaticFails(t *testing.T) {
	for _, r := range readers(t) {
		h := r.begin(t)
		if h.role != Responder {
			continue
		}
		last := len(r.genuine) - len(testPayload) - TagSize - 1 // the tag of s
		message := bytes.Clone(r.genuine)
		message[last] ^= 1
		if _, err := h.ReadStatic(message); !errors.Is(err, ErrAuthentication) {
			t.Errorf("s: got %v", err)
		}
		requireDead(t, h)

		h = r.begin(t)
		message = bytes.Clone(r.genuine)
		message[last+1] ^= 1
		if _, err := h.ReadStatic(message); err != nil {
			t.Errorf("payload: got %v", err)
		}
		if h.re1 != nil {
			t.Error("the encapsulation key was expanded before the message was authentic")
		}
		if _, err := h.ReadPayload(nil); !errors.Is(err, ErrAuthentication) {
			t.Errorf("payload: got %v", err)
		}
		requireDead(t, h)

		h = r.begin(t)
		if _, err := h.ReadStatic(message[:100]); !errors.Is(err, ErrLength) || !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("length: got %v", err)
		}
		requireDead(t, h)
	}
}
