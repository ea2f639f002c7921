package noise

// StaticSecrets remembers what X25519 of our static key and those of peers gives.
// Whoever has it can do what our static key can do with those peers, and no more;
// it is to be forgotten with that key.
type StaticSecrets interface {
	// Load returns the secret of a peer's public key, if it is known.
	Load(peer [PublicKeySize]byte) (secret [PublicKeySize]byte, ok bool)
	// Store is called with a secret once a message has authenticated that the peer
	// has it too, or that was made for a peer known in advance.
	Store(peer, secret [PublicKeySize]byte)
}

// staticSecret returns the shared secret of both static keys, which the caller
// clears.
func (h *HandshakeState) staticSecret() ([]byte, error) {
	if h.statics == nil {
		return sharedSecret(h.s, h.rs)
	}
	peer := [PublicKeySize]byte(h.rs.Bytes())
	if secret, ok := h.statics.Load(peer); ok {
		return append(make([]byte, 0, PublicKeySize), secret[:]...), nil
	}
	secret, err := sharedSecret(h.s, h.rs)
	if err != nil {
		return nil, err
	}
	h.toStore = new([PublicKeySize]byte)
	copy(h.toStore[:], secret)
	return secret, nil
}

// storeStatic remembers the secret of a message that is through.
func (h *HandshakeState) storeStatic() {
	if h.toStore == nil {
		return
	}
	h.statics.Store([PublicKeySize]byte(h.rs.Bytes()), *h.toStore)
	h.forgetStatic()
}

func (h *HandshakeState) forgetStatic() {
	if h.toStore != nil {
		clear(h.toStore[:])
		h.toStore = nil
	}
}
