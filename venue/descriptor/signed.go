package descriptor

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"github.com/zkkex/zkkex/internal/domain"
)

// MaxSigned bounds a signed descriptor, in bytes: the text and a signature per
// key of an identity.
const MaxSigned = 48 << 10

// ErrSignature reports a descriptor or a checkpoint of its log that the venue's
// identity did not sign, with all its keys, or whose signature is wrong.
var ErrSignature = errors.New("not signed by the venue's identity")

// Signed is a descriptor whose signatures were checked. It must not be changed.
type Signed struct {
	Descriptor
	note   []byte
	text   []byte
	digest Digest
}

// Note returns the signed text, byte by byte: a C2SP signed note.
func (s *Signed) Note() []byte { return bytes.Clone(s.note) }

// Digest returns the hash of the descriptor's text, without signatures. It goes
// into the prologue of every handshake with the descriptor's prekeys.
func (s *Signed) Digest() Digest { return s.digest }

// DigestOf returns the digest of a descriptor's text.
func DigestOf(text []byte) Digest { return domain.Hash(domain.Descriptor, text) }

// Sign signs a descriptor with all keys of the venue's identity, in its order.
// It returns an error wrapping [zkkex.ErrMalformed] if the descriptor has no
// text form or names another venue, and those of the keys.
//
// Nothing here keeps a venue from signing two descriptors under one number: see
// [Store].
func Sign(d *Descriptor, signers ...*Signer) (*Signed, error) {
	identity, err := IdentityOf(signers...)
	if err != nil {
		return nil, err
	}
	if d.Venue != identity.ID() {
		return nil, malformed(descriptorFormat, "venue %v, expected %v, that of the keys that sign", d.Venue, identity.ID())
	}
	text, err := d.MarshalText()
	if err != nil {
		return nil, err
	}
	return signText(text, identity, signers)
}

func signText(text []byte, identity *Identity, signers []*Signer) (*Signed, error) {
	list := make([]note.Signer, len(signers))
	for i, s := range signers {
		list[i] = s
	}
	signed, err := note.Sign(&note.Note{Text: string(text)}, list...)
	if err != nil {
		return nil, fmt.Errorf("signing a descriptor: %w", err)
	}
	return Open(signed, identity)
}

// Open checks a signed descriptor: it must have the signature of every key of
// the identity, in its order, and no other, and name the venue. It returns an
// error wrapping [ErrSignature], [zkkex.ErrMalformed] or
// [zkkex.ErrUnsupported].
func Open(signed []byte, identity *Identity) (*Signed, error) {
	if len(signed) > MaxSigned {
		return nil, malformed(descriptorFormat, "expected at most %d bytes, got %d", MaxSigned, len(signed))
	}
	n, err := note.Open(signed, identity.verifiers())
	if err != nil {
		return nil, openError(err)
	}
	if err := checkSignatures(n, identity); err != nil {
		return nil, err
	}
	if again, err := note.Sign(n); err != nil || !bytes.Equal(again, signed) {
		return nil, malformed(descriptorFormat, "signatures not in the one accepted form")
	}
	d, err := Parse([]byte(n.Text))
	if err != nil {
		return nil, err
	}
	if d.Venue != identity.ID() {
		return nil, malformed(descriptorFormat, "venue %v, expected %v, that of the keys that signed", d.Venue, identity.ID())
	}
	text := []byte(n.Text)
	return &Signed{Descriptor: *d, note: bytes.Clone(signed), text: text, digest: DigestOf(text)}, nil
}

// checkSignatures checks which verified signatures a note has.
func checkSignatures(n *note.Note, identity *Identity) error {
	for i, k := range identity.keys {
		if i >= len(n.Sigs) || n.Sigs[i].Hash != k.hash {
			return fmt.Errorf("descriptor %w: expected signature %d to be of %s+%08x", ErrSignature, i+1, k.name, k.hash)
		}
	}
	if len(n.UnverifiedSigs) > 0 {
		s := n.UnverifiedSigs[0]
		return malformed(descriptorFormat, "a signature of %s+%08x, which is no key of the venue's identity", s.Name, s.Hash)
	}
	return nil
}

func openError(err error) error {
	var invalid *note.InvalidSignatureError
	var unverified *note.UnverifiedNoteError
	switch {
	case errors.As(err, &invalid):
		return fmt.Errorf("descriptor %w: the signature of %s+%08x is wrong", ErrSignature, invalid.Name, invalid.Hash)
	case errors.As(err, &unverified):
		return fmt.Errorf("descriptor %w: there is no signature of its keys", ErrSignature)
	default:
		return malformed(descriptorFormat, "%w", err)
	}
}
