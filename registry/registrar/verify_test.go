package registrar

import (
	"errors"
	"fmt"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex/registry"
)

// acked is an operation that was acknowledged, and for an admission the number
// of its fake candidate.
type acked struct {
	kind      registry.OperationKind
	candidate uint64
	index     uint64
	sequence  uint64
}

// checkAcked checks that everything acknowledged is there, and that the
// registry agrees with what a client computes from its public files.
func checkAcked(r *Registrar, acks []acked) error {
	gone := make(map[uint64]bool) // candidates whose revocation was acknowledged
	for _, a := range acks {
		rec, err := r.journal.read(a.sequence)
		if err != nil {
			return fmt.Errorf("acknowledged %v of candidate %d: %w", a.kind, a.candidate, err)
		}
		c := fakeCandidate(a.candidate)
		if rec.op != (registry.Operation{Kind: a.kind, KeyType: c.keyType, Index: a.index, Leaf: c.leaf}) {
			return fmt.Errorf("record %d is %+v, acknowledged was %v of candidate %d at index %d", a.sequence, rec.op, a.kind, a.candidate, a.index)
		}
		if a.kind == registry.Revoke {
			gone[a.candidate] = true
		}
	}
	for _, a := range acks {
		if a.kind == registry.Revoke || gone[a.candidate] {
			continue
		}
		c := fakeCandidate(a.candidate)
		live, err := r.findLive(newIdentity(c.keyType, c.key))
		if err != nil {
			return err
		}
		if live != nil && live.op.Index != a.index {
			return fmt.Errorf("candidate %d is live at index %d, acknowledged at %d", a.candidate, live.op.Index, a.index)
		}
		// A revocation may have been recorded and not acknowledged.
		if live == nil && !r.revokedAfter(a) {
			return fmt.Errorf("candidate %d is not live, and was never revoked", a.candidate)
		}
	}
	return checkPublic(r)
}

func (r *Registrar) revokedAfter(a acked) bool {
	for n := a.sequence + 1; n < r.journal.n; n++ {
		rec, err := r.journal.read(n)
		if err == nil && rec.op.Kind == registry.Revoke && rec.op.Index == a.index {
			return true
		}
	}
	return false
}

// checkPublic replays the public log, as a client does, and compares it with
// the published checkpoint. There must be one, of everything.
func checkPublic(r *Registrar) error {
	published := r.Published()
	if published == nil || published.Sequence != r.Sequence() {
		return errors.New("the newest checkpoint does not cover everything")
	}
	tree, err := registry.NewTree(registry.SmallCapacityBits)
	if err != nil {
		return err
	}
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			out[i] = hashes[index]
		}
		return out, nil
	})
	entries, err := publicEntries(r, published.Sequence)
	if err != nil {
		return err
	}
	ops := make([]registry.Operation, len(entries))
	for n, entry := range entries {
		if ops[n], err = registry.ParseOperation(entry); err != nil {
			return err
		}
		more, err := tlog.StoredHashes(int64(n), entry, reader)
		if err != nil {
			return err
		}
		hashes = append(hashes, more...)
	}
	if err := tree.ApplyAll(ops); err != nil {
		return err
	}
	logRoot, err := tlog.TreeHash(int64(len(entries)), reader)
	if err != nil {
		return err
	}
	if tree.Root() != published.Root || logRoot != published.LogRoot || tree.Root() != r.Root() {
		return fmt.Errorf("replay gives root %v and log root %v, the checkpoint has %v and %v", tree.Root(), logRoot, published.Root, published.LogRoot)
	}
	return nil
}

// publicEntries returns all published operations, from the tiles.
func publicEntries(r *Registrar, size uint64) (entries [][]byte, err error) {
	for first := uint64(0); first < size; first += tileWidth {
		tile := tlog.Tile{H: tileHeight, L: -1, N: int64(first / tileWidth), W: int(min(tileWidth, size-first))}
		data, err := r.Tile(torchwood.TilePath(tile))
		if err != nil {
			return nil, err
		}
		for len(data) > 0 {
			var entry []byte
			if entry, data, err = torchwood.ReadTileEntry(data); err != nil {
				return nil, err
			}
			entries = append(entries, entry)
		}
	}
	if uint64(len(entries)) != size {
		return nil, fmt.Errorf("the tiles hold %d operations, expected %d", len(entries), size)
	}
	return entries, nil
}
