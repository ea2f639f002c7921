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
	// delegate is the receipt of a device's delegate, beside its own.
	delegate Receipt
	err      error
	// remark is the error to return although the request's records are durable.
	remark error
	done   bool
}

// batch is what one sync makes durable.
type batch struct {
	records []*record
	waiting []waiting             // for the sync, one for each record
	touched map[identity]struct{} // keys that records are about
	taken   []uint64              // indexes to give back if the write fails
	closed  bool                  // a record that must be the last
}

// waiting is whose a record is, and where its receipt goes: nil for none.
type waiting struct {
	request *request
	receipt *Receipt
}

func (b *batch) touches(id identity) bool {
	_, ok := b.touched[id]
	return ok
}

// hasRoom reports whether as many records fit.
func (b *batch) hasRoom(records int) bool { return len(b.records)+records <= maxBatch }

// add puts a record about a key into the batch. Of the records of a request, an
// interrupted write can leave the first ones: each must be right without the next.
func (b *batch) add(req *request, receipt *Receipt, rec *record, id identity) {
	b.touched[id] = struct{}{}
	b.records = append(b.records, rec)
	b.waiting = append(b.waiting, waiting{req, receipt})
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
		if b.closed || !b.hasRoom(1) {
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
	for i, w := range b.waiting {
		w.request.done = true
		if w.request.err = err; err != nil {
			continue
		}
		w.request.err = w.request.remark
		if w.receipt != nil {
			*w.receipt = Receipt{Operation: b.records[i].op, Sequence: b.records[i].sequence, New: true}
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
		id := rec.identity()
		r.admitted.set(rec.op.Index, rec.sequence)
		r.live.insert(id, rec.op.Index)
		r.revoked.readmit(id, rec.nullifierHash)
		if rec.isDelegate() {
			r.links.join(rec.deviceIndex, rec.op.Index, rec.delegation.until)
		}
	case registry.Revoke:
		id := rec.admission.identity()
		r.admitted.set(rec.op.Index, notAdmitted)
		r.live.remove(id, rec.op.Index)
		r.links.part(rec.op.Index)
		if !rec.keepsIndex {
			r.free.give(rec.op.Index)
		}
		r.revoked.add(id, rec.admission.nullifierHash, r.config.readmission(rec.unix), rec.unix)
	}
}
