package order

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// wireReader is the visitor that decodes from protobuf what [wireWriter] writes,
// and refuses all else: fields in another order, fields that are zero, numbers in
// a longer form. What is well formed but cannot be held is a fault.
type wireReader struct {
	b []byte
	// err is the first thing wrong with the form, and fault with a value.
	err   error
	fault *fault
	// interned holds symbols seen before; it may be nil.
	interned map[string]string
}

// maxInterned bounds the symbols that a reader remembers.
const maxInterned = 1024

func (r *wireReader) fail(f field, format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%v: %w", f, fmt.Errorf(format, args...))
	}
}

func (r *wireReader) refuse(x *fault) {
	if r.fault == nil {
		r.fault = x
	}
}

// next reports whether the next field is the one given, and takes its tag.
func (r *wireReader) next(number int, wire byte) bool {
	tag := number<<3 | int(wire)
	switch {
	case r.err != nil:
		return false
	case tag < 0x80:
		if len(r.b) < 1 || r.b[0] != byte(tag) {
			return false
		}
		r.b = r.b[1:]
	default:
		if len(r.b) < 2 || r.b[0] != byte(tag)|0x80 || r.b[1] != byte(tag>>7) {
			return false
		}
		r.b = r.b[2:]
	}
	return true
}

var errVarint = errors.New("expected a number of at most 64 bits in its shortest form")

// uvarint takes a number.
func (r *wireReader) uvarint() (uint64, error) {
	var n uint64
	for i := 0; i < len(r.b) && i < 10; i++ {
		c := r.b[i]
		if i == 9 && c > 1 {
			break
		}
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			if c == 0 && i > 0 {
				break
			}
			r.b = r.b[i+1:]
			return n, nil
		}
	}
	return 0, errVarint
}

// varint takes a number that is not 0, if the field is there.
func (r *wireReader) varint(f field) uint64 {
	if !r.next(f.number, wireVarint) {
		return 0
	}
	n, err := r.uvarint()
	if err == nil && n == 0 {
		err = errZero
	}
	if err != nil {
		r.fail(f, "%w", err)
	}
	return n
}

var errZero = errors.New("a field that is 0 is left out")

// take takes a field's bytes, if it is there.
func (r *wireReader) take(f field) ([]byte, bool) {
	if !r.next(f.number, wireBytes) {
		return nil, false
	}
	n, err := r.uvarint()
	if err != nil {
		r.fail(f, "%w", err)
		return nil, false
	}
	if n > uint64(len(r.b)) {
		r.fail(f, "its length is %d bytes, and %d are left", n, len(r.b))
		return nil, false
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b, true
}

// end refuses what no field of the message took.
func (r *wireReader) end() error {
	if r.err == nil && len(r.b) != 0 {
		r.err = fmt.Errorf("%d bytes are left: a field is unknown, of another type, repeated or out of order", len(r.b))
	}
	return r.err
}

// within decodes a message from b, and then goes on where it was.
func (r *wireReader) within(b []byte, m message) error {
	outer := r.b
	r.b = b
	m.fields(r)
	err := r.end()
	r.b = outer
	return err
}

func (r *wireReader) bytes(f field, b []byte) {
	got, ok := r.take(f)
	if !ok {
		return
	}
	if len(got) != len(b) {
		r.fail(f, "expected %d bytes, got %d", len(b), len(got))
		return
	}
	if isZero(got) {
		r.fail(f, "%w", errZero)
	}
	copy(b, got)
}

func (r *wireReader) proof(f field, p *Proof) { r.bytes(f, p[:]) }

func (r *wireReader) text(f field, s *string) {
	got, ok := r.take(f)
	if ok && len(got) == 0 {
		r.fail(f, "%w", errZero)
	}
	*s = string(got)
}

func (r *wireReader) symbol(f field, s *string) {
	got, ok := r.take(f)
	if ok && len(got) == 0 {
		r.fail(f, "%w", errZero)
	}
	*s = r.intern(got)
}

func (r *wireReader) intern(b []byte) string {
	if s, ok := r.interned[string(b)]; ok {
		return s
	}
	s := string(b)
	if r.interned != nil && len(r.interned) < maxInterned && checkSymbol(s) == nil {
		r.interned[s] = s
	}
	return s
}

func (r *wireReader) symbols(f field, s *[]string, most int) {
	for {
		got, ok := r.take(f)
		if !ok {
			return
		}
		if len(*s) == most {
			r.refuse(tooMany(f, most))
			continue
		}
		*s = append(*s, r.intern(got))
	}
}

func (r *wireReader) char(f field, c *byte, known string) {
	n := r.varint(f)
	switch {
	case n > 35:
		r.refuse(unknownValue(f, fmt.Sprint(n), known))
	case n > 0 || known[0] == '0':
		*c = character(n)
	}
}

func (r *wireReader) code(f field, c *uint16, known []uint16) {
	n := r.varint(f)
	if n > math.MaxUint16 {
		r.refuse(unknownValue(f, fmt.Sprint(n), known))
	}
	*c = uint16(n)
}

func (r *wireReader) count(f field, n *uint64) { *n = r.varint(f) }

func (r *wireReader) small(f field, n *uint32) {
	v := r.varint(f)
	if v > math.MaxUint32 {
		r.fail(f, "expected 32 bits, got %d", v)
	}
	*n = uint32(v)
}

func (r *wireReader) flag(f field, b *bool) {
	n := r.varint(f)
	if n > 1 {
		r.fail(f, "expected 1 for yes, got %d", n)
	}
	*b = n == 1
}

func (r *wireReader) quantity(f field, d *Decimal) { r.decimal(f, d) }
func (r *wireReader) price(f field, d *Decimal)    { r.decimal(f, d) }

func (r *wireReader) decimal(f field, d *Decimal) {
	b, ok := r.take(f)
	if !ok {
		return
	}
	outer := r.b
	r.b = b
	mantissa := r.varint(field{number: 1, name: f.name})
	exponent := r.varint(field{number: 2, name: f.name})
	if exponent > math.MaxUint32 {
		r.fail(f, "expected an exponent of 32 bits, got %d", exponent)
	}
	if mantissa == 0 && exponent == 0 {
		r.fail(f, "%w", errZero)
	}
	*d = Decimal{
		Mantissa: int64(mantissa>>1) ^ -int64(mantissa&1),
		Exponent: int32(uint32(exponent)>>1) ^ -int32(exponent&1),
	}
	_ = r.end() // kept in r.err
	r.b = outer
}

func (r *wireReader) duration(f field, d *time.Duration) {
	ms := r.varint(f)
	if ms > math.MaxUint32 {
		r.fail(f, "expected milliseconds in 32 bits, got %d", ms)
	}
	*d = time.Duration(uint32(ms)) * time.Millisecond
}

func (r *wireReader) time(f field, t *time.Time) {
	ms := r.varint(f)
	if ms > maxTime {
		r.fail(f, "expected milliseconds since 1970, got %d", ms)
		return
	}
	*t = timeOf(ms)
}

func (r *wireReader) list(f field, l list) {
	n := r.ahead(f)
	if n > l.most() {
		r.refuse(tooMany(f, l.most()))
		n = l.most()
	}
	if n == 0 {
		return
	}
	l.make(n)
	for i := 0; ; i++ {
		b, ok := r.take(f)
		if !ok {
			return
		}
		if i < n {
			_ = r.within(b, l.at(i)) // kept in r.err
		}
	}
}

// ahead counts how often the field follows, before any of it is decoded.
func (r *wireReader) ahead(f field) int {
	scan := wireReader{b: r.b, err: r.err}
	for n := 0; ; n++ {
		if _, ok := scan.take(f); !ok {
			return n
		}
	}
}
