package descriptor

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/lines"
)

const (
	// magic is the first line of a descriptor. Another version has another one.
	magic = "zkkex/v1 venue descriptor"
	// magicPrefix and magicSuffix are around the version.
	magicPrefix, magicSuffix = "zkkex/v", " venue descriptor"
)

// MarshalText returns the text that is signed. It returns an error wrapping
// [zkkex.ErrMalformed] if [Parse] would refuse the result.
func (d *Descriptor) MarshalText() ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	text := d.encode()
	if len(text) > MaxText {
		return nil, malformed(descriptorFormat, "%d bytes, expected at most %d", len(text), MaxText)
	}
	return text, nil
}

func (d *Descriptor) encode() []byte {
	b := append([]byte(magic), '\n')
	line := func(name, format string, args ...any) { b = lines.Append(b, name, fmt.Sprintf(format, args...)) }
	line("venue", "%v", d.Venue)
	line("number", "%d", d.Number)
	line("previous", "%v", d.Previous)
	line("not-before", "%d", d.NotBefore.Unix())
	line("not-after", "%d", d.NotAfter.Unix())
	line("epochs", "%d %d", d.Schedule.Origin, d.Schedule.Length)
	line("generation", "%d", d.Generation)
	line("chain", "%d", d.ChainID)
	line("registry", "%s", d.Registry)
	for _, e := range d.Epochs {
		line("epoch", "%d %d %d %v", e.Number, e.Limit, e.Sequence, e.Root)
	}
	line("opens", "%d", d.MaxOpens)
	line("channels", "%d", d.MaxChannels)
	line("padding", "%d %d", d.Padding[0], d.Padding[1])
	line("prekeys-expire", "%d", d.Prekeys.Expires.Unix())
	line("x25519", "%s", base64.StdEncoding.EncodeToString(d.Prekeys.X25519[:]))
	if d.Prekeys.MLKEM768 != nil {
		line("mlkem768", "%s", base64.StdEncoding.EncodeToString(d.Prekeys.MLKEM768))
	}
	for _, c := range d.Circuits {
		line("circuit", "%04x %v", uint16(c.ID), c.Params)
	}
	for _, s := range d.Suites {
		line("suite", "%s", s)
	}
	for _, a := range d.Addresses {
		line("address", "%v", a)
	}
	return b
}

// Parse decodes the text that is signed, strictly: it accepts exactly what
// [Descriptor.MarshalText] writes. It returns an error wrapping
// [zkkex.ErrMalformed], or [zkkex.ErrUnsupported] for another version. It
// checks no signature: see [Open].
func Parse(text []byte) (*Descriptor, error) {
	if len(text) > MaxText {
		return nil, malformed(descriptorFormat, "expected at most %d bytes, got %d", MaxText, len(text))
	}
	rest, err := lines.CutFirst(text, magic)
	if err != nil {
		return nil, wrongMagic(text, err)
	}
	d, err := decode(rest)
	if err != nil {
		return nil, &zkkex.ParseError{Format: descriptorFormat, Err: err}
	}
	again, err := d.MarshalText()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, text) {
		return nil, malformed(descriptorFormat, "not in the one accepted form, which is:\n%s", again)
	}
	return d, nil
}

func wrongMagic(text []byte, err error) error {
	line, _, _ := strings.Cut(string(text[:min(len(text), 80)]), "\n")
	if strings.HasPrefix(line, magicPrefix) && strings.HasSuffix(line, magicSuffix) {
		return fmt.Errorf("%w: %q, expected %q; a newer version may know it", zkkex.ErrUnsupported, line, magic)
	}
	return malformed(descriptorFormat, "%w", err)
}

// decode reads the lines after the first. What the values may be is checked
// afterwards; here they must be of the right type.
func decode(text []byte) (*Descriptor, error) {
	v, rest, err := lines.Cut(text, "venue", "number", "previous", "not-before", "not-after", "epochs",
		"generation", "chain", "registry", "epoch", "epoch", "opens", "channels", "padding", "prekeys-expire", "x25519")
	if err != nil {
		return nil, err
	}
	d, r := &Descriptor{Registry: v[8]}, &values{}
	d.Venue = r.hash("venue", v[0])
	d.Number = r.number("number", v[1], 64)
	d.Previous = r.hash("previous", v[2])
	d.NotBefore, d.NotAfter = r.time("not-before", v[3]), r.time("not-after", v[4])
	schedule := r.fields("epochs", v[5], 2)
	d.Schedule.Origin = int64(r.number("epochs", schedule[0], 63))
	d.Schedule.Length = uint32(r.number("epochs", schedule[1], 32))
	d.Generation = uint32(r.number("generation", v[6], 32))
	d.ChainID = r.number("chain", v[7], 64)
	d.Epochs = [2]EpochTerms{r.terms(v[9]), r.terms(v[10])}
	d.MaxOpens, d.MaxChannels = uint32(r.number("opens", v[11], 32)), uint32(r.number("channels", v[12], 32))
	padding := r.fields("padding", v[13], 2)
	d.Padding = [2]uint16{uint16(r.number("padding", padding[0], 16)), uint16(r.number("padding", padding[1], 16))}
	d.Prekeys.Expires = r.time("prekeys-expire", v[14])
	if key := r.base64("x25519", v[15]); len(key) == X25519Size {
		d.Prekeys.X25519 = [X25519Size]byte(key)
	} else {
		r.fail("x25519: expected %d bytes, got %d", X25519Size, len(key))
	}
	if rest = r.lists(d, rest); len(rest) > 0 && r.err == nil {
		r.fail("expected no line %.40q", rest)
	}
	return d, r.err
}

// values reads values of lines and keeps the first error.
type values struct{ err error }

func (r *values) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *values) number(name, s string, bits int) uint64 {
	n, err := strconv.ParseUint(s, 10, bits)
	if err != nil || strconv.FormatUint(n, 10) != s {
		r.fail("%s: expected a decimal number below 2^%d without sign or leading zeros, got %.40q", name, bits, s)
	}
	return n
}

func (r *values) time(name, s string) time.Time {
	seconds := r.number(name, s, 63)
	if seconds > latestUnix {
		r.fail("%s: %d, expected at most %d", name, seconds, latestUnix)
		seconds = 0
	}
	return time.Unix(int64(seconds), 0).UTC()
}

func (r *values) hash(name, s string) [32]byte {
	h, err := zkkex.ParseHex(s)
	if err != nil {
		r.fail("%s: %w", name, err)
	}
	return h
}

func (r *values) base64(name, s string) []byte {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil {
		r.fail("%s: expected standard base64: %w", name, err)
	}
	return b
}

// fields splits a value into n fields. It always returns n.
func (r *values) fields(name, s string, n int) []string {
	fields := strings.Split(s, " ")
	if len(fields) != n {
		r.fail("%s: expected %d fields, got %.80q", name, n, s)
		return make([]string, n)
	}
	return fields
}

func (r *values) terms(s string) EpochTerms {
	f := r.fields("epoch", s, 4)
	return EpochTerms{
		Number:   r.number("epoch", f[0], 64),
		Limit:    uint32(r.number("epoch", f[1], 32)),
		Sequence: r.number("epoch", f[2], 64),
		Root:     r.hash("epoch", f[3]),
	}
}

// lists reads the lines that can be absent or there several times.
func (r *values) lists(d *Descriptor, text []byte) (rest []byte) {
	rest = r.each("mlkem768", text, 1, func(v string) { d.Prekeys.MLKEM768 = r.base64("mlkem768", v) })
	rest = r.each("circuit", rest, MaxCircuits, func(v string) {
		f := r.fields("circuit", v, 2)
		id, err := strconv.ParseUint(f[0], 16, 16)
		if err != nil {
			r.fail("circuit: expected 4 hexadecimal digits, got %.40q", f[0])
		}
		d.Circuits = append(d.Circuits, Circuit{ID: zkkex.CircuitID(id), Params: r.hash("circuit", f[1])})
	})
	rest = r.each("suite", rest, MaxSuites, func(v string) { d.Suites = append(d.Suites, Suite(v)) })
	return r.each("address", rest, MaxAddresses, func(v string) {
		f := r.fields("address", v, 2)
		d.Addresses = append(d.Addresses, Address{Network: f[0], Place: f[1]})
	})
}

// each reads at most limit lines of one name.
func (r *values) each(name string, text []byte, limit int, visit func(value string)) (rest []byte) {
	for range limit {
		value, after, err := lines.Cut(text, name)
		if err != nil {
			break
		}
		visit(value[0])
		text = after
	}
	return text
}

func compareCircuits(a, b Circuit) int {
	return cmp.Or(cmp.Compare(a.ID, b.ID), bytes.Compare(a.Params[:], b.Params[:]))
}
