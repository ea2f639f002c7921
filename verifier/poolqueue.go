package verifier

import (
	"slices"
	"strings"
	"time"

	"github.com/zkkex/zkkex/setup/params"
)

// job is a proof that waits for its verdict.
type job struct {
	source  string
	set     *params.Verifying
	claim   params.Claim
	since   time.Time
	verdict chan error // holds one
}

// queue holds jobs by source. Sources take turns, so that whoever sends many
// waits behind its own. It is not safe for concurrent use.
type queue struct {
	capacity int
	length   int
	waiting  map[string][]*job // no empty lists
	turns    []string          // the keys of waiting, the next one first
}

func newQueue(capacity int) *queue {
	return &queue{capacity: capacity, waiting: make(map[string][]*job)}
}

// add reports whether there was room: in the queue, and in the source's share
// of it.
func (q *queue) add(j *job) bool {
	own := q.waiting[j.source]
	if q.length == q.capacity || len(own) >= max(1, q.capacity/sourceShare) {
		return false
	}
	if len(own) == 0 {
		q.turns = append(q.turns, j.source)
	}
	q.waiting[j.source] = append(own, j)
	q.length++
	return true
}

// take removes the jobs of the next batch: of each source one in turn, until
// there are [MaxBatch] in all or [MaxPerSource] of every source. Those of one
// source lie together, so that bad proofs of one source are in few groups of
// the batch.
func (q *queue) take() []*job {
	var batch []*job
	taken := make(map[string]int)
	for len(batch) < MaxBatch && len(q.turns) > 0 {
		source := q.turns[0]
		if taken[source] == MaxPerSource {
			break // and so has every other source, as they took turns
		}
		taken[source]++
		own := q.waiting[source]
		batch = append(batch, own[0])
		q.turns = q.turns[1:]
		q.length--
		if len(own) == 1 {
			delete(q.waiting, source)
			continue
		}
		q.waiting[source] = own[1:]
		q.turns = append(q.turns, source)
	}
	slices.SortStableFunc(batch, func(a, b *job) int { return strings.Compare(a.source, b.source) })
	return batch
}

// remove reports whether j was still waiting.
func (q *queue) remove(j *job) bool {
	own := q.waiting[j.source]
	i := slices.Index(own, j)
	if i < 0 {
		return false
	}
	q.length--
	if len(own) > 1 {
		q.waiting[j.source] = slices.Delete(own, i, i+1)
		return true
	}
	delete(q.waiting, j.source)
	turn := slices.Index(q.turns, j.source)
	q.turns = slices.Delete(q.turns, turn, turn+1)
	return true
}

// clear removes and returns all jobs.
func (q *queue) clear() []*job {
	var all []*job
	for _, own := range q.waiting {
		all = append(all, own...)
	}
	*q = *newQueue(q.capacity)
	return all
}
