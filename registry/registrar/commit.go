package registrar

import (
	"errors"
	"time"

	"github.com/zkkex/zkkex/registry"
)

// maxBatch bounds the records written with one sync, and so what an
// interrupted write can leave behind.
const maxBatch = 16384

// errNextBatch says that a request has to wait for the batch before it.
var errNextBatch = errors.New("belongs to the next batch")

// request is one operation on its way. Result or err is set once it is done.
type request struct {
	// plan decides about the operation: it puts a record into the batch, or
	// sets the result at once, or fails. errNextBatch defers it.
	plan   func(*Registrar, *batch, *request) error
	now    int64
	result Receipt
	err    error
	done   bool
}

// batch is what one sync makes durable.
type batch struct {
	records  []*record
	requests []*request            // those that wait for the sync
	touched  map[identity]struct{} // keys that records are about
	taken    []uint64              // indexes to give back if the write fails
	closed   bool                  // a record that must be the last
}

func (b *batch) touches(id identity) bool {
	_, ok := b.touched[id]
	return ok
}

// add puts a record about a key into the batch.
func (b *batch) add(req *request, rec *record, id identity) {
	b.touched[id] = struct{}{}
	b.records = append(b.records, rec)
	b.requests = append(b.requests, req)
}

// submit queues requests and returns when all are done. Whoever gets to write
// takes everything that is waiting along, so that many callers share a sync.
func (r *Registrar) submit(now time.Time, reqs ...*request) {
	for _, req := range reqs {
		req.now = now.Unix()
	}
	r.queueMu.Lock()
	r.queue = append(r.queue, reqs...)
	r.queueMu.Unlock()

	r.commitMu.Lock()
	defer r.commitMu.Unlock()
	if reqs[len(reqs)-1].done {
		return // another caller took them along, all or none
	}
	r.queueMu.Lock()
	queue := r.queue
	r.queue = nil
	r.queueMu.Unlock()
	for len(queue) > 0 {
		queue = queue[r.commit(queue):]
	}
}

// commit takes requests from the front of the queue, and returns how many are
// done.
func (r *Registrar) commit(queue []*request) int {
	b := &batch{touched: make(map[identity]struct{})}
	taken := 0
	for _, req := range queue {
		if b.closed || len(b.records) == maxBatch {
			break
		}
		err := r.plan(b, req)
		if errors.Is(err, errNextBatch) {
			break
		}
		if err != nil {
			req.err, req.done = err, true
		}
		taken++
	}
	err := r.write(b)
	for i, req := range b.requests {
		req.done = true
		if req.err = err; err == nil {
			req.result = Receipt{Operation: b.records[i].op, Sequence: b.records[i].sequence, New: true}
		}
	}
	return taken
}

func (r *Registrar) plan(b *batch, req *request) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	switch {
	case r.closed:
		return ErrClosed
	case r.broken != nil:
		return r.broken
	}
	return req.plan(r, b, req)
}

// write makes the batch durable and then takes it over into memory. If it
// fails, nothing in memory has changed.
func (r *Registrar) write(b *batch) error {
	if len(b.records) == 0 {
		return nil
	}
	raw, ops, err := r.encode(b)
	if err == nil {
		err = r.journal.append(raw)
	}
	if err != nil {
		for i := len(b.taken) - 1; i >= 0; i-- {
			r.free.untake(b.taken[i])
		}
		if !errors.Is(err, ErrNotRecorded) {
			r.broken = err
		}
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.tree.ApplyAll(ops); err != nil {
		panic("zkkex: internal error: " + err.Error()) // CheckAll said yes
	}
	for i, rec := range b.records {
		r.take(rec, raw[i*recordSize:][:registry.OperationSize])
	}
	return nil
}

// encode numbers and encodes the records, and checks them against the tree
// before any of them reaches the disk.
func (r *Registrar) encode(b *batch) (raw []byte, ops []registry.Operation, err error) {
	ops = make([]registry.Operation, len(b.records))
	for i, rec := range b.records {
		rec.sequence = r.journal.n + uint64(i)
		rec.durable = r.journal.n
		r.lastTime = max(r.lastTime, rec.unix)
		rec.unix = r.lastTime
		ops[i] = rec.op
		if raw, err = rec.appendTo(raw); err != nil {
			return nil, nil, err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return raw, ops, r.tree.CheckAll(ops)
}

// take brings the indexes in memory up to date with a durable record, which the
// tree has applied. The caller holds mu for writing, or is opening the folder.
func (r *Registrar) take(rec *record, operation []byte) {
	r.journal.n = rec.sequence + 1
	r.log.append(operation)
	r.lastTime = rec.unix
	switch rec.op.Kind {
	case registry.Admit:
		r.admitted.set(rec.op.Index, rec.sequence)
		r.live.insert(rec.identity(), rec.op.Index)
	case registry.Revoke:
		id := rec.admission.identity()
		r.live.remove(id, rec.op.Index)
		r.free.give(rec.op.Index)
		r.revoked.add(id, revocation{rec.admission.nullifierHash, r.config.readmission(rec.unix)}, rec.unix)
	}
}
