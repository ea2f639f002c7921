package pgjournal

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/journal"
)

// Whoever makes or removes partitions holds a lock alone, which all transactions
// that write to more than one table share.
const (
	shareEpochs = "select pg_advisory_xact_lock_shared(hashtext('zkkex_journal epochs'))"
	lockEpochs  = "select pg_advisory_xact_lock(hashtext('zkkex_journal epochs'))"
)

// partitioned are the tables with partitions.
var partitioned = []string{"report", "request", "orders", "fix_message"}

// checkEpoch returns an error for an epoch that no schedule has.
func checkEpoch(id order.SessionID) error {
	if id.Epoch > math.MaxInt64 {
		return fmt.Errorf("%w: epoch %d is above %d", journal.ErrEntry, id.Epoch, int64(math.MaxInt64))
	}
	return nil
}

// ensure makes the partitions of an epoch, unless they were there when last seen.
// Those of an epoch that was pruned may come back, for events of orders that its
// sessions left: the next Prune removes them again.
func (s *Store) ensure(ctx context.Context, conn *pgx.Conn, epoch uint64) error {
	s.mu.Lock()
	known := s.epochs[epoch]
	s.mu.Unlock()
	if known {
		return nil
	}
	var statements []string
	for _, table := range partitioned {
		statements = append(statements, fmt.Sprintf(
			"create table if not exists zkkex_journal.%[1]s_%[2]d partition of zkkex_journal.%[1]s for values in (%[2]d)", table, epoch))
	}
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockEpochs); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, strings.Join(statements, ";"))
		return err
	})
	if err == nil {
		s.mu.Lock()
		s.epochs[epoch] = true
		s.mu.Unlock()
	}
	return err
}

// forget makes the next call look which epochs have partitions.
func (s *Store) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.epochs)
}

// partitionsQuery lists the epochs before one that have partitions.
const partitionsQuery = `
select substring(c.relname from 8)::bigint as epoch
from pg_inherits i join pg_class c on c.oid = i.inhrelid
where i.inhparent = 'zkkex_journal.report'::regclass and substring(c.relname from 8)::bigint < $1
order by epoch`

// pruneStatements remove what is not in partitions; $1 is the epoch.
var pruneStatements = []string{
	`delete from zkkex_journal.session s where epoch < $1 and not exists
		(select from zkkex_journal.orders o where o.epoch = s.epoch and o.session = s.id and o.open)`,
	"delete from zkkex_journal.alias where epoch < $1 or alias_epoch < $1",
	"delete from zkkex_journal.ban where epoch < $1",
	"delete from zkkex_journal.fix where epoch < $1",
}

// tidyStatements remove what gateways left that are long gone.
const tidyStatements = `
delete from zkkex_journal.append where at < now() - interval '1 day';
delete from zkkex_journal.gateway where beat < now() - interval '7 days'`

// Prune implements [journal.Store]. It waits for what is being recorded, and keeps
// others waiting for as long as it takes to drop some tables.
func (s *Store) Prune(ctx context.Context, epoch uint64) error {
	defer s.forget()
	return s.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, lockEpochs); err != nil {
				return err
			}
			var before int64
			err := tx.QueryRow(ctx, "update zkkex_journal.venue set pruned = greatest(pruned, $1) returning pruned", int64(min(epoch, math.MaxInt64))).Scan(&before)
			if err != nil {
				return err
			}
			for _, statement := range pruneStatements {
				if _, err := tx.Exec(ctx, statement, before); err != nil {
					return err
				}
			}
			if _, err := tx.Exec(ctx, tidyStatements); err != nil {
				return err
			}
			return prunePartitions(ctx, tx, before)
		})
	})
}

// prunePartitions drops the partitions of epochs of which no session is left, and
// empties the others of those that are gone.
func prunePartitions(ctx context.Context, tx pgx.Tx, before int64) error {
	all, err := collect[int64](ctx, tx, partitionsQuery, before)
	if err != nil || len(all) == 0 {
		return err
	}
	left, err := collect[int64](ctx, tx, "select distinct epoch from zkkex_journal.session where epoch < $1", before)
	if err != nil {
		return err
	}
	for _, epoch := range all {
		if !slices.Contains(left, epoch) {
			if err := dropPartitions(ctx, tx, epoch); err != nil {
				return err
			}
			continue
		}
		if err := sweep(ctx, tx, epoch); err != nil {
			return err
		}
	}
	return nil
}

func dropPartitions(ctx context.Context, tx pgx.Tx, epoch int64) error {
	var names []string
	for _, table := range partitioned {
		names = append(names, fmt.Sprintf("zkkex_journal.%s_%d", table, epoch))
	}
	_, err := tx.Exec(ctx, "drop table "+strings.Join(names, ", "))
	return err
}

// sweep removes from an epoch what is not of a session that is left.
func sweep(ctx context.Context, tx pgx.Tx, epoch int64) error {
	for _, table := range []string{"report", "request", "orders"} {
		_, err := tx.Exec(ctx, fmt.Sprintf(`delete from zkkex_journal.%s t where epoch = $1 and not exists
			(select from zkkex_journal.session s where s.epoch = t.epoch and s.id = t.session)`, table), epoch)
		if err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, "delete from zkkex_journal.fix_message where epoch = $1", epoch)
	return err
}

func collect[T any](ctx context.Context, tx pgx.Tx, sql string, args ...any) ([]T, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[T])
}
