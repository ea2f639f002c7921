package registry

import (
	"fmt"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
)

// Node is an encoded node of the member tree: a canonical field element, 32
// bytes big-endian. The node of an empty leaf is zero.
type Node [32]byte

// Path is the way from a leaf to the root, complete with every child of every
// node on it: what a prover needs as witness.
type Path struct {
	// Index is the leaf's position, below 2^CapacityBits.
	Index uint64
	// Groups holds, from the leaves upwards, the eight children of each node
	// on the path, below the top. The child on the path stands among them, at
	// position (Index >> 3*level) & 7.
	Groups [][8]Node
	// Top holds the four children of the root. The child on the path stands
	// at position Index >> 3*len(Groups).
	Top [4]Node
}

const pathFormat = "registry path"

// CapacityBits returns the base-2 logarithm of the capacity of the tree the
// path is from.
func (p Path) CapacityBits() int { return len(p.Groups)*arityBits + topBits }

// Root returns the root the path leads to from a leaf. At every level, the
// child on the path must equal the node computed so far. It returns an error
// wrapping [zkkex.ErrMalformed] if one does not, if a node is not canonical, if
// the index is beyond the capacity or if the leaf is the empty one, and
// [zkkex.ErrUnsupported] for an unknown capacity.
func (p Path) Root(leaf zkkex.Commitment) (zkkex.Root, error) {
	if err := checkCapacity(p.CapacityBits()); err != nil {
		return zkkex.Root{}, err
	}
	if p.Index>>p.CapacityBits() != 0 {
		return zkkex.Root{}, malformed(pathFormat, "index %d, expected below 2^%d", p.Index, p.CapacityBits())
	}
	if leaf.IsEmpty() {
		return zkkex.Root{}, malformed(pathFormat, "the leaf is the empty leaf, which is nobody's")
	}
	position, running := p.Index, Node(leaf)
	for level := range p.Groups {
		var children [arity]field.Element
		if err := parseChildren(children[:], p.Groups[level][:], position%arity, running); err != nil {
			return zkkex.Root{}, malformed(pathFormat, "level %d: %w", level, err)
		}
		position, running = position/arity, field.Bytes(field.Compress8(children))
	}
	var children [topSize]field.Element
	if err := parseChildren(children[:], p.Top[:], position, running); err != nil {
		return zkkex.Root{}, malformed(pathFormat, "top: %w", err)
	}
	return field.Bytes(field.Compress4(children)), nil
}

// parseChildren decodes nodes into out and checks that the one at position is
// the running one.
func parseChildren(out []field.Element, nodes []Node, position uint64, running Node) error {
	if nodes[position] != running {
		return fmt.Errorf("child %d is %x, expected the node on the path, %x", position, nodes[position], running)
	}
	for i, n := range nodes {
		var err error
		if out[i], err = field.Parse(n); err != nil {
			return fmt.Errorf("child %d: %w", i, err)
		}
	}
	return nil
}
