package ceremony_test

import (
	"path/filepath"
	"testing"

	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
)

// told is what was told of each step.
type told map[string][][2]int

func (w told) progress(step string, done, total int) { w[step] = append(w[step], [2]int{done, total}) }

// Work is told of as one step, which never goes back, ends, and moves within a file:
// else nobody could tell how long it takes.
func TestProgress(t *testing.T) {
	ceremonytest.Small(t)
	for _, plan := range []ceremonytest.Plan{
		{Phase1: []string{"Alice", "Bob"}, Phase2: []string{"Alice"}, Open: true},
		{Imported: true, Phase2: []string{"Alice"}, Open: true},
		{Imported: true},
	} {
		dir := plan.Make(t)
		all := func(do func(c *ceremony.Ceremony, w told) error) told {
			t.Helper()
			c, w := open(t, dir), told{}
			c.Forget()
			if err := do(c, w); err != nil {
				t.Fatal(err)
			}
			for step, events := range w {
				last := events[0]
				for _, e := range events[1:] {
					if e[1] != last[1] || e[0] < last[0] {
						t.Errorf("%s: %d of %d after %d of %d", step, e[0], e[1], last[0], last[1])
					}
					last = e
				}
				if last[0] != last[1] {
					t.Errorf("%s: ended with %d of %d", step, last[0], last[1])
				}
			}
			return w
		}
		const verifying, contributing, computing = "verifying what is there", "contributing", "computing the keys"
		w := all(func(c *ceremony.Ceremony, w told) error { _, err := c.Verify(ctx, w.progress); return err })
		if len(plan.Phase2) > 0 && len(w[verifying]) < 8 {
			t.Errorf("verifying moved %d times", len(w[verifying]))
		}
		w = all(func(c *ceremony.Ceremony, w told) error {
			_, err := c.Contribute(ctx, ceremony.Contributor{Name: "Dave"}, w.progress)
			return err
		})
		if len(w) != 3 || len(w[contributing]) < 2 {
			t.Errorf("contributing told of %v", w)
		}
		if _, err := open(t, dir).Beacon(ctx, "source", ceremonytest.BeaconValue, nil); err != nil {
			t.Fatal(err)
		}
		w = all(func(c *ceremony.Ceremony, w told) error {
			_, err := c.Seal(ctx, filepath.Join(t.TempDir(), "set"), w.progress)
			return err
		})
		if len(w[computing]) < 2 {
			t.Errorf("sealing told of %v", w)
		}
	}
}
