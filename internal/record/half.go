package record

import (
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// half is one direction: its keys, its counters, its end.
type half struct {
	mu    sync.Mutex
	suite Suite
	role  Role // of the peer that seals
	wipe  func([]byte)

	secret phaseSecret // of the present phase, or of the next one if entering
	// entering says that a generation has ended: the next record is of the next
	// phase, whose secret is there already.
	entering bool
	aead     cipher.AEAD // nil: entering, or over
	iv       [nonceSize]byte
	nonce    [nonceSize]byte // scratch
	phase    uint32
	sequence uint64 // of the next record; never goes back

	// Of the present phase:
	records, bytes uint64
	keyed          time.Time
	// born is when the present generation's fresh secrets were drawn.
	born time.Time

	confirmed bool  // a record was opened
	closed    bool  // the application's part has ended
	err       error // final
}

// begin takes role's first phase of the first generation, which needs no more
// confirmation than its first record.
func (h *half) begin(suite Suite, role Role, g *generation, wipe func([]byte)) {
	h.suite, h.role, h.wipe = suite, role, wipe
	h.secret = g.phases[role]
	wipe(g.phases[role][:])
	wipe(g.confirmations[role][:])
	h.aead, h.iv = h.secret.keys(suite, role)
	h.keyed, h.born = g.born, g.born
}

// enter takes the first secret of a generation. What seals or opens next is of
// the next phase.
func (h *half) enter(secret *phaseSecret, born time.Time) {
	h.wipe(h.secret[:])
	h.secret = *secret
	h.wipe(secret[:])
	h.aead, h.entering, h.born = nil, true, born
}

// advance moves on by one phase, to the next generation if that is due, else by
// a one-way step.
func (h *half) advance(now time.Time) error {
	if h.phase == math.MaxUint32 {
		return fmt.Errorf("%w: phase %d is the last", ErrExhausted, h.phase)
	}
	if !h.entering {
		next := h.secret.step(h.role)
		h.secret = next
		h.wipe(next[:])
	}
	h.entering = false
	h.aead, h.iv = h.secret.keys(h.suite, h.role)
	h.phase++
	h.records, h.bytes, h.keyed = 0, 0, now
	return nil
}

// spent reports whether n more bytes need another key.
func (h *half) spent(n int, l *Limits, now time.Time) bool {
	return h.entering || h.records >= l.Records || h.bytes+uint64(n) > l.Bytes || age(now, h.keyed) >= l.StepAge
}

// seal appends a record of content, filled up to size, to dst.
func (h *half) seal(dst []byte, t Type, content []byte, size int, l *Limits, now time.Time) ([]byte, error) {
	inner := size + trailerSize
	if h.sequence == math.MaxUint64 {
		return nil, fmt.Errorf("%w: record %d is the last", ErrExhausted, h.sequence)
	}
	if h.spent(inner, l, now) {
		if err := h.advance(now); err != nil {
			return nil, err
		}
	}
	begin := len(dst)
	dst = slices.Grow(dst, HeaderSize+inner+tagSize)
	dst = header{uint16(inner + tagSize), h.phase}.append(dst)
	body := len(dst)
	dst = appendContent(dst, t, content, size)
	dst = h.aead.Seal(dst[:body], h.nextNonce(), dst[body:], dst[begin:body])
	h.count(inner)
	return dst, nil
}

// open appends the content of a record to dst.
func (h *half) open(dst, record []byte, now func() time.Time) (Type, []byte, error) {
	head, err := parseHeader(record)
	if err != nil {
		return 0, nil, err
	}
	body := record[HeaderSize:]
	if len(body) != int(head.length) {
		return 0, nil, malformed("record", ErrLength, "expected %d bytes after the header, got %d", head.length, len(body))
	}
	if err := h.follow(head.phase, now); err != nil {
		return 0, nil, err
	}
	inner := len(body) - tagSize
	if h.records >= MaxRecords || h.bytes+uint64(inner) > MaxBytes {
		return 0, nil, fmt.Errorf("%w: %d records of %d bytes, then %d bytes more", ErrLimit, h.records, h.bytes, inner)
	}
	if h.sequence == math.MaxUint64 {
		return 0, nil, fmt.Errorf("%w: record %d is the last", ErrExhausted, h.sequence)
	}
	out, err := h.aead.Open(dst, h.nextNonce(), body, record[:HeaderSize])
	if err != nil {
		return 0, nil, ErrAuthentication
	}
	h.count(inner)
	h.confirmed = true
	t, content, err := parseContent(out[len(dst):])
	if err != nil {
		return 0, nil, err
	}
	return t, out[:len(dst)+len(content)], nil
}

// follow moves to the phase that a header names, which is the present or the
// next one.
func (h *half) follow(phase uint32, now func() time.Time) error {
	switch next := uint64(h.phase) + 1; {
	case uint64(phase) == next:
		return h.advance(now())
	case h.entering:
		return fmt.Errorf("%w: expected %d after a ratchet, got %d", ErrPhase, next, phase)
	case phase != h.phase:
		return fmt.Errorf("%w: expected %d or %d, got %d", ErrPhase, h.phase, next, phase)
	}
	return nil
}

// nextNonce returns the IV with the sequence number added to its last 8 bytes
// (RFC 8446, section 5.3). It is valid until the next call.
func (h *half) nextNonce() []byte {
	h.nonce = h.iv
	tail := h.nonce[nonceSize-8:]
	binary.BigEndian.PutUint64(tail, binary.BigEndian.Uint64(tail)^h.sequence)
	return h.nonce[:]
}

func (h *half) count(inner int) {
	h.sequence++
	h.records++
	h.bytes += uint64(inner)
}

// end forgets the keys. The first reason stays.
func (h *half) end(reason error) error {
	if h.err == nil {
		h.err = reason
	}
	h.wipe(h.secret[:])
	h.wipe(h.iv[:])
	h.wipe(h.nonce[:])
	h.aead = nil
	return h.err
}
