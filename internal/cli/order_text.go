package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/zkkex/zkkex/order"
)

// execution is an execution report in output.
type execution struct {
	ID        string     `json:"id"`
	Original  string     `json:"original_id,omitempty"`
	Order     string     `json:"order_id,omitempty"`
	Event     string     `json:"event"`
	Status    string     `json:"status"`
	Symbol    string     `json:"symbol"`
	Side      string     `json:"side"`
	Quantity  string     `json:"quantity"`
	Price     string     `json:"price"`
	Filled    string     `json:"filled"`
	Left      string     `json:"left"`
	LastQty   string     `json:"last_quantity,omitempty"`
	LastPrice string     `json:"last_price,omitempty"`
	Time      *time.Time `json:"time,omitempty"`
	Expires   *time.Time `json:"expires,omitempty"`
	Reason    uint16     `json:"reject_reason,omitempty"`
	Text      string     `json:"text,omitempty"`
}

func executionOf(r *order.ExecutionReport) *execution {
	e := &execution{
		ID: r.ClOrdID.String(), Order: r.OrderID.String(), Event: execTypes[r.ExecType], Status: ordStatuses[r.OrdStatus],
		Symbol: r.Symbol, Side: r.Side.String(), Quantity: r.OrderQty.String(), Price: r.Price.String(),
		Filled: r.CumQty.String(), Left: r.LeavesQty.String(), Time: utc(r.TransactTime), Expires: utc(r.ExpireTime),
		Reason: uint16(r.OrdRejReason), Text: r.Text,
	}
	if !r.OrigClOrdID.IsZero() {
		e.Original = r.OrigClOrdID.String()
	}
	if r.LastQty.Sign() != 0 {
		e.LastQty, e.LastPrice = r.LastQty.String(), r.LastPx.String()
	}
	return e
}

// utc returns a time for output, or nil for none.
func utc(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

var execTypes = map[order.ExecType]string{
	order.ExecNew: "new", order.ExecCanceled: "canceled", order.ExecReplaced: "replaced", order.ExecRejected: "rejected",
	order.ExecExpired: "expired", order.ExecTrade: "trade", order.ExecStatus: "status",
}

var ordStatuses = map[order.OrdStatus]string{
	order.StatusNew: "new", order.StatusPartiallyFilled: "partially filled", order.StatusFilled: "filled",
	order.StatusCanceled: "canceled", order.StatusRejected: "rejected", order.StatusExpired: "expired",
}

// text is a line: what happened, to which order, and what is left of it.
func (e *execution) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %-8s %s %s %s at %s", e.ID, e.Event, e.Side, e.Quantity, e.Symbol, e.Price)
	if e.LastQty != "" {
		fmt.Fprintf(&b, ", traded %s at %s", e.LastQty, e.LastPrice)
	}
	fmt.Fprintf(&b, ", %s", e.Status)
	switch {
	case e.Filled != "0" && e.Left != "0":
		fmt.Fprintf(&b, ", %s left", e.Left)
	case e.Filled != "0" && e.Filled != e.Quantity: // it ended, but not before it traded
		fmt.Fprintf(&b, ", %s of it filled", e.Filled)
	}
	if e.Text != "" {
		fmt.Fprintf(&b, ": %s", e.Text)
	}
	b.WriteByte('\n')
	return b.String()
}

// executionOfState is what a client knows of an order.
func executionOfState(s order.OrderState) *execution {
	return &execution{
		ID: s.ID.String(), Order: s.OrderID.String(), Event: "submitted", Status: ordStatuses[s.Status],
		Symbol: s.Symbol, Side: s.Side.String(), Quantity: s.OrderQty.String(), Price: s.Price.String(),
		Filled: s.CumQty.String(), Left: s.LeavesQty.String(), Expires: utc(s.Expires),
	}
}
