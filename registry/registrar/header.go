package registrar

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
)

const (
	journalMagic  = "zkkex/v1 journal"
	journalFormat = "journal header"
)

// header is the beginning of the journal, of a record's size: the magic (16
// bytes), the initial capacity bits (4), the registry's id (32), zeros, and
// CRC-32C.
type header struct {
	capacityBits int
	id           zkkex.RegistryID
}

func (h header) encode() []byte {
	b := append(make([]byte, 0, recordSize), journalMagic...)
	b = binary.BigEndian.AppendUint32(b, uint32(h.capacityBits))
	b = append(b, h.id[:]...)
	b = append(b, make([]byte, sumOffset-len(b))...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// parseHeader decodes a header, strictly.
func parseHeader(b []byte) (header, error) {
	if len(b) != recordSize || !bytes.HasPrefix(b, []byte(journalMagic)) {
		return header{}, malformed(journalFormat, "expected %d bytes that begin with %q", recordSize, journalMagic)
	}
	if crc32.Checksum(b[:sumOffset], castagnoli) != binary.BigEndian.Uint32(b[sumOffset:]) {
		return header{}, fmt.Errorf("journal header: %w", errChecksum)
	}
	h := header{
		capacityBits: int(binary.BigEndian.Uint32(b[16:])),
		id:           zkkex.RegistryID(b[20:52]),
	}
	if _, err := registry.NewTree(h.capacityBits); err != nil {
		return header{}, err
	}
	if !bytes.Equal(h.encode(), b) {
		return header{}, malformed(journalFormat, "bytes after the registry's id are not zero")
	}
	return h, nil
}
