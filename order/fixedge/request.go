package fixedge

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/quickfixgo/quickfix"

	"github.com/zkkex/zkkex/order"
)

// quoteRequestLife is how long a request for quote lives that does not say.
const quoteRequestLife = 30 * time.Second

// layout says which fields a message has beside the header's. Every other field is
// refused: an instruction that is overlooked makes another order of it.
type layout struct{ needed, allowed []quickfix.Tag }

var layouts = map[string]layout{
	kindNewOrderSingle: {
		needed:  []quickfix.Tag{tagClOrdID, tagSymbol, tagSide, tagTransactTime, tagOrderQty, tagOrdType},
		allowed: []quickfix.Tag{tagPrice, tagTimeInForce, tagExpireTime, tagExecInst, tagHandlInst},
	},
	kindOrderCancelRequest: {
		needed:  []quickfix.Tag{tagClOrdID, tagOrigClOrdID},
		allowed: []quickfix.Tag{tagOrderID, tagSymbol, tagSide, tagOrderQty, tagTransactTime, tagText},
	},
	kindOrderCancelReplace: {
		needed:  []quickfix.Tag{tagClOrdID, tagOrigClOrdID, tagTransactTime, tagOrderQty, tagPrice},
		allowed: []quickfix.Tag{tagOrderID, tagSymbol, tagSide, tagOrdType, tagTimeInForce, tagExpireTime, tagExecInst, tagHandlInst},
	},
	kindOrderStatusRequest: {
		needed:  []quickfix.Tag{tagClOrdID},
		allowed: []quickfix.Tag{tagOrdStatusReqID, tagOrderID, tagSymbol, tagSide},
	},
	kindOrderMassStatus: {
		needed: []quickfix.Tag{tagMassStatusReqID, tagMassStatusReqType},
	},
	kindOrderMassCancel: {
		needed:  []quickfix.Tag{tagClOrdID, tagMassCancelRequest},
		allowed: []quickfix.Tag{tagSymbol, tagTransactTime, tagText},
	},
	kindQuoteRequest: {
		needed:  []quickfix.Tag{tagQuoteReqID, tagNoRelatedSym, tagSymbol, tagOrderQty},
		allowed: []quickfix.Tag{tagSide, tagExpireTime, tagTransactTime, tagQuoteType},
	},
	kindQuote: {
		needed:  []quickfix.Tag{tagQuoteID, tagSymbol},
		allowed: []quickfix.Tag{tagQuoteReqID, tagQuoteType, tagBidPx, tagOfferPx, tagBidSize, tagOfferSize, tagValidUntilTime, tagTransactTime},
	},
	kindQuoteCancel: {
		needed: []quickfix.Tag{tagQuoteID, tagQuoteCancelType},
	},
	kindQuoteResponse: {
		needed:  []quickfix.Tag{tagQuoteRespID, tagQuoteID, tagQuoteRespType, tagSymbol, tagSide, tagOrderQty, tagPrice},
		allowed: []quickfix.Tag{tagTransactTime, tagQuoteReqID},
	},
}

// header are the fields that every message may have. None of them says who sends
// on whose behalf.
var header = []quickfix.Tag{tagSenderCompID, tagTargetCompID, tagMsgSeqNum, tagSendingTime, tagPossDupFlag, tagPossResend, tagOrigSendingTime, 369}

// translator makes requests of messages. What it makes follows from the message
// and the session alone: a message that comes again is the same request.
type translator struct {
	session order.SessionID
	// longest is the time to live of what does not say its own.
	longest time.Duration
}

// request returns what a message asks for. own names a request that FIX has no name
// for: it differs between all messages of the session.
func (t *translator) request(m *message, own [16]byte) (order.Request, quickfix.MessageRejectError) {
	l, ok := layouts[m.kind]
	if !ok {
		return nil, quickfix.UnsupportedMessageType()
	}
	if err := l.check(m); err != nil {
		return nil, err
	}
	r := &reader{message: m, session: t.session, longest: t.longest, own: own}
	request := r.request()
	if r.err != nil {
		return nil, r.err
	}
	return request, nil
}

// check refuses fields that are missing, empty, twice or of another message.
func (l layout) check(m *message) quickfix.MessageRejectError {
	for i, f := range m.fields {
		switch {
		case f.value == "":
			return quickfix.TagSpecifiedWithoutAValue(f.tag)
		case !slices.Contains(header, f.tag) && !slices.Contains(l.needed, f.tag) && !slices.Contains(l.allowed, f.tag):
			return quickfix.TagNotDefinedForThisMessageType(f.tag)
		case slices.ContainsFunc(m.fields[:i], func(g field) bool { return g.tag == f.tag }):
			return refuse(13, f.tag, "Tag appears more than once")
		}
	}
	for _, tag := range l.needed {
		if !m.has(tag) {
			return quickfix.RequiredTagMissing(tag)
		}
	}
	return nil
}

// refuse is a session reject: SessionRejectReason (373), RefTagID (371) and Text.
func refuse(reason int, tag quickfix.Tag, text string) quickfix.MessageRejectError {
	return quickfix.NewMessageRejectError(text, reason, &tag)
}

// reader reads the values of a message, and keeps the first error.
type reader struct {
	*message
	session order.SessionID
	longest time.Duration
	own     [16]byte
	err     quickfix.MessageRejectError
}

func (r *reader) request() order.Request {
	switch r.kind {
	case kindNewOrderSingle:
		return r.newOrder()
	case kindOrderCancelRequest:
		return &order.OrderCancelRequest{ClOrdID: r.id(tagClOrdID, tagClOrdID), OrigClOrdID: r.id(tagClOrdID, tagOrigClOrdID)}
	case kindOrderCancelReplace:
		return r.replace()
	case kindOrderStatusRequest:
		return r.status()
	case kindOrderMassStatus:
		r.oneOf(tagMassStatusReqType, "7")
		return &order.OrderMassStatusRequest{ID: r.id(tagMassStatusReqID, tagMassStatusReqID)}
	case kindOrderMassCancel:
		return r.massCancel()
	case kindQuoteRequest:
		return r.quoteRequest()
	case kindQuote:
		return r.quote()
	case kindQuoteCancel:
		r.oneOf(tagQuoteCancelType, "5")
		return &order.QuoteCancel{ID: r.nameless(), QuoteID: r.id(tagQuoteID, tagQuoteID)}
	case kindQuoteResponse:
		return r.quoteResponse()
	}
	return nil
}

func (r *reader) newOrder() order.Request {
	o := &order.NewOrderSingle{
		ClOrdID: r.id(tagClOrdID, tagClOrdID), Symbol: r.get(tagSymbol), Side: order.Side(r.oneOf(tagSide, "12")),
		OrdType: order.OrdType(r.oneOf(tagOrdType, "12")), OrderQty: r.decimal(tagOrderQty),
	}
	if !r.has(tagPrice) {
		r.fail(quickfix.NewMessageRejectError("Price (44) is missing: of a market order, it is the worst price that it takes", 1, tagged(tagPrice)))
		return nil
	}
	o.Price = r.decimal(tagPrice)
	if r.has(tagExecInst) {
		o.ExecInst = order.ExecInst(r.oneOf(tagExecInst, "6"))
	}
	if r.has(tagHandlInst) {
		r.oneOf(tagHandlInst, "1")
	}
	o.TimeInForce, o.TimeToLive = r.timeInForce()
	return o
}

func (r *reader) replace() order.Request {
	if r.has(tagOrdType) {
		r.oneOf(tagOrdType, "2")
	}
	if r.has(tagExecInst) {
		r.oneOf(tagExecInst, "6")
	}
	if r.has(tagHandlInst) {
		r.oneOf(tagHandlInst, "1")
	}
	tif, life := r.timeInForce()
	if tif != order.GoodTillDate {
		r.fail(quickfix.ValueIsIncorrect(tagTimeInForce))
	}
	return &order.OrderCancelReplaceRequest{
		ClOrdID: r.id(tagClOrdID, tagClOrdID), OrigClOrdID: r.id(tagClOrdID, tagOrigClOrdID),
		OrderQty: r.decimal(tagOrderQty), Price: r.decimal(tagPrice), TimeToLive: life,
	}
}

// timeInForce reads TimeInForce: there is no day and no good till cancel, both are
// as long as the venue allows.
func (r *reader) timeInForce() (order.TimeInForce, time.Duration) {
	v := byte('0')
	if r.has(tagTimeInForce) {
		v = r.oneOf(tagTimeInForce, "01346")
	}
	if r.has(tagExpireTime) != (v == '6') {
		r.fail(refuse(5, tagExpireTime, "ExpireTime (126) goes with TimeInForce (59) = 6, and with no other"))
	}
	switch v {
	case '3', '4':
		return order.TimeInForce(v), 0
	case '6':
		return order.GoodTillDate, r.life(tagExpireTime)
	}
	return order.GoodTillDate, r.longest
}

func (r *reader) status() order.Request {
	s := &order.OrderStatusRequest{ClOrdID: r.id(tagClOrdID, tagClOrdID)}
	if r.has(tagOrdStatusReqID) {
		s.ID = r.id(tagOrdStatusReqID, tagOrdStatusReqID)
	} else {
		s.ID = r.nameless()
	}
	return s
}

func (r *reader) massCancel() order.Request {
	c := &order.OrderMassCancelRequest{ClOrdID: r.id(tagClOrdID, tagClOrdID)}
	one := r.oneOf(tagMassCancelRequest, "17") == '1'
	if one != r.has(tagSymbol) {
		r.fail(refuse(5, tagMassCancelRequest, "Symbol (55) goes with MassCancelRequestType (530) = 1, and not with 7"))
	}
	c.Symbol = r.get(tagSymbol)
	return c
}

func (r *reader) quoteRequest() order.Request {
	r.oneOf(tagNoRelatedSym, "1")
	q := &order.QuoteRequest{
		QuoteReqID: r.id(tagQuoteReqID, tagQuoteReqID), Symbol: r.get(tagSymbol),
		OrderQty: r.decimal(tagOrderQty), TimeToLive: quoteRequestLife,
	}
	if r.has(tagSide) {
		q.Side = order.Side(r.oneOf(tagSide, "12"))
	}
	if r.has(tagQuoteType) {
		r.oneOf(tagQuoteType, "1")
	}
	if r.has(tagExpireTime) {
		q.TimeToLive = r.life(tagExpireTime)
	}
	return q
}

func (r *reader) quote() order.Request {
	q := &order.Quote{
		QuoteID: r.id(tagQuoteID, tagQuoteID), Symbol: r.get(tagSymbol), TimeToLive: r.longest,
		Bids: r.level(tagBidPx, tagBidSize), Offers: r.level(tagOfferPx, tagOfferSize),
	}
	if r.has(tagQuoteReqID) {
		q.QuoteReqID = r.orderID(tagQuoteReqID)
	}
	if r.has(tagQuoteType) {
		r.oneOf(tagQuoteType, "1")
	}
	if r.has(tagValidUntilTime) {
		q.TimeToLive = r.life(tagValidUntilTime)
	}
	return q
}

// level reads a side of a quote: one price and its size, or neither.
func (r *reader) level(price, size quickfix.Tag) []order.QuoteLevel {
	switch {
	case !r.has(price) && !r.has(size):
		return nil
	case !r.has(price):
		r.fail(quickfix.RequiredTagMissing(price))
	case !r.has(size):
		r.fail(quickfix.RequiredTagMissing(size))
	}
	return []order.QuoteLevel{{Price: r.decimal(price), Size: r.decimal(size)}}
}

func (r *reader) quoteResponse() order.Request {
	r.oneOf(tagQuoteRespType, "1")
	return &order.QuoteResponse{
		QuoteRespID: r.id(tagQuoteRespID, tagQuoteRespID), QuoteID: r.orderID(tagQuoteID),
		Side: order.Side(r.oneOf(tagSide, "12")), OrderQty: r.decimal(tagOrderQty), Price: r.decimal(tagPrice),
	}
}

func (r *reader) fail(err quickfix.MessageRejectError) {
	if r.err == nil {
		r.err = err
	}
}

func tagged(tag quickfix.Tag) *quickfix.Tag { return &tag }

// id reads the name in a field, among the names of another.
func (r *reader) id(as, in quickfix.Tag) order.ID {
	text := r.get(in)
	if !validName(text) {
		r.fail(refuse(5, in, fmt.Sprintf("Value is incorrect: expected 1 to %d printable ASCII characters", MaxName)))
	}
	return name{tag: as, text: text}.id(r.session)
}

// nameless is the ID of a request for which FIX has no name.
func (r *reader) nameless() order.ID {
	return name{tag: tagMsgSeqNum, text: string(r.own[:])}.id(r.session)
}

// orderID reads what the venue called something.
func (r *reader) orderID(tag quickfix.Tag) order.OrderID {
	id, err := order.ParseOrderID(r.get(tag))
	if err != nil {
		r.fail(refuse(5, tag, "Value is incorrect: expected the 32 digits that the venue sent"))
	}
	return id
}

// oneOf reads a character among those known.
func (r *reader) oneOf(tag quickfix.Tag, known string) byte {
	v := r.get(tag)
	if len(v) == 1 {
		for _, k := range []byte(known) {
			if v[0] == k {
				return k
			}
		}
	}
	r.fail(quickfix.ValueIsIncorrect(tag))
	return 0
}

// decimal reads a price or a quantity, exactly.
func (r *reader) decimal(tag quickfix.Tag) order.Decimal {
	d, err := order.ParseDecimal(r.get(tag))
	switch {
	case errors.Is(err, order.ErrOutOfRange):
		r.fail(quickfix.ValueIsIncorrect(tag))
	case err != nil:
		r.fail(quickfix.IncorrectDataFormatForValue(tag))
	}
	return d
}

// life is the time from TransactTime to a field, in whole milliseconds. The
// client's clock counts for nothing but this difference.
func (r *reader) life(end quickfix.Tag) time.Duration {
	if !r.has(tagTransactTime) {
		r.fail(quickfix.RequiredTagMissing(tagTransactTime))
		return 0
	}
	d := r.time(end).Sub(r.time(tagTransactTime)).Truncate(time.Millisecond)
	if d <= 0 && r.err == nil {
		r.fail(refuse(5, end, "Value is incorrect: it is not after TransactTime (60)"))
	}
	return d
}

// time reads a UTCTimestamp, with a fraction of a second or none.
func (r *reader) time(tag quickfix.Tag) time.Time {
	t, err := parseTime(r.get(tag))
	if err != nil {
		r.fail(quickfix.IncorrectDataFormatForValue(tag))
	}
	return t
}

// timeFormat is UTCTimestamp; a fraction may follow, up to nanoseconds.
const timeFormat = "20060102-15:04:05"

func parseTime(s string) (time.Time, error) {
	if len(s) > len(timeFormat)+len(".000000000") {
		return time.Time{}, errors.New("too long")
	}
	return time.Parse(timeFormat, s)
}
