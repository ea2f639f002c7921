package fixedge

import (
	"testing"

	"github.com/zkkex/zkkex/order/journal"
)

func TestTrade(t *testing.T) {
	t.Parallel()
	v := newVenue(t, newBook(t), journal.NewMemory(), nil)
	maker, taker := newClient(t, unique(t, "maker")), newClient(t, unique(t, "taker"))
	maker.strict, taker.strict = true, true
	maker.start(v.address)
	taker.start(v.address)
	maker.loggedOn(1)
	taker.loggedOn(1)

	maker.order("m 1", "2", "2.50", "101.250")
	ack := maker.next(kindExecutionReport,
		field{tagClOrdID, "m 1"}, field{tagExecType, "0"}, field{tagOrdStatus, "0"}, field{tagOrderQty, "2.5"},
		field{tagPrice, "101.25"}, field{tagLeavesQty, "2.5"}, field{tagCumQty, "0"}, field{tagTimeInForce, "6"})
	taker.order("t 1", "1", "1", "101.3", field{tagTimeInForce, "3"})
	taker.next(kindExecutionReport, field{tagExecType, "0"}, field{tagClOrdID, "t 1"})
	taker.next(kindExecutionReport, field{tagExecType, "F"}, field{tagOrdStatus, "2"}, field{tagLastQty, "1"}, field{tagLastPx, "101.25"})
	maker.next(kindExecutionReport, field{tagClOrdID, "m 1"}, field{tagExecType, "F"}, field{tagOrdStatus, "1"},
		field{tagOrderID, ack.get(tagOrderID)}, field{tagLastQty, "1"}, field{tagLeavesQty, "1.5"}, field{tagCumQty, "1"})

	maker.send(kindOrderCancelReplace, field{tagClOrdID, "m 2"}, field{tagOrigClOrdID, "m 1"}, field{tagTransactTime, now()},
		field{tagOrderQty, "2"}, field{tagPrice, "102"})
	maker.next(kindExecutionReport, field{tagExecType, "5"}, field{tagClOrdID, "m 2"}, field{tagOrigClOrdID, "m 1"},
		field{tagOrderQty, "2"}, field{tagLeavesQty, "1"}, field{tagPrice, "102"})
	maker.send(kindOrderStatusRequest, field{tagClOrdID, "m 2"}, field{tagOrdStatusReqID, "s 1"})
	maker.next(kindExecutionReport, field{tagExecType, "I"}, field{tagClOrdID, "m 2"}, field{tagOrdStatusReqID, "s 1"})
	maker.send(kindOrderStatusRequest, field{tagClOrdID, "m 2"})
	maker.next(kindExecutionReport, field{tagExecType, "I"}, field{tagOrdStatusReqID, ""})
	maker.send(kindOrderMassStatus, field{tagMassStatusReqID, "s 2"}, field{tagMassStatusReqType, "7"})
	maker.next(kindExecutionReport, field{tagExecType, "I"}, field{tagMassStatusReqID, "s 2"}, field{tagLastRptRequested, "Y"})

	maker.send(kindOrderCancelRequest, field{tagClOrdID, "c 1"}, field{tagOrigClOrdID, "none"}, field{tagTransactTime, now()})
	maker.next(kindOrderCancelReject, field{tagClOrdID, "c 1"}, field{tagOrigClOrdID, "none"}, field{tagOrderID, none},
		field{tagCxlRejReason, "1"}, field{tagCxlRejResponseTo, "1"}, field{tagOrdStatus, "8"})
	maker.send(kindOrderCancelRequest, field{tagClOrdID, "c 2"}, field{tagOrigClOrdID, "m 2"}, field{tagTransactTime, now()})
	maker.next(kindExecutionReport, field{tagExecType, "4"}, field{tagClOrdID, "c 2"}, field{tagOrigClOrdID, "m 2"}, field{tagLeavesQty, "0"})

	maker.order("m 3", "1", "1", "90")
	maker.next(kindExecutionReport, field{tagExecType, "0"})
	maker.send(kindOrderMassCancel, field{tagClOrdID, "q 1"}, field{tagMassCancelRequest, "7"}, field{tagTransactTime, now()})
	maker.next(kindExecutionReport, field{tagExecType, "4"}, field{tagClOrdID, "m 3"})
	maker.next(kindOrderMassCancelReport, field{tagClOrdID, "q 1"}, field{tagMassCancelResponse, "7"}, field{tagTotalAffectedOrders, "1"})

	maker.order("m 4", "1", "0.001", "90")
	maker.next(kindExecutionReport, field{tagExecType, "8"}, field{tagOrdStatus, "8"}, field{tagOrdRejReason, "13"}, field{tagClOrdID, "m 4"})
	maker.logOut()
	taker.logOut()
}
