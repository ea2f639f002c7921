package pebblejournal

import (
	"context"
	"fmt"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
)

// requestName names a request of a session.
type requestName struct {
	session order.SessionID
	id      order.ID
}

// appending is one call of Append.
type appending struct {
	*update
	db      *database
	done    map[requestName]journal.Request
	numbers []uint64
	skipped int
}

// Append implements [journal.Store]. Calls at once share a sync.
func (j *Journal) Append(ctx context.Context, entries []journal.Entry) ([]uint64, int, error) {
	if err := journal.CheckEntries(entries); err != nil {
		return nil, 0, err
	}
	orders, err := encodeOrders(entries)
	if err != nil {
		return nil, 0, err
	}
	a := new(appending)
	err = j.update(ctx, func(db *database, u *update) error {
		*a = appending{
			update: u, db: db, done: make(map[requestName]journal.Request), numbers: make([]uint64, len(entries)),
		}
		return a.entries(entries, orders)
	})
	if err != nil {
		return nil, 0, err
	}
	return a.numbers, a.skipped, nil
}

// encodeOrders returns the values of the entries' orders.
func encodeOrders(entries []journal.Entry) ([][]byte, error) {
	out := make([][]byte, len(entries))
	var all []byte
	for i := range entries {
		if entries[i].Order == nil {
			continue
		}
		start := len(all)
		var err error
		if all, err = journal.AppendOrder(append(all, version), entries[i].Order); err != nil {
			return nil, fmt.Errorf("%w: %w", journal.ErrEntry, err)
		}
		out[i] = all[start:len(all):len(all)]
	}
	return out, nil
}

func (a *appending) entries(entries []journal.Entry, orders [][]byte) error {
	recorded, last, err := journal.NextEvents(entries, a.db.cursor)
	if err != nil {
		return err
	}
	for i := range entries {
		if recorded != nil && recorded[i] {
			a.skipped++
			continue
		}
		if err := a.entry(i, &entries[i], orders[i]); err != nil {
			return err
		}
	}
	if last != a.db.cursor {
		a.set(cursorKey, appendNumber(last))
		a.apply = append(a.apply, func() { a.db.cursor = last })
	}
	return nil
}

func (a *appending) entry(i int, e *journal.Entry, encoded []byte) error {
	var before journal.Request
	if e.Request != nil {
		var err error
		if before, err = a.request(e.Session, e.Request.ID); err != nil {
			return err
		}
		if e.Event == 0 && !before.ID.IsZero() {
			a.skipped++
			return nil
		}
	}
	if !e.Session.IsZero() {
		s := a.session(e.Session)
		if len(e.Report) > 0 {
			s.LastReport++
			a.numbers[i] = s.LastReport
			a.set(numberKey(spaceReports, e.Session, s.LastReport), wrap(e.Report...))
		}
		if e.SeqNo >= s.NextSeqNo {
			s.NextSeqNo = e.SeqNo + 1
		}
	}
	if e.Request != nil {
		a.mark(e, before, a.numbers[i])
	}
	if e.Order != nil {
		return a.keep(e.Order, encoded)
	}
	return nil
}

// request returns a request that was done, or one without ID.
func (a *appending) request(s order.SessionID, id order.ID) (journal.Request, error) {
	name := requestName{s, id}
	if r, ok := a.done[name]; ok {
		return r, nil
	}
	value, err := a.db.get(requestKey(s, id))
	if err != nil || value == nil {
		return journal.Request{}, err
	}
	return parseRequest(id, value)
}

// mark marks a request as done, or completes one that was.
func (a *appending) mark(e *journal.Entry, before journal.Request, number uint64) {
	switch {
	case before.ID.IsZero():
		before = journal.Request{ID: e.Request.ID, Digest: e.Request.Digest, Report: number}
	case before.Digest == [32]byte{} && e.Request.Digest != [32]byte{}:
		before.Digest = e.Request.Digest
	default:
		return
	}
	a.done[requestName{e.Session, before.ID}] = before
	a.set(requestKey(e.Session, before.ID), appendRequest(before))
}

// keep replaces what is held of an order.
func (a *appending) keep(o *engine.Order, encoded []byte) error {
	c := a.order(o.ID)
	if c.open && c.session != o.Session {
		return fmt.Errorf("%w: order %v is held as another session's", journal.ErrEntry, o.ID)
	}
	s := a.session(o.Session)
	a.set(orderKey(spaceOrders, o.Session, o.ID), encoded)
	if c.open && c.name != o.ClOrdID {
		a.delete(nameKey(o.Session, c.name, o.ID))
	}
	if !c.open || c.name != o.ClOrdID {
		a.set(nameKey(o.Session, o.ClOrdID, o.ID), wrap())
	}
	switch {
	case o.Open && !c.open:
		s.open++
		a.set(orderKey(spaceOpen, o.Session, o.ID), wrap())
	case !o.Open && c.open:
		s.open--
		a.delete(orderKey(spaceOpen, o.Session, o.ID))
	}
	*c = orderChange{openOrder{o.Session, o.ClOrdID}, o.Open}
	return nil
}
