package order

import "time"

// message is a struct of this package that is encoded: it tells a visitor what it
// is made of. The same list serves the protobuf and the JSON encoding, both ways,
// and the checks.
type message interface {
	// fields visits all fields by ascending number.
	fields(v visitor)
}

// field is a field's number in order.proto, its name there and in JSON, and
// whether it can be left out.
type field struct {
	number int
	name   string
	need   need
}

type need = bool

const (
	must need = true
	may  need = false
)

// visitor does something with each field of a message: encodes, decodes or checks
// it. A zero value is never encoded.
type visitor interface {
	// bytes is of a fixed length.
	bytes(f field, b []byte)
	// proof is left out of digests.
	proof(f field, p *Proof)
	symbol(f field, s *string)
	symbols(f field, s *[]string, most int)
	text(f field, s *string)
	// char is a FIX character, one of those known. If '0' is the first of them, it
	// is what a field that was left out means.
	char(f field, c *byte, known string)
	// code is a FIX number, one of those known.
	code(f field, c *uint16, known []uint16)
	count(f field, n *uint64)
	small(f field, n *uint32)
	flag(f field, b *bool)
	// quantity and price are encoded alike, and refused for different reasons.
	quantity(f field, d *Decimal)
	price(f field, d *Decimal)
	duration(f field, d *time.Duration)
	time(f field, t *time.Time)
	list(f field, l list)
}

// list is a repeated message.
type list interface {
	// most is how many there can be.
	most() int
	len() int
	// make makes n empty ones, and returns them as a list in turn.
	make(n int)
	at(i int) message
}

type levels []QuoteLevel

func (l *levels) most() int        { return MaxLadder }
func (l *levels) len() int         { return len(*l) }
func (l *levels) make(n int)       { *l = make([]QuoteLevel, n) }
func (l *levels) at(i int) message { return &(*l)[i] }

type instruments []Instrument

func (l *instruments) most() int        { return MaxInstruments }
func (l *instruments) len() int         { return len(*l) }
func (l *instruments) make(n int)       { *l = make([]Instrument, n) }
func (l *instruments) at(i int) message { return &(*l)[i] }

func (r *NewOrderSingle) fields(v visitor) {
	v.bytes(field{1, "ClOrdID", must}, r.ClOrdID[:])
	v.symbol(field{2, "Symbol", must}, &r.Symbol)
	v.char(field{3, "Side", must}, (*byte)(&r.Side), sides)
	v.char(field{4, "OrdType", must}, (*byte)(&r.OrdType), ordTypes)
	v.char(field{5, "TimeInForce", must}, (*byte)(&r.TimeInForce), timesInForce)
	v.char(field{6, "ExecInst", may}, (*byte)(&r.ExecInst), execInsts)
	v.quantity(field{7, "OrderQty", must}, &r.OrderQty)
	v.price(field{8, "Price", must}, &r.Price)
	v.duration(field{9, "TimeToLive", may}, &r.TimeToLive)
	v.bytes(field{10, "OwnerKey", may}, r.OwnerKey[:])
}

func (r *OrderCancelRequest) fields(v visitor) {
	v.bytes(field{1, "ClOrdID", must}, r.ClOrdID[:])
	v.bytes(field{2, "OrigClOrdID", must}, r.OrigClOrdID[:])
	v.proof(field{3, "Proof", may}, &r.Proof)
}

func (r *OrderCancelReplaceRequest) fields(v visitor) {
	v.bytes(field{1, "ClOrdID", must}, r.ClOrdID[:])
	v.bytes(field{2, "OrigClOrdID", must}, r.OrigClOrdID[:])
	v.quantity(field{3, "OrderQty", must}, &r.OrderQty)
	v.price(field{4, "Price", must}, &r.Price)
	v.duration(field{5, "TimeToLive", must}, &r.TimeToLive)
	v.bytes(field{6, "OwnerKey", may}, r.OwnerKey[:])
	v.proof(field{7, "Proof", may}, &r.Proof)
}

func (r *OrderStatusRequest) fields(v visitor) {
	v.bytes(field{1, "ID", must}, r.ID[:])
	v.bytes(field{2, "ClOrdID", must}, r.ClOrdID[:])
	v.proof(field{3, "Proof", may}, &r.Proof)
}

func (r *OrderMassStatusRequest) fields(v visitor) {
	v.bytes(field{1, "ID", must}, r.ID[:])
}

func (r *OrderMassCancelRequest) fields(v visitor) {
	v.bytes(field{1, "ClOrdID", must}, r.ClOrdID[:])
	v.symbol(field{2, "Symbol", may}, &r.Symbol)
}

func (l *QuoteLevel) fields(v visitor) {
	v.price(field{1, "Price", must}, &l.Price)
	v.quantity(field{2, "Size", must}, &l.Size)
}

func (r *Quote) fields(v visitor) {
	v.bytes(field{1, "QuoteID", must}, r.QuoteID[:])
	v.symbol(field{2, "Symbol", must}, &r.Symbol)
	v.bytes(field{3, "QuoteReqID", may}, r.QuoteReqID[:])
	v.list(field{4, "Bids", may}, (*levels)(&r.Bids))
	v.list(field{5, "Offers", may}, (*levels)(&r.Offers))
	v.duration(field{6, "TimeToLive", must}, &r.TimeToLive)
	v.bytes(field{7, "OwnerKey", may}, r.OwnerKey[:])
}

func (r *QuoteCancel) fields(v visitor) {
	v.bytes(field{1, "ID", must}, r.ID[:])
	v.bytes(field{2, "QuoteID", must}, r.QuoteID[:])
	v.proof(field{3, "Proof", may}, &r.Proof)
}

func (r *QuoteRequest) fields(v visitor) {
	v.bytes(field{1, "QuoteReqID", must}, r.QuoteReqID[:])
	v.symbol(field{2, "Symbol", must}, &r.Symbol)
	v.char(field{3, "Side", may}, (*byte)(&r.Side), sides)
	v.quantity(field{4, "OrderQty", must}, &r.OrderQty)
	v.duration(field{5, "TimeToLive", must}, &r.TimeToLive)
}

func (r *QuoteResponse) fields(v visitor) {
	v.bytes(field{1, "QuoteRespID", must}, r.QuoteRespID[:])
	v.bytes(field{2, "QuoteID", must}, r.QuoteID[:])
	v.char(field{3, "Side", must}, (*byte)(&r.Side), sides)
	v.quantity(field{4, "OrderQty", must}, &r.OrderQty)
	v.price(field{5, "Price", must}, &r.Price)
}

func (r *ExecutionReport) fields(v visitor) {
	v.bytes(field{1, "OrderID", may}, r.OrderID[:])
	v.bytes(field{2, "ClOrdID", must}, r.ClOrdID[:])
	v.bytes(field{3, "OrigClOrdID", may}, r.OrigClOrdID[:])
	v.bytes(field{4, "ExecID", may}, r.ExecID[:])
	v.char(field{5, "ExecType", must}, (*byte)(&r.ExecType), execTypes)
	v.char(field{6, "OrdStatus", must}, (*byte)(&r.OrdStatus), ordStatuses)
	v.symbol(field{7, "Symbol", may}, &r.Symbol)
	v.char(field{8, "Side", may}, (*byte)(&r.Side), sides)
	v.char(field{9, "OrdType", may}, (*byte)(&r.OrdType), ordTypes)
	v.quantity(field{10, "OrderQty", may}, &r.OrderQty)
	v.price(field{11, "Price", may}, &r.Price)
	v.quantity(field{12, "LastQty", may}, &r.LastQty)
	v.price(field{13, "LastPx", may}, &r.LastPx)
	v.quantity(field{14, "LeavesQty", may}, &r.LeavesQty)
	v.quantity(field{15, "CumQty", may}, &r.CumQty)
	v.time(field{16, "TransactTime", may}, &r.TransactTime)
	v.time(field{17, "ExpireTime", may}, &r.ExpireTime)
	v.code(field{18, "OrdRejReason", may}, (*uint16)(&r.OrdRejReason), ordRejReasons)
	v.flag(field{19, "LastRptRequested", may}, &r.LastRptRequested)
	v.bytes(field{20, "StatusReqID", may}, r.StatusReqID[:])
	v.text(field{21, "Text", may}, &r.Text)
}

func (r *OrderCancelReject) fields(v visitor) {
	v.bytes(field{1, "OrderID", may}, r.OrderID[:])
	v.bytes(field{2, "ClOrdID", must}, r.ClOrdID[:])
	v.bytes(field{3, "OrigClOrdID", may}, r.OrigClOrdID[:])
	v.char(field{4, "OrdStatus", must}, (*byte)(&r.OrdStatus), ordStatuses)
	v.char(field{5, "CxlRejResponseTo", must}, (*byte)(&r.CxlRejResponseTo), cxlRejResponses)
	v.code(field{6, "CxlRejReason", may}, (*uint16)(&r.CxlRejReason), cxlRejReasons)
	v.text(field{7, "Text", may}, &r.Text)
}

func (r *OrderMassCancelReport) fields(v visitor) {
	v.bytes(field{1, "ClOrdID", must}, r.ClOrdID[:])
	v.symbol(field{2, "Symbol", may}, &r.Symbol)
	v.small(field{3, "TotalAffectedOrders", may}, &r.TotalAffectedOrders)
}

func (r *QuoteStatusReport) fields(v visitor) {
	v.bytes(field{1, "ID", must}, r.ID[:])
	v.bytes(field{2, "QuoteID", may}, r.QuoteID[:])
	v.code(field{3, "QuoteStatus", may}, (*uint16)(&r.QuoteStatus), quoteStatuses)
	v.code(field{4, "QuoteRejectReason", may}, (*uint16)(&r.QuoteRejectReason), quoteRejectReasons)
	v.time(field{5, "ExpireTime", may}, &r.ExpireTime)
	v.bytes(field{6, "StatusReqID", may}, r.StatusReqID[:])
	v.text(field{7, "Text", may}, &r.Text)
}

func (r *QuoteRequestReport) fields(v visitor) {
	v.bytes(field{1, "QuoteReqID", must}, r.QuoteReqID[:])
	v.symbol(field{2, "Symbol", must}, &r.Symbol)
	v.char(field{3, "Side", may}, (*byte)(&r.Side), sides)
	v.quantity(field{4, "OrderQty", may}, &r.OrderQty)
	v.time(field{5, "ExpireTime", may}, &r.ExpireTime)
}

func (r *QuoteReport) fields(v visitor) {
	v.bytes(field{1, "QuoteReqID", must}, r.QuoteReqID[:])
	v.bytes(field{2, "QuoteID", must}, r.QuoteID[:])
	v.symbol(field{3, "Symbol", must}, &r.Symbol)
	v.list(field{4, "Bids", may}, (*levels)(&r.Bids))
	v.list(field{5, "Offers", may}, (*levels)(&r.Offers))
	v.time(field{6, "ExpireTime", may}, &r.ExpireTime)
}

func (r *BusinessMessageReject) fields(v visitor) {
	v.bytes(field{1, "BusinessRejectRefID", may}, r.BusinessRejectRefID[:])
	v.code(field{2, "BusinessRejectReason", may}, (*uint16)(&r.BusinessRejectReason), businessRejectReasons)
	v.text(field{3, "Text", may}, &r.Text)
}

func (m *Establish) fields(v visitor) {
	v.count(field{1, "NextReport", may}, &m.NextReport)
	v.duration(field{2, "KeepAlive", must}, &m.KeepAlive)
	v.duration(field{3, "Grace", may}, &m.Grace)
	v.flag(field{4, "KeepOrders", may}, &m.KeepOrders)
	v.symbols(field{5, "Quotes", may}, &m.Quotes, MaxQuoteSymbols)
}

func (m *EstablishmentAck) fields(v visitor) {
	session := m.Session.Bytes()
	v.bytes(field{1, "Session", must}, session[:])
	m.Session = SessionIDOf(session)
	v.count(field{2, "NextSeqNo", may}, &m.NextSeqNo)
	v.count(field{3, "NextReport", may}, &m.NextReport)
	v.count(field{4, "LastReport", may}, &m.LastReport)
	v.duration(field{5, "KeepAlive", must}, &m.KeepAlive)
	v.duration(field{6, "Grace", may}, &m.Grace)
	v.flag(field{7, "KeepOrders", may}, &m.KeepOrders)
	v.small(field{8, "MaxOpenOrders", may}, &m.MaxOpenOrders)
	v.small(field{9, "OrdersPerSecond", may}, &m.OrdersPerSecond)
	v.duration(field{10, "MaxTimeToLive", must}, &m.MaxTimeToLive)
	v.time(field{11, "Time", must}, &m.Time)
	v.list(field{12, "Instruments", may}, (*instruments)(&m.Instruments))
}

func (i *Instrument) fields(v visitor) {
	v.symbol(field{1, "Symbol", must}, &i.Symbol)
	v.price(field{2, "TickSize", must}, &i.TickSize)
	v.quantity(field{3, "LotSize", must}, &i.LotSize)
	v.quantity(field{4, "MinQty", must}, &i.MinQty)
	v.quantity(field{5, "MaxQty", must}, &i.MaxQty)
}

func (m *EstablishmentReject) fields(v visitor) {
	v.code(field{1, "Code", must}, (*uint16)(&m.Code), rejectCodes)
	v.text(field{2, "Text", may}, &m.Text)
}

func (m *Sequence) fields(v visitor) {
	v.count(field{1, "NextSeqNo", may}, &m.NextSeqNo)
}

func (m *NotApplied) fields(v visitor) {
	v.count(field{1, "FromSeqNo", must}, &m.FromSeqNo)
	v.count(field{2, "Count", must}, &m.Count)
}

func (m *RetransmitRequest) fields(v visitor) {
	v.count(field{1, "FromReport", must}, &m.FromReport)
	v.small(field{2, "Count", must}, &m.Count)
}

func (m *Terminate) fields(v visitor) {
	v.code(field{1, "Code", may}, (*uint16)(&m.Code), terminateCodes)
	v.flag(field{2, "Finish", may}, &m.Finish)
	v.text(field{3, "Text", may}, &m.Text)
}
