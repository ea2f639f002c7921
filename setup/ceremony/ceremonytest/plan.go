package ceremonytest

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/params"
)

// Created is the date of every plan.
var Created = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// BeaconSource is where the beacons of plans are from.
const BeaconSource = "a value that only tests announce"

// BeaconValue is the value of the beacons of plans.
var BeaconValue = []byte("a public value which came late..")

// Plan says what ceremony to make.
type Plan struct {
	// Kind is the kind of the set; "" is [params.Ceremony].
	Kind params.Kind
	// Imported begins with an imported phase 1 instead of contributions to it.
	Imported bool
	// Phase1 and Phase2 name the contributors, in order. Those in Signed sign with
	// their [Key].
	Phase1, Phase2 []string
	Signed         []string
	// Announced announces [BeaconSource] for both phases.
	Announced bool
	// Open leaves the beacon of phase 2 out, so that more can follow.
	Open bool
}

// Three is a ceremony of three people, two of whom sign.
var Three = Plan{
	Phase1: []string{"Alice", "Bob", "Carol"},
	Phase2: []string{"Alice", "Bob", "Carol"},
	Signed: []string{"Alice", "Carol"},
}

// Make runs the ceremony in a new folder, which it returns. Without contributors
// to phase 1, phase 1 is open as well.
func (p Plan) Make(t testing.TB) string {
	t.Helper()
	_, dir := p.Run(t)
	return dir
}

// Run is [Plan.Make], and returns the ceremony as the process has it that made it.
func (p Plan) Run(t testing.TB) (*ceremony.Ceremony, string) {
	t.Helper()
	ctx := context.Background()
	dir := filepath.Join(t.TempDir(), "ceremony")
	c, err := ceremony.Init(ctx, dir, p.options(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range p.Phase1 {
		p.contribute(t, c, name)
	}
	if len(p.Phase1) > 0 {
		beacon(t, c)
	}
	for _, name := range p.Phase2 {
		p.contribute(t, c, name)
	}
	if len(p.Phase2) > 0 && !p.Open {
		beacon(t, c)
	}
	return c, dir
}

func (p Plan) options(t testing.TB) ceremony.Options {
	t.Helper()
	o := ceremony.Options{Circuit: Circuit, Name: "test", Kind: p.Kind, Created: Created}
	if o.Kind == "" {
		o.Kind = params.Ceremony
	}
	if p.Imported {
		o.Ptau = Imported(t)
	}
	if p.Announced {
		o.Announced = [2]string{BeaconSource, BeaconSource}
		if p.Imported {
			o.Announced[0] = ""
		}
	}
	return o
}

func (p Plan) contribute(t testing.TB, c *ceremony.Ceremony, name string) {
	t.Helper()
	who := ceremony.Contributor{Name: name, Entropy: []byte(t.Name())}
	for _, signed := range p.Signed {
		if signed == name {
			who.Signer = Key(t, name)
		}
	}
	if _, err := c.Contribute(context.Background(), who, nil); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func beacon(t testing.TB, c *ceremony.Ceremony) {
	t.Helper()
	if _, err := c.Beacon(context.Background(), BeaconSource, BeaconValue, nil); err != nil {
		t.Fatal(err)
	}
}
