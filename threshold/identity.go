package threshold

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/zkkex/zkkex/internal/lines"
	"github.com/zkkex/zkkex/internal/redact"
)

const identityFirst = "zkkex/v1 threshold identity"

// Identity is a member's long-term key, which signs its messages. It prints as a
// fixed text. It is no share: with it alone nobody signs for the group.
type Identity struct {
	redact.Silent
	name string
	key  func() ed25519.PrivateKey
}

// NewIdentity makes a key. It returns an error for a bad name, or if the system has
// no randomness to give.
func NewIdentity(name string) (*Identity, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	seed := make([]byte, ed25519.SeedSize)
	defer clear(seed)
	if _, err := io.ReadFull(rand.Reader, seed); err != nil {
		return nil, fmt.Errorf("reading randomness: %w", err)
	}
	return identityOf(name, seed), nil
}

func identityOf(name string, seed []byte) *Identity {
	key := ed25519.NewKeyFromSeed(seed)
	return &Identity{name: name, key: func() ed25519.PrivateKey { return key }}
}

// Member returns what others need to know.
func (i *Identity) Member() Member {
	return Member{Name: i.name, Key: i.key().Public().(ed25519.PublicKey)}
}

// encode returns the text of the identity's file, a secret.
func (i *Identity) encode() []byte {
	text := []byte(identityFirst + "\n")
	text = lines.Append(text, "name", i.name)
	return lines.Append(text, "seed", hex.EncodeToString(i.key().Seed()))
}

func parseIdentity(text []byte) (*Identity, error) {
	const format = "threshold identity"
	rest, err := lines.CutFirst(text, identityFirst)
	if err != nil {
		return nil, malformed(format, "%w", err)
	}
	values, rest, err := lines.Cut(rest, "name", "seed")
	if err != nil {
		return nil, malformed(format, "%w", err)
	}
	if len(rest) > 0 {
		return nil, malformed(format, "%d bytes follow", len(rest))
	}
	if err := checkName(values[0]); err != nil {
		return nil, malformed(format, "%w", err)
	}
	seed, err := parseHex(values[1], ed25519.SeedSize)
	if err != nil {
		return nil, malformed(format, "seed: %w", err)
	}
	defer clear(seed)
	return identityOf(values[0], seed), nil
}

// seal signs a message.
func (i *Identity) seal(k kind, from sender, context [32]byte, body []byte) *message {
	m := &message{kind: k, from: from, context: context, body: body}
	m.sig = [ed25519.SignatureSize]byte(ed25519.Sign(i.key(), signed(k, from, context, m.receipt().digest)))
	return m
}
