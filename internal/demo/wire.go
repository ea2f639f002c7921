package demo

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/zkkex/zkkex/handshake"
)

// recordHeader is the length of what a record shows in clear: its type, its length
// and the number of its key; see docs/spec/record.md.
const recordHeader = 1 + 2 + 4

// parsed is one direction of a connection, as the network can tell its parts.
type parsed struct {
	hello   int   // length of the first message
	records []int // lengths
	ends    []int // where each record ends
}

// parse finds the first message and the records in what went one way. What is not
// whole at the end was cut.
func parse(b []byte) (*parsed, error) {
	if len(b) < handshake.PrefixSize {
		return nil, fmt.Errorf("a connection of %d bytes", len(b))
	}
	body, err := handshake.BodySize(b[:handshake.PrefixSize])
	if err != nil {
		return nil, err
	}
	p := &parsed{hello: handshake.PrefixSize + body}
	for at := p.hello; at+recordHeader <= len(b); {
		if b[at] != 1 {
			return nil, fmt.Errorf("%w: a record of type %d is on the wire", ErrUnexpected, b[at])
		}
		n := recordHeader + int(binary.BigEndian.Uint16(b[at+1:]))
		if at+n > len(b) {
			break
		}
		at += n
		p.records, p.ends = append(p.records, n), append(p.ends, at)
	}
	return p, nil
}

// between returns the records that came within a time, and how the connection began.
func (w *wire) between(from, to time.Time) (hello [2]int, found []record, err error) {
	var first time.Time
	for i, toVenue := range []bool{true, false} {
		p, err := parse(w.stream(toVenue))
		if err != nil {
			return hello, nil, err
		}
		hello[i] = p.hello
		for k, n := range p.records {
			at := w.when(toVenue, p.ends[k])
			if at.Before(from) || at.After(to) {
				continue
			}
			if first.IsZero() {
				first = at
			}
			found = append(found, record{toVenue, n, at.Sub(first).Microseconds()})
		}
	}
	return hello, found, nil
}

// when returns when the byte before an offset came.
func (w *wire) when(toVenue bool, offset int) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.pieces {
		if p.toVenue != toVenue {
			continue
		}
		if offset -= len(p.bytes); offset <= 0 {
			return p.at
		}
	}
	return time.Time{}
}

// first returns the first message that a trader sent.
func (w *wire) first() ([]byte, error) {
	sent := w.stream(true)
	p, err := parse(sent)
	if err != nil {
		return nil, err
	}
	return bytes.Clone(sent[:p.hello]), nil
}
