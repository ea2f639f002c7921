package admission

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Ban implements [Banner], for one process.
func (d *Dir) Ban(ctx context.Context, s Shard, p Pseudonym) error {
	return d.with(ctx, s, func(s shardKey) error {
		b, err := d.ban(s, p)
		if err != nil {
			return err
		}
		return d.sync(b)
	})
}

func (d *Dir) ban(s shardKey, p Pseudonym) (*pebble.Batch, error) {
	d.write.all.Lock()
	defer d.write.all.Unlock()
	if err := d.checkOpen(s); err != nil {
		return nil, err
	}
	b := d.db.NewBatch()
	return b, errors.Join(b.Set(s.ban(p), nil, nil), d.apply(b))
}

// Bans implements [Banner].
func (d *Dir) Bans(ctx context.Context, s Shard) (out []Pseudonym, err error) {
	err = d.with(ctx, s, func(s shardKey) error {
		out, err = d.bans(s)
		return err
	})
	return out, err
}

func (d *Dir) bans(s shardKey) (out []Pseudonym, err error) {
	prefix := s.prefix(kindBan)
	it, err := d.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: s.prefix(kindBan + 1)})
	if err != nil {
		return nil, explain(err)
	}
	defer func() { err = errors.Join(err, explain(it.Close())) }()
	for valid := it.First(); valid; valid = it.Next() {
		name := it.Key()[len(prefix):]
		if len(name) != len(Pseudonym{}) {
			return nil, fmt.Errorf("%w: a ban of %d bytes, expected %d", ErrDamaged, len(name), len(Pseudonym{}))
		}
		out = append(out, Pseudonym(name))
	}
	return out, explain(it.Error())
}
