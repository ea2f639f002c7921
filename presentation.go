package zkkex

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"slices"
)

// Presentation is a self-contained proof: the statement, the proof, and a
// reference to the checkpoint, epoch and parameters it was made for. It holds
// public values only. A verifier recomputes scope and binding from its own
// configuration and from what it was shown, and compares.
type Presentation struct {
	// Statement is what is proved.
	Statement Statement
	// Params is the parameter set the proof was made with.
	Params ParamsDigest
	// Registry and RootSequence name the checkpoint that has the root.
	Registry     RegistryID
	RootSequence uint64
	// Epoch is the epoch of the scope.
	Epoch Epoch
	// Authorization is the thing that is authorised.
	Authorization Authorization
	// Proof is the proof, of the size the circuit fixes.
	Proof Proof
}

// PresentationMagic is the first line of a presentation's text form.
const PresentationMagic = "zkkex/v1 presentation"

// MaxPresentationText bounds the text form of a presentation, in bytes. A
// reader need not take in more.
const MaxPresentationText = 2048

const (
	presentationHead   = StatementSize + 32 + 32 + 8 + 8 + 4 + 8 + 1 + 32
	armorColumns       = 64
	presentationFormat = "presentation"
)

// AppendBinary appends the binary form to b: statement (134 bytes), params
// digest (32), registry id (32), root sequence (8), epoch origin (8), length
// (4) and number (8), authorisation kind (1) and value (32), proof. Integers
// are big-endian. It never fails; the error is there for
// [encoding.BinaryAppender].
func (p *Presentation) AppendBinary(b []byte) ([]byte, error) {
	b, _ = p.Statement.AppendBinary(b)
	b = append(b, p.Params[:]...)
	b = append(b, p.Registry[:]...)
	b = binary.BigEndian.AppendUint64(b, p.RootSequence)
	b = append(b, epochFields(p.Epoch)...)
	b = append(b, byte(p.Authorization.Kind))
	b = append(b, p.Authorization.Value[:]...)
	return append(b, p.Proof...), nil
}

// ParsePresentation decodes the binary form. It returns an error wrapping
// [ErrMalformed] or [ErrUnsupported].
func ParsePresentation(b []byte) (*Presentation, error) {
	if len(b) < presentationHead {
		return nil, malformed(presentationFormat, "expected at least %d bytes, got %d", presentationHead, len(b))
	}
	st, err := ParseStatement(b[:StatementSize])
	if err != nil {
		return nil, err
	}
	proof, err := ParseProof(st.Circuit, b[presentationHead:])
	if err != nil {
		return nil, err
	}
	rest := b[StatementSize:presentationHead]
	p := &Presentation{
		Statement:    *st,
		Params:       ParamsDigest(rest[:32]),
		Registry:     RegistryID(rest[32:64]),
		RootSequence: binary.BigEndian.Uint64(rest[64:]),
		Epoch: Epoch{
			Schedule: Schedule{
				Origin: int64(binary.BigEndian.Uint64(rest[72:])),
				Length: binary.BigEndian.Uint32(rest[80:]),
			},
			Number: binary.BigEndian.Uint64(rest[84:]),
		},
		Authorization: Authorization{Kind: AuthorizationKind(rest[92]), Value: [32]byte(rest[93:125])},
		Proof:         proof,
	}
	if _, err := p.Epoch.Start(); err != nil {
		return nil, malformed(presentationFormat, "%w", err)
	}
	if _, err := p.Epoch.End(); err != nil {
		return nil, malformed(presentationFormat, "%w", err)
	}
	if k := p.Authorization.Kind; k != AuthorizeSession && k != AuthorizeMessage {
		return nil, malformed(presentationFormat, "authorization kind %d, expected 1 (session) or 2 (message)", k)
	}
	return p, nil
}

// MarshalText returns the text form: the line [PresentationMagic], then the
// binary form in padded standard base64, 64 columns to a line, every line ended
// by one newline. It never fails; the error is there for
// [encoding.TextMarshaler].
func (p *Presentation) MarshalText() ([]byte, error) {
	body, _ := p.AppendBinary(nil)
	encoded := base64.StdEncoding.AppendEncode(nil, body)
	out := []byte(PresentationMagic + "\n")
	for line := range slices.Chunk(encoded, armorColumns) {
		out = append(append(out, line...), '\n')
	}
	return out, nil
}

// ParsePresentationText decodes the text form, strictly: it accepts exactly
// what [Presentation.MarshalText] writes. It returns an error wrapping
// [ErrMalformed] or [ErrUnsupported].
func ParsePresentationText(text []byte) (*Presentation, error) {
	if len(text) > MaxPresentationText {
		return nil, malformed(presentationFormat, "expected at most %d bytes, got %d", MaxPresentationText, len(text))
	}
	magic, armor, found := bytes.Cut(text, []byte("\n"))
	if !found || string(magic) != PresentationMagic {
		return nil, malformed(presentationFormat, "expected the first line %q", PresentationMagic)
	}
	body, err := base64.StdEncoding.Strict().AppendDecode(nil, bytes.ReplaceAll(armor, []byte("\n"), nil))
	if err != nil {
		return nil, malformed(presentationFormat, "%w", err)
	}
	p, err := ParsePresentation(body)
	if err != nil {
		return nil, err
	}
	if again, _ := p.MarshalText(); !bytes.Equal(again, text) {
		return nil, malformed(presentationFormat, "not in the one accepted form: lines of %d columns, each ended by a newline", armorColumns)
	}
	return p, nil
}
