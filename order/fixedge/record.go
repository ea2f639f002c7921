package fixedge

import (
	"encoding/binary"
	"fmt"

	"github.com/zkkex/zkkex"
)

// The journal of a FIX session holds, by number (see docs/spec/fix-journal.md):
// batches of messages that were sent, each at the number of its first; and above
// [reserved], what does not go away when sequence numbers begin again.
//
// Numbers of messages in the journal never begin again. A state says from which of
// them FIX counts.
const (
	reserved = 1 << 61
	// stateAt has the state when it changed without a message.
	stateAt = reserved + 1
	// ownerAt has the token of the connection that may write.
	ownerAt = reserved + 2
	// namesAt is the first batch of names; there is one at each number from here.
	namesAt = 1 << 62
)

const (
	recordVersion = 1
	recordHeader  = 1 + 4*8
	// maxBatch bounds the messages, and the names, of a record, and maxBatchBytes
	// its size, give or take one of them.
	maxBatch      = 256
	maxBatchBytes = 64 << 10
)

// state is where a FIX session stands.
type state struct {
	// next is the journal's number for the next message to send. FIX counts from
	// base: its MsgSeqNum is next - base.
	next, base uint64
	// receive is the MsgSeqNum of the next message to receive.
	receive uint64
	// delivered is the number of the last report that has become a message.
	delivered uint64
}

// begin is the state of a session that has none.
var begin = state{next: 1, receive: 1}

// record is a batch of messages, and the state after them; or only a state.
type record struct {
	state
	messages [][]byte
}

// number is where the record's first message stands.
func (r *record) number() uint64 { return r.next - uint64(len(r.messages)) }

// append encodes the record.
func (r *record) append(b []byte) []byte {
	b = append(b, recordVersion)
	for _, n := range []uint64{r.next, r.base, r.receive, r.delivered} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	for _, m := range r.messages {
		b = binary.BigEndian.AppendUint32(b, uint32(len(m)))
		b = append(b, m...)
	}
	return b
}

// parseRecord is the inverse of append. Its error wraps [zkkex.ErrMalformed], or
// [zkkex.ErrUnsupported] for a record of another version.
func parseRecord(b []byte) (*record, error) {
	if len(b) == 0 {
		return nil, malformedRecord("it is empty")
	}
	if b[0] != recordVersion {
		return nil, fmt.Errorf("%w: record of a FIX session of version %d, expected %d", zkkex.ErrUnsupported, b[0], recordVersion)
	}
	if len(b) < recordHeader {
		return nil, malformedRecord("it has %d bytes, expected at least %d", len(b), recordHeader)
	}
	n := func(i int) uint64 { return binary.BigEndian.Uint64(b[1+8*i:]) }
	r := &record{state: state{next: n(0), base: n(1), receive: n(2), delivered: n(3)}}
	for rest := b[recordHeader:]; len(rest) > 0; {
		if len(rest) < 4 || uint64(len(rest)-4) < uint64(binary.BigEndian.Uint32(rest)) {
			return nil, malformedRecord("a message is cut")
		}
		end := 4 + int(binary.BigEndian.Uint32(rest))
		r.messages = append(r.messages, rest[4:end])
		rest = rest[end:]
	}
	if r.next == 0 || r.next > reserved || r.base >= r.next || uint64(len(r.messages)) > r.next-r.base-1 || r.receive == 0 {
		return nil, malformedRecord("its numbers do not fit: next %d, base %d, receive %d, with %d messages", r.next, r.base, r.receive, len(r.messages))
	}
	return r, nil
}

func malformedRecord(text string, args ...any) error {
	return &zkkex.ParseError{Format: "record of a FIX session", Err: fmt.Errorf(text, args...)}
}
