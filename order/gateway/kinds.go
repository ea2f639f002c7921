package gateway

import (
	"github.com/zkkex/zkkex/order"
)

// kind names a request's type, for metrics.
func kind(r order.Request) string {
	switch r.(type) {
	case *order.NewOrderSingle:
		return "NewOrderSingle"
	case *order.OrderCancelRequest:
		return "OrderCancelRequest"
	case *order.OrderCancelReplaceRequest:
		return "OrderCancelReplaceRequest"
	case *order.OrderStatusRequest:
		return "OrderStatusRequest"
	case *order.OrderMassStatusRequest:
		return "OrderMassStatusRequest"
	case *order.OrderMassCancelRequest:
		return "OrderMassCancelRequest"
	case *order.Quote:
		return "Quote"
	case *order.QuoteCancel:
		return "QuoteCancel"
	case *order.QuoteRequest:
		return "QuoteRequest"
	case *order.QuoteResponse:
		return "QuoteResponse"
	}
	return "unknown"
}

// opens reports whether a request can add to what is traded: what is refused while
// the venue is halted or cannot record.
func opens(r order.Request) bool {
	switch r.(type) {
	case *order.NewOrderSingle, *order.OrderCancelReplaceRequest, *order.Quote, *order.QuoteRequest, *order.QuoteResponse:
		return true
	}
	return false
}

// asks reports whether a request only asks. Questions are answered anew each time.
func asks(r order.Request) bool {
	switch r.(type) {
	case *order.OrderStatusRequest, *order.OrderMassStatusRequest:
		return true
	}
	return false
}
