package ethereum

import (
	"crypto/sha256"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys/envelope"
)

// messages returns one message of each purpose.
func messages() []*envelope.Message {
	hash := func(label string) (b [32]byte) {
		b = sha256.Sum256([]byte("zkkex test: " + label))
		b[0] &= 0x1f // below the order of the field
		return b
	}
	return []*envelope.Message{
		{Purpose: envelope.Possession, Registry: hash("registry"), NullifierKeyHash: hash("nullifier key"), Nonce: hash("nonce"), Expiry: 1767225600},
		{
			Purpose: envelope.Delegation, Registry: hash("registry"), NullifierKeyHash: hash("nullifier key"),
			Delegate: zkkex.Commitment(hash("delegate")), Until: 1767312000, Nonce: hash("nonce"), Expiry: 1767225600,
		},
		{Purpose: envelope.Certificate, Binding: hash("binding")},
	}
}
