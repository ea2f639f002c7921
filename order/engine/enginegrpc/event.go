package enginegrpc

import (
	"fmt"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/engine/enginegrpc/enginepb"
)

// encodeEvent returns the message of an event. The error says why there is none.
func encodeEvent(e *engine.Event) (*enginepb.Event, error) {
	report, err := order.AppendReport(nil, e.Report)
	if err != nil {
		return nil, fmt.Errorf("enginegrpc: event %d cannot be sent: %w", e.Number, err)
	}
	p := &enginepb.Event{
		Number: e.Number, Command: encodeOrderID(e.Command), Session: encodeSession(e.Session), Report: report,
	}
	if e.Order == nil {
		return p, nil
	}
	if p.Order, err = encodeOrder(e.Order, e.Report); err != nil {
		return nil, fmt.Errorf("enginegrpc: the order of event %d cannot be sent: %w", e.Number, err)
	}
	return p, nil
}

func encodeOrder(o *engine.Order, report order.Report) (*enginepb.Order, error) {
	p := &enginepb.Order{
		ID: encodeOrderID(o.ID), Session: encodeSession(o.Session), ClOrdID: encodeID(o.ClOrdID),
		OwnerKey: encodeKey(o.OwnerKey), Symbol: o.Symbol, Open: o.Open,
		Expires: encodeTime(o.Expires), Place: o.Place, Quote: encodeQuote(o.Quote),
		CumBought: encodeDecimal(o.CumBought), CumSold: encodeDecimal(o.CumSold),
		TimeInForce: uint32(o.TimeInForce), ExecInst: uint32(o.ExecInst),
	}
	if o.Report == report {
		return p, nil
	}
	var err error
	p.Report, err = order.AppendReport(nil, o.Report)
	return p, err
}

func encodeQuote(q *order.Quote) *enginepb.Quote {
	if q == nil {
		return nil
	}
	return &enginepb.Quote{
		QuoteID: encodeID(q.QuoteID), QuoteReqID: encodeOrderID(q.QuoteReqID),
		Bids: encodeLevels(q.Bids), Offers: encodeLevels(q.Offers),
		TimeToLive: q.TimeToLive.Milliseconds(), OwnerKey: encodeKey(q.OwnerKey),
	}
}

func encodeLevels(levels []order.QuoteLevel) []*enginepb.Level {
	var p []*enginepb.Level
	for _, l := range levels {
		p = append(p, &enginepb.Level{Price: encodeDecimal(l.Price), Size: encodeDecimal(l.Size)})
	}
	return p
}

// decodeEvent is the inverse of encodeEvent. Its error wraps zkkex.ErrMalformed.
func decodeEvent(p *enginepb.Event) (engine.Event, error) {
	var d decoder
	e := engine.Event{
		Number: p.Number, Command: d.orderID("Command", p.Command, false),
		Session: d.session(p.Session, true), Report: d.report(p.Report),
	}
	if p.Number == 0 {
		d.fail("Number: events are numbered from 1")
	}
	if _, all := e.Report.(*order.QuoteRequestReport); all != e.Session.IsZero() {
		d.fail("Session: expected one, but for requests for quote that all hear")
	}
	if p.Order != nil {
		e.Order = d.order(p.Order, e.Report)
	}
	return e, d.err
}

func (d *decoder) report(b []byte) order.Report {
	r, err := order.ParseReport(b)
	if err != nil {
		d.fail("Report: %w", err)
		return nil
	}
	return r
}

func (d *decoder) order(p *enginepb.Order, report order.Report) *engine.Order {
	o := &engine.Order{
		ID: d.orderID("ID", p.ID, false), Session: d.session(p.Session, false),
		ClOrdID: d.id("ClOrdID", p.ClOrdID, false), OwnerKey: d.key(p.OwnerKey),
		Symbol: d.symbol(p.Symbol), Open: p.Open,
		Expires: d.time("Expires", p.Expires, true), Place: p.Place, Report: report,
		CumBought: d.decimal("CumBought", p.CumBought), CumSold: d.decimal("CumSold", p.CumSold),
		TimeInForce: char[order.TimeInForce](d, "TimeInForce", p.TimeInForce, true),
		ExecInst:    char[order.ExecInst](d, "ExecInst", p.ExecInst, true),
	}
	if len(p.Report) > 0 {
		o.Report = d.report(p.Report)
	}
	if p.Quote != nil {
		o.Quote = d.quote(p.Quote, o.Symbol)
	}
	return o
}

func (d *decoder) quote(p *enginepb.Quote, symbol string) *order.Quote {
	q := &order.Quote{
		QuoteID: d.id("QuoteID", p.QuoteID, false), Symbol: symbol,
		QuoteReqID: d.orderID("QuoteReqID", p.QuoteReqID, true),
		Bids:       d.levels("Bids", p.Bids), Offers: d.levels("Offers", p.Offers),
		OwnerKey: d.key(p.OwnerKey),
	}
	if p.TimeToLive < 0 || p.TimeToLive > order.MaxTimeToLive.Milliseconds() {
		d.fail("TimeToLive: expected at most %v, found %d ms", order.MaxTimeToLive, p.TimeToLive)
		return q
	}
	q.TimeToLive = time.Duration(p.TimeToLive) * time.Millisecond
	return q
}

func (d *decoder) levels(name string, p []*enginepb.Level) []order.QuoteLevel {
	if len(p) > order.MaxLadder {
		d.fail("%s: expected at most %d levels, found %d", name, order.MaxLadder, len(p))
		return nil
	}
	var levels []order.QuoteLevel
	for _, l := range p {
		if l.Price == nil || l.Size == nil {
			d.fail("%s: expected a price and a size", name)
			return nil
		}
		levels = append(levels, order.QuoteLevel{Price: d.decimal(name, l.Price), Size: d.decimal(name, l.Size)})
	}
	return levels
}
