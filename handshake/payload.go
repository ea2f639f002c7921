package handshake

import (
	"encoding/binary"
	"slices"

	"github.com/zkkex/zkkex/session"
)

// payloadHead is the length of a payload without certificate, early data and
// zeros: kind, counter, digest and two lengths.
const payloadHead = 1 + 4 + 32 + 2 + 2

// payload is what message 1 carries, sealed.
type payload struct {
	kind        Kind
	counter     uint32 // of opens; 0 for Admit
	digest      session.Digest
	certificate []byte // a presentation, or nil
	early       []byte
}

// append appends the payload, filled up with zeros to size bytes.
func (p *payload) append(b []byte, size int) []byte {
	end := len(b) + size
	b = append(b, byte(p.kind))
	b = binary.BigEndian.AppendUint32(b, p.counter)
	b = append(b, p.digest[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(p.certificate)))
	b = append(b, p.certificate...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(p.early)))
	b = append(b, p.early...)
	return append(b, make([]byte, end-len(b))...)
}

// parsePayload decodes a payload. Its fields are slices of b. It returns an error
// that matches [zkkex.ErrMalformed] and [ErrPayload].
func parsePayload(b []byte) (*payload, error) {
	if len(b) < payloadHead {
		return nil, malformed(payloadFormat, ErrPayload, "expected at least %d bytes, got %d", payloadHead, len(b))
	}
	p := &payload{kind: Kind(b[0]), counter: binary.BigEndian.Uint32(b[1:]), digest: session.Digest(b[5:37])}
	if !p.kind.valid() {
		return nil, malformed(payloadFormat, ErrPayload, "kind %d, expected 1 (open), 2 (admit) or 3 (inline)", b[0])
	}
	var err error
	rest := b[37:]
	if p.certificate, rest, err = cutField(rest, "certificate", certificateSizes[len(certificateSizes)-1]); err != nil {
		return nil, err
	}
	if p.early, rest, err = cutField(rest, "early data", MaxEarlyData); err != nil {
		return nil, err
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	if !zeros(rest) {
		return nil, malformed(payloadFormat, ErrPayload, "expected zeros behind the early data")
	}
	return p, nil
}

// check checks that the fields go with the kind.
func (p *payload) check() error {
	fits := len(p.certificate) == 0
	if p.kind.certificate() {
		fits = isCertificateSize(len(p.certificate))
	}
	if !fits {
		return malformed(payloadFormat, ErrPayload, "a certificate of %d bytes in a message of kind %s", len(p.certificate), p.kind)
	}
	if p.kind == Admit && (p.counter != 0 || len(p.early) != 0) {
		return malformed(payloadFormat, ErrPayload, "an admission has open counter 0 and no early data")
	}
	return nil
}

// isCertificateSize reports whether n is the length of a certificate.
func isCertificateSize(n int) bool { return slices.Contains(certificateSizes[1:], n) }

// cutField cuts a field of at most so many bytes, behind its length, off b.
func cutField(b []byte, name string, most int) (field, rest []byte, err error) {
	if len(b) < 2 {
		return nil, nil, malformed(payloadFormat, ErrPayload, "it ends before the length of the %s", name)
	}
	n := int(binary.BigEndian.Uint16(b))
	if b = b[2:]; n > most || n > len(b) {
		return nil, nil, malformed(payloadFormat, ErrPayload, "%s of %d bytes, expected at most %d", name, n, min(most, len(b)))
	}
	return b[:n:n], b[n:], nil
}

func zeros(b []byte) bool { return !slices.ContainsFunc(b, func(c byte) bool { return c != 0 }) }
