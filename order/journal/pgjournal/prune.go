package pgjournal

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Prune implements [journal.Store]. It waits for what is being recorded, and keeps
// others waiting for as long as it takes to drop some tables. An epoch in which
// there are open orders is then emptied session by session, beside all others.
func (s *Store) Prune(ctx context.Context, epoch uint64) error {
	defer s.forget()
	var kept []int64
	err := s.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) (err error) {
			kept, err = pruneEpochs(ctx, tx, int64(min(epoch, math.MaxInt64)))
			return err
		})
	})
	for i := 0; err == nil && i < len(kept); i++ {
		err = s.sweep(ctx, kept[i])
	}
	return err
}

// pruneStatements remove what is not in partitions; $1 is the first epoch that
// stays.
var pruneStatements = []string{
	"delete from zkkex_journal.session where epoch < $1 and epoch <> all ($2)",
	"delete from zkkex_journal.alias where epoch < $1 or alias_epoch < $1",
	"delete from zkkex_journal.ban where epoch < $1",
	"delete from zkkex_journal.fix where epoch < $1",
}

// tidyStatements remove what gateways left that are long gone.
const tidyStatements = `
delete from zkkex_journal.append where at < now() - interval '1 day';
delete from zkkex_journal.gateway where beat < now() - interval '7 days'`

// pruneEpochs closes the epochs before one, and drops those without open orders. It
// returns the others.
func pruneEpochs(ctx context.Context, tx pgx.Tx, epoch int64) (kept []int64, err error) {
	if _, err := tx.Exec(ctx, lockEpochs); err != nil {
		return nil, err
	}
	err = tx.QueryRow(ctx, "update zkkex_journal.venue set pruned = greatest(pruned, $1) returning pruned", epoch).Scan(&epoch)
	if err != nil {
		return nil, err
	}
	kept, over, err := partitions(ctx, tx, epoch)
	if err != nil {
		return nil, err
	}
	for i, statement := range pruneStatements {
		args := []any{epoch, kept}
		if i > 0 {
			args = args[:1]
		}
		if _, err := tx.Exec(ctx, statement, args...); err != nil {
			return nil, err
		}
	}
	if err := dropPartitions(ctx, tx, kept, over); err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, tidyStatements)
	return kept, err
}

// partitionsQuery lists the epochs before one that have partitions, and whether
// there are open orders in them.
const partitionsQuery = `
select epoch, exists (select from zkkex_journal.orders o where o.epoch = p.epoch and o.open) from (
	select substring(c.relname from 8)::bigint as epoch
	from pg_inherits i join pg_class c on c.oid = i.inhrelid
	where i.inhparent = 'zkkex_journal.report'::regclass
) p where epoch < $1 order by epoch`

func partitions(ctx context.Context, tx pgx.Tx, before int64) (kept, over []int64, err error) {
	rows, err := tx.Query(ctx, partitionsQuery, before)
	if err != nil {
		return nil, nil, err
	}
	kept = []int64{} // an empty array, not null
	var epoch int64
	var open bool
	_, err = pgx.ForEachRow(rows, []any{&epoch, &open}, func() error {
		if open {
			kept = append(kept, epoch)
		} else {
			over = append(over, epoch)
		}
		return nil
	})
	return kept, over, err
}

// dropPartitions drops the partitions of epochs that are over, and the FIX messages
// of those that are kept for their orders.
func dropPartitions(ctx context.Context, tx pgx.Tx, kept, over []int64) error {
	for _, epoch := range over {
		var names []string
		for _, table := range partitioned {
			names = append(names, fmt.Sprintf("zkkex_journal.%s_%d", table, epoch))
		}
		if _, err := tx.Exec(ctx, "drop table "+strings.Join(names, ", ")); err != nil {
			return err
		}
	}
	for _, epoch := range kept {
		if _, err := tx.Exec(ctx, fmt.Sprintf("truncate zkkex_journal.fix_message_%d", epoch)); err != nil {
			return err
		}
	}
	return nil
}

// sweepTogether is how many sessions are removed in one transaction.
const sweepTogether = 32

const (
	lockIdle = `
select id from zkkex_journal.session s where epoch = $1 and not exists
	(select from zkkex_journal.orders o where o.epoch = s.epoch and o.session = s.id and o.open)
order by id limit $2 for update`
	// An order may have been opened while the lock was waited for.
	deleteIdle = `
delete from zkkex_journal.session s where epoch = $1 and id = any ($2) and not exists
	(select from zkkex_journal.orders o where o.epoch = s.epoch and o.session = s.id and o.open)
returning id`
)

// sweep removes the sessions of an epoch that have no open orders.
func (s *Store) sweep(ctx context.Context, epoch int64) error {
	for {
		var found int
		err := s.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
			return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) (err error) {
				found, err = sweepSome(ctx, tx, epoch)
				return err
			})
		})
		if err != nil || found < sweepTogether {
			return err
		}
	}
}

func sweepSome(ctx context.Context, tx pgx.Tx, epoch int64) (found int, err error) {
	if _, err := tx.Exec(ctx, shareEpochs); err != nil {
		return 0, err
	}
	ids, err := collectIDs(ctx, tx, lockIdle, epoch, sweepTogether)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	found = len(ids)
	if ids, err = collectIDs(ctx, tx, deleteIdle, epoch, ids); err != nil {
		return 0, err
	}
	for _, table := range []string{"report", "request", "orders"} {
		if _, err := tx.Exec(ctx, "delete from zkkex_journal."+table+" where epoch = $1 and session = any ($2)", epoch, ids); err != nil {
			return 0, err
		}
	}
	return found, nil
}

func collectIDs(ctx context.Context, tx pgx.Tx, sql string, args ...any) ([][16]byte, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[[16]byte])
}
