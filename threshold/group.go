package threshold

import (
	"bytes"
	"crypto/hpke"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/lines"
	"github.com/zkkex/zkkex/threshold/babyjubjub"
	"github.com/zkkex/zkkex/threshold/frost"
)

const (
	groupFirst = "zkkex/v1 threshold group"
	// maxGroup bounds a group's text, in bytes.
	maxGroup = 256 << 10
	// maxGeneration bounds the number of refreshes.
	maxGeneration = 1 << 30
)

// Group is what everybody knows of a group once it is made: its key, which stays,
// and what changes with each generation.
type Group struct {
	// Setup is the digest of the setup that it was made from.
	Setup [32]byte
	// Generation counts: 1 after the key generation, one more with each refresh.
	Generation int
	// Attempt is the attempt that succeeded.
	Attempt int

	public  *frost.Group
	inboxes []hpke.PublicKey // of participants, for one generation
}

// suite is the one ciphersuite of groups.
func suite() frost.Ciphersuite { return babyjubjub.Suite() }

// Key returns the group's public key, of type [zkkex.KeyEdDSA].
func (g *Group) Key() [babyjubjub.ElementSize]byte {
	return [babyjubjub.ElementSize]byte(g.public.Key.Bytes())
}

// Encode returns the group's text, as docs/spec/threshold.md has it.
func (g *Group) Encode() []byte {
	text := []byte(groupFirst + "\n")
	text = lines.Append(text, "setup", hex.EncodeToString(g.Setup[:]))
	text = lines.Append(text, "generation", strconv.Itoa(g.Generation))
	text = lines.Append(text, "attempt", strconv.Itoa(g.Attempt))
	text = lines.Append(text, "key", hex.EncodeToString(g.public.Key.Bytes()))
	for _, share := range g.public.Shares {
		text = lines.Append(text, "verification-share", hex.EncodeToString(share.Bytes()))
	}
	for _, inbox := range g.inboxes {
		text = lines.Append(text, "inbox", hex.EncodeToString(inbox.Bytes()))
	}
	return text
}

// Digest identifies the group in this generation.
func (g *Group) Digest() [32]byte { return domain.Hash(domain.ThresholdGroup, g.Encode()) }

// ParseGroup reads a group's text, of a setup. It returns an error wrapping
// [zkkex.ErrMalformed] unless it is exactly what [Group.Encode] writes of a group
// whose parts belong together.
func ParseGroup(s *Setup, text []byte) (*Group, error) {
	g, err := readGroup(s, text)
	if err != nil {
		return nil, malformed("threshold group", "%w", err)
	}
	return g, nil
}

func readGroup(s *Setup, text []byte) (*Group, error) {
	if len(text) > maxGroup {
		return nil, fmt.Errorf("expected at most %d bytes, got %d", maxGroup, len(text))
	}
	rest, err := lines.CutFirst(text, groupFirst)
	if err != nil {
		return nil, err
	}
	values, rest, err := lines.Cut(rest, "setup", "generation", "attempt", "key")
	if err != nil {
		return nil, err
	}
	g := &Group{Setup: s.Digest(), public: &frost.Group{Suite: suite(), Threshold: s.Threshold}}
	if values[0] != hex.EncodeToString(g.Setup[:]) {
		return nil, fmt.Errorf("it is of the setup %.64q, expected %x", values[0], g.Setup)
	}
	if g.Generation, err = parseNumber(values[1], maxGeneration); err != nil {
		return nil, err
	}
	if g.Attempt, err = parseNumber(values[2], MaxAttempts); err != nil {
		return nil, err
	}
	if g.public.Key, err = parseElement(values[3]); err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	for i := range s.Participants {
		if values, rest, err = lines.Cut(rest, "verification-share"); err != nil {
			return nil, err
		}
		share, err := parseElement(values[0])
		if err != nil {
			return nil, fmt.Errorf("verification share %d: %w", i+1, err)
		}
		g.public.Shares = append(g.public.Shares, share)
	}
	for i := range s.Participants {
		if values, rest, err = lines.Cut(rest, "inbox"); err != nil {
			return nil, err
		}
		inbox, err := parseInbox(values[0])
		if err != nil {
			return nil, fmt.Errorf("inbox %d: %w", i+1, err)
		}
		g.inboxes = append(g.inboxes, inbox)
	}
	if !bytes.Equal(g.Encode(), text) {
		return nil, fmt.Errorf("%d bytes follow, or numbers have signs or leading zeros", len(rest))
	}
	return g, g.public.Check()
}

func parseElement(text string) (frost.Element, error) {
	b, err := parseHex(text, babyjubjub.ElementSize)
	if err != nil {
		return nil, err
	}
	return suite().DecodeElement(b)
}

func parseInbox(text string) (hpke.PublicKey, error) {
	b, err := parseHex(text, inboxSize)
	if err != nil {
		return nil, err
	}
	return inboxKEM().NewPublicKey(b)
}
