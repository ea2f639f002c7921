package order

import (
	"encoding/hex"
	"errors"
	"strconv"
	"time"
)

// maxJSONNumber is the largest number that every reader of JSON takes exactly.
const maxJSONNumber = 1<<53 - 1

var errJSONNumber = errors.New("a number is above 2^53-1, the largest that JSON readers take exactly")

// jsonWriter is the visitor that encodes to JSON: members by the fields' names, in
// their order, none that is zero.
type jsonWriter struct {
	b []byte
	// some says that the object has a member already.
	some bool
	err  error
}

// name begins a member.
func (w *jsonWriter) name(name string) {
	if w.some {
		w.b = append(w.b, ',')
	}
	w.some = true
	w.b = append(w.b, '"')
	w.b = append(w.b, name...)
	w.b = append(w.b, '"', ':')
}

// object writes a message as an object.
func (w *jsonWriter) object(m message) {
	w.b = append(w.b, '{')
	w.some = false
	m.fields(w)
	w.b = append(w.b, '}')
	w.some = true
}

func (w *jsonWriter) number(f field, n uint64) {
	if n == 0 {
		return
	}
	if n > maxJSONNumber && w.err == nil {
		w.err = errJSONNumber
	}
	w.name(f.name)
	w.b = strconv.AppendUint(w.b, n, 10)
}

// plain writes a string that needs no escapes.
func (w *jsonWriter) plain(f field, s string) {
	w.name(f.name)
	w.b = append(w.b, '"')
	w.b = append(w.b, s...)
	w.b = append(w.b, '"')
}

func (w *jsonWriter) bytes(f field, b []byte) {
	if isZero(b) {
		return
	}
	w.name(f.name)
	w.b = append(w.b, '"')
	w.b = hex.AppendEncode(w.b, b)
	w.b = append(w.b, '"')
}

func (w *jsonWriter) proof(f field, p *Proof) { w.bytes(f, p[:]) }

func (w *jsonWriter) symbol(f field, s *string) {
	if *s != "" {
		w.plain(f, *s)
	}
}

func (w *jsonWriter) symbols(f field, s *[]string, most int) {
	if len(*s) == 0 {
		return
	}
	w.name(f.name)
	w.b = append(w.b, '[')
	for i, symbol := range *s {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.b = append(w.b, '"')
		w.b = append(w.b, symbol...)
		w.b = append(w.b, '"')
	}
	w.b = append(w.b, ']')
}

// text escapes what a string in JSON must: texts have no control characters.
func (w *jsonWriter) text(f field, s *string) {
	if *s == "" {
		return
	}
	w.name(f.name)
	w.b = append(w.b, '"')
	for i := range len(*s) {
		c := (*s)[i]
		if c == '"' || c == '\\' {
			w.b = append(w.b, '\\')
		}
		w.b = append(w.b, c)
	}
	w.b = append(w.b, '"')
}

func (w *jsonWriter) char(f field, c *byte, known string) {
	if *c != 0 {
		w.plain(f, string(rune(*c)))
	}
}

func (w *jsonWriter) code(f field, c *uint16, known []uint16) { w.number(f, uint64(*c)) }
func (w *jsonWriter) count(f field, n *uint64)                { w.number(f, *n) }
func (w *jsonWriter) small(f field, n *uint32)                { w.number(f, uint64(*n)) }

func (w *jsonWriter) flag(f field, b *bool) {
	if *b {
		w.name(f.name)
		w.b = append(w.b, "true"...)
	}
}

func (w *jsonWriter) quantity(f field, d *Decimal) { w.price(f, d) }

func (w *jsonWriter) price(f field, d *Decimal) {
	if *d != (Decimal{}) {
		w.plain(f, d.String())
	}
}

func (w *jsonWriter) duration(f field, d *time.Duration) { w.number(f, uint64(d.Milliseconds())) }
func (w *jsonWriter) time(f field, t *time.Time)         { w.number(f, millis(*t)) }

func (w *jsonWriter) list(f field, l list) {
	if l.len() == 0 {
		return
	}
	w.name(f.name)
	w.b = append(w.b, '[')
	for i := range l.len() {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.object(l.at(i))
	}
	w.b = append(w.b, ']')
}
