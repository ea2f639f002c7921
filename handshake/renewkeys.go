package handshake

import (
	"crypto/ecdh"
	"crypto/rand"
	"sync"
	"time"
)

// renewalKeyAge is how long a venue offers one key for renewals. Channels keep the
// one that they were offered.
const renewalKeyAge = 10 * time.Minute

// renewalKeys draws a venue's keys for renewals, which are in memory only. Proofs
// are bound to their channel, so that channels can share a key: each of its own
// would cost every open as much as a token of the handshake.
type renewalKeys struct {
	now func() time.Time

	mu    sync.Mutex
	key   *ecdh.PrivateKey
	drawn time.Time
}

func (k *renewalKeys) current() (_ *ecdh.PrivateKey, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now := k.now(); k.key == nil || now.Sub(k.drawn) >= renewalKeyAge || now.Before(k.drawn) {
		if k.key, err = ecdh.X25519().GenerateKey(rand.Reader); err != nil {
			return nil, err
		}
		k.drawn = now
	}
	return k.key, nil
}
