package pebblejournal

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
)

// TestSpecification compares the samples of docs/spec/journal.md with what is
// written.
func TestSpecification(t *testing.T) {
	document, err := os.ReadFile("../../../docs/spec/journal.md")
	must(t, err)
	id := order.NewSessionID(20_000, []byte("pseudonym"))
	request := order.ID{0: 0xa1, 15: 0x01}
	name := order.NewOrderID(id, request)
	at := time.UnixMilli(1_763_750_000_123).UTC()
	encoded, err := journal.AppendOrder([]byte{version}, &engine.Order{
		ID: name, Session: id, ClOrdID: request, OwnerKey: [32]byte{0: 0xe1, 31: 0x02}, Symbol: "XAU-EUR", Open: true,
		Expires: at.Add(time.Minute), Place: 7, CumBought: order.Decimal{Mantissa: 25, Exponent: -1},
		Report: &order.QuoteStatusReport{ID: request, QuoteID: name, ExpireTime: at.Add(time.Minute)},
		Quote: &order.Quote{
			QuoteID: request, Symbol: "XAU-EUR", TimeToLive: time.Minute, OwnerKey: [32]byte{0: 0xe1, 31: 0x02},
			Bids: []order.QuoteLevel{{Price: order.Decimal{Mantissa: 9925, Exponent: -2}, Size: order.Decimal{Mantissa: 3}}},
		},
	})
	must(t, err)
	alias := id.Bytes()
	samples := map[string][]byte{
		"key of the cursor":      cursorKey,
		"cursor":                 appendNumber(7),
		"key of a session":       sessionKey(spaceSessions, id),
		"session":                appendSession(&journal.Session{Attachment: 2, Gateway: "one", Detached: at, NextSeqNo: 8, LastReport: 5, Grace: 1500 * time.Millisecond, KeepOrders: true}),
		"alias":                  wrap(alias[:]...),
		"key of report 5":        numberKey(spaceReports, id, 5),
		"key of a request":       requestKey(id, request),
		"request":                appendRequest(journal.Request{Digest: [32]byte{0: 0xd1, 31: 0x03}, Report: 5}),
		"key of an order":        orderKey(spaceOrders, id, name),
		"order":                  encoded,
		"key of its name":        nameKey(id, request, name),
		"mark without value":     wrap(),
		"FIX numbers":            fixNumbers{send: 3, receive: 4, created: at}.encode(),
		"key of FIX message 300": numberKey(spaceMessages, id, 300),
	}
	for what, sample := range samples {
		if line := what + ": " + hex.EncodeToString(sample); !strings.Contains(string(document), "\n"+line+"\n") {
			t.Errorf("docs/spec/journal.md lacks the line\n%s", line)
		}
	}
	if got := strings.Count(string(document), "\nkey of ") + strings.Count(string(document), "\nmark "); got != 8 {
		t.Errorf("docs/spec/journal.md has %d samples of keys and marks, expected 8", got)
	}
}
