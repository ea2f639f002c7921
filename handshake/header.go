package handshake

import (
	"encoding/binary"
	"fmt"

	"github.com/zkkex/zkkex"
)

// Lengths of the format, in bytes.
const (
	// PrefixSize is the length of what every message begins with: length, version
	// and type.
	PrefixSize = 2 + 1 + 1
	// MaxMessageSize is the longest message.
	MaxMessageSize = 65535

	headerSize = PrefixSize + 2 + 8 // of message 1: with suite and descriptor number
	macSize    = 16
	macsSize   = 2 * macSize
)

// version is that of the format.
const version = 1

// messageType is the fourth byte of every message.
type messageType uint8

const (
	typeFirst             messageType = 1 // message 1
	typeAnswer            messageType = 2 // message 2: a yes or a refusal
	typeUnknownDescriptor messageType = 3 // fixed answer: fetch the descriptor
	typeCookie            messageType = 4 // answer under load
)

// BodySize returns how many bytes of a message follow its first [PrefixSize]
// bytes. It returns an error that matches [zkkex.ErrMalformed] and [ErrLength], or
// [zkkex.ErrUnsupported] and [ErrVersion].
func BodySize(prefix []byte) (int, error) {
	if len(prefix) < PrefixSize {
		return 0, malformed(messageFormat, ErrLength, "expected at least %d bytes, got %d", PrefixSize, len(prefix))
	}
	length := int(binary.BigEndian.Uint16(prefix))
	if least, most := PrefixSize-2, MaxMessageSize-2; length < least || length > most {
		return 0, malformed(messageFormat, ErrLength, "it says that %d bytes follow, expected %d to %d", length, least, most)
	}
	if prefix[2] != version {
		return 0, fmt.Errorf("handshake: %w: %w %d, expected %d", zkkex.ErrUnsupported, ErrVersion, prefix[2], version)
	}
	return length - (PrefixSize - 2), nil
}

// appendPrefix appends the first bytes of a message with a body of so many bytes.
func appendPrefix(b []byte, t messageType, body int) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(body+PrefixSize-2))
	return append(b, version, byte(t))
}

// parsePrefix checks the first bytes of a whole message, and returns its type.
func parsePrefix(message []byte) (messageType, error) {
	if len(message) > MaxMessageSize {
		return 0, malformed(messageFormat, ErrLength, "expected at most %d bytes, got %d", MaxMessageSize, len(message))
	}
	body, err := BodySize(message)
	if err != nil {
		return 0, err
	}
	if len(message) != PrefixSize+body {
		return 0, malformed(messageFormat, ErrLength, "it says %d bytes, got %d", PrefixSize+body, len(message))
	}
	return messageType(message[3]), nil
}

// header is the clear header of message 1.
type header struct {
	suite  uint16
	number uint64 // of the descriptor
}

// first is a message 1, cut into its parts, which are slices of the message.
type first struct {
	header
	authenticated []byte // what mac1 is over
	noise         []byte // the Noise message
	mac1, mac2    []byte
}

func appendHeader(b []byte, h header, size int) []byte {
	b = appendPrefix(b, typeFirst, size-PrefixSize)
	b = binary.BigEndian.AppendUint16(b, h.suite)
	return binary.BigEndian.AppendUint64(b, h.number)
}

// parseFirst cuts message 1. It looks at its length, version and type.
func parseFirst(message []byte) (first, error) {
	t, err := parsePrefix(message)
	if err != nil {
		return first{}, err
	}
	if t != typeFirst {
		return first{}, malformed(messageFormat, ErrType, "expected %d, got %d", typeFirst, t)
	}
	if least := leastFirst(); len(message) < least {
		return first{}, malformed(messageFormat, ErrLength, "expected at least %d bytes, got %d", least, len(message))
	}
	macs := len(message) - macsSize
	return first{
		header: header{
			suite:  binary.BigEndian.Uint16(message[PrefixSize:]),
			number: binary.BigEndian.Uint64(message[PrefixSize+2:]),
		},
		authenticated: message[:macs],
		noise:         message[headerSize:macs],
		mac1:          message[macs : macs+macSize],
		mac2:          message[macs+macSize:],
	}, nil
}

// ephemeral returns the initiator's ephemeral key, which is in clear.
func (f *first) ephemeral() [32]byte { return [32]byte(f.noise) }
