package fixedge

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/quickfixgo/quickfix"

	"github.com/zkkex/zkkex"
)

// Limits of what a client sends.
const (
	// MaxMessage is the most bytes of a FIX message.
	MaxMessage = 8 << 10
	// MaxFields is the most fields of a FIX message.
	MaxFields = 256
)

const (
	soh        = '\x01'
	beginField = "8=" + quickfix.BeginStringFIX44 + "\x01"
	// trailer is the length of the last field: 10=000 and its delimiter.
	trailer = 7
)

// field is a tag and its value.
type field struct {
	tag   quickfix.Tag
	value string
}

// message is a FIX message as it stands: quickfix looks at messages through a
// dictionary of fields, and sees neither their order nor a field that comes twice.
type message struct {
	// kind is MsgType (35).
	kind string
	// fields are those after MsgType and before CheckSum, in order.
	fields []field
}

// frameLength returns how long the message is that b begins with; 0 if b does not
// hold all of it yet. Its error wraps [zkkex.ErrMalformed] if b begins with no
// message, or with one that is too long.
func frameLength(b []byte) (int, error) {
	head := beginField + "9="
	if n := min(len(b), len(head)); string(b[:n]) != head[:n] {
		return 0, malformed("it does not begin with %q", head)
	}
	if len(b) <= len(head) {
		return 0, nil
	}
	digits := b[len(head):]
	end := bytes.IndexByte(digits[:min(len(digits), 6)], soh)
	if end < 0 && len(digits) < 6 {
		return 0, nil
	}
	body := -1
	if end > 0 {
		body = number(string(digits[:end]))
	}
	if body < 0 {
		return 0, malformed("BodyLength (9): expected 1 to 5 digits, the first of them not 0")
	}
	n := len(head) + end + 1 + body + trailer
	if n > MaxMessage {
		return 0, malformed("it has %d bytes, expected at most %d", n, MaxMessage)
	}
	if len(b) < n {
		return 0, nil
	}
	return n, nil
}

// parseMessage reads one whole message, with the right length and checksum. Its
// error wraps [zkkex.ErrMalformed].
func parseMessage(b []byte) (*message, error) {
	n, err := frameLength(b)
	if err != nil {
		return nil, err
	}
	if n == 0 || n != len(b) {
		return nil, malformed("it has %d bytes, which is not what BodyLength (9) says", len(b))
	}
	body, check := b[:n-trailer], b[n-trailer:]
	if body[len(body)-1] != soh || string(check) != checksum(body) {
		return nil, malformed("it does not end in %q", checksum(body))
	}
	_, rest, _ := bytes.Cut(body[len(beginField):], []byte{soh})
	if bytes.Count(rest, []byte{soh}) > MaxFields {
		return nil, malformed("it has more than %d fields", MaxFields)
	}
	m := new(message)
	for i := 0; len(rest) > 0; i++ {
		text, after, _ := bytes.Cut(rest, []byte{soh})
		f, err := parseField(string(text))
		if err != nil {
			return nil, err
		}
		if (i == 0) != (f.tag == tagMsgType) {
			return nil, malformed("expected MsgType (35) as the third field, and only there")
		}
		if i == 0 {
			m.kind = f.value
		} else {
			m.fields = append(m.fields, f)
		}
		rest = after
	}
	if m.kind == "" {
		return nil, malformed("MsgType (35) is missing")
	}
	return m, nil
}

// parseField reads tag=value. Fields that say how long another one is are refused:
// a value could then hold a delimiter, and readers differ in what they see.
func parseField(text string) (field, error) {
	tag, value, found := strings.Cut(text, "=")
	n := number(tag)
	if !found || n <= 0 {
		return field{}, malformed("a field is not a number of up to 5 digits, = and a value")
	}
	f := field{quickfix.Tag(n), value}
	switch f.tag {
	case tagBeginString, tagBodyLength, tagCheckSum:
		return field{}, malformed("field %d is out of place", f.tag)
	case 90, 93, 95, 212, 348, 350, 352, 354, 356, 358, 360, 362, 364, 445, 618, 621:
		return field{}, malformed("field %d announces raw data, which is not taken", f.tag)
	}
	return f, nil
}

// number reads up to five digits without a leading 0; -1 if s is something else.
func number(s string) int {
	if len(s) == 0 || len(s) > 5 || len(s) > 1 && s[0] == '0' {
		return -1
	}
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return -1
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// append encodes the message.
func (m *message) append(b []byte) []byte {
	body := appendField(nil, field{tagMsgType, m.kind})
	for _, f := range m.fields {
		body = appendField(body, f)
	}
	start := len(b)
	b = append(b, beginField...)
	b = appendField(b, field{tagBodyLength, strconv.Itoa(len(body))})
	b = append(b, body...)
	return append(b, checksum(b[start:])...)
}

func appendField(b []byte, f field) []byte {
	b = strconv.AppendInt(b, int64(f.tag), 10)
	b = append(b, '=')
	b = append(b, f.value...)
	return append(b, soh)
}

// checksum returns the last field of a message that begins with b.
func checksum(b []byte) string {
	var sum byte
	for _, c := range b {
		sum += c
	}
	return fmt.Sprintf("10=%03d\x01", sum)
}

// get returns the value of the first field with a tag; "" if there is none.
func (m *message) get(tag quickfix.Tag) string {
	for _, f := range m.fields {
		if f.tag == tag {
			return f.value
		}
	}
	return ""
}

func (m *message) has(tag quickfix.Tag) bool {
	for _, f := range m.fields {
		if f.tag == tag {
			return true
		}
	}
	return false
}

func malformed(text string, args ...any) error {
	return &zkkex.ParseError{Format: "FIX message", Err: fmt.Errorf(text, args...)}
}
