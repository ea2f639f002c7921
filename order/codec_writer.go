package order

import (
	"encoding/binary"
	"time"
)

// Wire types of protobuf.
const (
	wireVarint = 0
	wireBytes  = 2
)

// wireWriter is the visitor that encodes to protobuf: fields by ascending number,
// none that is zero.
type wireWriter struct {
	b []byte
	// digest leaves proofs out.
	digest bool
}

func (w *wireWriter) uvarint(n uint64) { w.b = binary.AppendUvarint(w.b, n) }

func (w *wireWriter) varint(f field, n uint64) {
	if n == 0 {
		return
	}
	w.uvarint(uint64(f.number)<<3 | wireVarint)
	w.uvarint(n)
}

// open begins a field of bytes, and close ends it, by putting its length where
// open left a byte for it.
func (w *wireWriter) open(number int) (mark int) {
	w.uvarint(uint64(number)<<3 | wireBytes)
	w.b = append(w.b, 0)
	return len(w.b)
}

func (w *wireWriter) close(mark int) {
	n := len(w.b) - mark
	if n < 0x80 {
		w.b[mark-1] = byte(n)
		return
	}
	var length [binary.MaxVarintLen64]byte
	size := binary.PutUvarint(length[:], uint64(n))
	w.b = append(w.b, length[:size-1]...)
	copy(w.b[mark-1+size:], w.b[mark:mark+n])
	copy(w.b[mark-1:], length[:size])
}

func (w *wireWriter) message(number int, m message) {
	mark := w.open(number)
	m.fields(w)
	w.close(mark)
}

func (w *wireWriter) bytes(f field, b []byte) {
	if isZero(b) {
		return
	}
	w.uvarint(uint64(f.number)<<3 | wireBytes)
	w.uvarint(uint64(len(b)))
	w.b = append(w.b, b...)
}

func (w *wireWriter) proof(f field, p *Proof) {
	if !w.digest {
		w.bytes(f, p[:])
	}
}

func (w *wireWriter) text(f field, s *string) {
	if *s != "" {
		w.str(f, *s)
	}
}

func (w *wireWriter) str(f field, s string) {
	w.uvarint(uint64(f.number)<<3 | wireBytes)
	w.uvarint(uint64(len(s)))
	w.b = append(w.b, s...)
}

func (w *wireWriter) symbol(f field, s *string) { w.text(f, s) }

func (w *wireWriter) symbols(f field, s *[]string, most int) {
	for _, symbol := range *s {
		w.str(f, symbol)
	}
}

func (w *wireWriter) char(f field, c *byte, known string) {
	n, _ := digit(*c)
	w.varint(f, n)
}

func (w *wireWriter) code(f field, c *uint16, known []uint16) { w.varint(f, uint64(*c)) }
func (w *wireWriter) count(f field, n *uint64)                { w.varint(f, *n) }
func (w *wireWriter) small(f field, n *uint32)                { w.varint(f, uint64(*n)) }

func (w *wireWriter) flag(f field, b *bool) {
	if *b {
		w.varint(f, 1)
	}
}

func (w *wireWriter) quantity(f field, d *Decimal) { w.decimal(f, d) }
func (w *wireWriter) price(f field, d *Decimal)    { w.decimal(f, d) }

// A decimal is a message of two numbers, mantissa and exponent, in zigzag form.
func (w *wireWriter) decimal(f field, d *Decimal) {
	if *d == (Decimal{}) {
		return
	}
	mark := w.open(f.number)
	w.varint(field{number: 1}, uint64(d.Mantissa<<1^d.Mantissa>>63))
	w.varint(field{number: 2}, uint64(uint32(d.Exponent<<1^d.Exponent>>31)))
	w.close(mark)
}

func (w *wireWriter) duration(f field, d *time.Duration) { w.varint(f, uint64(d.Milliseconds())) }
func (w *wireWriter) time(f field, t *time.Time)         { w.varint(f, millis(*t)) }

func (w *wireWriter) list(f field, l list) {
	for i := range l.len() {
		w.message(f.number, l.at(i))
	}
}

func isZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
