package ceremony

import "context"

// Verified says what was verified, and when.
type Verified struct {
	// Status is how far the ceremony is.
	Status Status
	// Remembered is how many of the files were verified on this machine before;
	// the rest was verified now.
	Remembered int
}

// Verify verifies the mathematics of all files, from the files alone: that the
// circuit is the one this program compiles, that each contribution follows from
// the one before it by secrets that its contributor knew, and that an imported
// phase 1 is one. It does not do again what this user's machine has verified, see
// [Ceremony.Forget]. That the ceremony is complete is not asked for: see
// [Status.Complete]. It returns a [FileError], or ctx's error.
func (c *Ceremony) Verify(ctx context.Context, progress Progress) (*Verified, error) {
	r, err := newReplay(c, progress)
	if err != nil {
		return nil, err
	}
	remembered, err := r.verify(ctx)
	if err != nil {
		return nil, err
	}
	return &Verified{Status: c.Status(), Remembered: remembered}, nil
}

// verifying names the step of verifying files.
const verifying = "verifying what is there"

// verify verifies the steps that are not remembered.
func (r *replay) verify(ctx context.Context) (remembered int, err error) {
	from, total := r.remembered(), 0
	for step := from; step < r.steps(); step++ {
		total += r.cost(step)
	}
	r.meter = newMeter(r.progress, verifying, total)
	for step := from; step < r.steps(); step++ {
		if err := context.Cause(ctx); err != nil {
			return 0, err
		}
		if err := r.check(ctx, step); err != nil {
			return 0, err
		}
		r.c.cache.add(r.digest(step))
	}
	r.meter.end()
	return max(from-1, 0), nil
}

// remembered returns the first step to verify: the one after the last that is
// remembered.
func (r *replay) remembered() int {
	for step := r.steps() - 1; step >= 0; step-- {
		if r.c.cache.has(r.digest(step)) {
			return step + 1
		}
	}
	return 0
}
