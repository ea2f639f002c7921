package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// DB is a server, or whichever of several is the primary.
type DB struct {
	pool    *pgxpool.Pool
	options Options
	// good is the server that the last connection was made to: the next one is
	// tried there first. A primary that was replaced and is back would otherwise
	// cost every connection its time.
	good atomic.Pointer[server]
}

// server is one of those in the DSN.
type server struct {
	host string
	port uint16
}

// ErrUncertain reports a commit that the server acknowledged with a warning, such
// as that it did not wait for the standbys.
var ErrUncertain = errors.New("the PostgreSQL server warned that a commit may not be replicated")

// Open connects to the server of a DSN; of several, to the one that takes writes.
// It returns [ErrDSN], an error wrapping [*SettingError] if no server can keep a
// store's promises, or one that says what else is wrong.
func Open(ctx context.Context, dsn string, o Options) (*DB, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	c, err := o.config(dsn)
	if err != nil {
		return nil, err
	}
	db := &DB{options: o}
	c.BeforeConnect = func(_ context.Context, conn *pgx.ConnConfig) error {
		db.prepare(&conn.Config)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	if db.pool, err = pgxpool.NewWithConfig(ctx, c); err != nil {
		return nil, err
	}
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		db.pool.Close()
		return nil, fmt.Errorf("connecting to PostgreSQL: %w", err)
	}
	conn.Release()
	return db, nil
}

// link is what is known of a connection beside what pgx knows.
type link struct {
	// ready: no more connections may be made for its sake. What pgx would make
	// is one that asks the server to cancel; see the package's documentation.
	ready atomic.Bool
	// warned: the server sent a warning.
	warned atomic.Bool
	// names are the hosts of the DSN by their addresses.
	names map[string]string
}

const linkKey = "zkkex link"

var errNoCancel = errors.New("a statement is never cancelled, its connection is dropped")

// prepare gives a connection that is about to be made its link.
func (db *DB) prepare(c *pgconn.Config) {
	l := &link{names: make(map[string]string)}
	if good := db.good.Load(); good != nil {
		prefer(c, *good)
	}
	dial, lookup := c.DialFunc, c.LookupFunc
	c.LookupFunc = func(ctx context.Context, host string) ([]string, error) {
		addresses, err := lookup(ctx, host)
		for _, a := range addresses {
			l.names[a] = host
		}
		return addresses, err
	}
	c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if l.ready.Load() {
			return nil, errNoCancel
		}
		return dial(ctx, network, address)
	}
	c.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if n.SeverityUnlocalized == "WARNING" {
			l.warned.Store(true)
		}
	}
	c.ValidateConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		if err := db.validate(ctx, conn); err != nil {
			return err
		}
		if a, ok := conn.Conn().RemoteAddr().(*net.TCPAddr); ok {
			db.good.Store(&server{l.names[a.IP.String()], uint16(a.Port)})
		}
		l.ready.Store(true)
		l.warned.Store(false)
		conn.CustomData()[linkKey] = l
		return nil
	}
}

// validate makes sure that a server can keep promises, and that everything that it
// shows is safe.
func (db *DB) validate(ctx context.Context, conn *pgconn.PgConn) error {
	if err := checkSettings(ctx, conn, db.options.RequireReplicas); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, barrier).ReadAll(); err != nil {
		return fmt.Errorf("waiting for the log to be safe, as far as synchronous_standby_names demands: %w", err)
	}
	return nil
}

// prefer puts a server before the others of the DSN.
func prefer(c *pgconn.Config, good server) {
	for i, f := range c.Fallbacks {
		if f.Host == good.host && f.Port == good.port {
			fallbacks := slices.Delete(slices.Clone(c.Fallbacks), i, i+1)
			c.Fallbacks = append(fallbacks, &pgconn.FallbackConfig{Host: c.Host, Port: c.Port, TLSConfig: c.TLSConfig})
			c.Host, c.Port, c.TLSConfig = f.Host, f.Port, f.TLSConfig
			return
		}
	}
}

// barrier writes a record to the log that means nothing. Its commit waits for
// everything before it.
const barrier = "select pg_logical_emit_message(true, 'zkkex', '')"

// Close closes all connections, and waits for calls that use one.
func (db *DB) Close() { db.pool.Close() }

// retryDelay is how long to wait before the second attempt; later ones wait for
// twice as long, up to maxRetryDelay.
const (
	retryDelay    = 10 * time.Millisecond
	maxRetryDelay = 500 * time.Millisecond
)

// Do calls f with a connection until it succeeds, it fails for good, or the time
// of the store's options is over. f must do the same if it is done again, because
// of an attempt that failed it can be unknown whether its transaction took place.
// A second attempt begins behind a barrier, so that what the first left is durable
// before f sees it.
//
// The error is that of ctx if it is done.
func (db *DB) Do(ctx context.Context, f func(context.Context, *pgx.Conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	limit, cancel := context.WithTimeout(ctx, db.options.Timeout)
	defer cancel()
	delay := retryDelay
	for attempt := 0; ; attempt++ {
		err := db.try(limit, attempt > 0, f)
		if err == nil || !Transient(err) {
			return err
		}
		select {
		case <-time.After(delay):
		case <-limit.Done():
		}
		if cause := ctx.Err(); cause != nil {
			return fmt.Errorf("%w: %w", cause, err)
		}
		if limit.Err() != nil {
			return fmt.Errorf("gave up after %v: %w", db.options.Timeout, err)
		}
		delay = min(2*delay, maxRetryDelay)
	}
}

func (db *DB) try(ctx context.Context, again bool, f func(context.Context, *pgx.Conn) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, db.options.attempt())
	defer cancel()
	c, err := db.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer db.release(c)
	l := c.Conn().PgConn().CustomData()[linkKey].(*link)
	if again {
		if _, err := c.Exec(ctx, barrier); err != nil {
			return err
		}
	}
	if err := f(ctx, c.Conn()); err != nil {
		return err
	}
	if l.warned.Load() {
		// Whoever comes next on another connection sees it all the same: the
		// barrier before the next attempt makes it durable.
		return errors.Join(ErrUncertain, c.Conn().Close(ctx))
	}
	return nil
}

// release gives a connection back. One in a transaction, or broken, is dropped at
// once: pgx would first wait for the server to answer.
func (db *DB) release(c *pgxpool.Conn) {
	conn := c.Conn().PgConn()
	if conn.IsClosed() || conn.IsBusy() || conn.TxStatus() != 'I' {
		_ = conn.Conn().Close()
	}
	c.Release()
}
