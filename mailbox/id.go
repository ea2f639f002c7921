package mailbox

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"github.com/zkkex/zkkex"
)

// IDSize is the size of an [ID] in bytes.
const IDSize = 16

// ID names a message and its answer. It is random, and drawn by who posts: who
// does not know it cannot ask for the answer.
type ID [IDSize]byte

// NewID returns a fresh identifier.
func NewID() ID {
	var id ID
	_, _ = rand.Read(id[:]) // never fails
	return id
}

// ParseID decodes 32 lower-case hexadecimal digits. It returns an error wrapping
// [zkkex.ErrMalformed] for anything else.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != hex.EncodedLen(IDSize) {
		return ID{}, malformed("identifier", "%d bytes, expected %d hexadecimal digits", len(s), hex.EncodedLen(IDSize))
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return ID{}, malformed("identifier", "%w", err)
	}
	if id.String() != s {
		return ID{}, malformed("identifier", "upper-case digits, expected lower-case ones")
	}
	return id, nil
}

// String returns 32 lower-case hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

func malformed(what, detail string, args ...any) error {
	return &zkkex.ParseError{Format: "mailbox " + what, Err: fmt.Errorf(detail, args...)}
}
