package threshold

import (
	"bytes"
	"crypto/hpke"
	"encoding/hex"
	"strconv"

	"github.com/zkkex/zkkex/internal/lines"
	"github.com/zkkex/zkkex/internal/redact"
	"github.com/zkkex/zkkex/threshold/babyjubjub"
	"github.com/zkkex/zkkex/threshold/frost"
)

const shareFirst = "zkkex/v1 threshold share"

// holding is what a participant has after a key generation: the group, its share
// of the key, and its inbox.
type holding struct {
	redact.Silent
	group *Group
	share *frost.KeyShare
	inbox hpke.PrivateKey
}

// encode returns the text of a share's file, a secret: the share, and then the group
// that it is of, in one file so that a refresh replaces both at once.
func (h *holding) encode() ([]byte, error) {
	seed, err := h.inbox.Bytes()
	if err != nil {
		return nil, err
	}
	defer clear(seed)
	encoded := h.share.Encode(suite())
	defer clear(encoded)
	text := []byte(shareFirst + "\n")
	text = lines.Append(text, "participant", strconv.Itoa(int(h.share.ID())))
	text = lines.Append(text, "share", hex.EncodeToString(encoded))
	text = lines.Append(text, "inbox-seed", hex.EncodeToString(seed))
	return append(text, h.group.Encode()...), nil
}

// parseHolding reads the file of participant id's share.
func parseHolding(s *Setup, id frost.Identifier, text []byte) (*holding, error) {
	const format = "threshold share"
	rest, err := lines.CutFirst(text, shareFirst)
	if err != nil {
		return nil, malformed(format, "%w", err)
	}
	values, rest, err := lines.Cut(rest, "participant", "share", "inbox-seed")
	if err != nil {
		return nil, malformed(format, "%w", err)
	}
	if values[0] != strconv.Itoa(int(id)) {
		return nil, malformed(format, "it is of participant %.4q, expected %d", values[0], id)
	}
	h := &holding{}
	if h.group, err = ParseGroup(s, rest); err != nil {
		return nil, err
	}
	encoded, err := parseHex(values[1], babyjubjub.ScalarSize)
	if err != nil {
		return nil, malformed(format, "share: %w", err)
	}
	defer clear(encoded)
	if h.share, err = h.group.public.NewKeyShare(id, encoded); err != nil {
		return nil, malformed(format, "%w", err)
	}
	seed, err := parseHex(values[2], inboxSeed)
	if err != nil {
		return nil, malformed(format, "inbox: %w", err)
	}
	defer clear(seed)
	if h.inbox, err = inboxKEM().NewPrivateKey(seed); err != nil {
		return nil, malformed(format, "inbox: %w", err)
	}
	if !bytes.Equal(h.inbox.PublicKey().Bytes(), h.group.inboxes[id-1].Bytes()) {
		return nil, malformed(format, "the inbox is not the one of participant %d in the group", id)
	}
	return h, nil
}
