package ceremony_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/mpc"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
)

// A changed point is refused by the check that is for it, by name, when every
// digest and every signature around it was made anew and all later contributors
// went on as if nothing were wrong.
func TestFaultsReachTheMathematics(t *testing.T) {
	ceremonytest.Small(t)
	plans := map[int]ceremonytest.Plan{
		0: {Imported: true, Phase2: []string{"Alice", "Bob"}},
		1: {Phase1: []string{"Alice", "Mallory", "Carol"}, Phase2: []string{"Alice"}, Signed: []string{"Mallory", "Carol"}},
		2: {Phase1: []string{"Alice"}, Phase2: []string{"Alice", "Mallory", "Carol"}, Signed: []string{"Mallory", "Carol"}},
	}
	culprit := map[int]int{1: 2, 2: 4} // Mallory's file
	folders := map[int]string{}
	for phase, plan := range plans {
		folders[phase] = plan.Make(t)
	}
	seen := map[int][]string{}
	for _, fault := range ceremonytest.Faults() {
		chain := ceremonytest.Read(t, open(t, folders[fault.Phase]).FS())
		want := ceremony.FileError{File: ceremony.PhaseOneFile, Check: fault.Check}
		if number := culprit[fault.Phase]; number > 0 {
			chain.Plant(t, number, fault.Apply(t, chain.Definition, chain.Links[number-1].Payload))
			want = ceremony.FileError{File: ceremony.FileName(number), Number: number, Contributor: "Mallory", Check: fault.Check}
		} else {
			chain.SRS = fault.Apply(t, chain.Definition, chain.SRS)
		}
		c := open(t, ceremonytest.Write(t, chain.Files(t)))
		_, err := c.Verify(context.Background(), nil)
		refused(t, "phase "+string(rune('0'+fault.Phase))+": "+fault.Check, err, want)
		malformed := fault.Check == mpc.CheckEncoding
		if errors.Is(err, zkkex.ErrMalformed) != malformed || errors.Is(err, ceremony.ErrRejected) == malformed {
			t.Errorf("%s: the class of %v is wrong", fault.Check, err)
		}
		if _, err := c.Contribute(context.Background(), ceremony.Contributor{Name: "Dave"}, nil); err == nil {
			t.Errorf("%s: Dave contributed upon it", fault.Check)
		}
		seen[fault.Phase] = append(seen[fault.Phase], fault.Check)
	}
	for phase, n := range map[int]int{0: 7, 1: 13, 2: 7} {
		slices.Sort(seen[phase])
		if len(slices.Compact(seen[phase])) != n {
			t.Errorf("phase %d: %d checks have a fault, expected %d: %v", phase, len(seen[phase]), n, seen[phase])
		}
	}
}

// refused fails the test unless err is a FileError with the fields of want.
func refused(t *testing.T, name string, err error, want ceremony.FileError) {
	t.Helper()
	var got *ceremony.FileError
	if !errors.As(err, &got) {
		t.Errorf("%s: %v, want a refusal of %s by %q", name, err, want.File, want.Check)
		return
	}
	if got.File != want.File || got.Number != want.Number || got.Contributor != want.Contributor || got.Check != want.Check {
		t.Errorf("%s: refused %s, number %d by %q: %s, want %s, %d, %q: %s (%v)", name, got.File, got.Number, got.Contributor, got.Check,
			want.File, want.Number, want.Contributor, want.Check, err)
	}
}

// What was made elsewhere or at another time is refused by the mathematics if a
// forger gives it the right headers, digests and a signature.
func TestForgedHeadersReachTheMathematics(t *testing.T) {
	ceremonytest.Small(t)
	dir := ceremonytest.Three.Make(t)
	other := ceremonytest.Read(t, open(t, ceremonytest.Three.Make(t)).FS())
	mallory := func(chain *ceremonytest.Chain, number int, payload []byte) {
		link := &chain.Links[number-1]
		link.Header.Contributor, link.Signer = "Mallory", ceremonytest.Key(t, "Mallory")
		chain.Plant(t, number, payload)
	}
	for _, test := range []struct {
		name   string
		number int
		change func(chain *ceremonytest.Chain)
		check  string
	}{
		{"phase 1 replayed", 3, func(c *ceremonytest.Chain) { mallory(c, 3, c.Links[0].Payload) }, mpc.CheckChallenge},
		{"the one before it again", 3, func(c *ceremonytest.Chain) { mallory(c, 3, c.Links[1].Payload) }, mpc.CheckChallenge},
		{"phase 2 replayed", 7, func(c *ceremonytest.Chain) { mallory(c, 7, c.Links[4].Payload) }, mpc.CheckChallenge},
		{"phase 1 of another ceremony", 2, func(c *ceremonytest.Chain) { mallory(c, 2, other.Links[1].Payload) }, mpc.CheckChallenge},
		{"phase 2 of another ceremony", 5, func(c *ceremonytest.Chain) { mallory(c, 5, other.Links[4].Payload) }, mpc.CheckChallenge},
		{"reordered", 1, func(c *ceremonytest.Chain) {
			first, second := c.Links[0].Payload, c.Links[1].Payload
			mallory(c, 1, second)
			c.Links[1].Payload = first
		}, mpc.CheckChallenge},
		{"one left out", 2, func(c *ceremonytest.Chain) { mallory(c, 2, c.Links[2].Payload) }, mpc.CheckChallenge},
	} {
		chain := ceremonytest.Read(t, open(t, dir).FS())
		test.change(chain)
		_, err := open(t, ceremonytest.Write(t, chain.Files(t))).Verify(context.Background(), nil)
		refused(t, test.name, err, ceremony.FileError{File: ceremony.FileName(test.number), Number: test.number, Contributor: "Mallory", Check: test.check})
	}
}

// Honest is as honest does: a chain that was taken apart and put together again
// without a fault is accepted, so that what refuses a planted fault is the fault.
func TestRewrittenChainIsAccepted(t *testing.T) {
	ceremonytest.Small(t)
	for _, plan := range []ceremonytest.Plan{ceremonytest.Three, {Imported: true, Phase2: []string{"Alice", "Bob"}, Signed: []string{"Bob"}}} {
		chain := ceremonytest.Read(t, open(t, plan.Make(t)).FS())
		chain.Definition.Name = "made anew"
		chain.Plant(t, 1, chain.Links[0].Payload)
		c := open(t, ceremonytest.Write(t, chain.Files(t)))
		if _, err := c.Verify(context.Background(), nil); err != nil {
			t.Error(err)
		}
	}
}
