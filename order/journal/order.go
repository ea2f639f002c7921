package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
)

// MaxOrder is the most bytes of an encoded order.
const MaxOrder = 10 << 10

const (
	orderFormat  = "order of a journal"
	orderVersion = 1

	orderOpen   = 1 << 0
	orderReport = 1 << 1
	orderQuote  = 1 << 2

	latestMilli = 253402300799999 // the end of the year 9999
)

// AppendOrder appends the encoding of an order to b, as stores keep it;
// docs/spec/journal.md has it. Times are cut to whole milliseconds. The error says
// what cannot be encoded.
func AppendOrder(b []byte, o *engine.Order) ([]byte, error) {
	w := orderWriter{b: b}
	flags := byte(0)
	if o.Open {
		flags |= orderOpen
	}
	if o.Report != nil {
		flags |= orderReport
	}
	if o.Quote != nil {
		flags |= orderQuote
	}
	session := o.Session.Bytes()
	w.bytes(orderVersion, flags)
	w.bytes(o.ID[:]...)
	w.bytes(session[:]...)
	w.bytes(o.ClOrdID[:]...)
	w.bytes(o.OwnerKey[:]...)
	w.symbol(o.Symbol)
	w.time(o.Expires)
	w.uint64(o.Place)
	w.known(o.TimeInForce == 0 || o.TimeInForce.Known(), "TimeInForce", byte(o.TimeInForce))
	w.known(o.ExecInst.Known(), "ExecInst", byte(o.ExecInst))
	w.decimal(o.CumBought)
	w.decimal(o.CumSold)
	w.report(o.Report)
	w.quote(o.Quote)
	if w.err == nil && len(w.b)-len(b) > MaxOrder {
		w.err = fmt.Errorf("it has %d bytes, expected at most %d", len(w.b)-len(b), MaxOrder)
	}
	if w.err != nil {
		return b, fmt.Errorf("order %v cannot be recorded: %w", o.ID, w.err)
	}
	return w.b, nil
}

// ParseOrder decodes what [AppendOrder] writes, and nothing else. Its error wraps
// [zkkex.ErrMalformed], and [zkkex.ErrUnsupported] for another version.
func ParseOrder(b []byte) (*engine.Order, error) {
	if len(b) > MaxOrder {
		return nil, &zkkex.ParseError{Format: orderFormat, Err: fmt.Errorf("it has %d bytes, expected at most %d", len(b), MaxOrder)}
	}
	if len(b) > 0 && b[0] != orderVersion {
		return nil, fmt.Errorf("%w: version %d of an %s, expected %d", zkkex.ErrUnsupported, b[0], orderFormat, orderVersion)
	}
	r := orderReader{b: b}
	o := r.order()
	if r.err == nil && len(r.b) > 0 {
		r.err = fmt.Errorf("%d bytes follow it", len(r.b))
	}
	if r.err != nil {
		return nil, &zkkex.ParseError{Format: orderFormat, Err: r.err}
	}
	return o, nil
}

// orderWriter keeps the first error.
type orderWriter struct {
	b   []byte
	err error
}

func (w *orderWriter) bytes(b ...byte)   { w.b = append(w.b, b...) }
func (w *orderWriter) uint64(n uint64)   { w.b = binary.BigEndian.AppendUint64(w.b, n) }
func (w *orderWriter) fail(err error)    { w.err = errors.Join(w.err, err) }
func (w *orderWriter) length16(n uint16) { w.b = binary.BigEndian.AppendUint16(w.b, n) }

func (w *orderWriter) known(ok bool, name string, value byte) {
	if !ok {
		w.fail(fmt.Errorf("%s has the unknown value %d", name, value))
	}
	w.bytes(value)
}

func (w *orderWriter) symbol(s string) {
	if len(s) > order.MaxSymbol {
		w.fail(fmt.Errorf("its symbol has %d characters, expected at most %d", len(s), order.MaxSymbol))
	}
	w.bytes(byte(len(s)))
	w.b = append(w.b, s...)
}

func (w *orderWriter) time(t time.Time) {
	if t.IsZero() {
		w.uint64(0)
		return
	}
	ms := t.UnixMilli()
	if ms <= 0 || ms > latestMilli {
		w.fail(fmt.Errorf("time %v is not in the years 1970 to 9999", t))
	}
	w.uint64(uint64(ms))
}

func (w *orderWriter) decimal(d order.Decimal) {
	if err := d.Check(); err != nil {
		w.fail(err)
	}
	w.uint64(uint64(d.Mantissa))
	w.bytes(byte(int8(d.Exponent)))
}

func (w *orderWriter) report(r order.Report) {
	if r == nil {
		return
	}
	at := len(w.b)
	w.length16(0)
	b, err := order.AppendReport(w.b, r)
	if err == nil && len(b)-at-2 > MaxReport {
		err = fmt.Errorf("its report has %d bytes, expected at most %d", len(b)-at-2, MaxReport)
	}
	if err != nil {
		w.fail(err)
		return
	}
	w.b = b
	binary.BigEndian.PutUint16(w.b[at:], uint16(len(b)-at-2))
}

func (w *orderWriter) quote(q *order.Quote) {
	if q == nil {
		return
	}
	w.bytes(q.QuoteID[:]...)
	w.bytes(q.QuoteReqID[:]...)
	w.bytes(q.OwnerKey[:]...)
	w.symbol(q.Symbol)
	if q.TimeToLive < 0 || q.TimeToLive > order.MaxTimeToLive {
		w.fail(fmt.Errorf("TimeToLive %v is not between 0 and %v", q.TimeToLive, order.MaxTimeToLive))
	}
	w.uint64(uint64(q.TimeToLive.Milliseconds()))
	for _, ladder := range [][]order.QuoteLevel{q.Bids, q.Offers} {
		if len(ladder) > order.MaxLadder {
			w.fail(fmt.Errorf("a ladder has %d levels, expected at most %d", len(ladder), order.MaxLadder))
		}
		w.bytes(byte(len(ladder)))
		for _, level := range ladder {
			w.decimal(level.Price)
			w.decimal(level.Size)
		}
	}
}

// orderReader keeps the first error, and reads zeros after it.
type orderReader struct {
	b   []byte
	err error
}

func (r *orderReader) order() *engine.Order {
	_, flags := r.byte(), r.byte()
	if flags&^(orderOpen|orderReport|orderQuote) != 0 {
		r.fail("flags %#x, expected only 0 to 2", flags)
	}
	o := &engine.Order{Open: flags&orderOpen != 0}
	r.fill(o.ID[:])
	var session [24]byte
	r.fill(session[:])
	o.Session = order.SessionIDOf(session)
	r.fill(o.ClOrdID[:])
	r.fill(o.OwnerKey[:])
	o.Symbol = r.symbol()
	o.Expires = r.time()
	o.Place = r.uint64()
	if o.TimeInForce = order.TimeInForce(r.byte()); o.TimeInForce != 0 && !o.TimeInForce.Known() {
		r.fail("TimeInForce has the unknown value %d", o.TimeInForce)
	}
	if o.ExecInst = order.ExecInst(r.byte()); !o.ExecInst.Known() {
		r.fail("ExecInst has the unknown value %d", o.ExecInst)
	}
	o.CumBought, o.CumSold = r.decimal(), r.decimal()
	if flags&orderReport != 0 {
		o.Report = r.report()
	}
	if flags&orderQuote != 0 {
		o.Quote = r.quote()
	}
	return o
}

func (r *orderReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// take returns the next n bytes, or nil and an error.
func (r *orderReader) take(n int) []byte {
	if len(r.b) < n {
		r.fail("expected %d more bytes, got %d", n, len(r.b))
	}
	if r.err != nil {
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *orderReader) fill(b []byte) { copy(b, r.take(len(b))) }

func (r *orderReader) byte() byte {
	var b [1]byte
	r.fill(b[:])
	return b[0]
}

func (r *orderReader) uint64() uint64 {
	var b [8]byte
	r.fill(b[:])
	return binary.BigEndian.Uint64(b[:])
}

func (r *orderReader) symbol() string {
	n := int(r.byte())
	if n > order.MaxSymbol {
		r.fail("a symbol has %d characters, expected at most %d", n, order.MaxSymbol)
	}
	return string(r.take(n))
}

func (r *orderReader) time() time.Time {
	ms := r.uint64()
	if ms > latestMilli {
		r.fail("a time is %d ms after 1970, expected at most %d", ms, uint64(latestMilli))
	}
	if ms == 0 || r.err != nil {
		return time.Time{}
	}
	return time.UnixMilli(int64(ms)).UTC()
}

func (r *orderReader) decimal() order.Decimal {
	d := order.Decimal{Mantissa: int64(r.uint64()), Exponent: int32(int8(r.byte()))}
	if err := d.Check(); err != nil {
		r.fail("%w", err)
	}
	return d
}

func (r *orderReader) report() order.Report {
	var length [2]byte
	r.fill(length[:])
	b := r.take(int(binary.BigEndian.Uint16(length[:])))
	if r.err != nil {
		return nil
	}
	report, err := order.ParseReport(b)
	if err != nil {
		r.fail("%w", err)
		return nil
	}
	return report
}

func (r *orderReader) quote() *order.Quote {
	q := new(order.Quote)
	r.fill(q.QuoteID[:])
	r.fill(q.QuoteReqID[:])
	r.fill(q.OwnerKey[:])
	q.Symbol = r.symbol()
	ms := r.uint64()
	if ms > uint64(order.MaxTimeToLive.Milliseconds()) {
		r.fail("TimeToLive is %d ms, expected at most %v", ms, order.MaxTimeToLive)
		return q
	}
	q.TimeToLive = time.Duration(ms) * time.Millisecond
	q.Bids, q.Offers = r.ladder(), r.ladder()
	return q
}

func (r *orderReader) ladder() (levels []order.QuoteLevel) {
	n := int(r.byte())
	if n > order.MaxLadder {
		r.fail("a ladder has %d levels, expected at most %d", n, order.MaxLadder)
	}
	for i := 0; i < n && r.err == nil; i++ {
		levels = append(levels, order.QuoteLevel{Price: r.decimal(), Size: r.decimal()})
	}
	return levels
}
