package fixedge

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quickfixgo/quickfix"
	"github.com/quickfixgo/quickfix/datadictionary"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/journal"
)

// A request for quote goes to who asked for such in its Logon, and its quote to who
// asked; the trade is reported to both.
func TestQuotes(t *testing.T) {
	t.Parallel()
	v := newVenue(t, newBook(t), journal.NewMemory(), nil)
	dealer, asker := newClient(t, unique(t, "dealer")), newClient(t, unique(t, "asker"))
	dealer.quotes = true
	dealer.strict, asker.strict = true, true
	dealer.start(v.address)
	asker.start(v.address)
	dealer.loggedOn(1)
	asker.loggedOn(1)

	asker.send(kindQuoteRequest, field{tagQuoteReqID, "r 1"}, field{tagNoRelatedSym, "1"}, field{tagSymbol, "BTC-USD"}, field{tagOrderQty, "2"})
	asker.next(kindQuoteStatusReport, field{tagQuoteReqID, "r 1"}, field{tagQuoteStatus, "0"})
	heard := dealer.next(kindQuoteRequest, field{tagSymbol, "BTC-USD"}, field{tagOrderQty, "2"}, field{tagNoRelatedSym, "1"})
	at := time.Now()
	dealer.send(kindQuote, field{tagQuoteID, "q 1"}, field{tagQuoteReqID, heard.get(tagQuoteReqID)}, field{tagSymbol, "BTC-USD"},
		field{tagBidPx, "99"}, field{tagBidSize, "2"}, field{tagOfferPx, "101"}, field{tagOfferSize, "2"},
		field{tagTransactTime, timeText(at)}, field{tagValidUntilTime, timeText(at.Add(time.Minute))})
	dealer.next(kindQuoteStatusReport, field{tagQuoteID, "q 1"}, field{tagQuoteStatus, "0"})
	quote := asker.next(kindQuote, field{tagQuoteReqID, "r 1"}, field{tagOfferPx, "101"}, field{tagOfferSize, "2"}, field{tagBidPx, "99"})
	asker.send(kindQuoteResponse, field{tagQuoteRespID, "p 1"}, field{tagQuoteID, quote.get(tagQuoteID)}, field{tagQuoteRespType, "1"},
		field{tagSymbol, "BTC-USD"}, field{tagSide, "1"}, field{tagOrderQty, "2"}, field{tagPrice, "101"})
	asker.next(kindQuoteStatusReport, field{tagQuoteRespID, "p 1"}, field{tagQuoteStatus, "0"})
	asker.next(kindExecutionReport, field{tagClOrdID, "p 1"}, field{tagExecType, "F"}, field{tagLastQty, "2"}, field{tagLastPx, "101"})
	dealer.next(kindExecutionReport, field{tagClOrdID, "q 1"}, field{tagExecType, "F"}, field{tagSide, "2"}, field{tagLastQty, "2"})

	dealer.send(kindQuote, field{tagQuoteID, "q 2"}, field{tagSymbol, "ETH-USD"}, field{tagBidPx, "10"}, field{tagBidSize, "1"})
	for {
		// What became of the private quote is told as well.
		dealer.wait("the quote", func() bool { return len(dealer.in) > dealer.read })
		if m := dealer.next(kindQuoteStatusReport); m.get(tagQuoteID) == "q 2" {
			break
		}
	}
	dealer.send(kindQuoteCancel, field{tagQuoteID, "q 2"}, field{tagQuoteCancelType, "5"})
	dealer.wait("the cancel's answer", func() bool { return len(dealer.in) > dealer.read })
}

// Every report becomes a message that the dictionary of FIX 4.4 takes, whatever
// values it has.
func TestReportsKeepToTheDictionary(t *testing.T) {
	t.Parallel()
	dict, err := datadictionary.Parse(dictionary())
	if err != nil {
		t.Fatal(err)
	}
	valid := quickfix.NewValidator(quickfix.ValidatorSettings{CheckFieldsOutOfOrder: false, RejectInvalidMessage: true}, dict, nil)
	names := newNames(testSession)
	for _, m := range []*message{
		{kind: kindNewOrderSingle, fields: []field{{tagClOrdID, "a"}}},
		{kind: kindQuote, fields: []field{{tagQuoteID, "q"}}},
		{kind: kindQuoteRequest, fields: []field{{tagQuoteReqID, "r"}}},
		{kind: kindQuoteResponse, fields: []field{{tagQuoteRespID, "p"}}},
		{kind: kindOrderMassStatus, fields: []field{{tagMassStatusReqID, "m"}}},
	} {
		names.add(m)
	}
	id := func(tag quickfix.Tag, text string) order.ID { return name{tag: tag, text: text}.id(testSession) }
	a, q, r, p := id(tagClOrdID, "a"), id(tagQuoteID, "q"), id(tagQuoteReqID, "r"), id(tagQuoteRespID, "p")
	at, one := time.Unix(1_700_000_000, 0), dec(t, "1")
	level := []order.QuoteLevel{{Price: one, Size: one}}
	w := writer{session: testSession, names: names}
	for i, report := range []order.Report{
		&order.ExecutionReport{ClOrdID: a, ExecType: order.ExecRejected, OrdStatus: order.StatusRejected, Side: order.Buy, OrdRejReason: order.RejInvalidPriceIncrement, Text: "a\x01b\nc"},
		&order.ExecutionReport{ClOrdID: a, OrigClOrdID: order.ID{1}, ExecID: order.OrderID{1}, OrderID: order.OrderID{2}, ExecType: order.ExecTrade,
			OrdStatus: order.StatusFilled, Side: order.Sell, OrdType: order.Limit, LastPx: one, LastQty: one, TransactTime: at, ExpireTime: at, Symbol: "X"},
		&order.ExecutionReport{ExecType: order.ExecStatus, OrdStatus: order.StatusExpired, Side: order.Buy, StatusReqID: id(tagMassStatusReqID, "m"), LastRptRequested: true},
		&order.OrderCancelReject{ClOrdID: a, OrigClOrdID: order.ID{1}, CxlRejResponseTo: order.ToReplace, CxlRejReason: order.CxlInvalidPriceIncrement},
		&order.OrderMassCancelReport{ClOrdID: a, Symbol: "X", TotalAffectedOrders: 3},
		&order.QuoteStatusReport{ID: q, QuoteID: order.OrderID{1}, QuoteStatus: order.QuoteCanceled, ExpireTime: at},
		&order.QuoteStatusReport{ID: r, QuoteStatus: order.QuoteRejected, QuoteRejectReason: order.QuoteInvalidSpread, Text: "crossed"},
		&order.QuoteStatusReport{ID: p, QuoteStatus: order.QuoteExpired},
		&order.QuoteRequestReport{QuoteReqID: order.OrderID{1}, Symbol: "X", OrderQty: one, Side: order.Buy, ExpireTime: at},
		&order.QuoteReport{QuoteReqID: r, QuoteID: order.OrderID{1}, Symbol: "X", Bids: level, Offers: level, ExpireTime: at},
		&order.BusinessMessageReject{BusinessRejectRefID: q, BusinessRejectReason: order.BusinessThrottled, Text: "slow down"},
		&order.BusinessMessageReject{BusinessRejectReason: order.BusinessIncorrectValue},
	} {
		m, err := w.message(report)
		if err != nil {
			t.Fatal(err)
		}
		for tag, value := range map[quickfix.Tag]string{
			tagBeginString: quickfix.BeginStringFIX44, tagSenderCompID: "V", tagTargetCompID: "T", tagMsgSeqNum: strconv.Itoa(i + 1), tagSendingTime: now(),
		} {
			m.Header.SetString(tag, value)
		}
		parsed := parsedByQuickfix(t, m)
		if err := valid.Validate(parsed); err != nil {
			tag := 0
			if err.RefTagID() != nil {
				tag = int(*err.RefTagID())
			}
			t.Errorf("%T: %v (tag %d): %q", report, err, tag, strings.ReplaceAll(m.String(), "\x01", "|"))
		}
	}
}
