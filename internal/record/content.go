package record

import (
	"encoding/binary"
	"math/bits"
)

// Type is what a record holds. It is sealed: to others all records are alike.
type Type uint8

// The content types. Callers seal the first two.
const (
	// Application is the application's data.
	Application Type = 1
	// Channel is a message of the layer above about the channel itself, such as
	// a renewed certificate.
	Channel Type = 2

	// CloseNotify is the authenticated end of a direction.
	CloseNotify Type = 16
	// typeAlert is an Alert, one byte.
	typeAlert Type = 17

	// RatchetRequest asks the initiator for a ratchet.
	RatchetRequest Type = 32
	// RatchetOffer is the initiator's X25519 key and ML-KEM-768 key.
	RatchetOffer Type = 33
	// RatchetReply is the responder's X25519 key and ciphertext.
	RatchetReply Type = 34
	// RatchetSwitch confirms the new generation, and is the last record of the
	// old one in its direction.
	RatchetSwitch Type = 35
)

// contentSize returns the lengths that content of a type may have.
func contentSize(t Type) (least, most int, known bool) {
	switch t {
	case Application, Channel:
		return 0, MaxPlaintext, true
	case CloseNotify, RatchetRequest:
		return 0, 0, true
	case typeAlert:
		return 1, 1, true
	case RatchetOffer:
		return offerSize, offerSize, true
	case RatchetReply:
		return replySize, replySize, true
	case RatchetSwitch:
		return confirmationSize, confirmationSize, true
	}
	return 0, 0, false
}

// Padding says to what length content is filled up with zeros before it is
// sealed. A peer opens either.
type Padding uint8

// The paddings.
const (
	// PadNone adds nothing to application data. Control records are filled up
	// all the same.
	PadNone Padding = iota
	// PadBuckets fills up to the next power of two from 64 to 16,384 bytes.
	PadBuckets
)

// size returns the length of n bytes of content of a type, once filled up.
func (p Padding) size(t Type, n int) int {
	switch {
	case t >= RatchetRequest:
		return ratchetBucket
	case t >= CloseNotify || p == PadBuckets:
		return bucket(n)
	}
	return n
}

// bucket returns the least bucket that holds n bytes.
func bucket(n int) int {
	if n <= minBucket {
		return minBucket
	}
	return 1 << bits.Len(uint(n-1))
}

// appendContent appends content, zeros up to size, and the trailer.
func appendContent(dst []byte, t Type, content []byte, size int) []byte {
	dst = append(dst, content...)
	end := len(dst) + size - len(content)
	clear(dst[len(dst):end])
	dst = binary.BigEndian.AppendUint16(dst[:end], uint16(len(content)))
	return append(dst, byte(t))
}

// parseContent is the inverse of appendContent. The content is a part of b.
func parseContent(b []byte) (Type, []byte, error) {
	const format = "record content"
	padded, t := len(b)-trailerSize, Type(b[len(b)-1])
	n := int(binary.BigEndian.Uint16(b[padded:]))
	least, most, known := contentSize(t)
	switch {
	case !known:
		return 0, nil, malformed(format, ErrContent, "there is no type %d", t)
	case n > padded:
		return 0, nil, malformed(format, ErrContent, "its length is %d, of %d bytes", n, padded)
	case n < least || n > most:
		return 0, nil, malformed(format, ErrContent, "type %d has %d to %d bytes, got %d", t, least, most, n)
	}
	for _, zero := range b[n:padded] {
		if zero != 0 {
			return 0, nil, malformed(format, ErrContent, "padding is not zero")
		}
	}
	return t, b[:n], nil
}
