package ceremony_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/zkkex/zkkex/internal/mpc"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
)

// Nothing is made upon a contribution that does not verify, whether or not somebody
// asked for it to be verified: no contribution, no beacon, no parameters.
func TestNothingIsMadeUponFaults(t *testing.T) {
	ceremonytest.Small(t)
	plan := ceremonytest.Plan{Phase1: []string{"Alice"}, Phase2: []string{"Alice", "Mallory"}}
	want := ceremony.FileError{File: ceremony.FileName(4), Number: 4, Contributor: "Mallory", Check: mpc.CheckK}
	planted := func(goesOn bool) *ceremony.Ceremony {
		t.Helper()
		plan.Open = goesOn
		chain := ceremonytest.Read(t, open(t, plan.Make(t)).FS())
		for _, fault := range ceremonytest.Faults() {
			if fault.Phase == 2 && fault.Check == mpc.CheckK {
				chain.Plant(t, 4, fault.Apply(t, chain.Definition, chain.Links[3].Payload))
			}
		}
		return open(t, ceremonytest.Write(t, chain.Files(t)))
	}
	out := filepath.Join(t.TempDir(), "params")
	for _, step := range []struct {
		name string
		open bool
		take func(c *ceremony.Ceremony) error
	}{
		{"a contribution", true, func(c *ceremony.Ceremony) error {
			_, err := c.Contribute(ctx, ceremony.Contributor{Name: "Dave"}, nil)
			return err
		}},
		{"a beacon", true, func(c *ceremony.Ceremony) error {
			_, err := c.Beacon(ctx, ceremonytest.BeaconSource, ceremonytest.BeaconValue, nil)
			return err
		}},
		{"parameters", false, func(c *ceremony.Ceremony) error {
			_, err := c.Seal(ctx, out, nil)
			return err
		}},
	} {
		c := planted(step.open)
		files := len(c.Status().Entries)
		refused(t, step.name, step.take(c), want)
		if got := len(c.Status().Entries); got != files {
			t.Errorf("%s: %d files, there were %d", step.name, got, files)
		}
	}
	if _, err := os.Lstat(out); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("parameters were written: %v", err)
	}
}
