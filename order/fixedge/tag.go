package fixedge

import "github.com/quickfixgo/quickfix"

// Tags, by the names that FIX has for them.
const (
	tagAvgPx                quickfix.Tag = 6
	tagBeginString          quickfix.Tag = 8
	tagBodyLength           quickfix.Tag = 9
	tagCheckSum             quickfix.Tag = 10
	tagClOrdID              quickfix.Tag = 11
	tagCumQty               quickfix.Tag = 14
	tagExecID               quickfix.Tag = 17
	tagExecInst             quickfix.Tag = 18
	tagHandlInst            quickfix.Tag = 21
	tagLastPx               quickfix.Tag = 31
	tagLastQty              quickfix.Tag = 32
	tagMsgSeqNum            quickfix.Tag = 34
	tagMsgType              quickfix.Tag = 35
	tagOrderID              quickfix.Tag = 37
	tagOrderQty             quickfix.Tag = 38
	tagOrdStatus            quickfix.Tag = 39
	tagOrdType              quickfix.Tag = 40
	tagOrigClOrdID          quickfix.Tag = 41
	tagPossDupFlag          quickfix.Tag = 43
	tagPrice                quickfix.Tag = 44
	tagRefSeqNum            quickfix.Tag = 45
	tagSenderCompID         quickfix.Tag = 49
	tagSenderSubID          quickfix.Tag = 50
	tagSendingTime          quickfix.Tag = 52
	tagSide                 quickfix.Tag = 54
	tagSymbol               quickfix.Tag = 55
	tagTargetCompID         quickfix.Tag = 56
	tagTargetSubID          quickfix.Tag = 57
	tagText                 quickfix.Tag = 58
	tagTimeInForce          quickfix.Tag = 59
	tagTransactTime         quickfix.Tag = 60
	tagValidUntilTime       quickfix.Tag = 62
	tagPossResend           quickfix.Tag = 97
	tagEncryptMethod        quickfix.Tag = 98
	tagCxlRejReason         quickfix.Tag = 102
	tagOrdRejReason         quickfix.Tag = 103
	tagHeartBtInt           quickfix.Tag = 108
	tagQuoteID              quickfix.Tag = 117
	tagOrigSendingTime      quickfix.Tag = 122
	tagExpireTime           quickfix.Tag = 126
	tagQuoteReqID           quickfix.Tag = 131
	tagBidPx                quickfix.Tag = 132
	tagOfferPx              quickfix.Tag = 133
	tagBidSize              quickfix.Tag = 134
	tagOfferSize            quickfix.Tag = 135
	tagResetSeqNumFlag      quickfix.Tag = 141
	tagNoRelatedSym         quickfix.Tag = 146
	tagExecType             quickfix.Tag = 150
	tagLeavesQty            quickfix.Tag = 151
	tagQuoteStatus          quickfix.Tag = 297
	tagQuoteCancelType      quickfix.Tag = 298
	tagRefMsgType           quickfix.Tag = 372
	tagBusinessRejectRefID  quickfix.Tag = 379
	tagBusinessRejectReason quickfix.Tag = 380
	tagMaxMessageSize       quickfix.Tag = 383
	tagNoMsgTypes           quickfix.Tag = 384
	tagMsgDirection         quickfix.Tag = 385
	tagCxlRejResponseTo     quickfix.Tag = 434
	tagMassCancelRequest    quickfix.Tag = 530
	tagMassCancelResponse   quickfix.Tag = 531
	tagTotalAffectedOrders  quickfix.Tag = 533
	tagQuoteType            quickfix.Tag = 537
	tagUsername             quickfix.Tag = 553
	tagPassword             quickfix.Tag = 554
	tagMassStatusReqID      quickfix.Tag = 584
	tagMassStatusReqType    quickfix.Tag = 585
	tagQuoteRespID          quickfix.Tag = 693
	tagQuoteRespType        quickfix.Tag = 694
	tagOrdStatusReqID       quickfix.Tag = 790
	tagLastRptRequested     quickfix.Tag = 912
)

// Types of messages.
const (
	kindReject                = "3"
	kindLogout                = "5"
	kindExecutionReport       = "8"
	kindOrderCancelReject     = "9"
	kindLogon                 = "A"
	kindNewOrderSingle        = "D"
	kindOrderCancelRequest    = "F"
	kindOrderCancelReplace    = "G"
	kindOrderStatusRequest    = "H"
	kindQuoteRequest          = "R"
	kindQuote                 = "S"
	kindQuoteCancel           = "Z"
	kindBusinessMessageReject = "j"
	kindOrderMassCancel       = "q"
	kindOrderMassCancelReport = "r"
	kindOrderMassStatus       = "AF"
	kindQuoteStatusReport     = "AI"
	kindQuoteResponse         = "AJ"
)
