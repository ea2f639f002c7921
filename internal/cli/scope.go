package cli

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex"
)

// scopeFlags are what prover and verifier agree on. Their defaults are the same
// in every command.
type scopeFlags struct {
	name   string
	length time.Duration
	origin string
	limit  uint32
}

func (f *scopeFlags) register(c *cobra.Command) {
	schedule := zkkex.DefaultSchedule()
	c.Flags().StringVar(&f.name, "scope", "", "`NAME` of what the slots are for, agreed on by prover and verifier, such as rfq.example/2026")
	c.Flags().DurationVar(&f.length, "epoch-length", time.Duration(schedule.Length)*time.Second, "length of an epoch, in whole seconds")
	c.Flags().StringVar(&f.origin, "epoch-origin", "0", "when epoch 0 began: Unix seconds, or a `TIME` like 2026-01-31T00:00:00Z")
	c.Flags().Uint32Var(&f.limit, "limit", 1, "slots per member and epoch")
}

// check returns an error if the flags cannot be carried out.
func (f *scopeFlags) check() error {
	if f.name == "" {
		return withHint(usagef("name the scope with --scope"),
			"agree on a name that nobody else uses: verifiers of one scope can compare what they saw")
	}
	if strings.ContainsFunc(f.name, unicode.IsControl) {
		return usagef("--scope %q: expected no control characters", f.name)
	}
	if f.limit == 0 {
		return usagef("--limit 0: expected at least 1")
	}
	_, err := f.schedule()
	return err
}

// schedule returns the epochs that slots count in.
func (f *scopeFlags) schedule() (zkkex.Schedule, error) {
	seconds := f.length / time.Second
	if f.length%time.Second != 0 || seconds < 1 || int64(seconds) > int64(^uint32(0)) {
		return zkkex.Schedule{}, usagef("--epoch-length %v: expected whole seconds, at least 1s", f.length)
	}
	origin, err := strconv.ParseInt(f.origin, 10, 64)
	if err != nil {
		t, err := time.Parse(time.RFC3339, f.origin)
		if err != nil {
			return zkkex.Schedule{}, usagef("--epoch-origin %q: expected Unix seconds, or a time like 2026-01-31T00:00:00Z", f.origin)
		}
		origin = t.Unix()
	}
	s := zkkex.Schedule{Origin: origin, Length: uint32(seconds)}
	if _, err := (zkkex.Epoch{Schedule: s}).End(); err != nil {
		return s, usagef("--epoch-origin %q: %w", f.origin, err)
	}
	return s, nil
}

// epochResult is an epoch in a result.
type epochResult struct {
	Number uint64    `json:"number"`
	Start  time.Time `json:"start"`
	End    time.Time `json:"end"`
	Origin int64     `json:"origin"`
	Length uint32    `json:"length"`
}

func newEpochResult(e zkkex.Epoch) (epochResult, error) {
	start, err := e.Start()
	if err != nil {
		return epochResult{}, err
	}
	end, err := e.End()
	return epochResult{Number: e.Number, Start: start, End: end, Origin: e.Origin, Length: e.Length}, err
}

func (e epochResult) String() string {
	return fmt.Sprintf("%d, from %s to %s", e.Number, e.Start.Format(time.RFC3339), e.End.Format(time.RFC3339))
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
