package pgadmission

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/admission"
)

// admit is one call of Admit, and its answer.
type admit struct {
	record  *admission.Record
	end     int64
	encoded []byte
	call    int64

	settled bool
	stands  *admission.Record
	fresh   bool
	err     error
}

// Admit implements [admission.Store].
func (s *Store) Admit(ctx context.Context, r *admission.Record) (stored *admission.Record, fresh bool, err error) {
	a, err := newAdmit(r)
	if err != nil {
		return nil, false, err
	}
	if err := s.admits.Do(ctx, a); err != nil {
		return nil, false, unavailable(err)
	}
	return a.stands, a.fresh, a.err
}

func newAdmit(r *admission.Record) (*admit, error) {
	encoded, err := r.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	own, err := admission.ParseRecord(encoded) // also checks that it does not contradict itself
	if err != nil {
		return nil, err
	}
	shard, err := own.Shard()
	if err != nil {
		return nil, err
	}
	end, err := endOf(shard)
	if err != nil {
		return nil, err
	}
	return &admit{record: own, end: end, encoded: encoded, call: newCall()}, nil
}

// newCall returns a number that no other call has.
func newCall() int64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return int64(binary.BigEndian.Uint64(b[:]))
}

func (s *Store) admitAll(ctx context.Context, all []*admit) error {
	// Two groups that have some keys in common take them in the same order, and do
	// not wait for each other in a circle.
	slices.SortFunc(all, func(a, b *admit) int {
		return slices.Compare(a.record.Statement.Nullifier[:], b.record.Statement.Nullifier[:])
	})
	return s.db.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		for {
			open, err := s.stillOpen(ctx, conn, all)
			if err != nil || len(open) == 0 {
				return err
			}
			err = settle(ctx, conn, open)
			if err == nil {
				return nil
			}
			if !gone(err) && !errors.Is(err, errPruned) {
				return err
			}
			s.forget()
		}
	})
}

// stillOpen returns those whose epoch is open and that have no answer, and answers
// those whose epoch is closed.
func (s *Store) stillOpen(ctx context.Context, conn *pgx.Conn, all []*admit) (open []*admit, err error) {
	for _, a := range all {
		if a.settled {
			continue
		}
		switch err := s.ensure(ctx, conn, a.end); {
		case errors.Is(err, admission.ErrClosed):
			a.settled, a.err = true, admission.ErrClosed
		case err != nil:
			return nil, err
		default:
			open = append(open, a)
		}
	}
	return open, nil
}

const insertRecords = `
insert into zkkex_admission.record (epoch_end, scope, nullifier, key, record, call)
select * from unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bigint[])
on conflict do nothing`

// standing finds what stands under the nullifiers and keys of calls, by their
// number in the arrays.
const standing = `
with asked as (select * from unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[]) with ordinality as a(epoch_end, scope, nullifier, key, n))
select a.n, true, r.record, r.call from asked a join zkkex_admission.record r
	on r.epoch_end = a.epoch_end and r.scope = a.scope and r.nullifier = a.nullifier
union all
select a.n, false, r.record, r.call from asked a join zkkex_admission.record r
	on r.epoch_end = a.epoch_end and r.scope = a.scope and r.key = a.key`

// settle records what is new, in one transaction, and then looks at what is not.
func settle(ctx context.Context, conn *pgx.Conn, all []*admit) error {
	var c columns
	for _, a := range all {
		c.add(a)
	}
	tag, err := conn.Exec(ctx, insertRecords, c.end, c.scope, c.nullifier, c.key, c.record, c.call)
	if err != nil {
		return err
	}
	if int(tag.RowsAffected()) == len(all) {
		for _, a := range all {
			a.settled, a.stands, a.fresh = true, a.record, true
		}
		return nil
	}
	return compare(ctx, conn, all, &c)
}

type columns struct {
	end, call                     []int64
	scope, nullifier, key, record [][]byte
}

func (c *columns) add(a *admit) {
	c.end, c.call = append(c.end, a.end), append(c.call, a.call)
	c.scope = append(c.scope, a.record.Statement.Scope[:])
	c.nullifier = append(c.nullifier, a.record.Statement.Nullifier[:])
	c.key, c.record = append(c.key, a.record.Key[:]), append(c.record, a.encoded)
}

// stands is a record in the store, and the call that made it.
type stands struct {
	record *admission.Record
	call   int64
}

// compare answers calls by what stands.
func compare(ctx context.Context, conn *pgx.Conn, all []*admit, c *columns) error {
	rows, err := conn.Query(ctx, standing, c.end, c.scope, c.nullifier, c.key)
	if err != nil {
		return err
	}
	byNullifier, byKey := make([]stands, len(all)), make([]stands, len(all))
	var n int
	var nullifier bool
	var encoded []byte
	var call int64
	_, err = pgx.ForEachRow(rows, []any{&n, &nullifier, &encoded, &call}, func() error {
		r, err := parseStored(encoded)
		if err != nil {
			return err
		}
		if nullifier {
			byNullifier[n-1] = stands{r, call}
		} else {
			byKey[n-1] = stands{r, call}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, a := range all {
		a.decide(byNullifier[i], byKey[i])
	}
	return unsettled(all)
}

// errPruned reports records that stood in the way of others, and are gone.
var errPruned = errors.New("the epoch is being pruned")

func unsettled(all []*admit) error {
	for _, a := range all {
		if !a.settled {
			return errPruned
		}
	}
	return nil
}

// decide answers a call by what stands under its nullifier and under its key. If
// there is nothing, it stays without an answer.
func (a *admit) decide(byNullifier, byKey stands) {
	other, what := byNullifier, "nullifier"
	if other.record == nil || *other.record == *a.record {
		other, what = byKey, "session key"
	}
	switch {
	case other.record == nil:
		return
	case *other.record != *a.record:
		a.err = &admission.TakenError{By: other.record.Certificate, Refused: a.record.Certificate, What: what}
	default:
		a.stands, a.fresh = other.record, other.call == a.call
	}
	a.settled = true
}

func parseStored(encoded []byte) (*admission.Record, error) {
	r, err := admission.ParseRecord(encoded)
	if err != nil {
		return nil, errors.Join(ErrDamaged, err)
	}
	return r, nil
}

// ByKey implements [admission.Store].
func (s *Store) ByKey(ctx context.Context, shard admission.Shard, key [32]byte) (*admission.Record, error) {
	r, err := s.find(ctx, shard, "key", key)
	if r != nil && r.Key != key {
		return nil, fmt.Errorf("%w: a record is under another's key", ErrDamaged)
	}
	return r, err
}

// ByNullifier implements [admission.Store].
func (s *Store) ByNullifier(ctx context.Context, shard admission.Shard, n zkkex.Nullifier) (*admission.Record, error) {
	r, err := s.find(ctx, shard, "nullifier", n)
	if r != nil && r.Statement.Nullifier != n {
		return nil, fmt.Errorf("%w: a record is under another's nullifier", ErrDamaged)
	}
	return r, err
}

// find looks a record up.
func (s *Store) find(ctx context.Context, shard admission.Shard, column string, value [32]byte) (r *admission.Record, err error) {
	end, err := endOf(shard)
	if err != nil {
		return nil, err
	}
	query := "select record from zkkex_admission.record where epoch_end = $1 and scope = $2 and " + column + " = $3"
	err = s.look(ctx, end, func(rows pgx.Rows) error {
		r = nil
		var encoded []byte
		_, err := pgx.ForEachRow(rows, []any{&encoded}, func() (err error) {
			r, err = parseStored(encoded)
			return err
		})
		return err
	}, query, end, shard.Scope[:], value[:])
	if err != nil {
		return nil, err
	}
	return r, nil
}

// look gives f the rows of a query about an epoch, perhaps more than once. What it
// does not find may have been pruned before the second statement, never after: so
// that one says whether it can be told at all.
func (s *Store) look(ctx context.Context, end int64, f func(pgx.Rows) error, query string, args ...any) error {
	return unavailable(s.db.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		b := new(pgx.Batch)
		b.Queue(query, args...).Query(f)
		var until int64
		b.Queue(closedQuery).QueryRow(func(row pgx.Row) error { return row.Scan(&until) })
		if err := conn.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		if end <= until {
			return admission.ErrClosed
		}
		return nil
	}))
}
