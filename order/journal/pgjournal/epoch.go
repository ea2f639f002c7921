package pgjournal

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/journal"
)

// Whoever makes or removes partitions holds a lock alone, which all transactions
// that write to more than one table share.
const (
	shareEpochs = "select pg_advisory_xact_lock_shared(hashtext('zkkex_journal epochs'))"
	lockEpochs  = "select pg_advisory_xact_lock(hashtext('zkkex_journal epochs'))"
)

// partitioned are the tables with partitions.
var partitioned = []string{"report", "request", "orders", "fix_message"}

// checkEpoch returns an error for an epoch that no schedule has.
func checkEpoch(id order.SessionID) error {
	if id.Epoch > math.MaxInt64 {
		return fmt.Errorf("%w: epoch %d is above %d", journal.ErrEntry, id.Epoch, int64(math.MaxInt64))
	}
	return nil
}

// ensure makes the partitions of an epoch, unless they were there when last seen.
// Those of an epoch that was pruned may come back, for events of orders that its
// sessions left: the next Prune removes them again.
func (s *Store) ensure(ctx context.Context, conn *pgx.Conn, epoch uint64) error {
	s.mu.Lock()
	known := s.epochs[epoch]
	s.mu.Unlock()
	if known {
		return nil
	}
	var statements []string
	for _, table := range partitioned {
		statements = append(statements, fmt.Sprintf(
			"create table if not exists zkkex_journal.%[1]s_%[2]d partition of zkkex_journal.%[1]s for values in (%[2]d)", table, epoch))
	}
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockEpochs); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, strings.Join(statements, ";"))
		return err
	})
	if err == nil {
		s.mu.Lock()
		s.epochs[epoch] = true
		s.mu.Unlock()
	}
	return err
}

// forget makes the next call look which epochs have partitions.
func (s *Store) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.epochs)
}
