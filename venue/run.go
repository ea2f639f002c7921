package venue

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// tick is how often the maintenance loop looks at what is due. Switches are on
// whole minutes, and descriptors are issued well before them.
const tick = 10 * time.Second

// Run keeps the venue going until ctx ends, and returns ctx's error: it syncs
// with the registry at random times around the configured interval, and issues,
// publishes and destroys what is due. What fails is in [Venue.Status] and in the
// log, and is tried again.
func (v *Venue) Run(ctx context.Context) error {
	for {
		_ = v.Maintain(ctx) // kept for Status
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(tick):
		}
	}
}

// Maintain does once what [Venue.Run] does all the time. It does all that it can,
// and returns what failed.
func (v *Venue) Maintain(ctx context.Context) error {
	var errs []error
	if v.syncDue() {
		_, err := v.Sync(ctx)
		errs = append(errs, err)
	}
	_, err := v.Rotate(ctx)
	swept := v.sweep()
	v.problem(ctx, "sweep", swept)
	pruned := v.gate.prune(ctx)
	v.problem(ctx, "admissions", pruned)
	return errors.Join(append(errs, err, swept, pruned)...)
}

// syncDue reports whether it is time to sync, and sets the next time.
func (v *Venue) syncDue() bool {
	v.issuing.Lock()
	defer v.issuing.Unlock()
	now := v.now()
	if now.Before(v.nextSync) {
		return false
	}
	interval := v.config.SyncInterval
	v.nextSync = now.Add(interval/2 + rand.N(interval))
	return true
}
