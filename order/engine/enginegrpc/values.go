package enginegrpc

import (
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine/enginegrpc/enginepb"
)

// maxMillis is the last millisecond of the year 9999.
const maxMillis = 253_402_300_799_999

// decoder reads values. It keeps the first error, and returns zero values after it.
type decoder struct{ err error }

func (d *decoder) fail(text string, args ...any) {
	if d.err == nil {
		d.err = malformed(text, args...)
	}
}

// bytes copies an array. Empty is all zeros, if that may be; all zeros are not
// written out.
func (d *decoder) bytes(name string, dst, b []byte, optional bool) {
	if len(b) == 0 && optional {
		return
	}
	if len(b) != len(dst) {
		d.fail("%s: expected %d bytes, found %d", name, len(dst), len(b))
		return
	}
	copy(dst, b)
	for _, c := range b {
		if c != 0 {
			return
		}
	}
	d.fail("%s: all bytes are 0", name)
}

func (d *decoder) orderID(name string, b []byte, optional bool) (id order.OrderID) {
	d.bytes(name, id[:], b, optional)
	return id
}

func (d *decoder) id(name string, b []byte, optional bool) (id order.ID) {
	d.bytes(name, id[:], b, optional)
	return id
}

func (d *decoder) session(b []byte, optional bool) order.SessionID {
	var id [24]byte
	d.bytes("Session", id[:], b, optional)
	return order.SessionIDOf(id)
}

func (d *decoder) key(b []byte) (key [32]byte) {
	d.bytes("OwnerKey", key[:], b, true)
	return key
}

func (d *decoder) time(name string, ms int64, optional bool) time.Time {
	if ms == 0 && optional {
		return time.Time{}
	}
	if ms <= 0 || ms > maxMillis {
		d.fail("%s: expected milliseconds from 1970 to 9999, found %d", name, ms)
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func (d *decoder) decimal(name string, p *enginepb.Decimal) order.Decimal {
	if p == nil {
		return order.Decimal{}
	}
	n := order.Decimal{Mantissa: p.Mantissa, Exponent: p.Exponent}
	if err := n.Check(); err != nil {
		d.fail("%s: %w", name, err)
	}
	if n.Mantissa <= 0 {
		d.fail("%s: expected more than 0", name)
	}
	return n
}

func (d *decoder) symbol(s string) string {
	if s == "" || len(s) > order.MaxSymbol {
		d.fail("Symbol: expected 1 to %d characters, found %d", order.MaxSymbol, len(s))
	}
	return s
}

// char reads a character of FIX, which is 0 or one of those known.
func char[C interface {
	~byte
	Known() bool
}](d *decoder, name string, v uint32, optional bool) C {
	c := C(v)
	if uint32(c) != v || !c.Known() && (v != 0 || !optional) {
		d.fail("%s: unknown value %d", name, v)
	}
	return c
}

// The inverses. Zero values are not written.

func some(zero bool, b []byte) []byte {
	if zero {
		return nil
	}
	return b
}

func encodeOrderID(id order.OrderID) []byte { return some(id.IsZero(), id[:]) }
func encodeID(id order.ID) []byte           { return some(id.IsZero(), id[:]) }
func encodeKey(key [32]byte) []byte         { return some(key == [32]byte{}, key[:]) }

func encodeSession(s order.SessionID) []byte {
	b := s.Bytes()
	return some(s.IsZero(), b[:])
}

func encodeTime(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func encodeDecimal(d order.Decimal) *enginepb.Decimal {
	if d == (order.Decimal{}) {
		return nil
	}
	return &enginepb.Decimal{Mantissa: d.Mantissa, Exponent: d.Exponent}
}
