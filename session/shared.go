package session

// maxShared is with how many prekeys a certificate remembers its DH: as many as a
// venue has at a time.
const maxShared = 2

// shared is what X25519 of a session key and a prekey gives.
type shared struct{ prekey, secret [32]byte }

// LoadShared returns what X25519 of the session key and a venue's prekey gives, if
// [Certificate.StoreShared] was called with it. It is for package handshake, which
// opens quicker with it.
func (c *Certificate) LoadShared(prekey [32]byte) (secret [32]byte, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.shared {
		if s.prekey == prekey {
			return s.secret, true
		}
	}
	return secret, false
}

// StoreShared remembers what X25519 of the session key and a prekey gives, until
// [Certificate.Wipe], for the latest few prekeys.
func (c *Certificate) StoreShared(prekey, secret [32]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.key == nil {
		return // it was wiped
	}
	if len(c.shared) == maxShared {
		copy(c.shared, c.shared[1:])
		c.shared = c.shared[:maxShared-1]
	}
	c.shared = append(c.shared, shared{prekey, secret})
}
