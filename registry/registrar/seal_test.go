package registrar

import (
	"encoding/binary"
	"hash/crc32"
)

// resealed returns a copy of a record or header with the right checksum.
func resealed(b []byte) []byte {
	return binary.BigEndian.AppendUint32(append([]byte(nil), b[:sumOffset]...), crc32.Checksum(b[:sumOffset], castagnoli))
}
