// Package pgadmission keeps a venue's admissions in PostgreSQL, for as many
// gateways as share the database: what one has admitted, none admits again.
// docs/postgresql.md says how to set the server up, docs/design/0022-postgresql.md
// why it is done so.
//
// Records live in partitions, one for each end of an epoch. An epoch that has no
// partition any more is over for good: one is made only behind the mark of what
// was pruned, under a lock that pruning holds too.
package pgadmission

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/internal/postgres"
)

type (
	// Options are how a store uses a server; the zero value is fit for one without
	// standbys.
	Options = postgres.Options
	// SettingError reports a server that cannot keep the store's promises.
	SettingError = postgres.SettingError
)

var (
	// ErrUnavailable reports that the store cannot tell: the server was not
	// reached, or did not answer in time. It is no answer, and the same call may
	// be made again.
	ErrUnavailable = errors.New("the store of admissions cannot be reached")
	// ErrMissing reports a database without a store. A venue must not make one by
	// itself: in an empty store no slot is used.
	ErrMissing = postgres.ErrMissing
	// ErrVersion reports a store of another version of this package.
	ErrVersion = postgres.ErrVersion
	// ErrDSN reports a DSN that cannot be read.
	ErrDSN = postgres.ErrDSN
	// ErrDamaged reports a record that is not what was written.
	ErrDamaged = admission.ErrDamaged
)

// Store is an [admission.Store] on PostgreSQL.
type Store struct {
	db     *postgres.DB
	admits postgres.Group[*admit]
	// opens that must be durable, and those that need not.
	durable, lazy postgres.Group[*spend]

	mu sync.Mutex
	// open are the epochs, by their end, that had a partition when last seen.
	open map[int64]bool
}

var (
	_ admission.Store  = (*Store)(nil)
	_ admission.Banner = (*Store)(nil)
)

// together is the most admissions or opens in one transaction.
const together = 512

// Init makes an empty store in a database, or brings the one that is there up to
// date. Making one is for the first time only: whoever does it anew lets every
// slot of the epoch be used again, unless the venue raises its generation.
func Init(ctx context.Context, dsn string) error {
	err := postgres.InitSchema(ctx, dsn, schema)
	if err != nil {
		return fmt.Errorf("making a store of admissions: %w", err)
	}
	return nil
}

// Open opens the store that [Init] made in the database of a DSN, which can name
// several servers: the store uses the one that takes writes. Its error wraps
// [ErrDSN], [ErrMissing], [ErrVersion] or [*SettingError], or says why there is no
// connection. No error holds the DSN.
func Open(ctx context.Context, dsn string, o Options) (*Store, error) {
	db, err := postgres.OpenSchema(ctx, dsn, o, schema)
	if err != nil {
		return nil, fmt.Errorf("opening the store of admissions: %w", err)
	}
	s := &Store{db: db, open: make(map[int64]bool)}
	s.admits.Most, s.admits.Each = together, s.admitAll
	s.durable.Most, s.durable.Each = together, s.spendAll(true)
	s.lazy.Most, s.lazy.Each = together, s.spendAll(false)
	return s, nil
}

// Close waits for what is under way, and closes all connections.
func (s *Store) Close() error {
	s.admits.Close()
	s.durable.Close()
	s.lazy.Close()
	s.db.Close()
	return nil
}

// unavailable marks an error that is no answer.
func unavailable(err error) error {
	var taken *admission.TakenError
	var spent *admission.SpentError
	switch {
	case err == nil, errors.As(err, &taken), errors.As(err, &spent), errors.Is(err, admission.ErrClosed),
		errors.Is(err, ErrDamaged), errors.Is(err, context.Canceled), errors.Is(err, ErrUnavailable):
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
