package pgjournal

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/zkkex/zkkex/internal/postgres"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/journal"
)

// Append implements [journal.Store]: two round trips to the server, whatever the
// number of entries.
func (s *Store) Append(ctx context.Context, entries []journal.Entry) (numbers []uint64, skipped int, err error) {
	if err := journal.CheckEntries(entries); err != nil {
		return nil, 0, err
	}
	a, err := newAppend(s, entries)
	if err != nil {
		return nil, 0, err
	}
	if err := s.take(ctx); err != nil {
		return nil, 0, err
	}
	defer func() { <-s.turn }()
	again := false
	err = s.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		a.again, again = again, true
		return a.record(ctx, conn)
	})
	if err != nil {
		return nil, 0, err
	}
	return a.numbers, a.skipped, nil
}

// take waits for the store's other Append to end.
func (s *Store) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// appending is one call of Append.
type appending struct {
	s       *Store
	entries []journal.Entry
	call    int64
	// again is set after an attempt of which it is not known whether it took place.
	again bool

	// ids are the sessions, in the order in which all lock them.
	ids    []order.SessionID
	asked  requestColumns // requests without an event: were they done before?
	events bool
	epochs map[uint64]bool

	// What the server said in this attempt.
	cursor   uint64
	sessions map[order.SessionID]*numbering
	done     map[requestKey]journal.Request

	// What is to be recorded.
	last     uint64
	reports  reportColumns
	requests requestColumns
	changed  map[requestKey]int // place in requests
	orders   orderColumns

	numbers []uint64
	skipped int
}

// numbering is what Append knows of a session.
type numbering struct {
	next, last uint64
	changed    bool
}

type requestKey struct {
	session order.SessionID
	id      order.ID
}

type orderKey struct {
	session order.SessionID
	id      order.OrderID
}

type reportColumns struct {
	epoch, number []int64
	session       [][16]byte
	report        [][]byte
}

type requestColumns struct {
	epoch, report []int64
	session, id   [][16]byte
	digest        [][]byte
}

func newAppend(s *Store, entries []journal.Entry) (*appending, error) {
	a := &appending{s: s, entries: entries, call: newCall(), epochs: make(map[uint64]bool)}
	sessions := make(map[order.SessionID]bool)
	for i := range entries {
		e := &entries[i]
		a.events = a.events || e.Event != 0
		if !e.Session.IsZero() {
			sessions[e.Session] = true
		}
		if e.Request != nil && e.Event == 0 {
			a.asked.add(e.Session, e.Request)
		}
		if e.Order != nil {
			sessions[e.Order.Session] = true
		}
	}
	for id := range sessions {
		if err := checkEpoch(id); err != nil {
			return nil, err
		}
		a.epochs[id.Epoch] = true
	}
	a.ids = slices.SortedFunc(maps.Keys(sessions), compareSessions)
	return a, nil
}

func compareSessions(a, b order.SessionID) int {
	return cmp.Or(cmp.Compare(a.Epoch, b.Epoch), bytes.Compare(a.ID[:], b.ID[:]))
}

func (c *requestColumns) add(s order.SessionID, r *journal.Request) {
	c.epoch, c.session = append(c.epoch, int64(s.Epoch)), append(c.session, s.ID)
	c.id, c.digest = append(c.id, r.ID), append(c.digest, r.Digest[:])
	c.report = append(c.report, int64(r.Report))
}

// record makes one attempt.
func (a *appending) record(ctx context.Context, conn *pgx.Conn) error {
	for {
		for epoch := range a.epochs {
			if err := a.s.ensure(ctx, conn, epoch); err != nil {
				return err
			}
		}
		err := a.transact(ctx, conn)
		if err != nil && conn.PgConn().TxStatus() != 'I' && !conn.IsClosed() {
			if _, rollback := conn.Exec(ctx, "rollback"); rollback != nil {
				return errors.Join(err, rollback)
			}
		}
		if postgres.Code(err) != postgres.NoPartition {
			return err
		}
		a.s.forget() // pruned by another gateway
	}
}

func (a *appending) transact(ctx context.Context, conn *pgx.Conn) error {
	for {
		known, err := a.look(ctx, conn)
		if err != nil {
			return err
		}
		if known {
			return a.finish(ctx, conn, new(pgx.Batch))
		}
		if len(a.sessions) == len(a.ids) {
			break
		}
		// Sessions that nobody attached: seldom, and locked in the next look.
		if err := a.makeSessions(ctx, conn); err != nil {
			return err
		}
	}
	if err := a.number(); err != nil {
		return err
	}
	return a.finish(ctx, conn, a.writes())
}

const (
	lastAppend   = "select numbers, skipped from zkkex_journal.append where handle = $1 and call = $2"
	lockCursor   = "select cursor from zkkex_journal.state for update"
	lockSessions = `
select s.epoch, s.id, s.next_seq_no, s.last_report
from zkkex_journal.session s join unnest($1::bigint[], $2::uuid[]) as a(epoch, id) on s.epoch = a.epoch and s.id = a.id
order by s.epoch, s.id for update of s`
	selectRequests = `
select r.epoch, r.session, r.id, r.digest, r.report
from zkkex_journal.request r join unnest($1::bigint[], $2::uuid[], $3::uuid[]) as a(epoch, session, id)
	on r.epoch = a.epoch and r.session = a.session and r.id = a.id`
)

// look begins the transaction, or goes on with it: it takes the locks, and reads
// what the numbers depend on. It reports whether this call was recorded by an
// earlier attempt.
func (a *appending) look(ctx context.Context, conn *pgx.Conn) (known bool, err error) {
	b := new(pgx.Batch)
	if conn.PgConn().TxStatus() == 'I' {
		b.Queue("begin")
		b.Queue(shareEpochs)
	}
	if a.again {
		b.Queue(lastAppend, a.s.handle, a.call).Query(func(rows pgx.Rows) (err error) {
			known, err = a.recall(rows)
			return err
		})
	}
	if a.events {
		b.Queue(lockCursor).QueryRow(func(row pgx.Row) error { return row.Scan((*signed)(&a.cursor)) })
	}
	epochs, ids := a.columns()
	a.sessions = make(map[order.SessionID]*numbering, len(a.ids))
	b.Queue(lockSessions, epochs, ids).Query(a.readSessions)
	a.done = make(map[requestKey]journal.Request)
	if len(a.asked.id) > 0 {
		b.Queue(selectRequests, a.asked.epoch, a.asked.session, a.asked.id).Query(a.readRequests)
	}
	return known, conn.SendBatch(ctx, b).Close()
}

// signed is a number that the server keeps as bigint.
type signed uint64

// Scan reads a number.
func (n *signed) Scan(src any) error {
	v, ok := src.(int64)
	if !ok {
		return fmt.Errorf("%w: a number is %T", ErrDamaged, src)
	}
	*n = signed(v)
	return nil
}

func (a *appending) columns() (epochs []int64, ids [][16]byte) {
	for _, id := range a.ids {
		epochs, ids = append(epochs, int64(id.Epoch)), append(ids, id.ID)
	}
	return epochs, ids
}

func (a *appending) readSessions(rows pgx.Rows) error {
	var epoch, next, last int64
	var id [16]byte
	_, err := pgx.ForEachRow(rows, []any{&epoch, &id, &next, &last}, func() error {
		a.sessions[order.SessionID{Epoch: uint64(epoch), ID: id}] = &numbering{next: uint64(next), last: uint64(last)}
		return nil
	})
	return err
}

func (a *appending) readRequests(rows pgx.Rows) error {
	return eachRequest(rows, func(session order.SessionID, r journal.Request) error {
		a.done[requestKey{session, r.ID}] = r
		return nil
	})
}

// recall reads what an earlier attempt recorded.
func (a *appending) recall(rows pgx.Rows) (known bool, err error) {
	var numbers []int64
	var skipped int
	_, err = pgx.ForEachRow(rows, []any{&numbers, &skipped}, func() error {
		if len(numbers) != len(a.entries) {
			return fmt.Errorf("%w: an append of %d numbers, expected %d", ErrDamaged, len(numbers), len(a.entries))
		}
		a.numbers = make([]uint64, len(numbers))
		for i, n := range numbers {
			a.numbers[i] = uint64(n)
		}
		a.skipped, known = skipped, true
		return nil
	})
	return known, err
}

func (a *appending) makeSessions(ctx context.Context, conn *pgx.Conn) error {
	epochs, ids := a.columns()
	_, err := conn.Exec(ctx, `insert into zkkex_journal.session (epoch, id)
		select epoch, id from unnest($1::bigint[], $2::uuid[]) as a(epoch, id) order by epoch, id on conflict do nothing`, epochs, ids)
	return err
}

// number decides what is recorded, and gives reports their numbers.
func (a *appending) number() error {
	recorded, last, err := journal.NextEvents(a.entries, a.cursor)
	if err != nil {
		return err
	}
	a.last = last
	a.numbers, a.skipped = make([]uint64, len(a.entries)), 0
	a.reports, a.requests, a.changed = reportColumns{}, requestColumns{}, make(map[requestKey]int)
	states := make(map[orderKey]*engine.Order)
	for i := range a.entries {
		e := &a.entries[i]
		if recorded != nil && recorded[i] || a.doneBefore(e) {
			a.skipped++
			continue
		}
		if !e.Session.IsZero() {
			a.numbers[i] = a.numberEntry(e)
		}
		if e.Order != nil {
			states[orderKey{e.Order.Session, e.Order.ID}] = e.Order
		}
	}
	return a.addOrders(states)
}

func (a *appending) doneBefore(e *journal.Entry) bool {
	if e.Event != 0 || e.Request == nil {
		return false
	}
	_, done := a.done[requestKey{e.Session, e.Request.ID}]
	return done
}

// numberEntry returns the number of an entry's report, or 0.
func (a *appending) numberEntry(e *journal.Entry) (number uint64) {
	s := a.sessions[e.Session]
	if len(e.Report) > 0 {
		s.last++
		s.changed = true
		number = s.last
		c := &a.reports
		c.epoch, c.session = append(c.epoch, int64(e.Session.Epoch)), append(c.session, e.Session.ID)
		c.number, c.report = append(c.number, int64(number)), append(c.report, e.Report)
	}
	if e.SeqNo >= s.next {
		s.next, s.changed = e.SeqNo+1, true
	}
	if e.Request != nil {
		a.addRequest(requestKey{e.Session, e.Request.ID}, e.Request.Digest, number)
	}
	return number
}

// addRequest marks a request as done. One that was done before stays as it is, but
// for a digest if it has none; so does the server with those that it was not asked
// about.
func (a *appending) addRequest(key requestKey, digest [32]byte, report uint64) {
	r, done := a.done[key]
	switch {
	case !done:
		r = journal.Request{ID: key.id, Digest: digest, Report: report}
	case r.Digest != [32]byte{} || digest == [32]byte{}:
		return
	default:
		r.Digest = digest
	}
	a.done[key] = r
	if place, ok := a.changed[key]; ok {
		a.requests.digest[place] = r.Digest[:]
		return
	}
	a.changed[key] = len(a.requests.id)
	a.requests.add(key.session, &r)
}

// addOrders takes the last state of each order, in the order in which all lock
// them.
func (a *appending) addOrders(states map[orderKey]*engine.Order) error {
	a.orders = orderColumns{}
	for _, key := range slices.SortedFunc(maps.Keys(states), compareOrders) {
		if err := a.orders.add(states[key]); err != nil {
			return fmt.Errorf("%w: order %v: %w", journal.ErrEntry, key.id, err)
		}
	}
	return nil
}

func compareOrders(a, b orderKey) int {
	return cmp.Or(compareSessions(a.session, b.session), bytes.Compare(a.id[:], b.id[:]))
}

// noDigest is the digest of a request that was not seen here.
const noDigest = "0000000000000000000000000000000000000000000000000000000000000000"

const (
	insertReports = `
insert into zkkex_journal.report (epoch, session, number, report)
select * from unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::bytea[])`
	upsertRequests = `
insert into zkkex_journal.request (epoch, session, id, digest, report)
select * from unnest($1::bigint[], $2::uuid[], $3::uuid[], $4::bytea[], $5::bigint[])
on conflict (epoch, session, id) do update set digest = excluded.digest where request.digest = '\x` + noDigest + `'`
	updateSessions = `
update zkkex_journal.session s set next_seq_no = a.next_seq_no, last_report = a.last_report
from unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::bigint[]) as a(epoch, id, next_seq_no, last_report)
where s.epoch = a.epoch and s.id = a.id`
	setCursor = "update zkkex_journal.state set cursor = $1"
	setAppend = `
insert into zkkex_journal.append values ($1, $2, $3, $4, now())
on conflict (handle) do update set call = excluded.call, numbers = excluded.numbers, skipped = excluded.skipped, at = excluded.at`
)

// writes is everything that there is to record.
func (a *appending) writes() *pgx.Batch {
	b := new(pgx.Batch)
	if a.skipped == len(a.entries) {
		return b
	}
	if c := &a.reports; len(c.number) > 0 {
		b.Queue(insertReports, c.epoch, c.session, c.number, c.report)
	}
	if c := &a.requests; len(c.id) > 0 {
		b.Queue(upsertRequests, c.epoch, c.session, c.id, c.digest, c.report)
	}
	if len(a.orders.id) > 0 {
		b.Queue(upsertOrders, a.orders.args()...)
	}
	a.queueSessions(b)
	if a.last > a.cursor {
		b.Queue(setCursor, int64(a.last))
	}
	numbers := make([]int64, len(a.numbers))
	for i, n := range a.numbers {
		numbers[i] = int64(n)
	}
	b.Queue(setAppend, a.s.handle, a.call, numbers, a.skipped)
	return b
}

func (a *appending) queueSessions(b *pgx.Batch) {
	var epochs, next, last []int64
	var ids [][16]byte
	for _, id := range a.ids {
		if s := a.sessions[id]; s.changed {
			epochs, ids = append(epochs, int64(id.Epoch)), append(ids, id.ID)
			next, last = append(next, int64(s.next)), append(last, int64(s.last))
		}
	}
	if len(ids) > 0 {
		b.Queue(updateSessions, epochs, ids, next, last)
	}
}

// errNotCommitted reports a commit that the server made a rollback.
var errNotCommitted = errors.New("the transaction was rolled back")

// finish sends what is left of the transaction, and its commit.
func (a *appending) finish(ctx context.Context, conn *pgx.Conn, b *pgx.Batch) error {
	var end string
	b.Queue("commit")
	results := conn.SendBatch(ctx, b)
	for range b.Len() {
		tag, err := results.Exec()
		if err != nil {
			return errors.Join(err, results.Close())
		}
		end = tag.String()
	}
	if err := results.Close(); err != nil {
		return err
	}
	if end != "COMMIT" {
		return errNotCommitted
	}
	return nil
}
