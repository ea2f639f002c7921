package order

import (
	"encoding/binary"
	"encoding/hex"
	"errors"

	"github.com/zkkex/zkkex/internal/domain"
)

// IDSize is the length of an [ID] in bytes.
const IDSize = 16

// ID is what its sender calls a request: ClOrdID (11), QuoteID (117) and
// QuoteReqID (131) alike, in one space. It is 128 bits, and random to everybody
// but the sender; see [Secret]. The zero ID means that there is none.
type ID [IDSize]byte

// IsZero reports whether there is no ID.
func (id ID) IsZero() bool { return id == ID{} }

// String returns 32 lower-case hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// ParseID reads what [ID.String] returns. Its error wraps
// [github.com/zkkex/zkkex.ErrMalformed].
func ParseID(s string) (ID, error) {
	var id ID
	if err := parseHex(id[:], s); err != nil {
		return ID{}, malformed("order ID", "%w", err)
	}
	if id.IsZero() {
		return ID{}, malformed("order ID", "all digits are 0, which means none")
	}
	return id, nil
}

// OrderID is what the venue calls an order (OrderID, tag 37), a quote or a request
// of either. It follows from the session and the sender's ID: a request that
// comes twice, by whatever way, is known as one.
type OrderID [16]byte

// String returns 32 lower-case hexadecimal digits.
func (id OrderID) String() string { return hex.EncodeToString(id[:]) }

// IsZero reports whether there is no OrderID.
func (id OrderID) IsZero() bool { return id == OrderID{} }

// ParseOrderID reads what [OrderID.String] returns.
func ParseOrderID(s string) (OrderID, error) {
	var id OrderID
	if err := parseHex(id[:], s); err != nil {
		return OrderID{}, malformed("OrderID", "%w", err)
	}
	return id, nil
}

// NewOrderID returns the venue's name for a session's request: 128 bits of a hash
// of both.
func NewOrderID(s SessionID, id ID) OrderID {
	var session [24]byte
	h := domain.Hash(domain.OrderID, s.append(session[:0]), id[:])
	return OrderID(h[:16])
}

// SessionID names a session: the venue's own word for a pseudonym, by which it
// keeps orders and numbers reports. It is a hash of the session's first
// nullifier, so that what the venue stores of orders cannot be compared with
// other venues' stores.
type SessionID struct {
	// Epoch is the number of the epoch in which the session began, by the venue's
	// schedule. What is kept of a session goes when its epoch is pruned.
	Epoch uint64
	// ID is random to who does not know the pseudonym.
	ID [16]byte
}

// NewSessionID returns the name of the session that a pseudonym begins in an
// epoch: the nullifier of a zkkex channel, or the name of a FIX session.
func NewSessionID(epoch uint64, pseudonym []byte) SessionID {
	h := domain.Hash(domain.OrderSession, domain.Uint64(epoch), pseudonym)
	return SessionID{Epoch: epoch, ID: [16]byte(h[:16])}
}

// IsZero reports whether there is no session.
func (s SessionID) IsZero() bool { return s == SessionID{} }

// String returns the 24 bytes of [SessionID.Bytes] as hexadecimal digits.
func (s SessionID) String() string { return hex.EncodeToString(s.append(nil)) }

// ParseSessionID reads what [SessionID.String] returns.
func ParseSessionID(s string) (SessionID, error) {
	var b [24]byte
	if err := parseHex(b[:], s); err != nil {
		return SessionID{}, malformed("session ID", "%w", err)
	}
	return SessionIDOf(b), nil
}

// Bytes returns the epoch, 8 bytes big-endian, and the ID.
func (s SessionID) Bytes() [24]byte { return [24]byte(s.append(nil)) }

// SessionIDOf is the inverse of [SessionID.Bytes].
func SessionIDOf(b [24]byte) SessionID {
	var s SessionID
	for _, c := range b[:8] {
		s.Epoch = s.Epoch<<8 | uint64(c)
	}
	copy(s.ID[:], b[8:])
	return s
}

func (s SessionID) append(b []byte) []byte {
	return append(binary.BigEndian.AppendUint64(b, s.Epoch), s.ID[:]...)
}

// parseHex reads exactly len(dst) bytes of lower-case hexadecimal digits.
func parseHex(dst []byte, s string) error {
	if len(s) != 2*len(dst) {
		return errors.New("expected " + itoa(2*len(dst)) + " hexadecimal digits, found " + itoa(len(s)) + " characters")
	}
	b, err := hex.DecodeString(s)
	if err != nil || hex.EncodeToString(b) != s {
		return errors.New("expected lower-case hexadecimal digits only")
	}
	copy(dst, b)
	return nil
}
