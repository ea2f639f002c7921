package envelope

import (
	"crypto/sha256"
	"fmt"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/canonical"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/field"
)

// Purpose is what a signature is for.
type Purpose uint8

// The purposes.
const (
	// Possession proves possession of the key to a registrar, who admits it.
	Possession Purpose = 1
	// Delegation does so too, and has a delegate admitted beside the key.
	Delegation Purpose = 2
	// Certificate authorises a proof: the signature is its witness, and is not shown.
	Certificate Purpose = 3
)

// String returns "possession", "delegation" or "certificate".
func (p Purpose) String() string {
	switch p {
	case Possession:
		return "possession"
	case Delegation:
		return "delegation"
	case Certificate:
		return "certificate"
	default:
		return fmt.Sprintf("purpose-%d", uint8(p))
	}
}

// Message is what a device signs. Fields that its purpose does not use are zero.
type Message struct {
	Purpose Purpose
	// Registry is where the key is to be admitted; Possession, Delegation.
	Registry zkkex.RegistryID
	// NullifierKeyHash is H(nk) of the key's owner, a canonical field element;
	// Possession, Delegation.
	NullifierKeyHash [32]byte
	// Delegate is the delegate's leaf; Delegation.
	Delegate zkkex.Commitment
	// Until is when the delegation ends, in Unix seconds; Delegation.
	Until int64
	// Nonce and Expiry are those of the registrar's challenge, the latter in Unix
	// seconds; Possession, Delegation.
	Nonce  [32]byte
	Expiry int64
	// Binding is that of the statement to prove; Certificate.
	Binding zkkex.Binding
}

// latest is the last second of the year 9999.
const latest = 253402300799

// check says whether a message can be signed.
func (m *Message) check() error {
	if m.Expiry < 0 || m.Expiry > latest || m.Until < 0 || m.Until > latest {
		return malformed("a time is not in the years 1970 to 9999")
	}
	used := *m
	switch m.Purpose {
	case Possession:
		used.Delegate, used.Until, used.Binding = zkkex.Commitment{}, 0, zkkex.Binding{}
	case Delegation:
		used.Binding = zkkex.Binding{}
		if m.Delegate.IsEmpty() || m.Until == 0 {
			return malformed("a delegation names a delegate and an end")
		}
	case Certificate:
		used = Message{Purpose: Certificate, Binding: m.Binding}
	default:
		return malformed("purpose %d, expected 1 (possession), 2 (delegation) or 3 (certificate)", m.Purpose)
	}
	if used != *m {
		return malformed("a %v has fields of another purpose", m.Purpose)
	}
	if m.Purpose == Certificate {
		return nil
	}
	if err := canonical.Check(&m.NullifierKeyHash); err != nil {
		return malformed("hash of the nullifier key: %w", err)
	}
	return nil
}

// tag returns the domain separation tag of a message's purpose.
func (m *Message) tag() domain.Tag {
	switch m.Purpose {
	case Possession:
		return domain.DevicePossession
	case Delegation:
		return domain.DeviceDelegation
	default:
		return domain.DeviceCertificate
	}
}

// fields are those that the purpose uses, in order.
func (m *Message) fields() [][]byte {
	switch m.Purpose {
	case Possession:
		return [][]byte{m.Registry[:], m.NullifierKeyHash[:], m.Nonce[:], domain.Uint64(uint64(m.Expiry))}
	case Delegation:
		return [][]byte{
			m.Registry[:], m.NullifierKeyHash[:], m.Delegate[:], domain.Uint64(uint64(m.Until)),
			m.Nonce[:], domain.Uint64(uint64(m.Expiry)),
		}
	default:
		return [][]byte{m.Binding[:]}
	}
}

// digest returns SHA-256 over the framed tag and fields, what every envelope but
// [EIP712] is made of.
func (m *Message) digest() [sha256.Size]byte { return domain.Hash(m.tag(), m.fields()...) }

// Digest returns the 32 bytes that are signed in this envelope: a SHA-256 or
// Keccak-256 digest for ECDSA, a canonical field element for EdDSA. For EdDSA, the
// element of a Certificate is the binding itself, as the circuit has it. It returns an
// error wrapping [zkkex.ErrMalformed] if the message is not one that can be signed.
func (k Kind) Digest(m *Message) ([32]byte, error) {
	if err := m.check(); err != nil {
		return [32]byte{}, err
	}
	switch k {
	case Raw:
		return m.digest(), nil
	case SSHSIG:
		return sha256.Sum256(sshBlob(m)), nil
	case EIP712:
		return typedDigest(m), nil
	case EdDSA:
		if m.Purpose == Certificate {
			return field.Bytes(field.FromHash(m.Binding)), nil
		}
		return field.Bytes(field.FromHash(m.digest())), nil
	default:
		return [32]byte{}, fmt.Errorf("%w: %v", zkkex.ErrUnsupported, k)
	}
}

func malformed(text string, args ...any) error {
	return &zkkex.ParseError{Format: "message to sign", Err: fmt.Errorf(text, args...)}
}
