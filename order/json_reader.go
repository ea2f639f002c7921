package order

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// jsonReader is the visitor that decodes the members of an object. What is well
// formed but cannot be held is a fault.
type jsonReader struct {
	members map[string]json.RawMessage
	// err is the first thing wrong with the form, and fault with a value.
	err   error
	fault *fault
}

// readObject reads an object, and refuses one that names a member twice.
func readObject(b []byte) (map[string]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(b))
	if t, err := decoder.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.Join(errors.New("expected an object"), err)
	}
	members := make(map[string]json.RawMessage)
	for decoder.More() {
		t, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		name := t.(string) // the decoder sees to it
		if _, twice := members[name]; twice {
			return nil, fmt.Errorf("member %q is there twice", name)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		members[name] = value
	}
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	if len(bytes.TrimLeft(b[decoder.InputOffset():], " \t\r\n")) != 0 {
		return nil, errors.New("something follows the object")
	}
	return members, nil
}

// object decodes a message from an object, and then goes on where it was.
func (r *jsonReader) object(b []byte, m message) error {
	members, err := readObject(b)
	if err != nil {
		return err
	}
	outer := r.members
	r.members = members
	m.fields(r)
	for name := range members {
		if r.err == nil {
			r.err = fmt.Errorf("member %q is unknown", name)
		}
	}
	r.members = outer
	return r.err
}

func (r *jsonReader) fail(f field, format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%v: %w", f, fmt.Errorf(format, args...))
	}
}

func (r *jsonReader) refuse(x *fault) {
	if r.fault == nil {
		r.fault = x
	}
}

// take takes a member, if it is there.
func (r *jsonReader) take(f field) (json.RawMessage, bool) {
	value, ok := r.members[f.name]
	if !ok || r.err != nil {
		return nil, false
	}
	delete(r.members, f.name)
	return value, true
}

// str takes a string, if it is there.
func (r *jsonReader) str(f field) (string, bool) {
	value, ok := r.take(f)
	if !ok {
		return "", false
	}
	s, err := decodeString(value)
	if err != nil {
		r.fail(f, "%w", err)
		return "", false
	}
	return s, true
}

func decodeString(b []byte) (string, error) {
	var s string
	if b[0] != '"' || json.Unmarshal(b, &s) != nil {
		return "", errors.New("expected a string")
	}
	return s, nil
}

// number takes a number up to most, if it is there.
func (r *jsonReader) number(f field, most uint64) uint64 {
	value, ok := r.take(f)
	if !ok {
		return 0
	}
	n, err := strconv.ParseUint(string(value), 10, 64)
	if err != nil || strconv.FormatUint(n, 10) != string(value) || n > most {
		r.fail(f, "expected a whole number from 0 to %d, without a fraction or an exponent", most)
		return 0
	}
	return n
}

func (r *jsonReader) bytes(f field, b []byte) {
	s, ok := r.str(f)
	if !ok {
		return
	}
	if err := parseHex(b, s); err != nil {
		r.fail(f, "%w", err)
		return
	}
	if isZero(b) {
		r.fail(f, "%w", errZero)
	}
}

func (r *jsonReader) proof(f field, p *Proof)   { r.bytes(f, p[:]) }
func (r *jsonReader) symbol(f field, s *string) { *s, _ = r.str(f) }
func (r *jsonReader) text(f field, s *string)   { *s, _ = r.str(f) }

// items takes an array, if it is there.
func (r *jsonReader) items(f field) []json.RawMessage {
	value, ok := r.take(f)
	if !ok {
		return nil
	}
	var items []json.RawMessage
	if value[0] != '[' || json.Unmarshal(value, &items) != nil {
		r.fail(f, "expected an array")
	}
	return items
}

func (r *jsonReader) symbols(f field, s *[]string, most int) {
	items := r.items(f)
	if len(items) > most {
		r.refuse(tooMany(f, most))
		return
	}
	for _, item := range items {
		symbol, err := decodeString(item)
		if err != nil {
			r.fail(f, "%w", err)
			return
		}
		*s = append(*s, symbol)
	}
}

func (r *jsonReader) char(f field, c *byte, known string) {
	s, ok := r.str(f)
	if !ok {
		return
	}
	if len(s) != 1 || s[0] == 0 {
		r.refuse(unknownValue(f, fmt.Sprintf("%.20s", s), known))
		return
	}
	*c = s[0]
}

func (r *jsonReader) code(f field, c *uint16, known []uint16) {
	n := r.number(f, maxJSONNumber)
	if n > math.MaxUint16 {
		r.refuse(unknownValue(f, fmt.Sprint(n), known))
		return
	}
	*c = uint16(n)
}

func (r *jsonReader) count(f field, n *uint64) { *n = r.number(f, maxJSONNumber) }
func (r *jsonReader) small(f field, n *uint32) { *n = uint32(r.number(f, math.MaxUint32)) }

func (r *jsonReader) flag(f field, b *bool) {
	value, ok := r.take(f)
	if !ok {
		return
	}
	switch string(value) {
	case "true":
		*b = true
	case "false":
	default:
		r.fail(f, "expected true or false")
	}
}

func (r *jsonReader) quantity(f field, d *Decimal) { r.decimal(f, d, RejIncorrectQuantity) }
func (r *jsonReader) price(f field, d *Decimal)    { r.decimal(f, d, RejInvalidPriceIncrement) }

// decimal takes plain notation. A number that does not fit is refused like one that
// is not above 0.
func (r *jsonReader) decimal(f field, d *Decimal, reason OrdRejReason) {
	s, ok := r.str(f)
	if !ok {
		return
	}
	n, err := ParseDecimal(s)
	switch {
	case errors.Is(err, ErrOutOfRange):
		r.refuse(wrong(reason, "%v: %v", f, ErrOutOfRange))
	case err != nil:
		r.fail(f, "%w", err)
	}
	*d = n
}

func (r *jsonReader) duration(f field, d *time.Duration) {
	*d = time.Duration(r.number(f, math.MaxUint32)) * time.Millisecond
}

func (r *jsonReader) time(f field, t *time.Time) { *t = timeOf(r.number(f, maxTime)) }

func (r *jsonReader) list(f field, l list) {
	items := r.items(f)
	if len(items) > l.most() {
		r.refuse(tooMany(f, l.most()))
		return
	}
	if len(items) == 0 {
		return
	}
	l.make(len(items))
	for i, item := range items {
		if err := r.object(item, l.at(i)); err != nil {
			r.err = fmt.Errorf("%v, entry %d: %w", f, i+1, err)
			return
		}
	}
}
