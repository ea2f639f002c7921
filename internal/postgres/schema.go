package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Schema is a store's tables, in a schema of their own, and how they came about.
type Schema struct {
	// Name is the schema's. It holds a table version with one row.
	Name string
	// Steps lead from each version to the next; version 0 is that of nothing. They
	// are never changed, only added to.
	Steps []string
	// Make tells users what makes the schema.
	Make string
}

// Errors of schemas.
var (
	// ErrMissing reports a database without the store's tables. A store never makes
	// them by itself: in new ones, nothing was ever recorded.
	ErrMissing = errors.New("the database has no such store")
	// ErrVersion reports tables of another version.
	ErrVersion = errors.New("the store in the database is of another version")
)

// version returns the schema's version; 0 if there is none.
func (s Schema) version(ctx context.Context, q interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}) (n int, err error) {
	var exists bool
	if err := q.QueryRow(ctx, "select to_regclass($1) is not null", s.Name+".version").Scan(&exists); err != nil || !exists {
		return 0, err
	}
	err = q.QueryRow(ctx, "select number from "+s.Name+".version").Scan(&n)
	return n, err
}

// Check returns an error wrapping [ErrMissing] or [ErrVersion], which says what to
// do, unless the database has the schema in its latest version.
func (s Schema) Check(ctx context.Context, db *DB) error {
	return db.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		n, err := s.version(ctx, conn)
		switch latest := len(s.Steps); {
		case err != nil:
			return err
		case n == 0:
			return fmt.Errorf("%w: there is no schema %s: make it with %s if this is the first time, otherwise find out where it went", ErrMissing, s.Name, s.Make)
		case n < latest:
			return fmt.Errorf("%w: schema %s has version %d, expected %d: run %s", ErrVersion, s.Name, n, latest, s.Make)
		case n > latest:
			return fmt.Errorf("%w: schema %s has version %d, and this program knows versions up to %d: run a newer program", ErrVersion, s.Name, n, latest)
		}
		return nil
	})
}

// Init makes the schema, or brings it to the latest version; it does nothing if it
// is that already. Its error wraps [ErrVersion] if it is newer.
func (s Schema) Init(ctx context.Context, db *DB) error {
	return db.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			// Two that do this at once take turns.
			if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtext($1))", s.Name); err != nil {
				return err
			}
			n, err := s.version(ctx, tx)
			if err != nil {
				return err
			}
			if n > len(s.Steps) {
				return fmt.Errorf("%w: schema %s has version %d, and this program knows versions up to %d: run a newer program", ErrVersion, s.Name, n, len(s.Steps))
			}
			return s.migrate(ctx, tx, n)
		})
	})
}

func (s Schema) migrate(ctx context.Context, tx pgx.Tx, from int) error {
	if from == 0 {
		if _, err := tx.Exec(ctx, fmt.Sprintf("create schema if not exists %[1]s; create table %[1]s.version (number int not null); insert into %[1]s.version values (0)", s.Name)); err != nil {
			return err
		}
	}
	for _, step := range s.Steps[from:] {
		if _, err := tx.Exec(ctx, step); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, "update "+s.Name+".version set number = $1 where number <> $1", len(s.Steps))
	return err
}

// InitSchema makes a store's schema in the database of a DSN, which need not
// fulfil more than the store's own promises.
func InitSchema(ctx context.Context, dsn string, s Schema) error {
	db, err := Open(ctx, dsn, Options{MaxConns: 1})
	if err != nil {
		return err
	}
	defer db.Close()
	return s.Init(ctx, db)
}

// OpenSchema opens the database of a DSN, which must have a store's schema.
func OpenSchema(ctx context.Context, dsn string, o Options, s Schema) (*DB, error) {
	db, err := Open(ctx, dsn, o)
	if err != nil {
		return nil, err
	}
	if err := s.Check(ctx, db); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}
