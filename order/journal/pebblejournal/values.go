package pebblejournal

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
)

// version is the first byte of every value.
const version = 1

// latestMilli is the end of the year 9999, in milliseconds after 1970.
const latestMilli = 253402300799999

// maxGateway is the most bytes of a gateway's name.
const maxGateway = 255

// unwrap returns what follows the version, which has a size, or any if it is
// below 0.
func unwrap(what string, b []byte, size int) ([]byte, error) {
	if len(b) == 0 || b[0] != version {
		return nil, damaged("%s of %d bytes does not begin with version %d", what, len(b), version)
	}
	if size >= 0 && len(b) != 1+size {
		return nil, damaged("%s of %d bytes, expected %d", what, len(b), 1+size)
	}
	return b[1:], nil
}

func wrap(b ...byte) []byte { return append([]byte{version}, b...) }

func appendNumber(n uint64) []byte { return binary.BigEndian.AppendUint64([]byte{version}, n) }

func parseNumber(what string, b []byte) (uint64, error) {
	b, err := unwrap(what, b, 8)
	if err != nil {
		return 0, err
	}
	return binary.BigEndian.Uint64(b), nil
}

func millis(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(max(t.UnixMilli(), 1))
}

func parseTime(what string, ms uint64) (time.Time, error) {
	if ms > latestMilli {
		return time.Time{}, damaged("%s is %d ms after 1970, expected at most %d", what, ms, uint64(latestMilli))
	}
	if ms == 0 {
		return time.Time{}, nil
	}
	return time.UnixMilli(int64(ms)).UTC(), nil
}

const sessionFixed = 5*8 + 1

// appendSession encodes what there is of a session beside its ID: attachment,
// detached, next request, last report, grace, each 8 bytes; whether orders are
// kept; and the gateway's name.
func appendSession(s *journal.Session) []byte {
	b := make([]byte, 0, 1+sessionFixed+len(s.Gateway))
	b = append(b, version)
	b = binary.BigEndian.AppendUint64(b, s.Attachment)
	b = binary.BigEndian.AppendUint64(b, millis(s.Detached))
	b = binary.BigEndian.AppendUint64(b, s.NextSeqNo)
	b = binary.BigEndian.AppendUint64(b, s.LastReport)
	b = binary.BigEndian.AppendUint64(b, uint64(s.Grace.Milliseconds()))
	keep := byte(0)
	if s.KeepOrders {
		keep = 1
	}
	return append(append(b, keep), s.Gateway...)
}

// parseSession decodes what appendSession writes, and nothing else.
func parseSession(id order.SessionID, b []byte) (*journal.Session, error) {
	b, err := unwrap("a session", b, -1)
	if err != nil {
		return nil, err
	}
	if len(b) < sessionFixed || len(b) > sessionFixed+maxGateway || b[sessionFixed-1] > 1 {
		return nil, damaged("a session of %d bytes", len(b))
	}
	at := func(i int) uint64 { return binary.BigEndian.Uint64(b[8*i:]) }
	s := &journal.Session{
		ID: id, Attachment: at(0), NextSeqNo: at(2), LastReport: at(3),
		KeepOrders: b[sessionFixed-1] == 1, Gateway: string(b[sessionFixed:]),
	}
	if s.Detached, err = parseTime("the end of an attachment", at(1)); err != nil {
		return nil, err
	}
	if at(4) > uint64(math.MaxInt64/time.Millisecond) {
		return nil, damaged("a grace of %d ms", at(4))
	}
	s.Grace = time.Duration(at(4)) * time.Millisecond
	return s, nil
}

// appendRequest encodes digest and number.
func appendRequest(r journal.Request) []byte {
	b := append(make([]byte, 0, 1+40), version)
	return binary.BigEndian.AppendUint64(append(b, r.Digest[:]...), r.Report)
}

func parseRequest(id order.ID, b []byte) (journal.Request, error) {
	b, err := unwrap("a request", b, 40)
	if err != nil {
		return journal.Request{}, err
	}
	return journal.Request{ID: id, Digest: [32]byte(b[:32]), Report: binary.BigEndian.Uint64(b[32:])}, nil
}

// parseOrder decodes an order that was found under a key.
func parseOrder(id order.SessionID, o order.OrderID, b []byte) (*engine.Order, error) {
	b, err := unwrap("an order", b, -1)
	if err != nil {
		return nil, err
	}
	out, err := journal.ParseOrder(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if out.ID != o || out.Session != id {
		return nil, damaged("an order is under another's key")
	}
	return out, nil
}

// fixNumbers is the state of a FIX session.
type fixNumbers struct {
	send, receive uint64
	created       time.Time
}

func (n fixNumbers) encode() []byte {
	b := binary.BigEndian.AppendUint64([]byte{version}, n.send)
	b = binary.BigEndian.AppendUint64(b, n.receive)
	return binary.BigEndian.AppendUint64(b, millis(n.created))
}

func parseFIX(b []byte) (n fixNumbers, err error) {
	if b, err = unwrap("the numbers of a FIX session", b, 24); err != nil {
		return n, err
	}
	n.send, n.receive = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	n.created, err = parseTime("the beginning of a FIX session", binary.BigEndian.Uint64(b[16:]))
	return n, err
}
