package order

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// DefaultGap is how many IDs in a row the venue does not know when an enumeration
// ends: several times what a client reserves at a time, and may leave out.
const DefaultGap = 4096

// Recovery says what [Recover] looks for.
type Recovery struct {
	// Nullifiers are those of the sessions to look in. Each was the member's; the
	// venue learns that all of them are one member's, and the client's session with
	// them. Who does not want that recovers each with a client of its own.
	Nullifiers [][32]byte
	// Gap is how many IDs in a row the venue does not know when there are no more
	// under a nullifier; 0 is [DefaultGap]. It must be more than what a client may
	// have left out, and than the orders in a row that the venue has forgotten.
	Gap uint64
	// Cancel cancels what is open.
	Cancel bool
}

// Found is an order or a quote that was found.
type Found struct {
	// Nullifier and N are what its ID was made of.
	Nullifier [32]byte
	N         uint64
	// Report is its state: an *ExecutionReport, or a *QuoteStatusReport.
	Report Report
	// Canceled says that it was open and that the venue has cancelled it. Err is why
	// it could not be; it wraps [ErrTooLate] if it was filled meanwhile.
	Canceled bool
	Err      error
}

// Open reports whether it could still trade when it was found.
func (f *Found) Open() bool {
	switch r := f.Report.(type) {
	case *ExecutionReport:
		return r.OrdStatus.Open()
	case *QuoteStatusReport:
		return r.QuoteStatus == QuoteAccepted
	}
	return false
}

// Recover finds what a member entered in earlier sessions, after everything but the
// order secret and the nullifiers was lost: it asks the venue for the order of each
// ID that may have been used, with a proof. The client is best one that is used for
// nothing else, since the venue learns that its session and the others are one
// member's. What is found of orders that have closed depends on how long the venue
// keeps them.
//
// It returns what it has found so far with an error of ctx or of the client.
func Recover(ctx context.Context, c *Client, r Recovery) ([]*Found, error) {
	if r.Gap == 0 {
		r.Gap = DefaultGap
	}
	var all []*Found
	for _, nullifier := range r.Nullifiers {
		found, err := c.enumerate(ctx, nullifier, r.Gap)
		if err == nil && r.Cancel {
			err = c.cancelFound(ctx, found)
		}
		all = append(all, found...)
		if err != nil {
			return all, fmt.Errorf("recovering orders: %w", err)
		}
	}
	return all, nil
}

// askedTogether is how many questions are under way at a time.
const askedTogether = 64

// enumerate asks for the orders of one nullifier.
func (c *Client) enumerate(ctx context.Context, nullifier [32]byte, gap uint64) (found []*Found, err error) {
	unknown := uint64(0)
	for n := uint64(0); unknown < gap; n += askedTogether {
		calls := make([]*call, askedTogether)
		for i := range calls {
			id := c.config.Secret.ID(nullifier, n+uint64(i))
			if calls[i], err = c.question(ctx, id); err != nil {
				return found, err
			}
		}
		for i, k := range calls {
			r, err := c.answered(ctx, k)
			switch {
			case errors.Is(err, ErrUnknownOrder):
				unknown++
			case err != nil:
				return found, err
			default:
				unknown = 0
				found = append(found, &Found{Nullifier: nullifier, N: n + uint64(i), Report: r})
			}
		}
	}
	return found, nil
}

// question asks for one order.
func (c *Client) question(ctx context.Context, id ID) (*call, error) {
	r := &OrderStatusRequest{ID: randomID(), ClOrdID: id}
	k := &call{id: r.ID, request: r, prove: true, done: make(chan struct{})}
	return k, c.submit(ctx, k, false)
}

// answered waits for the answer to a question, and asks it again if the venue is
// not to be asked so quickly, or cannot tell now.
func (c *Client) answered(ctx context.Context, k *call) (Report, error) {
	for {
		r, err := k.wait(ctx)
		if !errors.Is(err, ErrThrottled) && !errors.Is(err, ErrUnavailable) {
			return r, err
		}
		if err := sleep(ctx, askAgain/4); err != nil {
			return nil, err
		}
		if k, err = c.question(ctx, k.request.(*OrderStatusRequest).ClOrdID); err != nil {
			return nil, err
		}
	}
}

// cancelFound cancels what is open of what was found.
func (c *Client) cancelFound(ctx context.Context, found []*Found) error {
	for _, f := range found {
		if !f.Open() {
			continue
		}
		if err := c.cancelOne(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) cancelOne(ctx context.Context, f *Found) error {
	for {
		switch r := f.Report.(type) {
		case *ExecutionReport:
			_, f.Err = c.Cancel(ctx, r.ClOrdID, WithProof())
		case *QuoteStatusReport:
			_, f.Err = c.CancelQuote(ctx, r.ID, WithProof())
		}
		f.Canceled = f.Err == nil
		var reject *RejectError
		switch {
		case f.Err == nil || errors.Is(f.Err, ErrTooLate):
			return nil
		case errors.Is(f.Err, ErrThrottled) || errors.Is(f.Err, ErrUnavailable):
			if err := sleep(ctx, time.Second/4); err != nil {
				return err
			}
		case errors.As(f.Err, &reject):
			return nil
		default:
			return f.Err
		}
	}
}
