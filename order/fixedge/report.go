package fixedge

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/quickfixgo/quickfix"

	"github.com/zkkex/zkkex/order"
)

// none stands in a field that FIX requires and that has no value.
const none = "NONE"

// writer makes FIX messages of reports.
type writer struct {
	session order.SessionID
	names   *names
}

// message returns a report as a FIX message, without a header.
func (w *writer) message(r order.Report) (*quickfix.Message, error) {
	m := quickfix.NewMessage()
	b := &body{&m.Body}
	kind := ""
	switch r := r.(type) {
	case *order.ExecutionReport:
		kind = kindExecutionReport
		w.execution(b, r)
	case *order.OrderCancelReject:
		kind = kindOrderCancelReject
		w.cancelReject(b, r)
	case *order.OrderMassCancelReport:
		kind = kindOrderMassCancelReport
		w.massCancel(b, r)
	case *order.QuoteStatusReport:
		kind = kindQuoteStatusReport
		w.quoteStatus(b, r)
	case *order.QuoteRequestReport:
		kind = kindQuoteRequest
		w.quoteRequest(b, r)
	case *order.QuoteReport:
		kind = kindQuote
		w.quote(b, r)
	case *order.BusinessMessageReject:
		kind = kindBusinessMessageReject
		w.business(b, r)
	default:
		return nil, fmt.Errorf("fixedge: no FIX message for %T", r)
	}
	m.Header.SetString(tagMsgType, kind)
	return m, nil
}

func (w *writer) execution(b *body, r *order.ExecutionReport) {
	b.set(tagOrderID, orderIDText(r.OrderID))
	b.set(tagClOrdID, w.names.text(r.ClOrdID))
	b.set(tagOrigClOrdID, w.names.text(r.OrigClOrdID))
	b.set(tagExecID, orderIDText(r.ExecID))
	b.set(tagExecType, string(rune(r.ExecType)))
	b.set(tagOrdStatus, string(rune(r.OrdStatus)))
	b.set(tagSymbol, r.Symbol)
	b.char(tagSide, byte(r.Side))
	b.char(tagOrdType, byte(r.OrdType))
	b.set(tagOrderQty, r.OrderQty.String())
	b.set(tagPrice, r.Price.String())
	b.set(tagLeavesQty, r.LeavesQty.String())
	b.set(tagCumQty, r.CumQty.String())
	// An average has no exact decimal, and the trades are all there.
	b.set(tagAvgPx, "0")
	if r.LastQty.Sign() != 0 {
		b.set(tagLastQty, r.LastQty.String())
		b.set(tagLastPx, r.LastPx.String())
	}
	b.time(tagTransactTime, r.TransactTime)
	if !r.ExpireTime.IsZero() {
		b.char(tagTimeInForce, byte(order.GoodTillDate))
		b.time(tagExpireTime, r.ExpireTime)
	}
	if r.ExecType == order.ExecRejected || r.OrdRejReason != 0 {
		b.set(tagOrdRejReason, strconv.Itoa(ordRejReason(r.OrdRejReason)))
	}
	if n, ok := w.names.of(r.StatusReqID); ok {
		b.set(n.tag, n.text)
	}
	if r.LastRptRequested {
		b.set(tagLastRptRequested, "Y")
	}
	b.text(r.Text)
}

func (w *writer) cancelReject(b *body, r *order.OrderCancelReject) {
	b.set(tagOrderID, orderIDText(r.OrderID))
	b.set(tagClOrdID, w.names.text(r.ClOrdID))
	b.set(tagOrigClOrdID, w.names.text(r.OrigClOrdID))
	status := r.OrdStatus
	if status == 0 {
		status = order.StatusRejected
	}
	b.char(tagOrdStatus, byte(status))
	b.char(tagCxlRejResponseTo, byte(r.CxlRejResponseTo))
	reason := int(r.CxlRejReason)
	if reason > 6 {
		reason = 99
	}
	b.set(tagCxlRejReason, strconv.Itoa(reason))
	b.text(r.Text)
}

func (w *writer) massCancel(b *body, r *order.OrderMassCancelReport) {
	b.set(tagOrderID, order.NewOrderID(w.session, r.ClOrdID).String())
	b.set(tagClOrdID, w.names.text(r.ClOrdID))
	kind := "7"
	if r.Symbol != "" {
		kind = "1"
	}
	b.set(tagMassCancelRequest, kind)
	b.set(tagMassCancelResponse, kind)
	b.set(tagTotalAffectedOrders, strconv.FormatUint(uint64(r.TotalAffectedOrders), 10))
	b.set(tagSymbol, r.Symbol)
}

func (w *writer) quoteStatus(b *body, r *order.QuoteStatusReport) {
	b.set(tagQuoteID, orderIDText(r.QuoteID))
	if n, ok := w.names.of(r.ID); ok {
		b.set(n.tag, n.text)
	}
	b.set(tagQuoteStatus, strconv.Itoa(quoteStatus(r.QuoteStatus)))
	b.time(tagValidUntilTime, r.ExpireTime)
	text := r.Text
	if r.QuoteRejectReason != 0 {
		text = strings.TrimSpace(fmt.Sprintf("(QuoteRejectReason %d) %s", r.QuoteRejectReason, text))
	}
	b.text(text)
}

func (w *writer) quoteRequest(b *body, r *order.QuoteRequestReport) {
	b.set(tagQuoteReqID, r.QuoteReqID.String())
	group := quickfix.NewRepeatingGroup(tagNoRelatedSym, quickfix.GroupTemplate{
		quickfix.GroupElement(tagSymbol), quickfix.GroupElement(tagSide),
		quickfix.GroupElement(tagOrderQty), quickfix.GroupElement(tagExpireTime),
	})
	g := group.Add()
	g.SetString(tagSymbol, r.Symbol)
	if r.Side != 0 {
		g.SetString(tagSide, string(rune(r.Side)))
	}
	g.SetString(tagOrderQty, r.OrderQty.String())
	g.SetString(tagExpireTime, timeText(r.ExpireTime))
	b.SetGroup(group)
}

// quote shows the best level of a ladder: FIX has one in a Quote.
func (w *writer) quote(b *body, r *order.QuoteReport) {
	b.set(tagQuoteReqID, w.names.text(r.QuoteReqID))
	b.set(tagQuoteID, r.QuoteID.String())
	b.set(tagSymbol, r.Symbol)
	if len(r.Bids) > 0 {
		b.set(tagBidPx, r.Bids[0].Price.String())
		b.set(tagBidSize, r.Bids[0].Size.String())
	}
	if len(r.Offers) > 0 {
		b.set(tagOfferPx, r.Offers[0].Price.String())
		b.set(tagOfferSize, r.Offers[0].Size.String())
	}
	b.time(tagValidUntilTime, r.ExpireTime)
}

func (w *writer) business(b *body, r *order.BusinessMessageReject) {
	kind := kindNewOrderSingle
	if n, ok := w.names.of(r.BusinessRejectRefID); ok {
		kind = n.kind
		b.set(tagBusinessRejectRefID, n.text)
	}
	b.set(tagRefMsgType, kind)
	b.set(tagBusinessRejectReason, strconv.Itoa(businessRejectReason(r.BusinessRejectReason)))
	b.text(r.Text)
}

// FIX 4.4 knows fewer reasons than later versions; the text says what is meant.
func ordRejReason(r order.OrdRejReason) int {
	if r > 15 {
		return int(order.RejOther)
	}
	return int(r)
}

func businessRejectReason(r order.BusinessRejectReason) int {
	if r > 7 {
		return int(order.BusinessOther)
	}
	return int(r)
}

func quoteStatus(s order.QuoteStatus) int {
	if s == order.QuoteCanceled {
		return 6 // removed from market
	}
	return int(s)
}

func orderIDText(id order.OrderID) string {
	if id.IsZero() {
		return none
	}
	return id.String()
}

func timeText(t time.Time) string { return t.UTC().Format(timeFormat + ".000") }

// body sets what has a value.
type body struct{ *quickfix.Body }

func (b *body) set(tag quickfix.Tag, value string) {
	if value != "" {
		b.SetString(tag, value)
	}
}

func (b *body) char(tag quickfix.Tag, v byte) {
	if v != 0 {
		b.SetString(tag, string(rune(v)))
	}
}

func (b *body) time(tag quickfix.Tag, t time.Time) {
	if !t.IsZero() {
		b.SetString(tag, timeText(t))
	}
}

// text sets Text, without what would end a field.
func (b *body) text(s string) {
	b.set(tagText, strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s))
}
