package postgres

import (
	"errors"
	"maps"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Options are how a store uses a server.
type Options struct {
	// RequireReplicas is how many standbys must have a transaction before it
	// counts, beside the primary; 0 demands none. A server whose
	// synchronous_standby_names waits for fewer is refused.
	RequireReplicas int
	// Timeout is how long a call may take, with all repetitions; 0 means
	// [DefaultTimeout].
	Timeout time.Duration
	// MaxConns is the most connections of the store; 0 means [DefaultMaxConns].
	MaxConns int
}

// Defaults of [Options].
const (
	DefaultTimeout  = 10 * time.Second
	DefaultMaxConns = 8
)

// maxConnectTimeout is for one server of several in the DSN.
const maxConnectTimeout = 3 * time.Second

// ErrDSN reports a DSN that cannot be read. It says nothing of what is in it,
// which may be a password.
var ErrDSN = errors.New("the DSN cannot be read, expected postgres://user@host1:port,host2:port/database?option=value, or 'host=host1,host2 user=... dbname=...'")

func (o Options) withDefaults() (Options, error) {
	if o.RequireReplicas < 0 || o.Timeout < 0 || o.MaxConns < 0 {
		return o, errors.New("an option of the store on PostgreSQL is negative")
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.MaxConns == 0 {
		o.MaxConns = DefaultMaxConns
	}
	return o, nil
}

// attempt is how long one of several attempts may take.
func (o Options) attempt() time.Duration { return o.Timeout / 2 }

// config reads a DSN, and completes it.
func (o Options) config(dsn string) (*pgxpool.Config, error) {
	c, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, ErrDSN // pgx quotes the DSN
	}
	c.MaxConns = int32(min(o.MaxConns, 1000))
	c.PingTimeout = o.attempt()
	connect := min(maxConnectTimeout, o.attempt())
	if set := c.ConnConfig.ConnectTimeout; set == 0 || set > connect {
		c.ConnConfig.ConnectTimeout = connect
	}
	milliseconds := strconv.FormatInt(o.attempt().Milliseconds(), 10)
	for name, value := range map[string]string{
		"application_name": "zkkex",
		// A gateway that vanishes must not hold what others wait for. The server
		// ends its transactions, and its connection.
		"statement_timeout":                   milliseconds,
		"lock_timeout":                        milliseconds,
		"idle_in_transaction_session_timeout": milliseconds,
		"tcp_keepalives_idle":                 "5",
		"tcp_keepalives_interval":             "2",
		"tcp_keepalives_count":                "3",
	} {
		if _, set := c.ConnConfig.RuntimeParams[name]; !set {
			c.ConnConfig.RuntimeParams[name] = value
		}
	}
	maps.Copy(c.ConnConfig.RuntimeParams, map[string]string{
		"default_transaction_isolation": "read committed",
		"timezone":                      "UTC",
		// Everything is looked up by key. A partition that is new has no statistics
		// yet, and a plan made then, which reads all of it, would be kept while it
		// grows.
		"plan_cache_mode":  "force_generic_plan",
		"enable_seqscan":   "off",
		"enable_hashjoin":  "off",
		"enable_mergejoin": "off",
		"jit":              "off",
	})
	return c, nil
}
