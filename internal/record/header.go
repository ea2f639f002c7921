package record

import "encoding/binary"

// typeSealed is the only record type. What a record holds is sealed inside.
const typeSealed = 1

// header is what stands before the sealed part, in clear and authenticated.
type header struct {
	length uint16 // of what follows, in bytes
	phase  uint32
}

// append appends the encoding: type, length, phase, big-endian.
func (h header) append(dst []byte) []byte {
	dst = append(dst, typeSealed)
	dst = binary.BigEndian.AppendUint16(dst, h.length)
	return binary.BigEndian.AppendUint32(dst, h.phase)
}

// parseHeader reads the first HeaderSize bytes of b. It returns an error that
// matches [ErrLength] or [ErrHeader].
func parseHeader(b []byte) (header, error) {
	const format = "record header"
	if len(b) < HeaderSize {
		return header{}, malformed(format, ErrLength, "expected %d bytes, got %d", HeaderSize, len(b))
	}
	if b[0] != typeSealed {
		return header{}, malformed(format, ErrHeader, "expected type %d, got %d", typeSealed, b[0])
	}
	h := header{binary.BigEndian.Uint16(b[1:]), binary.BigEndian.Uint32(b[3:])}
	if h.length < minBody || h.length > maxBody {
		return header{}, malformed(format, ErrLength, "expected %d to %d bytes to follow, got %d", minBody, maxBody, h.length)
	}
	return h, nil
}

// BodySize returns how many bytes of a record follow its first [HeaderSize]
// bytes: at most MaxRecord-HeaderSize. It returns an error that matches
// [zkkex.ErrMalformed] and [ErrLength] or [ErrHeader]; the number is not
// authenticated before [Session.Open] accepts the record.
func BodySize(b []byte) (int, error) {
	h, err := parseHeader(b)
	return int(h.length), err
}
