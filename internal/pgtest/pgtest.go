// Package pgtest starts private PostgreSQL servers for tests: in a folder of
// their own, on a loopback port of their own, with fsync on as for real.
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
//
//	func TestIt(t *testing.T) { open(pgtest.Database(t)) }
//
// A server ends with the process that started it, however that ends.
package pgtest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// shared is the one server of a test binary.
var shared struct {
	once      sync.Once
	cluster   *Cluster
	err       error
	databases atomic.Int64
}

// Main runs the tests of a package, and stops the server that they shared. It
// returns the exit status.
func Main(m *testing.M) int {
	status := m.Run()
	if c := shared.cluster; c != nil {
		if err := c.remove(); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest:", err)
			return max(status, 1)
		}
	}
	return status
}

// Shared returns the server that the tests of a package share. The package's
// TestMain calls [Main]. No test may stop it or change its settings.
func Shared(t testing.TB) *Cluster {
	t.Helper()
	shared.once.Do(func() { shared.cluster, shared.err = newCluster(nil) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.cluster
}

// Database returns the DSN of a new, empty database on the shared server.
func Database(t testing.TB) string {
	t.Helper()
	return Shared(t).Database(t)
}

// Database makes an empty database of [Role]'s, and returns its DSN.
func (c *Cluster) Database(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test%d", shared.databases.Add(1))
	c.Exec(t, "create database "+name+" owner "+Role)
	return c.DSN(name)
}

// Exec runs a statement as the superuser, in the database postgres.
func (c *Cluster) Exec(t testing.TB, sql string) {
	t.Helper()
	c.ExecIn(t, c.superuser(), sql)
}

// ExecIn runs a statement in the database of a DSN.
func (c *Cluster) ExecIn(t testing.TB, dsn, sql string) {
	t.Helper()
	c.Query(t, dsn, sql)
}

// Query runs a statement, and returns the first column of its first row as text;
// empty if there is none.
func (c *Cluster) Query(t testing.TB, dsn, sql string) string {
	t.Helper()
	out, err := query(dsn, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return out
}

func query(dsn, sql string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	if err != nil {
		return "", err
	}
	for _, r := range results {
		if len(r.Rows) > 0 && len(r.Rows[0]) > 0 {
			return string(r.Rows[0][0]), nil
		}
	}
	return "", nil
}

// patience is how long a server may take for what it is asked here.
const patience = time.Minute
