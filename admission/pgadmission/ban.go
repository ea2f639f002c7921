package pgadmission

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/zkkex/zkkex/admission"
)

// Ban implements [admission.Banner].
func (s *Store) Ban(ctx context.Context, shard admission.Shard, p admission.Pseudonym) error {
	end, err := endOf(shard)
	if err != nil {
		return err
	}
	return unavailable(s.inOpen(ctx, end, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "insert into zkkex_admission.ban values ($1, $2, $3) on conflict do nothing", end, shard.Scope[:], p[:])
		return err
	}))
}

// Bans implements [admission.Banner].
func (s *Store) Bans(ctx context.Context, shard admission.Shard) (all []admission.Pseudonym, err error) {
	end, err := endOf(shard)
	if err != nil {
		return nil, err
	}
	err = s.look(ctx, end, func(rows pgx.Rows) error {
		all = nil
		var p []byte
		_, err := pgx.ForEachRow(rows, []any{&p}, func() error {
			if len(p) != len(admission.Pseudonym{}) {
				return fmt.Errorf("%w: a ban of %d bytes", ErrDamaged, len(p))
			}
			all = append(all, admission.Pseudonym(p))
			return nil
		})
		return err
	}, "select pseudonym from zkkex_admission.ban where epoch_end = $1 and scope = $2 order by pseudonym", end, shard.Scope[:])
	if err != nil {
		return nil, err
	}
	return all, nil
}
