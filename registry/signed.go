package registry

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"github.com/zkkex/zkkex"
)

// MaxCheckpoint bounds a signed checkpoint, in bytes: the text, and as many
// signature lines as note.Open accepts (100).
const MaxCheckpoint = 32 << 10

// ErrSignature reports a checkpoint that the registrar's key did not sign, or
// whose signature is wrong.
var ErrSignature = errors.New("not signed by the registry's key")

// SignedCheckpoint is a checkpoint whose registrar's signature was checked. It
// must not be changed.
type SignedCheckpoint struct {
	Checkpoint
	// Note is the signed text, byte by byte.
	Note []byte
	// Witnesses names the witnesses, of those given to [Open], whose
	// cosignatures are on the note and were checked.
	Witnesses []string
}

// Sign signs the checkpoint with the registrar's key, whose name must be the
// origin, and possibly others, and returns the note. It returns an error
// wrapping [zkkex.ErrMalformed] or [zkkex.ErrUnsupported] if the checkpoint has
// no text form.
func Sign(c *Checkpoint, registrar note.Signer, others ...note.Signer) ([]byte, error) {
	if registrar.Name() != c.Origin {
		return nil, malformed(checkpointFormat, "the key of %q signs for the origin %q, expected its own name", registrar.Name(), c.Origin)
	}
	text, err := c.MarshalText()
	if err != nil {
		return nil, err
	}
	signed, err := note.Sign(&note.Note{Text: string(text)}, append([]note.Signer{registrar}, others...)...)
	if err != nil {
		return nil, fmt.Errorf("signing a checkpoint: %w", err)
	}
	return signed, nil
}

// Open checks a signed checkpoint: the registrar's signature must be on it, and
// its origin must be the registrar's name. Cosignatures of the witnesses are
// checked where they are there, and a wrong one is an error; how many there
// must be is for the caller to decide. Signatures of others are ignored. It
// returns an error wrapping [ErrSignature], [zkkex.ErrMalformed] or
// [zkkex.ErrUnsupported].
func Open(signed []byte, registrar note.Verifier, witnesses ...note.Verifier) (*SignedCheckpoint, error) {
	if len(signed) > MaxCheckpoint {
		return nil, malformed(checkpointFormat, "expected at most %d bytes, got %d", MaxCheckpoint, len(signed))
	}
	n, err := note.Open(signed, note.VerifierList(append([]note.Verifier{registrar}, witnesses...)...))
	if err != nil {
		return nil, openError(err, registrar)
	}
	s := &SignedCheckpoint{Note: bytes.Clone(signed)}
	byRegistrar := false
	for _, sig := range n.Sigs {
		if sig.Name == registrar.Name() && sig.Hash == registrar.KeyHash() {
			byRegistrar = true
			continue
		}
		s.Witnesses = append(s.Witnesses, sig.Name)
	}
	if !byRegistrar {
		return nil, fmt.Errorf("checkpoint %w: expected a signature of %s+%08x", ErrSignature, registrar.Name(), registrar.KeyHash())
	}
	c, err := ParseCheckpoint([]byte(n.Text))
	if err != nil {
		return nil, err
	}
	if c.Origin != registrar.Name() {
		return nil, malformed(checkpointFormat, "origin %q, expected %q, the name of the registry's key", c.Origin, registrar.Name())
	}
	s.Checkpoint = *c
	return s, nil
}

func openError(err error, registrar note.Verifier) error {
	var invalid *note.InvalidSignatureError
	var unverified *note.UnverifiedNoteError
	switch {
	case errors.As(err, &invalid):
		return fmt.Errorf("checkpoint %w: the signature of %s+%08x is wrong", ErrSignature, invalid.Name, invalid.Hash)
	case errors.As(err, &unverified):
		return fmt.Errorf("checkpoint %w: expected a signature of %s+%08x", ErrSignature, registrar.Name(), registrar.KeyHash())
	default:
		return &zkkex.ParseError{Format: checkpointFormat, Err: err}
	}
}
