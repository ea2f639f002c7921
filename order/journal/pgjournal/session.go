package pgjournal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/journal"
)

// sessionColumns are what scanSession reads.
const sessionColumns = "s.epoch, s.id, s.attachment, s.gateway, s.detached, s.next_seq_no, s.last_report, s.grace_ms, s.keep_orders"

func scanSession(row pgx.Row) (s journal.Session, err error) {
	var epoch, attachment, next, last, grace int64
	var id [16]byte
	var detached *time.Time
	err = row.Scan(&epoch, &id, &attachment, &s.Gateway, &detached, &next, &last, &grace, &s.KeepOrders)
	if err != nil {
		return s, err
	}
	s.ID = order.SessionID{Epoch: uint64(epoch), ID: id}
	s.Attachment, s.NextSeqNo, s.LastReport = uint64(attachment), uint64(next), uint64(last)
	s.Grace = time.Duration(grace) * time.Millisecond
	if detached != nil {
		s.Detached = whole(*detached)
	}
	return s, nil
}

// whole cuts a time to milliseconds.
func whole(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }

// inEpoch calls f in a transaction, unless the session's epoch was pruned, and
// keeps it from being pruned meanwhile.
func (s *Store) inEpoch(ctx context.Context, id order.SessionID, f func(context.Context, pgx.Tx) error) error {
	if err := checkEpoch(id); err != nil {
		return err
	}
	return s.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			b := new(pgx.Batch)
			b.Queue(shareEpochs)
			var pruned int64
			b.Queue("select pruned from zkkex_journal.venue").QueryRow(func(row pgx.Row) error { return row.Scan(&pruned) })
			if err := tx.SendBatch(ctx, b).Close(); err != nil {
				return err
			}
			if int64(id.Epoch) < pruned {
				return fmt.Errorf("%w: epoch %d", journal.ErrEnded, id.Epoch)
			}
			return f(ctx, tx)
		})
	})
}

const attachSession = `
insert into zkkex_journal.session as s (epoch, id, attachment, gateway, grace_ms, keep_orders) values ($1, $2, 1, $3, $4, $5)
on conflict (epoch, id) do update set attachment = s.attachment + 1, gateway = $3, detached = null, grace_ms = $4, keep_orders = $5
returning ` + sessionColumns

// Attach implements [journal.Store].
func (s *Store) Attach(ctx context.Context, id order.SessionID, gateway string, grace time.Duration, keep bool) (*journal.Session, error) {
	var attached journal.Session
	err := s.inEpoch(ctx, id, func(ctx context.Context, tx pgx.Tx) (err error) {
		var banned bool
		if err := tx.QueryRow(ctx, "select exists (select from zkkex_journal.ban where epoch = $1 and id = $2)", int64(id.Epoch), id.ID).Scan(&banned); err != nil {
			return err
		}
		if banned {
			return journal.ErrBanned
		}
		attached, err = scanSession(tx.QueryRow(ctx, attachSession, int64(id.Epoch), id.ID, gateway, grace.Milliseconds(), keep))
		return err
	})
	if err != nil {
		return nil, err
	}
	return &attached, nil
}

// Detach implements [journal.Store].
func (s *Store) Detach(ctx context.Context, id order.SessionID, attachment uint64, at time.Time) error {
	if err := checkEpoch(id); err != nil {
		return err
	}
	return s.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		tag, err := conn.Exec(ctx, `update zkkex_journal.session set detached = coalesce(detached, $4)
			where epoch = $1 and id = $2 and attachment = $3`, int64(id.Epoch), id.ID, int64(attachment), whole(at))
		if err != nil || tag.RowsAffected() > 0 {
			return err
		}
		var ended bool
		err = conn.QueryRow(ctx, `select pruned > $1 and not exists (select from zkkex_journal.session where epoch = $1 and id = $2)
			from zkkex_journal.venue`, int64(id.Epoch), id.ID).Scan(&ended)
		switch {
		case err != nil:
			return err
		case ended:
			return fmt.Errorf("%w: epoch %d", journal.ErrEnded, id.Epoch)
		}
		return journal.ErrTakenOver
	})
}

const resolveAlias = `
select a.epoch, a.id from zkkex_journal.alias a, zkkex_journal.venue v
where a.alias_epoch = $1 and a.alias_id = $2 and a.epoch >= v.pruned`

type rower interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func resolve(ctx context.Context, q rower, alias order.SessionID) (order.SessionID, error) {
	var epoch int64
	var id [16]byte
	err := q.QueryRow(ctx, resolveAlias, int64(alias.Epoch), alias.ID).Scan(&epoch, &id)
	if errors.Is(err, pgx.ErrNoRows) {
		return alias, nil
	}
	return order.SessionID{Epoch: uint64(epoch), ID: id}, err
}

// Alias implements [journal.Store].
func (s *Store) Alias(ctx context.Context, alias, session order.SessionID) error {
	if err := errors.Join(checkEpoch(alias), checkEpoch(session)); err != nil {
		return err
	}
	return s.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, shareEpochs); err != nil {
				return err
			}
			target, err := resolve(ctx, tx, session)
			if err != nil {
				return err
			}
			if target == alias {
				_, err = tx.Exec(ctx, "delete from zkkex_journal.alias where alias_epoch = $1 and alias_id = $2", int64(alias.Epoch), alias.ID)
				return err
			}
			_, err = tx.Exec(ctx, `insert into zkkex_journal.alias values ($1, $2, $3, $4)
				on conflict (alias_epoch, alias_id) do update set epoch = $3, id = $4`, int64(alias.Epoch), alias.ID, int64(target.Epoch), target.ID)
			return err
		})
	})
}

// Resolve implements [journal.Store].
func (s *Store) Resolve(ctx context.Context, alias order.SessionID) (session order.SessionID, err error) {
	if err := checkEpoch(alias); err != nil {
		return alias, err
	}
	err = s.do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		session, err = resolve(ctx, conn, alias)
		return err
	})
	return session, err
}

// Ban implements [journal.Store].
func (s *Store) Ban(ctx context.Context, id order.SessionID) error {
	err := s.inEpoch(ctx, id, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "insert into zkkex_journal.ban values ($1, $2) on conflict do nothing", int64(id.Epoch), id.ID)
		return err
	})
	if errors.Is(err, journal.ErrEnded) {
		return nil // it is refused anyway
	}
	return err
}

// Bans implements [journal.Store].
func (s *Store) Bans(ctx context.Context) (out []order.SessionID, err error) {
	err = s.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, "select epoch, id from zkkex_journal.ban")
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (id order.SessionID, err error) {
			var epoch int64
			err = row.Scan(&epoch, &id.ID)
			id.Epoch = uint64(epoch)
			return id, err
		})
		return err
	})
	return out, err
}

// Halt implements [journal.Store].
func (s *Store) Halt(ctx context.Context, halted bool) error {
	return s.exec(ctx, "update zkkex_journal.venue set halted = $1", halted)
}

// Halted implements [journal.Store].
func (s *Store) Halted(ctx context.Context) (halted bool, err error) {
	err = s.row(ctx, []any{&halted}, "select halted from zkkex_journal.venue")
	return halted, err
}

// Beat implements [journal.Store]. The clock is the server's.
func (s *Store) Beat(ctx context.Context, gateway string, _ time.Time) error {
	return s.exec(ctx, `insert into zkkex_journal.gateway values ($1, clock_timestamp())
		on conflict (name) do update set beat = excluded.beat`, gateway)
}

const (
	// detachSilent takes sessions in the order in which Append locks them.
	detachSilent = `
update zkkex_journal.session s set detached = date_trunc('milliseconds', clock_timestamp())
from (
	select epoch, id from zkkex_journal.session s where detached is null and not exists
		(select from zkkex_journal.gateway g where g.name = s.gateway and clock_timestamp() - g.beat <= $1 * interval '1 microsecond')
	order by epoch, id for update
) silent
where s.epoch = silent.epoch and s.id = silent.id`
	orphans = `
select ` + sessionColumns + ` from zkkex_journal.session s where detached is not null and exists
	(select from zkkex_journal.orders o where o.epoch = s.epoch and o.session = s.id and o.open)
order by s.epoch, s.id`
)

// Orphans implements [journal.Store]. The clock is the server's.
func (s *Store) Orphans(ctx context.Context, _ time.Time, older time.Duration) (out []journal.Session, err error) {
	err = s.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, detachSilent, older.Microseconds()); err != nil {
			return err
		}
		rows, err := conn.Query(ctx, orphans)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (journal.Session, error) { return scanSession(row) })
		return err
	})
	return out, err
}
