package fixedge

import (
	"encoding/binary"
	"strings"
	"sync"

	"github.com/quickfixgo/quickfix"

	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/order"
)

// MaxName is the most characters of what a client calls a request: ClOrdID (11),
// QuoteID (117), QuoteReqID (131), QuoteRespID (693), MassStatusReqID (584) or
// OrdStatusReqID (790). They are printable ASCII.
const MaxName = 64

// name is what a client calls a request, and in which field: the venue has one
// space of IDs, FIX has one for each of its fields.
type name struct {
	tag  quickfix.Tag
	text string
	// kind is the type of the message that brought it.
	kind string
}

// id returns the venue's ID for a name in a session: 128 bits of a hash, which tell
// nobody what the name was.
func (n name) id(s order.SessionID) order.ID {
	b := s.Bytes()
	h := domain.Hash(domain.FIXName, b[:], domain.Uint16(uint16(n.tag)), []byte(n.text))
	return order.ID(h[:order.IDSize])
}

func validName(s string) bool {
	if len(s) == 0 || len(s) > MaxName {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// namesOf returns the names in a message: its own, and of the request that it is
// about.
func namesOf(m *message) []name {
	var out []name
	add := func(as, in quickfix.Tag) {
		if text := m.get(in); validName(text) {
			out = append(out, name{as, text, m.kind})
		}
	}
	switch m.kind {
	case kindNewOrderSingle, kindOrderMassCancel:
		add(tagClOrdID, tagClOrdID)
	case kindOrderCancelRequest, kindOrderCancelReplace:
		add(tagClOrdID, tagClOrdID)
		add(tagClOrdID, tagOrigClOrdID)
	case kindOrderStatusRequest:
		add(tagClOrdID, tagClOrdID)
		add(tagOrdStatusReqID, tagOrdStatusReqID)
	case kindOrderMassStatus:
		add(tagMassStatusReqID, tagMassStatusReqID)
	case kindQuote, kindQuoteCancel:
		add(tagQuoteID, tagQuoteID)
	case kindQuoteRequest:
		add(tagQuoteReqID, tagQuoteReqID)
	case kindQuoteResponse:
		add(tagQuoteRespID, tagQuoteRespID)
	}
	return out
}

// maxNames is the most names of a session that are remembered: some 200 MB. A client
// that goes on after that is answered with the digits of IDs.
const maxNames = 1 << 20

// names remembers what a session's client calls its requests. It is safe for
// concurrent use.
type names struct {
	session order.SessionID
	most    int

	mu    sync.Mutex
	known map[order.ID]name
	// unsaved are those that the journal does not have yet, in order, and fresh
	// those that came on this connection and were not acted on.
	unsaved []name
	fresh   map[order.ID]struct{}
}

func newNames(s order.SessionID) *names {
	return &names{session: s, most: maxNames, known: make(map[order.ID]name), fresh: make(map[order.ID]struct{})}
}

// add remembers the names of a message.
func (n *names) add(m *message) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, name := range namesOf(m) {
		id := name.id(n.session)
		if _, ok := n.known[id]; ok || len(n.known) >= n.most {
			continue
		}
		n.known[id] = name
		n.fresh[id] = struct{}{}
		n.unsaved = append(n.unsaved, name)
	}
}

// act reports whether a request was never acted on, under this name, before now.
func (n *names) act(id order.ID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, fresh := n.fresh[id]
	delete(n.fresh, id)
	return fresh
}

// of returns the name of an ID. What the client never named is called by the
// digits of its ID.
func (n *names) of(id order.ID) (name, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	found, ok := n.known[id]
	return found, ok
}

// text is the name of an ID alone; "" for none.
func (n *names) text(id order.ID) string {
	if id.IsZero() {
		return ""
	}
	if found, ok := n.of(id); ok {
		return found.text
	}
	return id.String()
}

// restore remembers names that the journal holds.
func (n *names) restore(saved []name) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, name := range saved {
		n.known[name.id(n.session)] = name
	}
}

// pending returns the names to save, and saved forgets that so many of them were.
func (n *names) pending(most int) []name {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.unsaved[:min(len(n.unsaved), most):min(len(n.unsaved), most)]
}

func (n *names) saved(count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.unsaved = n.unsaved[count:]; len(n.unsaved) == 0 {
		n.unsaved = nil
	}
}

// appendNames encodes names: for each, its tag in two bytes, and kind and text,
// each after its length in one byte.
func appendNames(b []byte, names []name) []byte {
	for _, n := range names {
		b = binary.BigEndian.AppendUint16(b, uint16(n.tag))
		b = append(append(b, byte(len(n.kind))), n.kind...)
		b = append(append(b, byte(len(n.text))), n.text...)
	}
	return b
}

// parseNames is the inverse of [appendNames]. Its error wraps
// [github.com/zkkex/zkkex.ErrMalformed].
func parseNames(b []byte) ([]name, error) {
	var out []name
	for len(b) > 0 {
		if len(b) < 2 {
			return nil, malformedRecord("%d bytes are left, expected a tag", len(b))
		}
		n := name{tag: quickfix.Tag(binary.BigEndian.Uint16(b))}
		var ok bool
		b = b[2:]
		if n.kind, b, ok = cutString(b); !ok {
			return nil, malformedRecord("a name ends early")
		}
		if n.text, b, ok = cutString(b); !ok || !validName(n.text) {
			return nil, malformedRecord("a name is cut, or has other characters than printable ASCII")
		}
		out = append(out, n)
	}
	return out, nil
}

func cutString(b []byte) (s string, rest []byte, ok bool) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return "", nil, false
	}
	n := 1 + int(b[0])
	return string(b[1:n]), b[n:], true
}
