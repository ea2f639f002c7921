package noise

import (
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"testing"
)

// A configuration has the keys its pattern uses, and no others.
func TestConfig(t *testing.T) {
	prekey := kemKey(t, longSeed("prekey"))
	static := privateKey(t, seed("static"))
	curve, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ip, rp := pair(t, parse(t, prekeyName), "config")
	np, _ := pair(t, parse(t, "Noise_NNpsk0_25519_AESGCM_SHA256"), "config")
	for _, c := range []struct {
		what   string
		base   Config
		change func(*Config)
		reason error
	}{
		{"no protocol", ip.config, func(c *Config) { c.Protocol = nil }, ErrConfig},
		{"no such role", ip.config, func(c *Config) { c.Role = 2 }, ErrConfig},
		{"no static key", ip.config, func(c *Config) { c.Static = nil }, ErrConfig},
		{"no responder's static key", ip.config, func(c *Config) { c.PeerStatic = nil }, ErrConfig},
		{"no responder's prekey", ip.config, func(c *Config) { c.PeerPrekey = nil }, ErrConfig},
		{"a prekey of the initiator", ip.config, func(c *Config) { c.Prekey = prekey }, ErrConfig},
		{"a pre-shared key", ip.config, func(c *Config) { c.PSKs = np.config.PSKs }, ErrConfig},
		{"static key on another curve", ip.config, func(c *Config) { c.Static = curve }, ErrConfig},
		{"peer's static key on another curve", ip.config, func(c *Config) { c.PeerStatic = curve.PublicKey() }, ErrConfig},
		{"peer's static key is not canonical", ip.config, func(c *Config) { c.PeerStatic = publicKey(t, seedAbove()) }, ErrPublicKey},
		{"peer's static key is ours", ip.config, func(c *Config) { c.PeerStatic = c.Static.PublicKey() }, ErrOwnKey},
		{"no static key of the responder", rp.config, func(c *Config) { c.Static = nil }, ErrConfig},
		{"no prekey", rp.config, func(c *Config) { c.Prekey = nil }, ErrConfig},
		{"an initiator's static key known", rp.config, func(c *Config) { c.PeerStatic = static.PublicKey() }, ErrConfig},
		{"an initiator's prekey", rp.config, func(c *Config) { c.PeerPrekey = prekey.EncapsulationKey() }, ErrConfig},
		{"no pre-shared key", np.config, func(c *Config) { c.PSKs = nil }, ErrConfig},
		{"an empty pre-shared key", np.config, func(c *Config) { c.PSKs = []PSK{{}} }, ErrConfig},
		{"two pre-shared keys", np.config, func(c *Config) { c.PSKs = append(c.PSKs, c.PSKs...) }, ErrConfig},
		{"a static key without use", np.config, func(c *Config) { c.Static = static }, ErrConfig},
	} {
		config := c.base
		if _, err := NewHandshake(config); err != nil {
			t.Fatal(err)
		}
		c.change(&config)
		if h, err := NewHandshake(config); !errors.Is(err, c.reason) || h != nil {
			t.Errorf("%s: got %v, expected: %v", c.what, err, c.reason)
		}
	}
}

// seedAbove returns an encoding of a public key with the highest bit set.
func seedAbove() []byte {
	b := seed("above")
	b[31] |= 0x80
	return b
}

// One configuration serves any number of handshakes, each with fresh secrets.
func TestConfigIsOnlyRead(t *testing.T) {
	ip, rp := pair(t, parse(t, prekeyName), "reuse")
	first := make(map[string]bool)
	for range 3 {
		i, err := NewHandshake(ip.config)
		if err != nil {
			t.Fatal(err)
		}
		r, err := NewHandshake(rp.config)
		if err != nil {
			t.Fatal(err)
		}
		for _, message := range finish(t, i, r, func(int) []byte { return nil }) {
			first[string(message[:PublicKeySize])] = true
		}
		split(t, i)
		split(t, r)
	}
	if len(first) != 6 {
		t.Errorf("%d ephemeral keys in 3 handshakes, expected 6", len(first))
	}
}

// When the system has no randomness the handshake ends.
func TestNoRandomness(t *testing.T) {
	ip, _ := pair(t, parse(t, prekeyName), "randomness")
	for _, source := range []fixed{{}, {e: ip.source.e}, {e: ip.source.e, encapsulation: ip.source.encapsulation}} {
		h, err := newHandshake(ip.config, &source)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.WriteMessage(nil, nil); err == nil || got != nil {
			t.Errorf("got %x, %v", got, err)
		}
		requireDead(t, h)
	}
}
