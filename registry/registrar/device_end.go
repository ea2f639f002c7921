package registrar

import (
	"cmp"
	"slices"
	"time"
)

// RevokeEnded revokes the delegates whose delegation has ended, and returns how
// many these were. Their indexes are free again. The errors are [ErrNotRecorded],
// [ErrUndecided] and [ErrClosed]; some may have been revoked all the same.
func (r *Registrar) RevokeEnded(now time.Time) (int, error) {
	revoked := 0
	for part := range slices.Chunk(r.ended(now), maxBatch) { // others write between
		n, err := r.revokeEnded(part, now)
		revoked += n
		if err != nil {
			return revoked, err
		}
	}
	return revoked, nil
}

func (r *Registrar) revokeEnded(delegates []uint64, now time.Time) (revoked int, err error) {
	reqs := make([]*request, len(delegates))
	for i, index := range delegates {
		reqs[i] = &request{plan: func(r *Registrar, b *batch, req *request) error { return r.planEnd(b, req, index) }}
	}
	r.submit(now, reqs...)
	for _, req := range reqs {
		if req.result.New {
			revoked++
		}
		err = cmp.Or(err, req.err) // the first says what is the matter with all
	}
	return revoked, err
}

// ended returns the indexes of delegates whose delegation may have ended.
func (r *Registrar) ended(now time.Time) []uint64 {
	r.commitMu.Lock()
	defer r.commitMu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.links.ended(max(now.Unix(), r.lastTime))
}

// planEnd revokes the delegate at an index, if there is one still and its
// delegation has ended.
func (r *Registrar) planEnd(b *batch, req *request, index uint64) error {
	if r.links.at(index).minute == 0 {
		req.done = true // revoked since
		return nil
	}
	live, err := r.liveRecord(index)
	if err != nil {
		return err
	}
	if live.delegation.until > r.timeOf(req) {
		req.done = true
		return nil
	}
	return r.planRevocation(b, req, live)
}
