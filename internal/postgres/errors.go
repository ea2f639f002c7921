package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// NoPartition is the SQLSTATE code check_violation, which an insert without a
// partition for its row has as well.
const NoPartition = "23514"

// transientCodes are failures that the same statements need not meet again, by
// SQLSTATE, from appendix A of PostgreSQL's manual. Two digits stand for a class.
var transientCodes = []string{
	"08",    // connection exceptions
	"40",    // serialisation failures and deadlocks
	"53",    // out of resources: connections, memory, disk
	"55P03", // lock_timeout
	"57",    // shutdown, statement_timeout, cancelled by somebody
	"58",    // system errors
	"25006", // a primary that has become a standby
	"25P03", // idle_in_transaction_session_timeout
	"26000", // a prepared statement that was forgotten
	"0A000", // cached plan must not change result type: another's migration
	"XX000", // a table that vanishes while it is planned for
}

// Code returns the SQLSTATE of an error, or nothing if it is not of the server.
func Code(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// Transient reports whether an attempt that failed with err can be made again: the
// server could not be reached, was lost, or could not do it just then.
func Transient(err error) bool {
	if code := Code(err); code != "" {
		return slices.ContainsFunc(transientCodes, func(c string) bool { return strings.HasPrefix(code, c) })
	}
	var setting *SettingError
	var network net.Error
	var connect *pgconn.ConnectError
	return errors.As(err, &setting) || errors.As(err, &network) || errors.As(err, &connect) ||
		errors.Is(err, ErrUncertain) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, context.DeadlineExceeded) || pgconn.SafeToRetry(err) || isClosed(err)
}

// isClosed reports what pgx says of a connection that it has closed itself.
func isClosed(err error) bool {
	return strings.Contains(err.Error(), "conn closed")
}
