package gateway

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
)

// The sample in the specification is what a gateway says.
func TestSpecSample(t *testing.T) {
	v := newVenue(t, nil)
	tr := &trader{t: t, link: v.serve(Peer{Session: testSession(1)})}
	var lines []string
	say := func(f order.ClientFrame) {
		b, err := order.AppendClientFrame(nil, f)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, "> "+hex.EncodeToString(b))
		tr.link.send(f)
	}
	hear := func() {
		b, err := order.AppendVenueFrame(nil, tr.next())
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, "< "+hex.EncodeToString(b))
	}
	say(order.ClientFrame{Session: &order.Establish{KeepAlive: 30 * time.Second, Grace: 10 * time.Second}})
	hear()
	say(order.ClientFrame{SeqNo: 1, Request: &order.OrderCancelRequest{ClOrdID: order.ID{1}, OrigClOrdID: order.ID{2}}})
	hear()
	say(order.ClientFrame{Session: &order.Terminate{}})
	hear()
	got := "```\n" + strings.Join(lines, "\n") + "\n```"
	text, err := os.ReadFile("../../docs/spec/order-session.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), got) {
		t.Fatalf("docs/spec/order-session.md does not hold the sample:\n%s", got)
	}
}
