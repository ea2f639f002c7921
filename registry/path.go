package registry

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
