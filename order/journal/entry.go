package journal

import (
	"fmt"
	"math"
)

// MaxNumber is the highest number of an event, a request or a report: what a
// signed 64-bit integer holds, and one below, so that it has a next.
const MaxNumber = math.MaxInt64 - 1

// CheckEntries returns an error wrapping [ErrEntry] if a store must refuse the
// entries, whatever it holds. Stores call it before anything else.
func CheckEntries(entries []Entry) error {
	for i := range entries {
		if err := entries[i].check(); err != nil {
			return fmt.Errorf("%w: number %d of %d: %w", ErrEntry, i+1, len(entries), err)
		}
	}
	return nil
}

func (e *Entry) check() error {
	if len(e.Report) > MaxReport {
		return fmt.Errorf("its report has %d bytes, expected at most %d", len(e.Report), MaxReport)
	}
	if e.Session.IsZero() && (len(e.Report) > 0 || e.Request != nil || e.SeqNo > 0) {
		return fmt.Errorf("it has a report, a request or a number, and no session")
	}
	if e.Event > MaxNumber || e.SeqNo > MaxNumber {
		return fmt.Errorf("event %d or request number %d is above %d", e.Event, e.SeqNo, uint64(MaxNumber))
	}
	if e.Request != nil && e.Request.ID.IsZero() {
		return fmt.Errorf("its request has no ID")
	}
	if o := e.Order; o != nil && (o.ID.IsZero() || o.Session.IsZero() || o.ClOrdID.IsZero()) {
		return fmt.Errorf("its order has no OrderID, no session or no ClOrdID")
	}
	return nil
}

// NextEvents returns, for entries and the number of the last event that was
// recorded, which entries are left out because of it, and the number of the last
// event after them. Its error wraps [ErrGap]. Stores that use it differ in nothing
// here.
func NextEvents(entries []Entry, cursor uint64) (recorded []bool, last uint64, err error) {
	last = cursor
	for i := range entries {
		switch n := entries[i].Event; {
		case n == 0:
		case n <= cursor:
			if recorded == nil {
				recorded = make([]bool, len(entries))
			}
			recorded[i] = true
		case n == last+1:
			last = n
		case n != last:
			return nil, 0, fmt.Errorf("%w: event %d comes after %d", ErrGap, n, last)
		}
	}
	return recorded, last, nil
}

// MaxPage is the most bytes of reports that [Store.Reports] returns at once, if
// there is more than one.
const MaxPage = 1 << 20
