package registry

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
)

// testLeaf is the n-th leaf of the vectors: SHA-256 of "zkkex test leaf <n>",
// mapped to the field.
func testLeaf(n int) zkkex.Commitment {
	return field.Bytes(field.FromHash(sha256.Sum256(fmt.Appendf(nil, "zkkex test leaf %d", n))))
}

func admit(index uint64, n int) Operation {
	return Operation{Kind: Admit, KeyType: zkkex.KeyBabyJubjub, Index: index, Leaf: testLeaf(n)}
}

func revoke(index uint64, n int) Operation {
	op := admit(index, n)
	op.Kind = Revoke
	return op
}

func grow() Operation { return Operation{Kind: Grow} }

// admissions returns operations that admit leaves 0 to n-1 in order.
func admissions(n int) []Operation {
	ops := make([]Operation, n)
	for i := range ops {
		ops[i] = admit(uint64(i), i)
	}
	return ops
}

func newTestTree(t testing.TB, bits int, ops ...Operation) *Tree {
	t.Helper()
	tree, err := NewTree(bits)
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.ApplyAll(ops); err != nil {
		t.Fatal(err)
	}
	return tree
}

// naiveRoot computes a root from the definition alone, level by level, without
// any of the tree's code.
func naiveRoot(bits int, leaves map[uint64]zkkex.Commitment) zkkex.Root {
	level := make(map[uint64]field.Element)
	for i, leaf := range leaves {
		e, err := field.Parse(leaf)
		if err != nil {
			panic(err)
		}
		level[i] = e
	}
	var empty field.Element
	for range (bits - 2) / 3 {
		above := make(map[uint64]field.Element)
		for i := range level {
			var children [8]field.Element
			for j := range children {
				child, ok := level[i&^7+uint64(j)]
				if !ok {
					child = empty
				}
				children[j] = child
			}
			above[i>>3] = field.Compress8(children)
		}
		empty = field.Compress8([8]field.Element{empty, empty, empty, empty, empty, empty, empty, empty})
		level = above
	}
	var top [4]field.Element
	for i := range top {
		child, ok := level[uint64(i)]
		if !ok {
			child = empty
		}
		top[i] = child
	}
	return field.Bytes(field.Compress4(top))
}
