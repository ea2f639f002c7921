package mirror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex/internal/filelock"
	"github.com/zkkex/zkkex/registry"
)

// Report says what a sync did.
type Report struct {
	// Checkpoint is the one the mirror is at.
	Checkpoint *registry.SignedCheckpoint
	// Added is the number of operations that are new since the last sync.
	Added uint64
	// Requests and Bytes are what was read of tiles and bundles.
	Requests, Bytes uint64
	// Age is how long ago the checkpoint was signed.
	Age time.Duration
	// Old says that Age exceeds [Config.MaxAge]: the registrar, or what is in
	// between, may be holding back newer ones.
	Old bool
}

// Sync brings the mirror to the registry's current checkpoint. It asks for the
// checkpoint, for hash tiles, and for every entry bundle that is not complete
// here, whole and in order: the requests follow from the log and from what was
// synced before, and say nothing about the member.
//
// A sync that is interrupted, at any point, leaves the mirror at the checkpoint
// it had; the next one goes on from the bundles that are there.
//
// The errors are a [*EvidenceError] for a registrar's fault, [ErrWitnesses],
// [ErrClock], [ErrCorrupt], [ErrRedirect], [ErrServer], [registry.ErrSignature],
// [registry.ErrOlder], [zkkex.ErrMalformed] and [zkkex.ErrUnsupported], that of
// ctx, and those of network and disk. After each of them the mirror is as it
// was, or, if only saving the checkpoint failed, is ahead of the disk until the
// next sync.
func (m *Mirror) Sync(ctx context.Context) (*Report, error) {
	m.syncing.Lock()
	defer m.syncing.Unlock()
	defer m.source.Close()
	lock, err := filelock.Wait(ctx, m.path("lock")) // another process may be at it
	if err != nil {
		return nil, err
	}
	report, err := m.sync(ctx)
	return report, errors.Join(err, lock.Release())
}

func (m *Mirror) sync(ctx context.Context) (*Report, error) {
	if err := m.reload(); err != nil {
		return nil, err
	}
	signed, err := m.source.Read(ctx, "checkpoint", registry.MaxCheckpoint)
	if err != nil {
		return nil, err
	}
	next, err := m.policy.open(signed)
	if err != nil {
		return nil, err
	}
	newest := m.roots.Latest()
	if newest != nil && next.Sequence < newest.Sequence {
		return nil, m.older(newest, next)
	}
	report := &Report{Added: next.Sequence}
	if newest != nil {
		report.Added -= newest.Sequence
	}
	if err := m.advance(ctx, newest, next, report); err != nil {
		return nil, err
	}
	report.Checkpoint = m.Checkpoint()
	report.Age = max(0, m.policy.now().Sub(report.Checkpoint.Time))
	report.Old = report.Age > m.policy.maxAge
	return report, nil
}

// advance checks that next may follow newest, fetches what is missing, replays
// it, and makes next the mirror's checkpoint.
func (m *Mirror) advance(ctx context.Context, newest, next *registry.SignedCheckpoint, report *Report) error {
	log := &logReader{
		tree:  tlog.Tree{N: int64(next.Sequence), Hash: next.LogRoot},
		tiles: &tiles{ctx: ctx, source: m.source, cache: make(map[tlog.Tile][]byte), stats: report},
	}
	proof, err := log.prove(newest)
	if err != nil {
		return err
	}
	if err := m.follows(newest, next, proof); err != nil {
		return err
	}
	if err := m.download(log); err != nil {
		return err
	}
	if err := m.replay(next, proof); err != nil {
		return err
	}
	if m.saved != nil && m.roots.Latest() == newest {
		return nil
	}
	return m.save()
}

// logReader reads a log that a checkpoint states.
type logReader struct {
	tree  tlog.Tree
	tiles *tiles
}

// hashes returns hashes of the log, checked against its root.
func (l *logReader) hashes(indexes []int64) ([]tlog.Hash, error) {
	l.tiles.err = nil
	hashes, err := tlog.TileHashReader(l.tree, l.tiles).ReadHashes(indexes)
	if err != nil && l.tiles.err == nil {
		// Package tlog has no error of its own for tiles that do not match.
		return nil, fmt.Errorf("%w: hash tiles, of a log of %d operations: %w", ErrCorrupt, l.tree.N, err)
	}
	return hashes, err
}

// prove returns the proof that the log extends an earlier one, computed from
// its tiles. It is empty where there is nothing to prove.
func (l *logReader) prove(earlier *registry.SignedCheckpoint) (tlog.TreeProof, error) {
	if earlier == nil || earlier.Sequence == 0 || int64(earlier.Sequence) == l.tree.N {
		return nil, nil
	}
	return tlog.ProveTree(l.tree.N, int64(earlier.Sequence), tlog.HashReaderFunc(l.hashes))
}

// follows checks, before anything is fetched, that the history would take the
// checkpoint in.
func (m *Mirror) follows(newest, next *registry.SignedCheckpoint, proof tlog.TreeProof) error {
	if newest == nil {
		return nil
	}
	trial, err := registry.NewRoots(m.roots.VerifierKey())
	if err != nil {
		return err
	}
	if _, err := trial.Add(newest.Note, nil); err != nil {
		return err
	}
	_, err = trial.Add(next.Note, proof)
	return m.keepFork(err, proof)
}

// keepFork saves the evidence if err is a fork.
func (m *Mirror) keepFork(err error, proof tlog.TreeProof) error {
	var fork *registry.ForkError
	if !errors.As(err, &fork) {
		return err
	}
	return m.saveEvidence(fork, proof, fork.Older, fork.Newer)
}

// older says what is wrong with a checkpoint of fewer operations than are
// known: it is from another log, or was signed after the log was cut, or is
// merely an old one.
func (m *Mirror) older(newest, next *registry.SignedCheckpoint) error {
	_, err := m.roots.Add(next.Note, nil)
	if err != nil && !errors.Is(err, registry.ErrOlder) {
		return m.keepFork(err, nil)
	}
	if m.Checkpoint() == nil { // there is nothing to compare it with
		return fmt.Errorf("%w: it has %d operations, but one of %d is known: %w", registry.ErrOlder, next.Sequence, newest.Sequence, m.unusable)
	}
	head, err := m.logRootAt(next.Sequence)
	if err != nil {
		return err
	}
	fork := &registry.ForkError{Older: newest.Note, Newer: next.Note}
	switch {
	case head != next.LogRoot:
		fork.Detail = fmt.Sprintf("checkpoint %d has the log root %v, but the first %d operations of checkpoint %d have %v",
			next.Sequence, next.LogRoot, next.Sequence, newest.Sequence, head)
	case next.Time.After(newest.Time):
		fork.Conclusive = true
		fork.Detail = fmt.Sprintf("rolled back: a log of %d operations was signed at %s, and one of %d operations later, at %s",
			newest.Sequence, newest.Time.Format(time.RFC3339), next.Sequence, next.Time.Format(time.RFC3339))
	default:
		return fmt.Errorf("%w: it has %d operations and is of %s, but one of %d is known; the server is behind, sync again later",
			registry.ErrOlder, next.Sequence, next.Time.Format(time.RFC3339), newest.Sequence)
	}
	return m.saveEvidence(fork, nil, fork.Older, fork.Newer)
}

// download fetches, checks and stores the log's bundles that are not complete
// here.
func (m *Mirror) download(log *logReader) error {
	size, done := uint64(log.tree.N), m.sequence()
	for first := done / bundleSize; first*bundleSize < size && done < size; first += batchSize / bundleSize {
		var batch []bundle
		for n := first; n < first+batchSize/bundleSize && n*bundleSize < size; n++ {
			batch = append(batch, bundleAt(n, size))
		}
		if err := m.downloadBatch(log, batch, done); err != nil {
			return err
		}
	}
	return nil
}

// downloadBatch makes a batch of bundles complete and durable. The operations
// before done are on disk and checked.
func (m *Mirror) downloadBatch(log *logReader, batch []bundle, done uint64) error {
	var indexes []int64
	for _, b := range batch {
		indexes = append(indexes, b.indexes()...)
	}
	hashes, err := log.hashes(indexes)
	if err != nil {
		return err
	}
	for _, b := range batch {
		n := len(b.indexes())
		if err := m.downloadBundle(log, b, hashes[:n], done); err != nil {
			return err
		}
		hashes = hashes[n:]
	}
	return m.operations.sync()
}

func (m *Mirror) downloadBundle(log *logReader, b bundle, hashes []tlog.Hash, done uint64) error {
	if m.isComplete(b, hashes) {
		return nil
	}
	data, err := log.tiles.read(b.tile(), entrySize)
	if err != nil {
		return err
	}
	ops, err := b.cut(data)
	if err != nil {
		return err
	}
	if !b.matches(ops, hashes) {
		return fmt.Errorf("%w: %s", ErrCorrupt, torchwood.TilePath(b.tile()))
	}
	from := max(b.first(), done)
	return m.operations.write(from, ops[(from-b.first())*registry.OperationSize:])
}

// isComplete reports whether an unfinished sync left the whole bundle on disk.
func (m *Mirror) isComplete(b bundle, hashes []tlog.Hash) bool {
	ops, err := m.operations.read(b.first(), b.width)
	return err == nil && b.matches(ops, hashes)
}

// replay applies the operations up to a checkpoint, compares what follows from
// them with what it states, and takes it into the history. On an error the tree
// is as it was.
func (m *Mirror) replay(next *registry.SignedCheckpoint, proof tlog.TreeProof) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	err := m.applyUpTo(next)
	if err == nil {
		err = m.compare(next)
	}
	if err == nil {
		_, err = m.roots.Add(next.Note, proof)
	}
	if err == nil {
		m.arrive(next)
		return nil
	}
	restoreErr := m.load()
	if !errors.Is(err, ErrReplay) {
		return errors.Join(err, restoreErr)
	}
	return errors.Join(m.saveEvidence(err, nil, next.Note), restoreErr)
}

// arrive makes next the head, unless it is an older signature of the same.
func (m *Mirror) arrive(next *registry.SignedCheckpoint) {
	if m.head == nil || m.head.Sequence < next.Sequence || m.head.Time.Before(next.Time) {
		m.head, m.unusable = next, nil
	}
}

// applyUpTo applies the operations on disk up to a checkpoint's.
func (m *Mirror) applyUpTo(c *registry.SignedCheckpoint) error {
	if err := m.begin(c); err != nil {
		return err
	}
	for m.tree.Sequence() < c.Sequence {
		first := m.tree.Sequence()
		b, err := m.operations.read(first, min(batchSize, c.Sequence-first))
		if err != nil {
			return err
		}
		ops, err := parseAll(b, first)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrReplay, err)
		}
		if err := m.tree.ApplyAll(ops); err != nil {
			return fmt.Errorf("%w: %w", ErrReplay, err)
		}
	}
	return nil
}

// begin gives an empty tree its capacity. A registry begins with the smaller
// one, unless it has the larger one and its log holds no growth.
func (m *Mirror) begin(c *registry.SignedCheckpoint) (err error) {
	if m.tree.Sequence() != 0 {
		return nil
	}
	bits := c.CapacityBits
	for first := uint64(0); first < c.Sequence && bits != registry.SmallCapacityBits; first += batchSize {
		b, err := m.operations.read(first, min(batchSize, c.Sequence-first))
		if err != nil {
			return err
		}
		for i := 0; i < len(b); i += registry.OperationSize {
			if registry.OperationKind(b[i]) == registry.Grow {
				bits = registry.SmallCapacityBits
			}
		}
	}
	m.tree, err = registry.NewTree(bits)
	return err
}

// compare compares the tree with what a checkpoint states.
func (m *Mirror) compare(c *registry.SignedCheckpoint) error {
	switch t := m.tree; {
	case t.CapacityBits() != c.CapacityBits:
		return fmt.Errorf("%w: the capacity after %d operations is 2^%d, the checkpoint states 2^%d", ErrReplay, c.Sequence, t.CapacityBits(), c.CapacityBits)
	case !maps.Equal(t.Counts(), c.Members):
		return fmt.Errorf("%w: the live members after %d operations are %v, the checkpoint states %v", ErrReplay, c.Sequence, t.Counts(), c.Members)
	case t.Root() != c.Root:
		return fmt.Errorf("%w: the member root after %d operations is %v, the checkpoint states %v", ErrReplay, c.Sequence, t.Root(), c.Root)
	default:
		return nil
	}
}
