package pgjournal

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/zkkex/zkkex/internal/postgres"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/journal"
)

// fixSession is a [journal.FIX]. What all sessions of a gateway write at once is
// one transaction.
type fixSession struct {
	s  *Store
	id order.SessionID
}

// fixTogether is the most calls in one transaction.
const fixTogether = 256

// fixCall is a call that writes.
type fixCall struct {
	id order.SessionID
	// queue puts the statements of the call into a batch. The last must find the
	// session's row.
	queue func(b *pgx.Batch)
	ended bool
}

// FIX implements [journal.Store].
func (s *Store) FIX(ctx context.Context, id order.SessionID) (journal.FIX, error) {
	err := s.inEpoch(ctx, id, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into zkkex_journal.fix (epoch, id, created)
			values ($1, $2, date_trunc('milliseconds', clock_timestamp())) on conflict do nothing`, int64(id.Epoch), id.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &fixSession{s, id}, nil
}

// write makes a call together with others.
func (f *fixSession) write(ctx context.Context, queue func(b *pgx.Batch)) error {
	c := &fixCall{id: f.id, queue: queue}
	if err := f.s.fix.Do(ctx, c); err != nil {
		return unavailable(err)
	}
	if c.ended {
		return f.endedError()
	}
	return nil
}

func (f *fixSession) endedError() error {
	return fmt.Errorf("%w: epoch %d", journal.ErrEnded, f.id.Epoch)
}

func (s *Store) fixAll(ctx context.Context, all []*fixCall) error {
	return s.db.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		for {
			for _, c := range all {
				if err := s.ensure(ctx, conn, c.id.Epoch); err != nil {
					return err
				}
			}
			err := fixTransaction(ctx, conn, all)
			if postgres.Code(err) != postgres.NoPartition {
				return err
			}
			s.forget()
		}
	})
}

// fixTransaction sends one batch, which is one transaction.
func fixTransaction(ctx context.Context, conn *pgx.Conn, all []*fixCall) error {
	b := new(pgx.Batch)
	b.Queue(shareEpochs)
	ends := make(map[int]*fixCall, len(all)) // the last statement of each
	for _, c := range all {
		c.queue(b)
		ends[b.Len()-1] = c
	}
	results := conn.SendBatch(ctx, b)
	for i := range b.Len() {
		tag, err := results.Exec()
		if err != nil {
			return errors.Join(err, results.Close())
		}
		if c := ends[i]; c != nil {
			c.ended = tag.RowsAffected() == 0
		}
	}
	return results.Close()
}

// Numbers implements [journal.FIX].
func (f *fixSession) Numbers(ctx context.Context) (send, receive uint64, created time.Time, err error) {
	var s, r int64
	err = f.s.row(ctx, []any{&s, &r, &created}, "select send, receive, created from zkkex_journal.fix where epoch = $1 and id = $2", int64(f.id.Epoch), f.id.ID)
	if errors.Is(err, pgx.ErrNoRows) {
		err = f.endedError()
	}
	if err != nil {
		return 0, 0, time.Time{}, err
	}
	return uint64(s), uint64(r), whole(created), nil
}

// SetReceive implements [journal.FIX].
func (f *fixSession) SetReceive(ctx context.Context, receive uint64) error {
	return f.write(ctx, func(b *pgx.Batch) {
		b.Queue("update zkkex_journal.fix set receive = $3 where epoch = $1 and id = $2", int64(f.id.Epoch), f.id.ID, int64(receive))
	})
}

// SetSend implements [journal.FIX].
func (f *fixSession) SetSend(ctx context.Context, send uint64) error {
	return f.write(ctx, func(b *pgx.Batch) {
		b.Queue("update zkkex_journal.fix set send = $3 where epoch = $1 and id = $2", int64(f.id.Epoch), f.id.ID, int64(send))
	})
}

// saveMessage does nothing for a session that is gone.
const saveMessage = `
insert into zkkex_journal.fix_message (epoch, id, number, message)
select epoch, id, $3, $4 from zkkex_journal.fix where epoch = $1 and id = $2
on conflict (epoch, id, number) do update set message = excluded.message`

// Save implements [journal.FIX].
func (f *fixSession) Save(ctx context.Context, number uint64, message []byte, next uint64) error {
	own := append([]byte(nil), message...) // the caller may be gone before the others
	return f.write(ctx, func(b *pgx.Batch) {
		b.Queue(saveMessage, int64(f.id.Epoch), f.id.ID, int64(number), own)
		if next > 0 {
			b.Queue("update zkkex_journal.fix set send = $3 where epoch = $1 and id = $2", int64(f.id.Epoch), f.id.ID, int64(next))
		}
	})
}

// Messages implements [journal.FIX].
func (f *fixSession) Messages(ctx context.Context, first, last uint64) (out [][]byte, err error) {
	err = f.s.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `select message from zkkex_journal.fix_message
			where epoch = $1 and id = $2 and number between $3 and $4 order by number`,
			int64(f.id.Epoch), f.id.ID, int64(min(first, math.MaxInt64)), int64(min(last, math.MaxInt64)))
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowTo[[]byte])
		if err != nil || len(out) > 0 {
			return err
		}
		var there bool
		err = conn.QueryRow(ctx, "select exists (select from zkkex_journal.fix where epoch = $1 and id = $2)", int64(f.id.Epoch), f.id.ID).Scan(&there)
		if err == nil && !there {
			err = f.endedError()
		}
		return err
	})
	return out, err
}

// Reset implements [journal.FIX].
func (f *fixSession) Reset(ctx context.Context, now time.Time) error {
	return f.write(ctx, func(b *pgx.Batch) {
		b.Queue("delete from zkkex_journal.fix_message where epoch = $1 and id = $2", int64(f.id.Epoch), f.id.ID)
		b.Queue("update zkkex_journal.fix set send = 1, receive = 1, created = $3 where epoch = $1 and id = $2", int64(f.id.Epoch), f.id.ID, whole(now))
	})
}
