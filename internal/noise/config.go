package noise

import (
	"crypto/ecdh"
	"crypto/mlkem"
	"fmt"
	"slices"
)

// Config is what a handshake starts from. It is only read, and can be used for
// any number of handshakes.
type Config struct {
	silent
	// Protocol is what both peers speak. Its name is in the transcript.
	Protocol *Protocol
	// Role is ours. The peer has the other.
	Role Role
	// Prologue is what both peers know already and must agree on: offers,
	// versions, descriptors (section 6). It is in the transcript.
	Prologue []byte
	// Static is our static key, if the pattern has one.
	Static *ecdh.PrivateKey
	// PeerStatic is the peer's static key, if the pattern has it known in
	// advance.
	PeerStatic *ecdh.PublicKey
	// StaticSecrets, if set, saves the DH of our static key and the peer's where
	// both met before. It is of one static key of ours.
	StaticSecrets StaticSecrets
	// Prekey is our static ML-KEM-768 key, for a responder of
	// [PatternIKhfsPrekey].
	Prekey *mlkem.DecapsulationKey768
	// PeerPrekey is the responder's, for the initiator.
	PeerPrekey *mlkem.EncapsulationKey768
	// PSKs are the pre-shared keys, one for each psk modifier, in its order.
	PSKs []PSK
}

// check returns an error wrapping [ErrConfig] unless the configuration has
// exactly the keys that the pattern uses, and [ErrOwnKey] if both static keys
// are one.
func (c *Config) check() error {
	if c.Protocol == nil {
		return fmt.Errorf("noise: %w: no protocol", ErrConfig)
	}
	if c.Role > Responder {
		return fmt.Errorf("noise: %w: no such role: %d", ErrConfig, c.Role)
	}
	p, peer := c.Protocol.pattern, c.Role.peer()
	for _, key := range []struct {
		name        string
		given, used bool
	}{
		{"Static", c.Static != nil, slices.Contains(p.known[c.Role], tokenS) || p.sends(c.Role, tokenS)},
		{"PeerStatic", c.PeerStatic != nil, slices.Contains(p.known[peer], tokenS)},
		{"Prekey", c.Prekey != nil, slices.Contains(p.known[c.Role], tokenS1)},
		{"PeerPrekey", c.PeerPrekey != nil, slices.Contains(p.known[peer], tokenS1)},
	} {
		switch {
		case key.used && !key.given:
			return fmt.Errorf("noise: %w: %s needs %s as %s", ErrConfig, c.Protocol, key.name, c.Role)
		case key.given && !key.used:
			return fmt.Errorf("noise: %w: %s does not use %s as %s", ErrConfig, c.Protocol, key.name, c.Role)
		}
	}
	if n := p.count(tokenPSK); len(c.PSKs) != n || slices.ContainsFunc(c.PSKs, func(k PSK) bool { return k.reveal == nil }) {
		return fmt.Errorf("noise: %w: %s needs %d pre-shared keys made by NewPSK", ErrConfig, c.Protocol, n)
	}
	for _, key := range []struct {
		name   string
		x25519 bool
	}{
		{"Static", c.Static == nil || c.Static.Curve() == ecdh.X25519()},
		{"PeerStatic", c.PeerStatic == nil || c.PeerStatic.Curve() == ecdh.X25519()},
	} {
		if !key.x25519 {
			return fmt.Errorf("noise: %w: %s is not an X25519 key", ErrConfig, key.name)
		}
	}
	return c.checkPeerStatic()
}

// checkPeerStatic applies to a key known in advance what reading applies to one
// that arrives.
func (c *Config) checkPeerStatic() error {
	if c.PeerStatic == nil {
		return nil
	}
	if _, err := parsePublicKey(c.PeerStatic.Bytes()); err != nil {
		return fmt.Errorf("noise: PeerStatic: %w", err)
	}
	if c.Static != nil && c.Static.PublicKey().Equal(c.PeerStatic) {
		return fmt.Errorf("noise: PeerStatic: %w", ErrOwnKey)
	}
	return nil
}

func (r Role) peer() Role { return Responder - r }
