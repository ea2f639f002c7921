package registry

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
)

func TestTreeEqualsDefinition(t *testing.T) {
	for _, bits := range []int{SmallCapacityBits, LargeCapacityBits} {
		leaves := make(map[uint64]zkkex.Commitment)
		tree := newTestTree(t, bits)
		for i := range 75 {
			if got, want := tree.Root(), naiveRoot(bits, leaves); got != want {
				t.Fatalf("2^%d, %d members: root %v, expected %v", bits, i, got, want)
			}
			if err := tree.Apply(admit(uint64(i), i)); err != nil {
				t.Fatal(err)
			}
			leaves[uint64(i)] = testLeaf(i)
		}
	}
}

// TestTreeRandom applies random operations one by one to one tree and in bulk
// to another, and compares both with the definition.
func TestTreeRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	single, bulk := newTestTree(t, SmallCapacityBits), newTestTree(t, SmallCapacityBits)
	leaves := make(map[uint64]zkkex.Commitment)
	names := make(map[uint64]int)
	bits, made := SmallCapacityBits, 0
	for round := range 12 {
		var ops []Operation
		for range rng.IntN(200) {
			index := rng.Uint64N(single.Next() + uint64(len(ops)) + 1)
			switch n, live := names[index]; {
			case live:
				ops = append(ops, revoke(index, n))
				delete(names, index)
				delete(leaves, index)
			case index <= nextAfter(single, ops):
				made++
				ops = append(ops, admit(index, made))
				names[index], leaves[index] = made, testLeaf(made)
			}
		}
		if round == 6 {
			ops = append(ops, grow())
			bits = LargeCapacityBits
		}
		for _, op := range ops {
			if err := single.Apply(op); err != nil {
				t.Fatal(err)
			}
		}
		if err := bulk.ApplyAll(ops); err != nil {
			t.Fatal(err)
		}
		want := naiveRoot(bits, leaves)
		if single.Root() != want || bulk.Root() != want {
			t.Fatalf("round %d: roots %v and %v, expected %v", round, single.Root(), bulk.Root(), want)
		}
		if n := single.Members(zkkex.KeyBabyJubjub); n != uint64(len(leaves)) || n != bulk.Members(zkkex.KeyBabyJubjub) {
			t.Fatalf("round %d: %d members, expected %d", round, n, len(leaves))
		}
		if single.Sequence() != bulk.Sequence() || single.Next() != bulk.Next() || single.CapacityBits() != bits {
			t.Fatalf("round %d: %d, %d operations, 2^%d", round, single.Sequence(), bulk.Sequence(), single.CapacityBits())
		}
	}
	if made < 200 {
		t.Fatalf("only %d admissions", made)
	}
}

func nextAfter(tree *Tree, ops []Operation) uint64 {
	next := tree.Next()
	for _, op := range ops {
		next = max(next, op.Index+1)
	}
	return next
}

func TestTreeRefuses(t *testing.T) {
	full := newTestTree(t, SmallCapacityBits)
	full.next = 1 << SmallCapacityBits // as if a million had been there
	for _, test := range []struct {
		name   string
		tree   *Tree
		op     Operation
		class  error
		reason string
	}{
		{"taken index", nil, admit(1, 9), ErrOperation, "holds leaf"},
		{"beyond the first unused index", nil, admit(4, 9), ErrOperation, "first unused index is 3"},
		{"beyond the capacity", full, admit(1<<SmallCapacityBits, 9), ErrOperation, "grow it first"},
		{"empty leaf", nil, Operation{Kind: Admit, KeyType: zkkex.KeyBabyJubjub, Index: 3}, zkkex.ErrMalformed, "empty leaf"},
		{"unknown key type", nil, Operation{Kind: Admit, KeyType: 77, Index: 3, Leaf: testLeaf(9)}, zkkex.ErrUnsupported, "key type"},
		{"revoke an empty index", nil, revoke(3, 3), ErrOperation, "the index is empty"},
		{"revoke another leaf", nil, revoke(1, 2), ErrOperation, "holds leaf"},
		{"kind", nil, Operation{Kind: 8}, zkkex.ErrUnsupported, "operation kind 8"},
		{"grow twice", newTestTree(t, LargeCapacityBits), grow(), ErrOperation, "already"},
	} {
		tree := test.tree
		if tree == nil {
			tree = newTestTree(t, SmallCapacityBits, admissions(3)...)
		}
		before := newTestTree(t, tree.CapacityBits(), admissions(int(tree.Sequence()))...)
		err := tree.Apply(test.op)
		var refused *OperationError
		if !errors.Is(err, test.class) || !errors.As(err, &refused) || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %v; want %v with %q", test.name, err, test.class, test.reason)
			continue
		}
		if refused.Sequence != tree.Sequence() || refused.Operation != test.op {
			t.Errorf("%s: error names operation %d, %+v", test.name, refused.Sequence, refused.Operation)
		}
		if tree.Root() != before.Root() || tree.Sequence() != before.Sequence() || tree.Members(1) != before.Members(1) {
			t.Errorf("%s: the tree changed", test.name)
		}
	}
}

// TestRevokeKeyType gives a live leaf a key type of its own, as a later
// version's tree could have.
func TestRevokeKeyType(t *testing.T) {
	tree := newTestTree(t, SmallCapacityBits, admissions(1)...)
	tree.types.set(0, 2)
	if err := tree.Apply(revoke(0, 0)); !errors.Is(err, ErrOperation) || !strings.Contains(err.Error(), "key type") {
		t.Fatalf("revoking with another key type: %v", err)
	}
}

// TestApplyAllIsAllOrNothing checks that a bad operation at the end of a batch
// undoes admissions, revocations, reuse of an index and growth.
func TestApplyAllIsAllOrNothing(t *testing.T) {
	start := []Operation{admit(0, 0), admit(1, 1), admit(2, 2)}
	batch := []Operation{revoke(1, 1), admit(1, 8), revoke(0, 0), admit(3, 3), grow(), admit(4, 4), revoke(1, 8)}
	tree, untouched := newTestTree(t, SmallCapacityBits, start...), newTestTree(t, SmallCapacityBits, start...)
	if err := tree.CheckAll(batch); err != nil {
		t.Fatal(err)
	}
	sameTree(t, "after CheckAll", tree, untouched)
	if err := tree.ApplyAll(append(batch, revoke(7, 7))); !errors.Is(err, ErrOperation) {
		t.Fatalf("bad batch: %v; want ErrOperation", err)
	}
	sameTree(t, "after a bad batch", tree, untouched)
	if err := tree.ApplyAll(batch); err != nil {
		t.Fatal(err)
	}
	want := naiveRoot(LargeCapacityBits, map[uint64]zkkex.Commitment{2: testLeaf(2), 3: testLeaf(3), 4: testLeaf(4)})
	if tree.Root() != want {
		t.Errorf("after the batch: root %v, expected %v", tree.Root(), want)
	}
}

func sameTree(t *testing.T, when string, got, want *Tree) {
	t.Helper()
	if got.Root() != want.Root() || got.Sequence() != want.Sequence() || got.Next() != want.Next() ||
		got.CapacityBits() != want.CapacityBits() || !reflect.DeepEqual(got.Counts(), want.Counts()) {
		t.Fatalf("%s: %d operations, next %d, 2^%d; expected %d, %d, 2^%d", when,
			got.Sequence(), got.Next(), got.CapacityBits(), want.Sequence(), want.Next(), want.CapacityBits())
	}
	for i := range max(got.Next(), 16) {
		if got.Leaf(i) != want.Leaf(i) || got.KeyType(i) != want.KeyType(i) {
			t.Fatalf("%s: index %d holds %v, expected %v", when, i, got.Leaf(i), want.Leaf(i))
		}
	}
}

// TestGrowKeepsNodes checks that growth changes no node below the top, so that
// it costs a handful of hashes.
func TestGrowKeepsNodes(t *testing.T) {
	tree := newTestTree(t, SmallCapacityBits, admissions(70)...)
	before, err := tree.Path(69)
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.Apply(grow()); err != nil {
		t.Fatal(err)
	}
	after, err := tree.Path(69)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(before.Groups, after.Groups[:len(before.Groups)]) {
		t.Error("nodes below the old top changed")
	}
	if [4]Node(after.Groups[6][:4]) != before.Top {
		t.Error("the old top's children are not the first of the next level")
	}
	leaves := make(map[uint64]zkkex.Commitment)
	for i := range 70 {
		leaves[uint64(i)] = testLeaf(i)
	}
	if want := naiveRoot(LargeCapacityBits, leaves); tree.Root() != want {
		t.Errorf("root %v, expected %v", tree.Root(), want)
	}
}

// TestChunkBoundaries crosses the allocation unit of leaves and of the level
// above.
func TestChunkBoundaries(t *testing.T) {
	const n = chunkSize*arity + 3
	tree := newTestTree(t, SmallCapacityBits, admissions(n)...)
	leaves := make(map[uint64]zkkex.Commitment)
	for i := range n {
		leaves[uint64(i)] = testLeaf(i)
	}
	if want := naiveRoot(SmallCapacityBits, leaves); tree.Root() != want {
		t.Errorf("root %v, expected %v", tree.Root(), want)
	}
}

func TestFind(t *testing.T) {
	tree := newTestTree(t, SmallCapacityBits, append(admissions(600), revoke(3, 3))...)
	if i, ok := tree.Find(testLeaf(599)); !ok || i != 599 {
		t.Errorf("found leaf 599 at %d, %v", i, ok)
	}
	if i, ok := tree.Find(testLeaf(3)); ok {
		t.Errorf("found a revoked leaf at %d", i)
	}
	if i, ok := tree.Find(zkkex.Commitment{}); ok {
		t.Errorf("found the empty leaf at %d", i)
	}
}

func TestNewTreeRefusesOtherCapacities(t *testing.T) {
	for _, bits := range []int{-1, 0, 19, 21, 33, 1 << 20} {
		if _, err := NewTree(bits); !errors.Is(err, zkkex.ErrUnsupported) {
			t.Errorf("2^%d: %v; want ErrUnsupported", bits, err)
		}
	}
}
