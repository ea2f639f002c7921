package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/zkkex/zkkex/order"
)

// saidError is an error in other words: for who uses the command, not the library.
type saidError struct {
	text string
	err  error
}

func (e *saidError) Error() string { return e.text }
func (e *saidError) Unwrap() error { return e.err }

// plainOrder returns a refusal in words that fit the command.
func plainOrder(c *order.Client, err error) error {
	var no *order.RejectError
	if !errors.As(err, &no) {
		return err
	}
	var instead string
	switch {
	case errors.Is(no, order.ErrUnknownSymbol):
		instead = "the venue does not trade this symbol: it trades " + strings.Join(openedOf(c).Symbols, ", ")
	case errors.Is(no, order.ErrUnknownOrder):
		instead = "the venue knows no such order of yours"
	case errors.Is(no, order.ErrInvalid):
		instead = strings.TrimSuffix(strings.ReplaceAll(no.Error(), order.ErrInvalid.Error()+" (", ""), ")")
	default:
		return err
	}
	return &saidError{strings.Replace(err.Error(), no.Error(), instead, 1), err}
}

// traded returns an error if the venue does not trade a symbol.
func traded(c *order.Client, symbol string) error {
	symbols := openedOf(c).Symbols
	for _, s := range symbols {
		if s == symbol {
			return nil
		}
	}
	return &saidError{fmt.Sprintf("the venue does not trade %s: it trades %s", symbol, strings.Join(symbols, ", ")), order.ErrUnknownSymbol}
}

// unanswered returns the error of a job that took longer than --wait.
func unanswered(c *order.Client, j orderJob, wait time.Duration, err error) error {
	text := fmt.Sprintf("no answer within --wait %v", wait)
	if !c.State().Connected {
		text += ": there is no connection to the venue now, and it is tried again and again"
	}
	switch j.Do {
	case doOrderState, doOpenOrders:
		return withHint(&saidError{text, context.DeadlineExceeded}, "ask again, or give it a longer --wait")
	case doCancel, doCancelAll:
		return withHint(&saidError{text + "; what was to be cancelled may be open, or not", err}, "zkkex order status tells; a cancel can be repeated")
	}
	if id, _, found := strings.Cut(err.Error(), ": "); found && strings.HasPrefix(id, "order ") {
		text = id + ": " + text
	}
	return &saidError{text + "; it may have been done", err}
}
