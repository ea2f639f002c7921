package pgadmission

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/internal/postgres"
)

// latestUnix is the last second of the year 9999.
const latestUnix = 253402300799

// endOf returns what a shard is kept under, in Unix seconds.
func endOf(s admission.Shard) (int64, error) {
	end := s.End.Unix()
	if s.End.Nanosecond() != 0 || end < 0 || end > latestUnix {
		return 0, fmt.Errorf("pgadmission: the epoch ends at %v, expected a whole second in the years 1970 to 9999", s.End)
	}
	return end, nil
}

// lockEpochs is held by whoever makes or removes partitions.
const lockEpochs = "select pg_advisory_xact_lock(hashtext('zkkex_admission epochs'))"

// ensure makes the partitions of an epoch, unless they were there when last seen.
// It returns [admission.ErrClosed] if the epoch was pruned.
func (s *Store) ensure(ctx context.Context, conn *pgx.Conn, end int64) error {
	s.mu.Lock()
	known := s.open[end]
	s.mu.Unlock()
	if known {
		return nil
	}
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockEpochs); err != nil {
			return err
		}
		if err := checkOpen(ctx, tx, end); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, fmt.Sprintf(`
create table if not exists zkkex_admission.record_%[1]d partition of zkkex_admission.record for values in (%[1]d);
create table if not exists zkkex_admission.open_%[1]d partition of zkkex_admission.open for values in (%[1]d);
create table if not exists zkkex_admission.ban_%[1]d partition of zkkex_admission.ban for values in (%[1]d)`, end))
		return err
	})
	if err == nil {
		s.mu.Lock()
		s.open[end] = true
		s.mu.Unlock()
	}
	return err
}

// inOpen calls f, which inserts into the partitions of an epoch, as long as the
// epoch is open.
func (s *Store) inOpen(ctx context.Context, end int64, f func(context.Context, *pgx.Conn) error) error {
	return s.db.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		for {
			if err := s.ensure(ctx, conn, end); err != nil {
				return err
			}
			if err := f(ctx, conn); !gone(err) {
				return err
			}
			s.forget() // pruned in between
		}
	})
}

// forget makes the next call look whether epochs are still open.
func (s *Store) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.open)
}

const closedQuery = "select until from zkkex_admission.closed"

// checkOpen returns [admission.ErrClosed] if the epoch was pruned.
func checkOpen(ctx context.Context, q interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}, end int64) error {
	var until int64
	if err := q.QueryRow(ctx, closedQuery).Scan(&until); err != nil {
		return err
	}
	if end <= until {
		return admission.ErrClosed
	}
	return nil
}

// Prune implements [admission.Store]. It waits for admissions that are under way,
// and keeps others waiting for as long as it takes to drop some tables.
func (s *Store) Prune(ctx context.Context, cutoff time.Time) error {
	defer s.forget()
	return unavailable(s.db.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, lockEpochs); err != nil {
				return err
			}
			return prune(ctx, tx, cutoff.Unix())
		})
	}))
}

// partitionsQuery lists the ends of epochs that have partitions.
const partitionsQuery = `
select substring(c.relname from 8)::bigint as epoch_end
from pg_inherits i join pg_class c on c.oid = i.inhrelid
where i.inhparent = 'zkkex_admission.record'::regclass and substring(c.relname from 8)::bigint <= $1
order by epoch_end`

func prune(ctx context.Context, tx pgx.Tx, cutoff int64) error {
	rows, err := tx.Query(ctx, partitionsQuery, cutoff)
	if err != nil {
		return err
	}
	ends, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil || len(ends) == 0 {
		return err
	}
	for _, end := range ends {
		if _, err := tx.Exec(ctx, fmt.Sprintf("drop table zkkex_admission.record_%[1]d, zkkex_admission.open_%[1]d, zkkex_admission.ban_%[1]d", end)); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, "update zkkex_admission.closed set until = greatest(until, $1)", ends[len(ends)-1])
	return err
}

// gone reports an insert that found no partition.
func gone(err error) bool { return postgres.Code(err) == postgres.NoPartition }
