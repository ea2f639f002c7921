package order

// kind is a message that can stand in a frame: its number in the oneof of
// order.proto that it belongs to, and its name.
type kind struct {
	number int
	name   string
	make   func() message
}

// Numbers of the fields of frames that are no session messages.
const (
	frameNumber  = 1
	frameMessage = 2
)

var requestKinds = []kind{
	{1, "NewOrderSingle", func() message { return new(NewOrderSingle) }},
	{2, "OrderCancelRequest", func() message { return new(OrderCancelRequest) }},
	{3, "OrderCancelReplaceRequest", func() message { return new(OrderCancelReplaceRequest) }},
	{4, "OrderStatusRequest", func() message { return new(OrderStatusRequest) }},
	{5, "OrderMassStatusRequest", func() message { return new(OrderMassStatusRequest) }},
	{6, "OrderMassCancelRequest", func() message { return new(OrderMassCancelRequest) }},
	{7, "Quote", func() message { return new(Quote) }},
	{8, "QuoteCancel", func() message { return new(QuoteCancel) }},
	{9, "QuoteRequest", func() message { return new(QuoteRequest) }},
	{10, "QuoteResponse", func() message { return new(QuoteResponse) }},
}

var reportKinds = []kind{
	{1, "ExecutionReport", func() message { return new(ExecutionReport) }},
	{2, "OrderCancelReject", func() message { return new(OrderCancelReject) }},
	{3, "OrderMassCancelReport", func() message { return new(OrderMassCancelReport) }},
	{4, "QuoteStatusReport", func() message { return new(QuoteStatusReport) }},
	{5, "QuoteRequestReport", func() message { return new(QuoteRequestReport) }},
	{6, "QuoteReport", func() message { return new(QuoteReport) }},
	{7, "BusinessMessageReject", func() message { return new(BusinessMessageReject) }},
}

// The session messages of clients and of venues, by field of ClientFrame and
// VenueFrame.
var clientKinds = []kind{
	{3, "Establish", func() message { return new(Establish) }},
	{4, "Sequence", func() message { return new(Sequence) }},
	{5, "RetransmitRequest", func() message { return new(RetransmitRequest) }},
	{6, "Terminate", func() message { return new(Terminate) }},
}

var venueKinds = []kind{
	{3, "EstablishmentAck", func() message { return new(EstablishmentAck) }},
	{4, "EstablishmentReject", func() message { return new(EstablishmentReject) }},
	{5, "Sequence", func() message { return new(Sequence) }},
	{6, "NotApplied", func() message { return new(NotApplied) }},
	{7, "Terminate", func() message { return new(Terminate) }},
}

// nameOf returns the name of a message that can stand in a frame; empty if v is
// none.
func nameOf(v any) string {
	switch v.(type) {
	case *NewOrderSingle:
		return "NewOrderSingle"
	case *OrderCancelRequest:
		return "OrderCancelRequest"
	case *OrderCancelReplaceRequest:
		return "OrderCancelReplaceRequest"
	case *OrderStatusRequest:
		return "OrderStatusRequest"
	case *OrderMassStatusRequest:
		return "OrderMassStatusRequest"
	case *OrderMassCancelRequest:
		return "OrderMassCancelRequest"
	case *Quote:
		return "Quote"
	case *QuoteCancel:
		return "QuoteCancel"
	case *QuoteRequest:
		return "QuoteRequest"
	case *QuoteResponse:
		return "QuoteResponse"
	case *ExecutionReport:
		return "ExecutionReport"
	case *OrderCancelReject:
		return "OrderCancelReject"
	case *OrderMassCancelReport:
		return "OrderMassCancelReport"
	case *QuoteStatusReport:
		return "QuoteStatusReport"
	case *QuoteRequestReport:
		return "QuoteRequestReport"
	case *QuoteReport:
		return "QuoteReport"
	case *BusinessMessageReject:
		return "BusinessMessageReject"
	case *Establish:
		return "Establish"
	case *EstablishmentAck:
		return "EstablishmentAck"
	case *EstablishmentReject:
		return "EstablishmentReject"
	case *Sequence:
		return "Sequence"
	case *NotApplied:
		return "NotApplied"
	case *RetransmitRequest:
		return "RetransmitRequest"
	case *Terminate:
		return "Terminate"
	}
	return ""
}

// kindOf returns the kind of v among kinds, or false. A nil v has none.
func kindOf(kinds []kind, v any) (kind, bool) {
	name := nameOf(v)
	for _, k := range kinds {
		if k.name == name {
			return k, true
		}
	}
	return kind{}, false
}
