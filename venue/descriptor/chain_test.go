package descriptor

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
)

func TestChainFollows(t *testing.T) {
	c := newTestChain(t)
	for range 30 { // crosses the end of an epoch
		c.next()
	}
	chain := c.client()
	for i, s := range c.all {
		if got := chain.ByNumber(s.Number); got == nil || got.Digest() != s.Digest() {
			t.Fatalf("number %d: %v", s.Number, got)
		}
		now := s.NotBefore
		if current, err := chain.Current(now); err != nil || current.Number != s.Number {
			t.Errorf("at %v: %v, %v; want %d", now, current, err, s.Number)
		}
		valid := 2
		if i == 0 {
			valid = 1
		}
		if got := chain.Valid(now); len(got) != valid {
			t.Errorf("at %v, %d are valid, expected %d", now, len(got), valid)
		}
	}
	if added, err := chain.Add(c.all[3].Note(), nil, testTime); err != nil || added.Number != 4 {
		t.Errorf("known again: %v, %v", added, err)
	}
	if chain.ByNumber(0) != nil || chain.ByNumber(31) != nil || chain.Latest().Number != 30 || chain.Fork() != nil {
		t.Error("something is there that was never added")
	}
}

// brokenRule is one next descriptor that breaks one rule.
type brokenRule struct {
	rule   Rule
	name   string
	setup  func(*testChain)
	change func(*Descriptor)
}

func brokenRules() []brokenRule {
	two := func(c *testChain) { c.next(); c.next() }
	late := func(c *testChain) { // the last two of the first epoch
		for range 13 {
			c.next()
		}
	}
	return []brokenRule{
		{NamesPrevious, "another previous one", two, func(d *Descriptor) { d.Previous[0] ^= 1 }},
		{SameSchedule, "another length", two, func(d *Descriptor) {
			d.Schedule.Length = 2 * 86400
			d.Epochs[0].Number, d.Epochs[1].Number = 10389, 10390
		}},
		{SameSchedule, "another origin", two, func(d *Descriptor) { d.Schedule.Origin = 3600 }},
		{SameRegistry, "another registry", two, func(d *Descriptor) { d.Registry = otherRegistry }},
		{SameChain, "another chain", two, func(d *Descriptor) { d.ChainID = 2 }},
		{GenerationGrows, "generation back", func(c *testChain) { c.next(); c.next(raise) }, func(d *Descriptor) { d.Generation = 0 }},
		{OneRoot, "another root of this epoch", two, func(d *Descriptor) { d.Epochs[0].Root = testRoot(9) }},
		{OneRoot, "another root of the next epoch", two, func(d *Descriptor) { d.Epochs[1].Root = testRoot(9) }},
		{OneRoot, "another sequence of the next epoch", two, func(d *Descriptor) { d.Epochs[1].Sequence++ }},
		{OneRoot, "another root in the epoch it was named for", late, func(d *Descriptor) {
			d.NotBefore = d.NotBefore.Add(2 * time.Hour)
			moveEpochs(d)
			d.Epochs[0].Root = testRoot(9)
		}},
		{OneLimit, "another limit of this epoch", two, func(d *Descriptor) { d.Epochs[0].Limit++ }},
		{OneLimit, "another limit of the next epoch", two, func(d *Descriptor) { d.Epochs[1].Limit-- }},
		{OneLimit, "another limit of this epoch with a new generation", two, func(d *Descriptor) { raise(d); d.Epochs[0].Limit++ }},
		{OneLimit, "another limit of an epoch that a void descriptor named", func(c *testChain) {
			late(c)
			c.next(func(d *Descriptor) { d.NotBefore = d.NotBefore.Add(2 * time.Hour); d.Generation = 0; moveEpochs(d) })
			c.next(func(d *Descriptor) {
				d.NotBefore, d.NotAfter = d.NotBefore.Add(-time.Hour), d.NotAfter.Add(-time.Hour)
				d.Prekeys.Expires = d.NotAfter
				raise(d)
			})
		}, func(d *Descriptor) {
			d.NotBefore = d.NotBefore.Add(2 * time.Hour)
			d.NotAfter = d.NotBefore.Add(70 * time.Minute)
			d.Prekeys.Expires = d.NotAfter
			setEpochs(d)
			d.Epochs[1].Limit++
		}},
		{RootsGrow, "an older root with a new generation", two, func(d *Descriptor) { raise(d); d.Epochs[0].Sequence, d.Epochs[0].Root = 99, testRoot(9) }},
		{RootsGrow, "another root of a known sequence with a new generation", two, func(d *Descriptor) {
			raise(d)
			d.Epochs[0].Sequence, d.Epochs[0].Root = 110, testRoot(9)
		}},
		{InOrder, "begins with the one before", two, func(d *Descriptor) { d.NotBefore = d.NotBefore.Add(-time.Hour) }},
		{InOrder, "raises before the one before that", two, func(d *Descriptor) { raise(d); d.NotBefore = d.NotBefore.Add(-2 * time.Hour) }},
		{TwoAtATime, "three at a time", two, func(d *Descriptor) { d.NotBefore = d.NotBefore.Add(-51 * time.Minute) }},
	}
}

// otherRegistry is the key of docs/spec/checkpoint.md under another name.
const otherRegistry = "other.example/members+a4db5d01+ATXBG5/ap5hSj+4JJEZPU0N9o9Jkgad/q4P66wt7iL6Z"

// moveEpochs renames the epochs of a descriptor that was moved to the next one,
// with the root that was named for it.
func moveEpochs(d *Descriptor) {
	d.NotAfter = d.NotBefore.Add(70 * time.Minute)
	d.Prekeys.Expires = d.NotAfter
	d.Epochs[0] = d.Epochs[1]
	d.Epochs[1].Number++
	d.Epochs[1].Sequence, d.Epochs[1].Root = 120, testRoot(2)
}

func TestChainKeepsEvidence(t *testing.T) {
	seen := make(map[Rule]bool)
	for _, b := range brokenRules() {
		t.Run(b.name, func(t *testing.T) {
			c := newTestChain(t)
			b.setup(c)
			chain := c.client()
			d := c.draft()
			last := c.all[len(c.all)-1]
			b.change(d)
			bad := c.sign(d)
			_, err := chain.Add(bad.Note(), nil, last.NotBefore)
			var fork *ForkError
			if !errors.As(err, &fork) || !errors.Is(err, ErrFork) || fork.Rule != b.rule {
				t.Fatalf("%v; want a fork by the rule %s", err, b.rule)
			}
			seen[b.rule] = true
			checkEvidence(t, c, fork, bad)
			if chain.Latest().Number != last.Number || chain.ByNumber(bad.Number) != nil {
				t.Error("the refused one was taken in")
			}
			if _, err := chain.Current(last.NotBefore); !errors.Is(err, ErrFork) {
				t.Errorf("Current after the fork: %v; want ErrFork", err)
			}
		})
	}
	for _, rule := range []Rule{NamesPrevious, SameSchedule, SameRegistry, SameChain, GenerationGrows, OneRoot, RootsGrow, OneLimit, InOrder, TwoAtATime} {
		if !seen[rule] {
			t.Errorf("no case breaks the rule %s", rule)
		}
	}
}

// checkEvidence opens both notes anew: they must convince a stranger.
func checkEvidence(t *testing.T, c *testChain, fork *ForkError, newer *Signed) {
	t.Helper()
	if !bytes.Equal(fork.Newer, newer.Note()) {
		t.Error("the newer note is not the refused one")
	}
	older, err := Open(fork.Older, c.identity())
	if err != nil {
		t.Fatalf("the older note: %v", err)
	}
	if older.Digest() == newer.Digest() || c.all[older.Number-1].Digest() != older.Digest() {
		t.Errorf("the older note is descriptor %d, which does not contradict the newer", older.Number)
	}
}

func TestTwoUnderOneNumber(t *testing.T) {
	c := newTestChain(t)
	for range 4 {
		c.next()
	}
	chain := c.client()
	twin := *c.all[1]
	twin.MaxOpens++
	bad := c.sign(&twin.Descriptor)
	_, err := chain.Add(bad.Note(), nil, testTime)
	var fork *ForkError
	if !errors.As(err, &fork) || fork.Rule != OneNumber {
		t.Fatalf("%v; want a fork by one number", err)
	}
	checkEvidence(t, c, fork, bad)
	if chain.ByNumber(2).Digest() != c.all[1].Digest() {
		t.Error("the known descriptor was replaced")
	}
	if chain.Fork() != fork {
		t.Error("the evidence is not kept")
	}
}

// What a raised generation may do, and what follows from it.
func TestRaisedGeneration(t *testing.T) {
	c := newTestChain(t)
	c.next()
	pending := c.next() // begins an hour later
	emergency := c.next(func(d *Descriptor) {
		d.Generation++
		d.NotBefore = testTime.Add(20 * time.Minute)
		d.NotAfter = d.NotBefore.Add(70 * time.Minute)
		d.Prekeys.Expires = d.NotAfter
		d.Epochs[0].Sequence, d.Epochs[0].Root = 130, testRoot(5)
		d.Epochs[1].Sequence, d.Epochs[1].Root = 130, testRoot(5)
	})
	chain := c.client()
	for _, test := range []struct {
		after time.Duration
		want  []uint64
	}{
		{19 * time.Minute, []uint64{1}},
		{20 * time.Minute, []uint64{3}}, // the first has ended
		{70 * time.Minute, []uint64{3}}, // the second never was valid
		{90*time.Minute - time.Second, []uint64{3}},
		{90 * time.Minute, nil},
	} {
		var got []uint64
		for _, s := range chain.Valid(testTime.Add(test.after)) {
			got = append(got, s.Number)
		}
		if len(got) != len(test.want) || len(got) == 1 && got[0] != test.want[0] {
			t.Errorf("after %v, %v are valid, expected %v", test.after, got, test.want)
		}
	}
	if pending.Scope(20778) == emergency.Scope(20778) {
		t.Error("the generation is not in the scope")
	}
	// Another one may begin before the one that never was valid would have.
	again := *c.draft()
	raise(&again)
	again.NotBefore = testTime.Add(40 * time.Minute)
	again.Epochs[0].Sequence, again.Epochs[0].Root, again.Epochs[1].Sequence, again.Epochs[1].Root = 9000, testRoot(6), 9000, testRoot(6)
	if _, err := c.client().Add(c.sign(&again).Note(), nil, testTime); err != nil {
		t.Errorf("a second emergency: %v", err)
	}
	// The next regular one may begin in the time of the one that never was valid.
	c.next(func(d *Descriptor) {
		d.NotBefore = testTime.Add(80 * time.Minute)
		d.Epochs = emergency.Epochs
	})
	if _, err := chain.Add(c.all[3].Note(), nil, testTime); err != nil {
		t.Error(err)
	}
}

func TestAtMostTwoAreEverValid(t *testing.T) {
	c := newTestChain(t)
	for i := range 40 {
		c.next(func(d *Descriptor) {
			if i%7 == 6 {
				raise(d)
			}
			if i%5 == 4 {
				d.NotAfter = d.NotBefore.Add(2 * time.Hour)
				d.Prekeys.Expires = d.NotAfter
			}
		})
	}
	chain := c.client()
	for at := testTime; at.Before(c.all[39].NotAfter); at = at.Add(time.Minute) {
		valid := chain.Valid(at)
		if len(valid) == 0 || len(valid) > 2 {
			t.Fatalf("at %v, %d are valid", at, len(valid))
		}
		for _, s := range valid {
			if s.Generation != valid[len(valid)-1].Generation {
				t.Fatalf("at %v, two generations are valid", at)
			}
		}
	}
}

func TestChainRefuses(t *testing.T) {
	c := newTestChain(t)
	for range 5 {
		c.next()
	}
	add := func(chain *Chain, s *Signed, now time.Time) error {
		_, err := chain.Add(s.Note(), nil, now)
		return err
	}
	fresh := func() *Chain {
		chain, err := NewChain(ChainConfig{Identity: c.identity()})
		if err != nil {
			t.Fatal(err)
		}
		return chain
	}
	if err := add(fresh(), c.all[0], c.all[0].NotAfter); !errors.Is(err, ErrExpired) {
		t.Errorf("the first one is over: %v; want ErrExpired", err)
	}
	chain := fresh()
	if _, err := chain.Current(testTime); !errors.Is(err, ErrExpired) {
		t.Errorf("Current of nothing: %v; want ErrExpired", err)
	}
	if err := add(chain, c.all[2], testTime); err != nil {
		t.Fatalf("a chain that begins at 3: %v", err)
	}
	if err := add(chain, c.all[4], testTime); !errors.Is(err, ErrGap) {
		t.Errorf("5 after 3: %v; want ErrGap", err)
	}
	if err := add(chain, c.all[0], testTime); !errors.Is(err, ErrOlder) {
		t.Errorf("1 after 3: %v; want ErrOlder", err)
	}
	if _, err := chain.Current(c.all[2].NotBefore.Add(-time.Second)); !errors.Is(err, ErrNotYet) {
		t.Errorf("before it begins: %v; want ErrNotYet", err)
	}
	if _, err := chain.Current(c.all[2].NotAfter); !errors.Is(err, ErrExpired) {
		t.Errorf("when it has ended: %v; want ErrExpired", err)
	}
	other := newTestChain(t)
	other.signers = []*Signer{testSigner(t, "zkkex test other venue")}
	if err := add(chain, other.next(), testTime); !errors.Is(err, ErrSignature) {
		t.Errorf("another venue's: %v; want ErrSignature", err)
	}
	if chain.Fork() != nil || chain.Latest().Number != 3 {
		t.Error("a refusal changed the chain")
	}
}

func TestChainFile(t *testing.T) {
	c := newTestChain(t)
	for range 4 {
		c.next()
	}
	chain, config := c.client(), ChainConfig{Identity: c.identity()}
	path := filepath.Join(t.TempDir(), "chain")
	if _, err := LoadChain(path, config); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v; want ErrNotExist", err)
	}
	for range 2 {
		if err := SaveChain(path, chain); err != nil {
			t.Fatal(err)
		}
		loaded, err := LoadChain(path, config)
		if err != nil {
			t.Fatal(err)
		}
		if loaded.Latest().Digest() != chain.Latest().Digest() || (loaded.Fork() == nil) != (chain.Fork() == nil) {
			t.Error("loaded another chain")
		}
		if loaded.Fork() != nil {
			if !bytes.Equal(loaded.Fork().Newer, chain.Fork().Newer) || loaded.Fork().Rule != OneNumber {
				t.Error("loaded other evidence")
			}
			if _, err := loaded.Current(testTime); !errors.Is(err, ErrFork) {
				t.Errorf("after loading, Current says %v; want ErrFork", err)
			}
			break
		}
		twin := *c.all[1]
		twin.MaxOpens++
		if _, err := chain.Add(c.sign(&twin.Descriptor).Note(), nil, testTime); !errors.Is(err, ErrFork) {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bytesOf := func(s string) []byte { return []byte(s) }
	second := bytes.Index(text, c.all[1].Note())
	entry := text[bytes.LastIndex(text[:second], bytesOf("descriptor: ")):second]
	without := bytes.Replace(text, append(bytes.Clone(entry), c.all[1].Note()...), nil, 1)
	for _, test := range []struct {
		name   string
		text   []byte
		reason string
	}{
		{"empty", nil, "expected the first line"},
		{"another venue's", bytes.Replace(text, bytesOf(c.identity().ID().String()), bytesOf(strings.Repeat("0", 64)), 1), "it is of the venue"},
		{"one is missing", without, "number 3, expected 2"},
		{"length with a zero", bytes.Replace(text, bytesOf("descriptor: "), bytesOf("descriptor: 0"), 1), "as many as follow"},
		{"torn", text[:second+100], "as many as follow"},
		{"bytes after the evidence", append(bytes.Clone(text), 'x'), "after the evidence"},
		{"half of the evidence", text[:bytes.LastIndex(text, bytesOf("newer: "))], "newer"},
		{"unknown line", bytes.Replace(text, bytesOf("\nfork: "), bytesOf("\nfolk: "), 1), "fork"},
	} {
		if _, err := ParseChain(test.text, config); !errors.Is(err, zkkex.ErrMalformed) || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %.200v; want ErrMalformed with %q", test.name, err, test.reason)
		}
	}
	changed := bytes.Replace(text, bytesOf("opens: 64"), bytesOf("opens: 63"), 1)
	if _, err := ParseChain(changed, config); !errors.Is(err, ErrSignature) {
		t.Errorf("changed: %v; want ErrSignature", err)
	}
	if _, err := LoadChain(t.TempDir(), config); err == nil {
		t.Error("a folder was loaded")
	}
}

func FuzzParseChain(f *testing.F) {
	c := newTestChain(f)
	c.next()
	chain, config := c.client(), ChainConfig{Identity: c.identity()}
	for range 2 {
		text, err := chain.MarshalText()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
		twin := *c.all[0]
		twin.MaxOpens++
		_, _ = chain.Add(c.sign(&twin.Descriptor).Note(), nil, testTime) // a fork, for the second seed
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		chain, err := ParseChain(text, config)
		if err != nil {
			return
		}
		if again, err := chain.MarshalText(); err != nil || !bytes.Equal(again, text) {
			t.Fatalf("parsed %q, encoded %q, %v", text, again, err)
		}
	})
}

func TestChainKeepsTheNewest(t *testing.T) {
	var h history
	for n := range uint64(MaxRetained + 10) {
		h = h.add(&Signed{Descriptor: Descriptor{Number: n + 1}})
	}
	if len(h) != MaxRetained || h.byNumber(10) != nil || h.byNumber(11).Number != 11 || h.latest().Number != MaxRetained+10 {
		t.Errorf("%d kept, from %d to %d", len(h), h[0].Number, h.latest().Number)
	}
}

func TestChainConcurrently(t *testing.T) {
	c := newTestChain(t)
	for range 8 {
		c.next()
	}
	chain := c.client()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, s := range c.all {
				if _, err := chain.Add(s.Note(), nil, s.NotBefore); err != nil {
					t.Error(err)
				}
				if _, err := chain.Current(s.NotBefore); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
