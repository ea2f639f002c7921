package zkkex

import (
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/zkkex/zkkex/internal/domain"
)

// AuthorizationKind says what kind of thing a proof authorises.
type AuthorizationKind uint8

// Kinds of authorisation.
const (
	// AuthorizeSession authorises a fresh X25519 public key.
	AuthorizeSession AuthorizationKind = 1
	// AuthorizeMessage authorises a message, by its digest.
	AuthorizeMessage AuthorizationKind = 2
)

// String returns "session" or "message".
func (k AuthorizationKind) String() string {
	switch k {
	case AuthorizeSession:
		return "session"
	case AuthorizeMessage:
		return "message"
	default:
		return fmt.Sprintf("authorization-%d", uint8(k))
	}
}

// Authorization is the thing a proof authorises: it is worthless for anything
// else.
type Authorization struct {
	// Kind says what Value is.
	Kind AuthorizationKind
	// Value is a session public key, or the digest of a message.
	Value [32]byte
}

// SessionKey authorises an X25519 session public key.
func SessionKey(public [32]byte) Authorization {
	return Authorization{Kind: AuthorizeSession, Value: public}
}

// Message authorises a message, which it reads to its end. The digest is
// SHA-256 over the framed tag followed by the message, as docs/spec/statement.md
// has it. It returns the reader's error.
func Message(r io.Reader) (Authorization, error) {
	h := sha256.New()
	h.Write(domain.Frame(domain.MessageDigest))
	if _, err := io.Copy(h, r); err != nil {
		return Authorization{}, fmt.Errorf("reading the message to authorise: %w", err)
	}
	return Authorization{Kind: AuthorizeMessage, Value: [32]byte(h.Sum(nil))}, nil
}

// BindingContext is what a binding covers beside the thing it authorises.
type BindingContext struct {
	// Circuit is the circuit of the proof.
	Circuit CircuitID
	// Params is the digest of the parameter set the proof is made with.
	Params ParamsDigest
	// Registry is the registry the root belongs to.
	Registry RegistryID
	// RootSequence is the sequence number of the root: the number of
	// operations in the registry's log that it covers.
	RootSequence uint64
	// Scope is the scope of the nullifier.
	Scope Scope
	// Limit is the number of slots per member and epoch.
	Limit uint32
}

// Binding returns the hash of everything the proof authorises. It returns an
// error wrapping [ErrUnsupported] if the kind is unknown.
func (a Authorization) Binding(c BindingContext) (Binding, error) {
	var tag domain.Tag
	switch a.Kind {
	case AuthorizeSession:
		tag = domain.BindingSession
	case AuthorizeMessage:
		tag = domain.BindingMessage
	default:
		return Binding{}, fmt.Errorf("%w: authorization kind %d, expected 1 (session) or 2 (message)", ErrUnsupported, a.Kind)
	}
	return domain.Hash(tag, a.Value[:], domain.Uint16(uint16(c.Circuit)), c.Params[:], c.Registry[:],
		domain.Uint64(c.RootSequence), c.Scope[:], domain.Uint32(c.Limit)), nil
}
