package bench

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/admission"
)

const (
	// admitters are the callers that admit at the same time.
	admitters = 256
	// recordLimit is 20,000 admissions a second.
	recordLimit = time.Second / 20_000
	// admittedBefore are in the store when it is measured, and admittedQuick with
	// [Options.Quick]; a sample admits the hundredth part of them, or 2,000, on top.
	admittedBefore = 2_000_000
	admittedQuick  = 10_000
)

// front is a venue's store of admissions in a folder, with nullifiers and session
// keys that never come twice.
type front struct {
	store    *admission.Dir
	epoch    zkkex.Epoch
	admitted int
}

// admissions measures how fast nullifiers are recorded, each on disk before it is
// acknowledged, in a store that holds many.
func (r *runner) admissions(ctx context.Context) (err error) {
	before := admittedBefore
	if r.options.Quick {
		before = admittedQuick
	}
	dir, err := os.MkdirTemp(r.options.Dir, "zkkex-bench-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := admission.Init(dir); err != nil {
		return err
	}
	store, err := admission.OpenDir(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	f := &front{store: store, epoch: zkkex.Epoch{Schedule: zkkex.DefaultSchedule(), Number: 1}}
	r.progress(Admissions, "recording %d nullifiers", before)
	if err := f.admit(ctx, before); err != nil {
		return err
	}
	each := max(before/100, 2_000)
	r.progress(Admissions, "%d more at a time, by %d callers, with %d recorded", each, admitters, before)
	name := fmt.Sprintf("admit durably, %d callers, %d recorded", admitters, before)
	timings, err := r.measure(ctx, Admissions, 0, r.options.rounds(), task{
		name: name, each: each, run: func() error { return f.admit(ctx, each) },
	})
	if err != nil {
		return err
	}
	if before >= large {
		r.report.duration(name, timings[0], recordLimit)
	}
	return nil
}

// admit admits n certificates that were not admitted before.
func (f *front) admit(ctx context.Context, n int) error {
	group, ctx := errgroup.WithContext(ctx)
	last := int64(f.admitted + n)
	var next atomic.Int64
	next.Store(int64(f.admitted))
	f.admitted += n
	for range admitters {
		group.Go(func() error {
			for {
				i := next.Add(1)
				if i > last {
					return nil
				}
				record, err := f.record(i)
				if err != nil {
					return err
				}
				_, fresh, err := f.store.Admit(ctx, record)
				if err != nil {
					return err
				}
				if !fresh {
					return fmt.Errorf("certificate %d was admitted before", i)
				}
			}
		})
	}
	return group.Wait()
}

// record returns the record of the i-th certificate.
func (f *front) record(i int64) (*admission.Record, error) {
	nullifier := sha256.Sum256(fmt.Appendf(nil, "nullifier %d", i))
	nullifier[0] = 0 // below the order
	return admission.NewRecord(&zkkex.Presentation{
		Statement:     zkkex.Statement{Circuit: zkkex.BabyJubjub20, Limit: 4, Nullifier: nullifier},
		Epoch:         f.epoch,
		Authorization: zkkex.SessionKey(sha256.Sum256(fmt.Appendf(nil, "key %d", i))),
	}, 0)
}
