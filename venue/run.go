package venue

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// tick is how often the maintenance loop looks at what is due. Switches are on
// whole minutes, and descriptors are issued well before them.
const tick = 10 * time.Second

// Run keeps the venue going until ctx ends, and returns ctx's error: it syncs
// with the registry at random times around the configured interval, and issues,
// publishes and destroys what is due. What fails is in [Venue.Status] and in the
// log, and is tried again. What other gateways of the venue issue and ban is taken
// in every second.
func (v *Venue) Run(ctx context.Context) error {
	var attending sync.WaitGroup
	attending.Go(func() { v.attend(ctx) })
	defer attending.Wait()
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
	err := v.issue(ctx)
	swept := v.sweep()
	v.problem(ctx, "sweep", swept)
	pruned := v.gate.prune(ctx)
	v.problem(ctx, "admissions", pruned)
	return errors.Join(append(errs, err, swept, pruned)...)
}

// issue issues what is due, or takes in what was issued.
func (v *Venue) issue(ctx context.Context) error {
	if v.Follows() {
		return v.follow(ctx)
	}
	_, err := v.Rotate(ctx)
	return err
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
