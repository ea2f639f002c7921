package order

import (
	"errors"
	"fmt"
)

// Reasons for which a venue refused a request. Each comes in a [*RejectError],
// which has the venue's report. A request that was refused did nothing.
var (
	// ErrUnknownOrder means that there is no such order or quote, or that it is
	// somebody else's. An order of an earlier session takes a proof: [WithProof].
	ErrUnknownOrder = errors.New("no such order of this session: for an order of an earlier one, use WithProof")
	// ErrDuplicate means that the ID was used for another request.
	ErrDuplicate = errors.New("the ID was used for another request: let the library make it")
	// ErrThrottled means more messages per second than the session may send. Wait a
	// second; cancels are not counted.
	ErrThrottled = errors.New("more requests per second than the session may send: send fewer, and repeat this one")
	// ErrExceedsLimit means more open orders, or a larger one, than the session may
	// have.
	ErrExceedsLimit = errors.New("more than the session's budget allows: cancel something, or make it smaller")
	// ErrTooLate means that the order, or quote, is filled, cancelled or expired, or
	// that its time to live was over when it arrived.
	ErrTooLate = errors.New("too late: it is filled, cancelled or expired")
	// ErrUnknownSymbol means a symbol that is not traded here; see [State].
	ErrUnknownSymbol = errors.New("the venue does not trade this symbol: State has those that it does")
	// ErrHalted means that the operator has halted trading. Cancels go on.
	ErrHalted = errors.New("trading is halted by the operator: cancels go on, new orders when it is resumed")
	// ErrUnavailable means that the venue cannot record anything now. Nothing was
	// done; cancels go on.
	ErrUnavailable = errors.New("the venue cannot record anything now: nothing was done, try again in a moment")
	// ErrInvalid means a request that the venue could not accept at any time, as the
	// report says: a price that is no multiple of the tick, for example.
	ErrInvalid = errors.New("the request is not valid: the text says what was expected")
)

// Errors of a client's own side.
var (
	// ErrUnknownOutcome means that a context ended before the venue answered, or
	// that the session did. The request may have been done. It is not to be entered
	// again: while the client lives, it finds out by itself, see [Order.Wait].
	ErrUnknownOutcome = errors.New("the venue has not answered: the request may have been done, so do not send another; wait for it, or ask for its status")
	// ErrNotEntered means that an order was not answered in time, and that the venue,
	// asked after it, does not know it: it was not entered, and will not be.
	ErrNotEntered = errors.New("the order did not reach the venue in time, and was not entered late")
	// ErrClosed means that the client was closed.
	ErrClosed = errors.New("the order client is closed")
	// ErrSessionLost means that the session ended and that the caller's policy does
	// not resume it. What is open in it is cancelled when its grace ends, unless it
	// was to be kept. [Recover] finds it.
	ErrSessionLost = errors.New("the session is lost")
	// ErrConfig means a configuration that makes no sense.
	ErrConfig = errors.New("the order client's configuration is not acceptable")
	// ErrState means that the client's [State] knows nothing of IDs that were used
	// under a nullifier: another one would be used twice. Begin a fresh session.
	ErrState = errors.New("the session was used before, and the state does not know which IDs were: begin a fresh session")
	// ErrProtocol means that the venue sent what is out of place.
	ErrProtocol = errors.New("the venue does not keep to the protocol")
)

// Reasons for which a venue ended a session, or did not begin it. Each comes in a
// [*SessionError].
var (
	// ErrTakenOver means that the session was established on another connection.
	ErrTakenOver = errors.New("the session goes on elsewhere: another connection has taken it over")
	// ErrBanned means that the operator ended the session until its epoch ends.
	ErrBanned = errors.New("the operator has banned the session until its epoch ends")
	// ErrEnded means that the session's epoch is over.
	ErrEnded = errors.New("the session's epoch is over: begin another one")
	// ErrDraining means that the gateway is about to stop.
	ErrDraining = errors.New("the gateway is about to stop: connect again")
	// ErrSilent means that the client was silent for too long.
	ErrSilent = errors.New("nothing was heard for longer than agreed")
	// ErrSlow means that the client did not read its reports. They are kept.
	ErrSlow = errors.New("the reports were not read fast enough: they are kept, connect again")
	// ErrFinished means that the session ended in good order.
	ErrFinished = errors.New("the session is over in good order")
)

// RejectError is a request that the venue refused. It matches, with [errors.Is], one
// of the reasons such as [ErrThrottled].
type RejectError struct {
	// Report is the venue's: *ExecutionReport, *OrderCancelReject,
	// *QuoteStatusReport or *BusinessMessageReject.
	Report Report
	// Err is the reason.
	Err error
}

// Error says what was refused, why, and what to do.
func (e *RejectError) Error() string {
	text := "the venue refused the request: " + e.Err.Error()
	if t := rejectText(e.Report); t != "" {
		text += " (" + t + ")"
	}
	return text
}

// Unwrap returns the reason.
func (e *RejectError) Unwrap() error { return e.Err }

// SessionError is a session that the venue ended or did not begin. It matches, with
// [errors.Is], one of the reasons such as [ErrBanned].
type SessionError struct {
	Code RejectCode
	// Text is the venue's.
	Text string
}

// Error says why.
func (e *SessionError) Error() string {
	text := fmt.Sprintf("the venue ended the session: %v", e.Unwrap())
	if e.Text != "" {
		text += " (" + e.Text + ")"
	}
	return text
}

// Unwrap returns the reason.
func (e *SessionError) Unwrap() error {
	switch e.Code {
	case RejectMalformed:
		return ErrProtocol
	case RejectBanned:
		return ErrBanned
	case RejectTakenOver:
		return ErrTakenOver
	case RejectNotAvailable:
		return ErrUnavailable
	case RejectDraining:
		return ErrDraining
	case RejectSilent:
		return ErrSilent
	case RejectSlow:
		return ErrSlow
	case RejectFinished:
		return ErrFinished
	case RejectEnded:
		return ErrEnded
	}
	return ErrSessionLost
}

// passing reports whether another connection may find the venue ready.
func passing(err error) bool {
	var e *SessionError
	if !errors.As(err, &e) {
		return !errors.Is(err, ErrProtocol) && !errors.Is(err, ErrSessionLost) && !errors.Is(err, ErrState)
	}
	switch e.Code {
	case RejectNotAvailable, RejectDraining, RejectSilent, RejectSlow, RejectUnspecified:
		return true
	}
	return false
}

// refusal returns the error that a report is, or nil if it refuses nothing.
func refusal(r Report) error {
	var reason error
	switch r := r.(type) {
	case *ExecutionReport:
		if r.ExecType != ExecRejected {
			return nil
		}
		reason = orderReason(r.OrdRejReason)
	case *OrderCancelReject:
		reason = cancelReason(r.CxlRejReason)
	case *QuoteStatusReport:
		if r.QuoteStatus != QuoteRejected && r.QuoteRejectReason == 0 {
			return nil
		}
		reason = quoteReason(r.QuoteRejectReason)
	case *BusinessMessageReject:
		reason = businessReason(r.BusinessRejectReason)
	default:
		return nil
	}
	return &RejectError{Report: r, Err: reason}
}

func orderReason(r OrdRejReason) error {
	switch r {
	case RejBroker:
		return ErrUnavailable
	case RejUnknownSymbol:
		return ErrUnknownSymbol
	case RejExchangeClosed:
		return ErrHalted
	case RejExceedsLimit:
		return ErrExceedsLimit
	case RejTooLate:
		return ErrTooLate
	case RejUnknownOrder:
		return ErrUnknownOrder
	case RejDuplicate:
		return ErrDuplicate
	}
	return ErrInvalid
}

func cancelReason(r CxlRejReason) error {
	switch r {
	case CxlTooLate:
		return ErrTooLate
	case CxlUnknownOrder:
		return ErrUnknownOrder
	case CxlBroker:
		return ErrUnavailable
	case CxlDuplicate:
		return ErrDuplicate
	}
	return ErrInvalid
}

func quoteReason(r QuoteRejectReason) error {
	switch r {
	case QuoteUnknownSymbol:
		return ErrUnknownSymbol
	case QuoteExchangeClosed:
		return ErrHalted
	case QuoteExceedsLimit:
		return ErrExceedsLimit
	case QuoteTooLate:
		return ErrTooLate
	case QuoteUnknown:
		return ErrUnknownOrder
	case QuoteDuplicate:
		return ErrDuplicate
	}
	return ErrInvalid
}

func businessReason(r BusinessRejectReason) error {
	switch r {
	case BusinessUnknownID:
		return ErrUnknownOrder
	case BusinessNotAvailable:
		return ErrUnavailable
	case BusinessThrottled:
		return ErrThrottled
	}
	return ErrInvalid
}
