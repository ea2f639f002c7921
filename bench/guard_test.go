package bench

import "testing"

// verifyAllocs bounds the allocations of a verification: every one of them is
// work for a verifier under load.
const verifyAllocs = 60

// What a proof and its verification cost in counts, which no machine's mood
// changes.
func TestVerifyAllocations(t *testing.T) {
	m, err := newMember()
	if err != nil {
		t.Fatal(err)
	}
	proof, err := m.prove()
	if err != nil {
		t.Fatal(err)
	}
	if len(proof) != 128 {
		t.Errorf("a proof has %d bytes, expected 128", len(proof))
	}
	allocs := testing.AllocsPerRun(20, func() {
		if err := m.verifying.VerifyProof(m.st, proof); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > verifyAllocs {
		t.Errorf("verifying allocates %v times, expected at most %d", allocs, verifyAllocs)
	}
}

// Both proofs are of the same member, slot and scope, and the textbook's
// verifies: the yardstick proves what it should.
func TestYardstickProves(t *testing.T) {
	m, err := newMember()
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := newTextbookProver(m.st, m.witness)
	if err != nil {
		t.Fatal(err)
	}
	if err := theirs.check(); err != nil {
		t.Fatal(err)
	}
	ours, err := m.prove()
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := newGnarkVerifier(m, ours)
	if err != nil {
		t.Fatal(err)
	}
	if err := verifier.verify(); err != nil {
		t.Errorf("gnark refuses our proof: %v", err)
	}
	if err := verifier.decodeAndVerify(); err != nil {
		t.Errorf("gnark refuses our proof in its own encoding: %v", err)
	}
}

// A leaf alone takes 32 bytes; half of the limit is for everything else.
func TestTreeMemory(t *testing.T) {
	const members = 20_000
	_, size, err := weigh(admissions(0, members))
	if err != nil {
		t.Fatal(err)
	}
	if each := float64(size) / members; each < 32 || each > memoryLimit {
		t.Errorf("a tree of %d takes %.1f bytes per member, expected 32 to %d", members, each, memoryLimit)
	}
}

func TestTreeChanges(t *testing.T) {
	const members = 500
	tree, err := newTree(admissions(0, members))
	if err != nil {
		t.Fatal(err)
	}
	c := &changes{tree: tree, live: members}
	for range 10 {
		for _, change := range []func() error{c.admit, c.revoke, c.path} {
			if err := change(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if tree.Next() != members+10 || tree.Sequence() != members+20 {
		t.Errorf("next index %d and sequence %d, expected %d and %d", tree.Next(), tree.Sequence(), members+10, members+20)
	}
}
