package registry

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/field"
)

// ErrOperation reports an operation that does not apply to the tree as it is,
// such as an admission into an index that is taken. A log that holds one is
// not a registry's.
var ErrOperation = errors.New("operation does not apply")

// OperationError says which operation a tree refused. It unwraps to
// [ErrOperation], [zkkex.ErrMalformed] or [zkkex.ErrUnsupported].
type OperationError struct {
	// Sequence is the operation's place in the log, counted from 0.
	Sequence uint64
	// Operation is the operation as it was given.
	Operation Operation
	// Err is what was expected and what was found.
	Err error
}

// Error names the operation and the cause.
func (e *OperationError) Error() string {
	return fmt.Sprintf("operation %d (%v at index %d): %v", e.Sequence, e.Operation.Kind, e.Operation.Index, e.Err)
}

// Unwrap returns the cause.
func (e *OperationError) Unwrap() error { return e.Err }

// Tree is the member tree: 8-ary nodes f_8 from the leaves up, and a root f_4
// of the four topmost nodes. It takes about 39 bytes of memory per member. Any
// number of goroutines may read a Tree, but none while another changes it.
type Tree struct {
	levels  []nodes // levels[0] are the leaves, the last has topSize nodes
	types   keyTypes
	members map[zkkex.KeyType]uint64 // live leaves
	next    uint64                   // the first index that was never used
	seq     uint64                   // operations applied
	root    field.Element
}

// NewTree returns an empty tree of capacity 2^capacityBits, which is 20 or 32.
// It returns an error wrapping [zkkex.ErrUnsupported] for any other capacity.
func NewTree(capacityBits int) (*Tree, error) {
	if err := checkCapacity(capacityBits); err != nil {
		return nil, err
	}
	t := &Tree{members: make(map[zkkex.KeyType]uint64)}
	t.resize(capacityBits)
	t.rehash(nil)
	return t, nil
}

// Root returns the root.
func (t *Tree) Root() zkkex.Root { return field.Bytes(t.root) }

// Sequence returns the number of operations applied so far: the sequence
// number of the root.
func (t *Tree) Sequence() uint64 { return t.seq }

// CapacityBits returns the base-2 logarithm of the capacity, 20 or 32.
func (t *Tree) CapacityBits() int { return (len(t.levels)-1)*arityBits + topBits }

// Next returns the lowest index that was never used. Indexes below it are live
// or free for reuse.
func (t *Tree) Next() uint64 { return t.next }

// Members returns the number of live leaves of a key type: the anonymity set of
// its circuits.
func (t *Tree) Members(k zkkex.KeyType) uint64 { return t.members[k] }

// Counts returns the number of live leaves of every key type that has any.
func (t *Tree) Counts() map[zkkex.KeyType]uint64 { return maps.Clone(t.members) }

// Leaf returns the leaf at an index, or the empty leaf where there is none.
func (t *Tree) Leaf(index uint64) zkkex.Commitment { return field.Bytes(t.levels[0].at(index)) }

// KeyType returns the key type of the leaf at an index, or 0 where there is no
// leaf.
func (t *Tree) KeyType(index uint64) zkkex.KeyType { return t.types.at(index) }

// Find returns the lowest index of a live leaf. It scans the leaves: some
// milliseconds for a million members.
func (t *Tree) Find(c zkkex.Commitment) (index uint64, ok bool) {
	want, err := field.Parse(c)
	if err != nil || c.IsEmpty() {
		return 0, false
	}
	for i, chunk := range t.levels[0].chunks {
		for j := range chunk {
			if chunk[j] == want {
				return uint64(i)*chunkSize + uint64(j), true
			}
		}
	}
	return 0, false
}

// Path returns the way from the leaf at an index, which may be empty, to the
// root. It hashes nothing. It returns an error if the index is beyond the
// capacity.
func (t *Tree) Path(index uint64) (Path, error) {
	if index>>t.CapacityBits() != 0 {
		return Path{}, fmt.Errorf("no path for index %d: it is beyond the registry's capacity of 2^%d", index, t.CapacityBits())
	}
	top := len(t.levels) - 1
	p := Path{Index: index, Groups: make([][arity]Node, top)}
	for level := range top {
		group := t.levels[level].group(index >> (arityBits * (level + 1)))
		for i, child := range group {
			p.Groups[level][i] = field.Bytes(child)
		}
	}
	for i := range p.Top {
		p.Top[i] = field.Bytes(t.levels[top].at(uint64(i)))
	}
	return p, nil
}

// Apply applies one operation, hashing one node per level. It returns an
// [*OperationError], and then changes nothing.
func (t *Tree) Apply(op Operation) error { return t.ApplyAll([]Operation{op}) }

// ApplyAll applies operations in order, hashing every changed node once, on all
// cores. It returns an [*OperationError] for the first operation that does not
// apply, and then changes nothing.
func (t *Tree) ApplyAll(ops []Operation) error {
	if _, err := t.changeAll(ops); err != nil {
		return err
	}
	t.rehash(ops)
	return nil
}

// CheckAll returns the error that [Tree.ApplyAll] would return, without
// hashing. It changes nothing, but counts as a change for concurrent readers.
func (t *Tree) CheckAll(ops []Operation) error {
	before, err := t.changeAll(ops)
	if err != nil {
		return err
	}
	t.undo(before, ops)
	return nil
}

// summary is what of a tree's state an undo does not get from the operations.
type summary struct {
	capacityBits int
	members      map[zkkex.KeyType]uint64
	next, seq    uint64
}

// changeAll applies operations to the leaves alone and returns the state before
// for undo. The caller rehashes, or undoes.
func (t *Tree) changeAll(ops []Operation) (summary, error) {
	before := summary{t.CapacityBits(), maps.Clone(t.members), t.next, t.seq}
	for i, op := range ops {
		if err := t.change(op); err != nil {
			err = &OperationError{Sequence: t.seq, Operation: op, Err: err}
			t.undo(before, ops[:i])
			return summary{}, err
		}
	}
	return before, nil
}

func (t *Tree) change(op Operation) error {
	if err := op.check(); err != nil {
		return err
	}
	switch op.Kind {
	case Admit:
		return t.admit(op)
	case Revoke:
		return t.revoke(op)
	default:
		return t.grow()
	}
}

func (t *Tree) admit(op Operation) error {
	if op.Index>>t.CapacityBits() != 0 {
		return fmt.Errorf("%w: the registry's capacity is 2^%d, grow it first", ErrOperation, t.CapacityBits())
	}
	if op.Index > t.next {
		return fmt.Errorf("%w: the first unused index is %d, expected an index up to it", ErrOperation, t.next)
	}
	if t.types.at(op.Index) != 0 {
		return fmt.Errorf("%w: the index holds leaf %v", ErrOperation, t.Leaf(op.Index))
	}
	leaf, err := field.Parse(op.Leaf)
	if err != nil {
		return err
	}
	t.levels[0].reach(op.Index)
	t.types.reach(op.Index)
	t.levels[0].set(op.Index, leaf)
	t.types.set(op.Index, op.KeyType)
	t.members[op.KeyType]++
	t.next = max(t.next, op.Index+1)
	t.seq++
	return nil
}

func (t *Tree) revoke(op Operation) error {
	live := t.types.at(op.Index)
	if live == 0 {
		return fmt.Errorf("%w: the index is empty", ErrOperation)
	}
	if leaf := t.Leaf(op.Index); leaf != op.Leaf {
		return fmt.Errorf("%w: the index holds leaf %v, not %v", ErrOperation, leaf, op.Leaf)
	}
	if live != op.KeyType {
		return fmt.Errorf("%w: the index holds a leaf of key type %v, not %v", ErrOperation, live, op.KeyType)
	}
	t.levels[0].set(op.Index, field.Element{})
	t.types.set(op.Index, 0)
	if t.members[live]--; t.members[live] == 0 {
		delete(t.members, live)
	}
	t.seq++
	return nil
}

func (t *Tree) grow() error {
	if t.CapacityBits() != SmallCapacityBits {
		return fmt.Errorf("%w: the registry's capacity is 2^%d already", ErrOperation, t.CapacityBits())
	}
	t.resize(LargeCapacityBits)
	t.seq++
	return nil
}

// undo takes operations back, the last one first.
func (t *Tree) undo(before summary, ops []Operation) {
	for _, op := range slices.Backward(ops) {
		switch op.Kind {
		case Admit:
			t.levels[0].set(op.Index, field.Element{})
			t.types.set(op.Index, 0)
		case Revoke:
			leaf, err := field.Parse(op.Leaf)
			if err != nil {
				panic("zkkex: internal error: undoing an operation that was refused: " + err.Error())
			}
			t.levels[0].set(op.Index, leaf)
			t.types.set(op.Index, op.KeyType)
		}
	}
	t.resize(before.capacityBits)
	t.members, t.next, t.seq = before.members, before.next, before.seq
}

// resize adds or removes levels above the leaves, and keeps the lower ones.
func (t *Tree) resize(capacityBits int) {
	count := levelsOf(capacityBits) + 1
	for len(t.levels) < count {
		t.levels = append(t.levels, nodes{empty: emptyNodes()[len(t.levels)]})
	}
	t.levels = t.levels[:count]
}
