package registrar

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex/registry"
)

// replayBatch is the number of records read and hashed together.
const replayBatch = 1 << 16

// replay reads the journal from the beginning and builds everything in memory.
// It returns what an interrupted write left at the end. It changes no file.
func (r *Registrar) replay() (torn []byte, err error) {
	if err := r.replayHeader(); err != nil {
		return nil, err
	}
	buf := make([]byte, replayBatch*recordSize)
	for {
		if err := r.checkPublished(); err != nil {
			return nil, err
		}
		start := r.journal.n
		want := buf[:r.untilPublished()*recordSize]
		n, err := r.journal.f.ReadAt(want, offsetOf(start))
		if err != nil && err != io.EOF {
			return nil, fmt.Errorf("reading the journal: %w", err)
		}
		records, bad := parseRecords(want[:n], start)
		if err := r.replayRecords(records, want); err != nil {
			return nil, err
		}
		if bad != nil || n < len(want) {
			return r.tornTail(bad)
		}
	}
}

// untilPublished returns the number of records to read next: a batch, but not
// across the newest checkpoint, so that the two can be compared.
func (r *Registrar) untilPublished() uint64 {
	if p := r.published; p != nil && p.Sequence > r.journal.n {
		return min(replayBatch, p.Sequence-r.journal.n)
	}
	return replayBatch
}

func (r *Registrar) replayHeader() error {
	var b [recordSize]byte
	n, err := r.journal.f.ReadAt(b[:], 0)
	if err != nil && err != io.EOF {
		return fmt.Errorf("reading the journal: %w", err)
	}
	h, err := parseHeader(b[:n])
	if err == nil && h.id != r.config.id {
		err = fmt.Errorf("it is the journal of registry %v, expected %v", h.id, r.config.id)
	}
	if err != nil {
		return &DamageError{File: journalFile, Record: -1, Err: err}
	}
	r.tree, err = registry.NewTree(h.capacityBits)
	return err
}

// parseRecords decodes records until one is bad or incomplete. The error is the
// bad one's.
func parseRecords(b []byte, start uint64) (records []*record, bad error) {
	records = make([]*record, 0, len(b)/recordSize)
	for ; len(b) >= recordSize; b = b[recordSize:] {
		n := start + uint64(len(records))
		rec, err := parseRecord(b[:recordSize])
		if err == nil && rec.sequence != n {
			err = fmt.Errorf("it says that it is record %d", rec.sequence)
		}
		if err != nil {
			return records, err
		}
		records = append(records, rec)
	}
	if len(b) > 0 {
		return records, fmt.Errorf("%w: only %d bytes of %d are there", errChecksum, len(b), recordSize)
	}
	return records, nil
}

// replayRecords applies records, whose encodings are in raw.
func (r *Registrar) replayRecords(records []*record, raw []byte) error {
	ops := make([]registry.Operation, len(records))
	for i, rec := range records {
		ops[i] = rec.op
	}
	if err := r.tree.ApplyAll(ops); err != nil {
		var refused *registry.OperationError
		if errors.As(err, &refused) {
			return damagedAt(refused.Sequence, refused)
		}
		return err
	}
	for i, rec := range records {
		if err := r.replayRecord(rec, raw[i*recordSize:][:registry.OperationSize]); err != nil {
			return err
		}
	}
	return nil
}

func (r *Registrar) replayRecord(rec *record, operation []byte) error {
	if rec.unix < r.lastTime {
		return damagedAt(rec.sequence, fmt.Errorf("it is of Unix time %d, before the record before it, of %d", rec.unix, r.lastTime))
	}
	switch rec.op.Kind {
	case registry.Admit:
		live, err := r.live.find(rec.identity(), r.admission)
		if err != nil {
			return err
		}
		if live != nil {
			return damagedAt(rec.sequence, fmt.Errorf("it admits the public key of the live member at index %d again", live.op.Index))
		}
		if err := r.replayDelegation(rec); err != nil {
			return err
		}
	case registry.Revoke:
		var err error
		if rec.admission, err = r.admission(rec.op.Index); err != nil {
			return err
		}
		if delegate, found := r.links.delegateOf(rec.op.Index); found {
			return damagedAt(rec.sequence, fmt.Errorf("it revokes a device before its delegate at index %d", delegate))
		}
	}
	r.take(rec, operation)
	return nil
}

// replayDelegation checks that a delegate's admission names a live device without
// a delegate, and that both have one nullifier key.
func (r *Registrar) replayDelegation(rec *record) error {
	if !rec.isDelegate() {
		return nil
	}
	device, err := r.journal.read(rec.delegation.device)
	if err != nil {
		return err
	}
	index := device.op.Index
	switch _, linked := r.links.partner(index); {
	case device.op.Kind != registry.Admit || !canDelegate(device.op.KeyType):
		err = fmt.Errorf("it admits a delegate of record %d, which admits no device", device.sequence)
	case r.admitted.at(index) != device.sequence:
		err = fmt.Errorf("it admits a delegate of record %d, whose device is not live", device.sequence)
	case linked:
		err = fmt.Errorf("it admits a second delegate of the device at index %d", index)
	case device.nullifierHash != rec.nullifierHash:
		err = fmt.Errorf("it admits a delegate with another nullifier key than the device at index %d", index)
	}
	if err != nil {
		return damagedAt(rec.sequence, err)
	}
	rec.deviceIndex = index
	return nil
}

// admission returns the record that admitted the member at an index. During a
// replay the tree is ahead, so unlike liveRecord it does not ask the tree.
func (r *Registrar) admission(index uint64) (*record, error) {
	return r.journal.read(r.admitted.at(index))
}

// checkPublished compares the newest published checkpoint with the state at its
// sequence number.
func (r *Registrar) checkPublished() error {
	p := r.published
	if p == nil || p.Sequence != r.journal.n {
		return nil
	}
	c, err := r.state()
	if err != nil {
		return err
	}
	if c.LogRoot != p.LogRoot || c.Root != p.Root || c.CapacityBits != p.CapacityBits {
		return &DamageError{File: journalFile, Record: -1, Err: fmt.Errorf(
			"after %d records, log root and member root are %v and %v, but the published checkpoint has %v and %v; another journal belongs to it",
			p.Sequence, c.LogRoot, c.Root, p.LogRoot, p.Root)}
	}
	return nil
}

// state returns the checkpoint of the present state, without a time.
func (r *Registrar) state() (*registry.Checkpoint, error) {
	logRoot, err := tlog.TreeHash(int64(r.log.size()), r.log)
	if err != nil {
		return nil, err
	}
	return &registry.Checkpoint{
		Origin:       r.signer.Name(),
		Sequence:     r.tree.Sequence(),
		LogRoot:      logRoot,
		Root:         r.tree.Root(),
		CapacityBits: r.tree.CapacityBits(),
		Members:      r.tree.Counts(),
	}, nil
}

// tornTail decides whether what follows the last good record, of which bad is
// the error, is an interrupted write. If it is, none of it was acknowledged. An
// interrupted write is a batch at most; no checkpoint covers it; and no good
// record in it says that the bad one was durable before.
func (r *Registrar) tornTail(bad error) ([]byte, error) {
	n := r.journal.n
	if p := r.published; p != nil && p.Sequence > n {
		if bad == nil {
			bad = errors.New("it is missing, the file ends before it")
		}
		return nil, damagedAt(n, fmt.Errorf("%w; a published checkpoint covers %d records", bad, p.Sequence))
	}
	if bad == nil {
		return nil, nil
	}
	if !errors.Is(bad, errChecksum) {
		return nil, damagedAt(n, bad)
	}
	tail, err := readTail(r.journal.f, offsetOf(n), maxBatch*recordSize)
	if err != nil {
		return nil, damagedAt(n, fmt.Errorf("%w, and %w", bad, err))
	}
	for i := 1; (i+1)*recordSize <= len(tail); i++ {
		later, err := parseRecord(tail[i*recordSize : (i+1)*recordSize])
		if err == nil && later.durable > n {
			return nil, damagedAt(n, fmt.Errorf("%w, and record %d, which is good, was written when it was durable", bad, later.sequence))
		}
	}
	return tail, nil
}
