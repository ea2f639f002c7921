package bench

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
)

// newDatabase makes a database on a server, and returns how to connect to it: each
// part begins with an empty journal. remove drops it.
func newDatabase(ctx context.Context, dsn string) (in string, remove func() error, err error) {
	var random [8]byte
	rand.Read(random[:]) // never fails
	name := "zkkex_bench_" + hex.EncodeToString(random[:])
	if in, err = withDatabase(dsn, name); err != nil {
		return "", nil, err
	}
	remove = func() error {
		return execute(context.WithoutCancel(ctx), dsn, "DROP DATABASE "+name+" WITH (FORCE)")
	}
	return in, remove, execute(ctx, dsn, "CREATE DATABASE "+name)
}

// withDatabase names another database in a connection string of either form.
func withDatabase(dsn, name string) (string, error) {
	if !strings.Contains(dsn, "://") {
		return dsn + " dbname=" + name, nil
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "", errors.New("the connection string is no URL") // it may hold a password
	}
	u.Path = "/" + name
	return u.String(), nil
}

func execute(ctx context.Context, dsn, statement string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}
