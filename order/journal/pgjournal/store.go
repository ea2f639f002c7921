// Package pgjournal keeps the journal of a venue in PostgreSQL, for as many
// gateways as share the database. docs/postgresql.md says how to set the server
// up, docs/design/0022-postgresql.md why it is done so.
//
// A gateway's Append is one transaction. It locks the sessions that it numbers
// reports of, and, if there are events among its entries, first the one row that
// holds the number of the last event: gateways that bring the same events take
// turns, and the second finds them recorded.
package pgjournal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/zkkex/zkkex/internal/postgres"
	"github.com/zkkex/zkkex/order/journal"
)

type (
	// Options are how a store uses a server; the zero value is fit for one without
	// standbys.
	Options = postgres.Options
	// SettingError reports a server that cannot keep the store's promises.
	SettingError = postgres.SettingError
)

var (
	// ErrMissing reports a database without a journal. A gateway must not make one
	// by itself: in an empty journal, no request was ever done.
	ErrMissing = postgres.ErrMissing
	// ErrVersion reports a journal of another version of this package.
	ErrVersion = postgres.ErrVersion
	// ErrDSN reports a DSN that cannot be read.
	ErrDSN = postgres.ErrDSN
	// ErrDamaged reports rows that are not what was written.
	ErrDamaged = errors.New("damaged journal")
)

// Store is a [journal.Store] on PostgreSQL.
type Store struct {
	db *postgres.DB
	// handle is random: what it names in the table append is this store's.
	handle [16]byte
	// turn is held by the one Append that is under way.
	turn chan struct{}
	fix  postgres.Group[*fixCall]

	mu     sync.Mutex
	epochs map[uint64]bool // that had partitions when last seen
}

var _ journal.Store = (*Store)(nil)

// Init makes an empty journal in a database, or brings the one that is there up to
// date. Making one is for the first time only.
func Init(ctx context.Context, dsn string) error {
	if err := postgres.InitSchema(ctx, dsn, schema); err != nil {
		return fmt.Errorf("making a journal: %w", err)
	}
	return nil
}

// Open opens the journal that [Init] made in the database of a DSN, which can name
// several servers: the store uses the one that takes writes. Its error wraps
// [ErrDSN], [ErrMissing], [ErrVersion] or [*SettingError], or says why there is no
// connection. No error holds the DSN.
func Open(ctx context.Context, dsn string, o Options) (*Store, error) {
	db, err := postgres.OpenSchema(ctx, dsn, o, schema)
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	s := &Store{db: db, turn: make(chan struct{}, 1), epochs: make(map[uint64]bool)}
	_, _ = rand.Read(s.handle[:]) // it never fails
	s.fix.Most, s.fix.Each = fixTogether, s.fixAll
	return s, nil
}

// Close implements [journal.Store]. It waits for what is under way.
func (s *Store) Close() error {
	s.fix.Close()
	s.db.Close()
	return nil
}

// answers are errors that are no failure of the store.
var answers = []error{
	journal.ErrTakenOver, journal.ErrEnded, journal.ErrBanned, journal.ErrGap, journal.ErrEntry,
	journal.ErrUnavailable, context.Canceled,
}

// unavailable marks an error that is no answer.
func unavailable(err error) error {
	if err == nil {
		return nil
	}
	for _, answer := range answers {
		if errors.Is(err, answer) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", journal.ErrUnavailable, err)
}

// do is [postgres.DB.Do], with the errors of a journal.
func (s *Store) do(ctx context.Context, f func(context.Context, *pgx.Conn) error) error {
	return unavailable(s.db.Do(ctx, f))
}

// exec runs one statement, which can be repeated.
func (s *Store) exec(ctx context.Context, sql string, args ...any) error {
	return s.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, sql, args...)
		return err
	})
}

// row reads the one row of a query; a query without one is [pgx.ErrNoRows].
func (s *Store) row(ctx context.Context, dst []any, sql string, args ...any) error {
	return s.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, sql, args...).Scan(dst...)
	})
}
