package pgjournal

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/engine"
)

// flip maps the order of unsigned numbers to that of signed ones, and back.
func flip(n uint64) int64   { return int64(n ^ 1<<63) }
func unflip(n int64) uint64 { return uint64(n) ^ 1<<63 }

// orderColumns are the columns of the table orders, one element for each order.
type orderColumns struct {
	epoch, expires, place         []int64
	session, id, clOrdID          [][16]byte
	ownerKey, report, quote       [][]byte
	symbol                        []string
	open                          []bool
	timeInForce, execInstructions []int32
}

const upsertOrders = `
insert into zkkex_journal.orders (epoch, session, id, cl_ord_id, owner_key, symbol, open, expires_ms, place, time_in_force, exec_inst, report, quote)
select * from unnest($1::bigint[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bytea[], $6::text[], $7::boolean[], $8::bigint[], $9::bigint[], $10::integer[], $11::integer[], $12::bytea[], $13::bytea[])
on conflict (epoch, session, id) do update set cl_ord_id = excluded.cl_ord_id, owner_key = excluded.owner_key,
	symbol = excluded.symbol, open = excluded.open, expires_ms = excluded.expires_ms, place = excluded.place,
	time_in_force = excluded.time_in_force, exec_inst = excluded.exec_inst, report = excluded.report, quote = excluded.quote`

func (c *orderColumns) args() []any {
	return []any{c.epoch, c.session, c.id, c.clOrdID, c.ownerKey, c.symbol, c.open, c.expires, c.place, c.timeInForce, c.execInstructions, c.report, c.quote}
}

func (c *orderColumns) add(o *engine.Order) (err error) {
	var report, quote []byte
	if o.Report != nil {
		if report, err = order.AppendReport(nil, o.Report); err != nil {
			return err
		}
	}
	if o.Quote != nil {
		if quote, err = order.AppendRequest(nil, o.Quote); err != nil {
			return err
		}
	}
	c.epoch, c.session = append(c.epoch, int64(o.Session.Epoch)), append(c.session, o.Session.ID)
	c.id, c.clOrdID = append(c.id, o.ID), append(c.clOrdID, o.ClOrdID)
	c.ownerKey, c.symbol, c.open = append(c.ownerKey, o.OwnerKey[:]), append(c.symbol, o.Symbol), append(c.open, o.Open)
	c.expires, c.place = append(c.expires, o.Expires.UnixMilli()), append(c.place, flip(o.Place))
	c.timeInForce, c.execInstructions = append(c.timeInForce, int32(o.TimeInForce)), append(c.execInstructions, int32(o.ExecInst))
	c.report, c.quote = append(c.report, report), append(c.quote, quote)
	return nil
}

const selectOrders = `
select epoch, session, id, cl_ord_id, owner_key, symbol, open, expires_ms, place, time_in_force, exec_inst, report, quote
from zkkex_journal.orders `

func scanOrder(row pgx.CollectableRow) (*engine.Order, error) {
	var (
		o                       engine.Order
		epoch, expires, place   int64
		session, id, clOrdID    [16]byte
		ownerKey, report, quote []byte
		timeInForce, execInst   int32
	)
	err := row.Scan(&epoch, &session, &id, &clOrdID, &ownerKey, &o.Symbol, &o.Open, &expires, &place, &timeInForce, &execInst, &report, &quote)
	if err != nil {
		return nil, err
	}
	if len(ownerKey) != len(o.OwnerKey) {
		return nil, fmt.Errorf("%w: an order's key of %d bytes", ErrDamaged, len(ownerKey))
	}
	o.Session = order.SessionID{Epoch: uint64(epoch), ID: session}
	o.ID, o.ClOrdID, o.OwnerKey = id, clOrdID, [32]byte(ownerKey)
	o.Expires, o.Place = time.UnixMilli(expires).UTC(), unflip(place)
	o.TimeInForce, o.ExecInst = order.TimeInForce(timeInForce), order.ExecInst(execInst)
	return &o, parseOrder(&o, report, quote)
}

func parseOrder(o *engine.Order, report, quote []byte) (err error) {
	if report != nil {
		if o.Report, err = order.ParseReport(report); err != nil {
			return fmt.Errorf("%w: the report of order %v: %w", ErrDamaged, o.ID, err)
		}
	}
	if quote == nil {
		return nil
	}
	request, err := order.ParseRequest(quote)
	if err != nil {
		return fmt.Errorf("%w: quote %v: %w", ErrDamaged, o.ID, err)
	}
	q, ok := request.(*order.Quote)
	if !ok {
		return fmt.Errorf("%w: quote %v is %T", ErrDamaged, o.ID, request)
	}
	o.Quote = q
	return nil
}

func (s *Store) orders(ctx context.Context, sql string, args ...any) (out []*engine.Order, err error) {
	err = s.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, selectOrders+sql, args...)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, scanOrder)
		return err
	})
	return out, err
}

// OpenOrders implements [journal.Store].
func (s *Store) OpenOrders(ctx context.Context, f func(*engine.Order) error) error {
	all, err := s.orders(ctx, "where open order by place, id")
	for i := 0; err == nil && i < len(all); i++ {
		err = f(all[i])
	}
	return err
}

// Orders implements [journal.Store].
func (s *Store) Orders(ctx context.Context, id order.ID) ([]*engine.Order, error) {
	return s.orders(ctx, "where cl_ord_id = $1", [16]byte(id))
}
