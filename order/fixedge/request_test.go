package fixedge

import (
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
)

func itoa(n int) string { return strconv.Itoa(n) }

const (
	testTime  = "20260102-03:04:05.006"
	testUntil = "20260102-03:04:35.506"
	testHex   = "000102030405060708090a0b0c0d0e0f"
)

// without returns fields less one.
func without(fields []field, tag int) []field {
	var out []field
	for _, f := range fields {
		if int(f.tag) != tag {
			out = append(out, f)
		}
	}
	return out
}

// with returns fields with some changed or added.
func with(fields []field, change ...field) []field {
	out := append([]field(nil), fields...)
next:
	for _, f := range change {
		for i := range out {
			if out[i].tag == f.tag {
				out[i] = f
				continue next
			}
		}
		out = append(out, f)
	}
	return out
}

var (
	fixOrder = []field{
		{tagClOrdID, "a"}, {tagSymbol, "BTC-USD"}, {tagSide, "1"}, {tagTransactTime, testTime},
		{tagOrderQty, "1.50"}, {tagOrdType, "2"}, {tagPrice, "0101.250"},
	}
	fixReplace = []field{
		{tagClOrdID, "b"}, {tagOrigClOrdID, "a"}, {tagTransactTime, testTime}, {tagOrderQty, "1"}, {tagPrice, "99"},
		{tagSymbol, "BTC-USD"}, {tagSide, "1"}, {tagOrdType, "2"},
	}
	fixQuote = []field{
		{tagQuoteID, "q"}, {tagSymbol, "BTC-USD"}, {tagBidPx, "99"}, {tagBidSize, "1"}, {tagOfferPx, "101"}, {tagOfferSize, "2"},
		{tagTransactTime, testTime}, {tagValidUntilTime, testUntil},
	}
	fixQuoteRequest  = []field{{tagQuoteReqID, "r"}, {tagNoRelatedSym, "1"}, {tagSymbol, "BTC-USD"}, {tagOrderQty, "3"}}
	fixQuoteResponse = []field{
		{tagQuoteRespID, "p"}, {tagQuoteID, testHex}, {tagQuoteRespType, "1"}, {tagSymbol, "BTC-USD"},
		{tagSide, "1"}, {tagOrderQty, "3"}, {tagPrice, "101"},
	}
)

// rejects are messages that are refused before the gateway sees them, each for one
// reason.
var rejects = []struct {
	name   string
	kind   string
	fields []field
	answer string
	code   field
	tag    string
}{
	{"an unknown side", kindNewOrderSingle, with(fixOrder, field{tagSide, "3"}), kindReject, field{373, "5"}, "54"},
	{"an unknown order type", kindNewOrderSingle, with(fixOrder, field{tagOrdType, "3"}), kindReject, field{373, "5"}, "40"},
	{"an unknown time in force", kindNewOrderSingle, with(fixOrder, field{tagTimeInForce, "2"}), kindReject, field{373, "5"}, "59"},
	{"two instructions", kindNewOrderSingle, with(fixOrder, field{tagExecInst, "6 G"}), kindReject, field{373, "5"}, "18"},
	{"a price that is no number", kindNewOrderSingle, with(fixOrder, field{tagPrice, "1e3"}), kindReject, field{373, "6"}, "44"},
	{"a quantity out of range", kindNewOrderSingle, with(fixOrder, field{tagOrderQty, "99999999999999999999"}), kindReject, field{373, "5"}, "38"},
	{"no price", kindNewOrderSingle, without(fixOrder, 44), kindReject, field{373, "1"}, "44"},
	{"no ClOrdID", kindNewOrderSingle, without(fixOrder, 11), kindReject, field{373, "1"}, "11"},
	{"an empty ClOrdID", kindNewOrderSingle, with(fixOrder, field{tagClOrdID, ""}), kindReject, field{373, "4"}, "11"},
	{"a ClOrdID that is not ASCII", kindNewOrderSingle, with(fixOrder, field{tagClOrdID, "\xe9"}), kindReject, field{373, "5"}, "11"},
	{"a ClOrdID of 65 characters", kindNewOrderSingle, with(fixOrder, field{tagClOrdID, string(make65())}), kindReject, field{373, "5"}, "11"},
	{"an account", kindNewOrderSingle, with(fixOrder, field{1, "alice"}), kindReject, field{373, "2"}, "1"},
	{"a stop price", kindNewOrderSingle, with(fixOrder, field{99, "1"}), kindReject, field{373, "2"}, "99"},
	{"a sub ID", kindNewOrderSingle, with(fixOrder, field{tagSenderSubID, "alice"}), kindReject, field{373, "2"}, "50"},
	{"a field twice", kindNewOrderSingle, append(with(fixOrder), field{tagSide, "2"}), kindReject, field{373, "13"}, "54"},
	{"an end without its time in force", kindNewOrderSingle, with(fixOrder, field{tagExpireTime, testUntil}), kindReject, field{373, "5"}, "126"},
	{"an end before the beginning", kindNewOrderSingle, with(fixOrder, field{tagTimeInForce, "6"}, field{tagExpireTime, testTime}), kindReject, field{373, "5"}, "126"},
	{"a time that is none", kindNewOrderSingle, with(fixOrder, field{tagTimeInForce, "6"}, field{tagExpireTime, "tomorrow"}), kindReject, field{373, "6"}, "126"},
	{"a replacement that does not rest", kindOrderCancelReplace, with(fixReplace, field{tagTimeInForce, "3"}), kindReject, field{373, "5"}, "59"},
	{"a mass status of one symbol", kindOrderMassStatus, []field{{tagMassStatusReqID, "m"}, {tagMassStatusReqType, "1"}}, kindReject, field{373, "5"}, "585"},
	{"a mass cancel of one symbol without it", kindOrderMassCancel, []field{{tagClOrdID, "c"}, {tagMassCancelRequest, "1"}}, kindReject, field{373, "5"}, "530"},
	{"a bid without a size", kindQuote, without(fixQuote, 134), kindReject, field{373, "1"}, "134"},
	{"a cancel of all quotes", kindQuoteCancel, []field{{tagQuoteID, "q"}, {tagQuoteCancelType, "4"}}, kindReject, field{373, "5"}, "298"},
	{"two symbols in a request", kindQuoteRequest, with(fixQuoteRequest, field{tagNoRelatedSym, "2"}), kindReject, field{373, "5"}, "146"},
	{"a response that passes", kindQuoteResponse, with(fixQuoteResponse, field{tagQuoteRespType, "6"}), kindReject, field{373, "5"}, "694"},
	{"a quote that the venue never named", kindQuoteResponse, with(fixQuoteResponse, field{tagQuoteID, "q"}), kindReject, field{373, "5"}, "117"},
	{"a message that is not offered", "E", []field{{tagClOrdID, "x"}}, kindBusinessMessageReject, field{tagBusinessRejectReason, "3"}, ""},
}

func make65() []byte {
	b := make([]byte, 65)
	for i := range b {
		b[i] = 'a'
	}
	return b
}

func TestRequests(t *testing.T) {
	t.Parallel()
	id := func(as int, text string) order.ID { return name{tag: tagOf(as), text: text}.id(testSession) }
	own := [16]byte{7: 1, 15: 9}
	hex, err := order.ParseOrderID(testHex)
	if err != nil {
		t.Fatal(err)
	}
	limit := order.NewOrderSingle{
		ClOrdID: id(11, "a"), Symbol: "BTC-USD", Side: order.Buy, OrdType: order.Limit, TimeInForce: order.GoodTillDate,
		OrderQty: dec(t, "1.5"), Price: dec(t, "101.25"), TimeToLive: time.Hour,
	}
	until, now, market := limit, limit, limit
	until.TimeToLive = 30500 * time.Millisecond
	until.ExecInst = order.ParticipateDontInitiate
	now.TimeInForce, now.TimeToLive = order.FillOrKill, 0
	market.OrdType, market.TimeInForce, market.TimeToLive = order.Market, order.ImmediateOrCancel, 0
	quote := order.Quote{
		QuoteID: id(117, "q"), Symbol: "BTC-USD", TimeToLive: 30500 * time.Millisecond,
		Bids:   []order.QuoteLevel{{Price: dec(t, "99"), Size: dec(t, "1")}},
		Offers: []order.QuoteLevel{{Price: dec(t, "101"), Size: dec(t, "2")}},
	}
	answer := quote
	answer.QuoteReqID, answer.Bids, answer.TimeToLive = hex, nil, time.Hour
	for _, x := range []struct {
		name   string
		kind   string
		fields []field
		want   order.Request
	}{
		{"for the day", kindNewOrderSingle, fixOrder, &limit},
		{"good till cancel", kindNewOrderSingle, with(fixOrder, field{tagTimeInForce, "1"}, field{tagHandlInst, "1"}), &limit},
		{"good till date", kindNewOrderSingle, with(fixOrder, field{tagTimeInForce, "6"}, field{tagExpireTime, testUntil}, field{tagExecInst, "6"}), &until},
		{"fill or kill", kindNewOrderSingle, with(fixOrder, field{tagTimeInForce, "4"}), &now},
		{"market", kindNewOrderSingle, with(fixOrder, field{tagOrdType, "1"}, field{tagTimeInForce, "3"}), &market},
		{"cancel", kindOrderCancelRequest, []field{{tagClOrdID, "b"}, {tagOrigClOrdID, "a"}},
			&order.OrderCancelRequest{ClOrdID: id(11, "b"), OrigClOrdID: id(11, "a")}},
		{"replace", kindOrderCancelReplace, fixReplace, &order.OrderCancelReplaceRequest{
			ClOrdID: id(11, "b"), OrigClOrdID: id(11, "a"), OrderQty: dec(t, "1"), Price: dec(t, "99"), TimeToLive: time.Hour}},
		{"status", kindOrderStatusRequest, []field{{tagClOrdID, "a"}, {tagOrdStatusReqID, "s"}},
			&order.OrderStatusRequest{ID: id(790, "s"), ClOrdID: id(11, "a")}},
		{"status without a name", kindOrderStatusRequest, []field{{tagClOrdID, "a"}},
			&order.OrderStatusRequest{ID: id(34, string(own[:])), ClOrdID: id(11, "a")}},
		{"mass status", kindOrderMassStatus, []field{{tagMassStatusReqID, "m"}, {tagMassStatusReqType, "7"}},
			&order.OrderMassStatusRequest{ID: id(584, "m")}},
		{"mass cancel", kindOrderMassCancel, []field{{tagClOrdID, "c"}, {tagMassCancelRequest, "1"}, {tagSymbol, "BTC-USD"}},
			&order.OrderMassCancelRequest{ClOrdID: id(11, "c"), Symbol: "BTC-USD"}},
		{"quote", kindQuote, fixQuote, &quote},
		{"quote for a request", kindQuote, with(without(without(without(fixQuote, 132), 134), 62), field{tagQuoteReqID, testHex}), &answer},
		{"quote cancel", kindQuoteCancel, []field{{tagQuoteID, "q"}, {tagQuoteCancelType, "5"}},
			&order.QuoteCancel{ID: id(34, string(own[:])), QuoteID: id(117, "q")}},
		{"quote request", kindQuoteRequest, with(fixQuoteRequest, field{tagSide, "2"}),
			&order.QuoteRequest{QuoteReqID: id(131, "r"), Symbol: "BTC-USD", Side: order.Sell, OrderQty: dec(t, "3"), TimeToLive: quoteRequestLife}},
		{"quote response", kindQuoteResponse, fixQuoteResponse, &order.QuoteResponse{
			QuoteRespID: id(693, "p"), QuoteID: hex, Side: order.Buy, OrderQty: dec(t, "3"), Price: dec(t, "101")}},
	} {
		tr := &translator{session: testSession, longest: time.Hour}
		got, reject := tr.request(&message{kind: x.kind, fields: x.fields}, own)
		if reject != nil {
			t.Errorf("%s: %v (tag %v)", x.name, reject, *reject.RefTagID())
			continue
		}
		if !reflect.DeepEqual(got, x.want) {
			t.Errorf("%s: got %+v, want %+v", x.name, got, x.want)
		}
		if r := order.CheckRequest(got); r != nil {
			t.Errorf("%s: refused: %+v", x.name, r)
		}
	}
}

// Names of different fields, and of different sessions, are different names.
func TestNames(t *testing.T) {
	t.Parallel()
	ids := make(map[order.ID]bool)
	for _, n := range []name{{tag: tagClOrdID, text: "1"}, {tag: tagQuoteID, text: "1"}, {tag: tagClOrdID, text: "11"}} {
		ids[n.id(testSession)] = true
		ids[n.id(order.NewSessionID(7, []byte("another")))] = true
	}
	if len(ids) != 6 {
		t.Errorf("%d IDs of 6 names", len(ids))
	}
}
