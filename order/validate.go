package order

import (
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

// MaxInstruments is the most instruments of an [EstablishmentAck].
const MaxInstruments = 512

// fault is what is wrong with a value in a message of good form, and how to refuse
// it.
type fault struct {
	// text says what was expected.
	text string
	// business is why the message is refused as such; if it is [BusinessOther], it
	// is refused for reason.
	business BusinessRejectReason
	reason   OrdRejReason
	// quote is the reason where a quote's has no counterpart among those of
	// orders.
	quote QuoteRejectReason
}

func missing(f field) *fault {
	return &fault{text: f.String() + " is missing", business: BusinessMissingField}
}

// unknownValue refuses a value that is not among those known: characters or codes.
func unknownValue(f field, value string, known any) *fault {
	text := fmt.Sprintf("%v has the unknown value %q, expected one of %v", f, value, known)
	return &fault{text: text, business: BusinessUnsupported}
}

func tooMany(f field, most int) *fault {
	return &fault{text: fmt.Sprintf("%v has more than %d entries", f, most), reason: RejExceedsLimit}
}

func wrong(reason OrdRejReason, format string, args ...any) *fault {
	return &fault{text: fmt.Sprintf(format, args...), reason: reason}
}

// checker is the visitor that checks values as far as each field allows. It keeps
// the first fault.
type checker struct{ fault *fault }

func (c *checker) refuse(x *fault) {
	if c.fault == nil {
		c.fault = x
	}
}

func (c *checker) bytes(f field, b []byte) {
	if f.need && isZero(b) {
		c.refuse(missing(f))
	}
}

func (c *checker) proof(field, *Proof) {}

func (c *checker) symbol(f field, s *string) {
	if *s == "" {
		if f.need {
			c.refuse(missing(f))
		}
		return
	}
	if err := checkSymbol(*s); err != nil {
		c.refuse(wrong(RejUnknownSymbol, "%v: %v", f, err))
	}
}

func (c *checker) symbols(f field, s *[]string, most int) {
	if len(*s) > most {
		c.refuse(tooMany(f, most))
	}
	for _, symbol := range *s {
		if err := checkSymbol(symbol); err != nil {
			c.refuse(wrong(RejUnknownSymbol, "%v: %v", f, err))
		}
	}
}

func (c *checker) text(f field, s *string) {
	if *s == "" {
		return
	}
	if len(*s) > MaxText || !utf8.ValidString(*s) {
		c.refuse(wrong(RejOther, "%v: expected at most %d bytes of UTF-8", f, MaxText))
		return
	}
	for _, r := range *s {
		if unicode.IsControl(r) {
			c.refuse(wrong(RejOther, "%v: expected no control characters", f))
			return
		}
	}
}

func (c *checker) char(f field, v *byte, known string) {
	for i := range len(known) {
		if known[i] == *v {
			return
		}
	}
	switch {
	case *v != 0:
		c.refuse(unknownValue(f, string(rune(*v)), known))
	case f.need:
		c.refuse(missing(f))
	}
}

func (c *checker) code(f field, v *uint16, known []uint16) {
	if !slices.Contains(known, *v) {
		c.refuse(unknownValue(f, itoa(int(*v)), known))
	}
}

func (c *checker) count(f field, n *uint64) {
	if f.need && *n == 0 {
		c.refuse(missing(f))
	}
}

func (c *checker) small(f field, n *uint32) {
	if f.need && *n == 0 {
		c.refuse(missing(f))
	}
}

func (c *checker) flag(field, *bool) {}

func (c *checker) quantity(f field, d *Decimal) { c.number(f, d, RejIncorrectQuantity) }
func (c *checker) price(f field, d *Decimal)    { c.number(f, d, RejInvalidPriceIncrement) }

func (c *checker) number(f field, d *Decimal, reason OrdRejReason) {
	if err := d.Check(); err != nil {
		c.refuse(wrong(reason, "%v: %v", f, err))
		return
	}
	if d.Mantissa < 0 || f.need && d.Mantissa == 0 {
		c.refuse(wrong(reason, "%v is %v, expected more than 0", f, d))
	}
}

func (c *checker) duration(f field, d *time.Duration) {
	switch {
	case *d%time.Millisecond != 0:
		c.refuse(wrong(RejOther, "%v is no whole number of milliseconds", f))
	case *d < 0 || *d > MaxTimeToLive:
		c.refuse(wrong(RejOther, "%v is %v, expected at most %v", f, *d, MaxTimeToLive))
	case f.need && *d == 0:
		c.refuse(missing(f))
	}
}

func (c *checker) time(f field, t *time.Time) {
	if t.IsZero() {
		if f.need {
			c.refuse(missing(f))
		}
		return
	}
	if ms := t.UnixMilli(); ms <= 0 || ms > maxTime || t.Nanosecond()%int(time.Millisecond) != 0 {
		c.refuse(wrong(RejOther, "%v is no whole number of milliseconds from 1970 to 9999", f))
	}
}

func (c *checker) list(f field, l list) {
	if l.len() > l.most() {
		c.refuse(tooMany(f, l.most()))
		return
	}
	for i := range l.len() {
		l.at(i).fields(c)
	}
}

// checkSymbol says what is wrong with a symbol that is there.
func checkSymbol(s string) error {
	if len(s) == 0 || len(s) > MaxSymbol {
		return fmt.Errorf("expected 1 to %d characters, got %d", MaxSymbol, len(s))
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '/', c == '_', c == '-':
		default:
			return fmt.Errorf("%q is none: expected A to Z, 0 to 9, and . / _ -", s)
		}
	}
	return nil
}

// checkMessage returns the first fault among the fields of a message, or nil.
func checkMessage(m message) *fault {
	c := checkers.Get().(*checker)
	m.fields(c)
	x := c.fault
	c.fault = nil
	checkers.Put(c)
	return x
}

// checkers saves an allocation for each message.
var checkers = sync.Pool{New: func() any { return new(checker) }}
