package fixedge

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/quickfixgo/quickfix"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/order"
)

// parsedByQuickfix returns a message as a receiver sees it.
func parsedByQuickfix(t *testing.T, m *quickfix.Message) *quickfix.Message {
	t.Helper()
	out := quickfix.NewMessage()
	if err := quickfix.ParseMessage(out, bytes.NewBufferString(m.String())); err != nil {
		t.Fatal(err)
	}
	return out
}

// A message that is taken has one encoding, does quickfix no harm, and makes a
// request or a typed reject.
func FuzzMessage(f *testing.F) {
	f.Add(testLogon("x").append(nil))
	f.Add((&message{kind: kindNewOrderSingle, fields: fixOrder}).append(nil))
	f.Add((&message{kind: kindOrderCancelReplace, fields: fixReplace}).append(nil))
	f.Add((&message{kind: kindQuote, fields: fixQuote}).append(nil))
	f.Add((&message{kind: kindQuoteRequest, fields: fixQuoteRequest}).append(nil))
	f.Add((&message{kind: kindQuoteResponse, fields: fixQuoteResponse}).append(nil))
	f.Add([]byte(beginField + "9=5\x0135=0\x0110=163\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseMessage(b)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if again := m.append(nil); !bytes.Equal(again, b) {
			t.Fatalf("%q becomes %q", b, again)
		}
		_ = quickfix.ParseMessage(quickfix.NewMessage(), bytes.NewBuffer(b))
		tries(m)
	})
}

// Whatever fields a message has, in whatever order, its translation does not panic,
// and neither does quickfix, if the message is passed on.
func FuzzRequest(f *testing.F) {
	for _, x := range rejects {
		m := &message{kind: x.kind, fields: x.fields}
		f.Add(x.kind, m.append(nil))
	}
	f.Add(kindNewOrderSingle, []byte("212=99\x01213=a\x0110=000\x01"))
	f.Fuzz(func(t *testing.T, kind string, b []byte) {
		m := &message{kind: kind}
		for _, text := range bytes.Split(b, []byte{soh}) {
			if tag, value, ok := strings.Cut(string(text), "="); ok && len(m.fields) < MaxFields {
				m.fields = append(m.fields, field{tagOf(max(number(tag), 0)), value})
			}
		}
		tries(m)
		whole := m.append(nil)
		if _, err := parseMessage(whole); err == nil {
			_ = quickfix.ParseMessage(quickfix.NewMessage(), bytes.NewBuffer(whole))
		}
	})
}

func tries(m *message) {
	tr := &translator{session: testSession, longest: order.MaxTimeToLive}
	if request, reject := tr.request(m, [16]byte{}); reject == nil {
		_ = order.CheckRequest(request)
	}
	newNames(testSession).add(m)
	_, _ = readLogon(m, DefaultCompID)
}

func FuzzRecord(f *testing.F) {
	f.Add((&record{state: begin}).append(nil))
	f.Add((&record{state: state{next: 9, base: 2, receive: 4, delivered: 5}, messages: [][]byte{[]byte("a"), []byte("bc")}}).append(nil))
	f.Add([]byte{2})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRecord(b)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) && !errors.Is(err, zkkex.ErrUnsupported) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if again := r.append(nil); !bytes.Equal(again, b) {
			t.Fatalf("%x becomes %x", b, again)
		}
	})
}

func FuzzNames(f *testing.F) {
	f.Add(appendNames(nil, []name{{tagClOrdID, "a b", kindNewOrderSingle}, {tagMassStatusReqID, "m", kindOrderMassStatus}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := parseNames(b)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if again := appendNames(nil, n); !bytes.Equal(again, b) {
			t.Fatalf("%x becomes %x", b, again)
		}
	})
}
