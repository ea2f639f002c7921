package order

import (
	"context"
	"errors"
	"sync"
)

// Quote commits to trade on one side or both, until it expires or is replaced by the
// next one in the symbol. QuoteID and OwnerKey are the client's to make. It returns
// the venue's answer, with its QuoteID for the quote; the errors are those of
// [Client.Submit]. Trades against it come from [Client.Next], with the ID of the
// quote as ClOrdID.
func (c *Client) Quote(ctx context.Context, q Quote) (*QuoteStatusReport, error) {
	if err := c.name(ctx, &q.QuoteID, &q.OwnerKey); err != nil {
		return nil, err
	}
	return quoteStatus(c.do(ctx, &q, false, nil))
}

// CancelQuote withdraws a quote, by what the client calls it. It waits for no
// place, as [Client.Cancel].
func (c *Client) CancelQuote(ctx context.Context, id ID, options ...Option) (*QuoteStatusReport, error) {
	return quoteStatus(c.do(ctx, &QuoteCancel{ID: randomID(), QuoteID: id}, true, options))
}

// TakeQuote takes a quote that answered a request of this session: all of OrderQty,
// at Price or better, or nothing. QuoteRespID is the client's to make. It returns
// the report that completes the trade; if the quote's ladder made several, the
// others come from [Client.Next] like this one. The errors are those of
// [Client.Submit].
func (c *Client) TakeQuote(ctx context.Context, r QuoteResponse) (*ExecutionReport, error) {
	if err := c.name(ctx, &r.QuoteRespID, new([32]byte)); err != nil {
		return nil, err
	}
	return execution(c.do(ctx, &r, false, nil))
}

// maxQuotes is how many quotes of a request wait to be looked at: as many as a venue
// is likely to have of market makers, in one symbol at a time.
const maxQuotes = 1024

// ErrRequestOver means that a request for quote has expired, or was withdrawn.
var ErrRequestOver = errors.New("the request for quote is over")

// QuoteRequested is a request for quote that is open.
type QuoteRequested struct {
	client *Client
	id     ID

	mu     sync.Mutex
	quotes []*QuoteReport
	over   error
	ready  chan struct{}
}

// RequestQuote asks all who listen for quotes. They learn the symbol, the quantity
// and, if it is set, the side. QuoteReqID is the client's to make. The errors are
// those of [Client.Submit].
func (c *Client) RequestQuote(ctx context.Context, r QuoteRequest) (*QuoteRequested, error) {
	if err := c.name(ctx, &r.QuoteReqID, new([32]byte)); err != nil {
		return nil, err
	}
	q := &QuoteRequested{client: c, id: r.QuoteReqID, ready: make(chan struct{}, 1)}
	c.mu.Lock()
	c.book.requests[q.id] = q
	c.mu.Unlock()
	if _, err := quoteStatus(c.do(ctx, &r, false, nil)); err != nil && !errors.Is(err, ErrUnknownOutcome) {
		q.forget()
		return nil, err
	} else if err != nil {
		return q, err
	}
	return q, nil
}

// ID returns what the client calls the request.
func (q *QuoteRequested) ID() ID { return q.id }

// Next returns the next quote, and waits for it. The error wraps [ErrRequestOver] at
// the end, or is that of ctx or of the client.
func (q *QuoteRequested) Next(ctx context.Context) (*QuoteReport, error) {
	for {
		q.mu.Lock()
		if len(q.quotes) > 0 {
			r := q.quotes[0]
			q.quotes = q.quotes[1:]
			q.mu.Unlock()
			return r, nil
		}
		err := q.over
		q.mu.Unlock()
		if err != nil {
			return nil, err
		}
		select {
		case <-q.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-q.client.ended:
			return nil, q.client.Err()
		}
	}
}

// Close withdraws the request.
func (q *QuoteRequested) Close(ctx context.Context) error {
	q.forget()
	_, err := q.client.CancelQuote(ctx, q.id)
	if errors.Is(err, ErrTooLate) {
		return nil
	}
	return err
}

func (q *QuoteRequested) forget() {
	q.client.mu.Lock()
	delete(q.client.book.requests, q.id)
	q.client.mu.Unlock()
	q.put(nil, ErrRequestOver)
}

// put adds a quote, or says that there is none to come.
func (q *QuoteRequested) put(r *QuoteReport, over error) {
	q.mu.Lock()
	if r != nil && len(q.quotes) < maxQuotes {
		q.quotes = append(q.quotes, r)
	}
	if q.over == nil {
		q.over = over
	}
	q.mu.Unlock()
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// quoted tells requests for quote what came for them. c.mu is held.
func (c *Client) quoted(r Report) {
	if len(c.book.requests) == 0 {
		return
	}
	switch r := r.(type) {
	case *QuoteReport:
		if q := c.book.requests[r.QuoteReqID]; q != nil {
			q.put(r, nil)
		}
	case *QuoteStatusReport:
		if q := c.book.requests[r.ID]; q != nil && (r.QuoteStatus == QuoteExpired || r.QuoteStatus == QuoteCanceled) {
			delete(c.book.requests, r.ID)
			q.put(nil, ErrRequestOver)
		}
	}
}

func quoteStatus(r Report, err error) (*QuoteStatusReport, error) {
	s, ok := r.(*QuoteStatusReport)
	if !ok && err == nil {
		err = ErrProtocol
	}
	return s, err
}
