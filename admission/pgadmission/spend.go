package pgadmission

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/admission"
)

// spend is one call of Spend, and its answer.
type spend struct {
	end       int64
	scope     zkkex.Scope
	nullifier zkkex.Nullifier
	counter   uint32
	call      int64

	settled bool
	err     error
}

// Spend implements [admission.Store]. An open that need not be durable is written
// down, and replicated, shortly after: its transaction does not wait.
func (s *Store) Spend(ctx context.Context, shard admission.Shard, n zkkex.Nullifier, counter uint32, durable bool) error {
	end, err := endOf(shard)
	if err != nil {
		return err
	}
	o := &spend{end: end, scope: shard.Scope, nullifier: n, counter: counter, call: newCall()}
	group := &s.lazy
	if durable {
		group = &s.durable
	}
	if err := group.Do(ctx, o); err != nil {
		return unavailable(err)
	}
	return o.err
}

func (s *Store) spendAll(durable bool) func(context.Context, []*spend) error {
	return func(ctx context.Context, all []*spend) error {
		slices.SortFunc(all, func(a, b *spend) int {
			return cmp.Or(bytes.Compare(a.nullifier[:], b.nullifier[:]), cmp.Compare(a.counter, b.counter))
		})
		return s.db.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
			for {
				open, err := s.stillOpenOf(ctx, conn, all)
				if err != nil || len(open) == 0 {
					return err
				}
				if err = spendTogether(ctx, conn, open, durable); !gone(err) {
					return err
				}
				s.forget() // pruned in between
			}
		})
	}
}

// stillOpenOf is as stillOpen.
func (s *Store) stillOpenOf(ctx context.Context, conn *pgx.Conn, all []*spend) (open []*spend, err error) {
	for _, o := range all {
		if o.settled {
			continue
		}
		switch err := s.ensure(ctx, conn, o.end); {
		case errors.Is(err, admission.ErrClosed):
			o.settled, o.err = true, admission.ErrClosed
		case err != nil:
			return nil, err
		default:
			open = append(open, o)
		}
	}
	return open, nil
}

const insertOpens = `
insert into zkkex_admission.open (epoch_end, scope, nullifier, counter, call)
select * from unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bigint[])
on conflict do nothing`

// standingOpens tells which calls the opens that stand are of.
const standingOpens = `
select a.n from unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bigint[]) with ordinality as a(epoch_end, scope, nullifier, counter, call, n)
join zkkex_admission.open o using (epoch_end, scope, nullifier, counter, call)`

func spendTogether(ctx context.Context, conn *pgx.Conn, all []*spend, durable bool) error {
	var end, counter, call []int64
	var scope, nullifier [][]byte
	for _, o := range all {
		end, counter, call = append(end, o.end), append(counter, int64(o.counter)), append(call, o.call)
		scope, nullifier = append(scope, o.scope[:]), append(nullifier, o.nullifier[:])
	}
	// The statements of a batch are one transaction.
	b := new(pgx.Batch)
	if !durable {
		b.Queue("select set_config('synchronous_commit', 'off', true)")
	}
	var inserted int64
	b.Queue(insertOpens, end, scope, nullifier, counter, call)
	results := conn.SendBatch(ctx, b)
	for range b.Len() {
		tag, err := results.Exec()
		if err != nil {
			return errors.Join(err, results.Close())
		}
		inserted = tag.RowsAffected()
	}
	if err := results.Close(); err != nil {
		return err
	}
	won := make(map[int]bool)
	if inserted < int64(len(all)) {
		rows, err := conn.Query(ctx, standingOpens, end, scope, nullifier, counter, call)
		if err != nil {
			return err
		}
		mine, err := pgx.CollectRows(rows, pgx.RowTo[int])
		if err != nil {
			return err
		}
		for _, n := range mine {
			won[n-1] = true
		}
	}
	for i, o := range all {
		o.settled = true
		if inserted < int64(len(all)) && !won[i] {
			o.err = &admission.SpentError{Nullifier: o.nullifier, Counter: o.counter}
		}
	}
	return nil
}
