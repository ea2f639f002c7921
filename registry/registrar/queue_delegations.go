package registrar

import (
	"errors"
	"io/fs"
	"time"

	"github.com/zkkex/zkkex/enrolment"
)

// What a member's device delegates needs nobody's approval. That is decided when it
// is admitted, and not when it arrives: nothing is stored that would bring a device
// back that was revoked meanwhile. Its request waits among the others then, for a
// person.

// admitDelegations is [Queue.Admit] for the requests that wait for a decision and
// that isMember says yes to. A request that admit refuses with an error wrapping
// [ErrNoMember] goes on waiting.
func (q *Queue) admitDelegations(isMember func(enrolment.Application) (bool, error), admit func(Entry) error, now time.Time) (int, error) {
	ids, err := q.byArrival(Pending)
	if err != nil {
		return 0, err
	}
	admitted := 0
	var errs []error
	for _, id := range ids {
		yes, err := q.ofMember(id, isMember)
		if !yes {
			errs = append(errs, err)
			continue
		}
		err = q.locked(func() error {
			outcome, err := q.admit(Pending, id, admit, now)
			if outcome.State == Admitted {
				admitted++
			}
			return err
		})
		if !errors.Is(err, ErrNoMember) {
			errs = append(errs, err)
		}
	}
	if admitted > 0 {
		errs = append(errs, q.locked(q.forget))
	}
	return admitted, errors.Join(errs...)
}

// ofMember asks isMember about a request that waits. It reads it once more than
// needed where the answer is yes, and checks no signature where it is no.
func (q *Queue) ofMember(id RequestID, isMember func(enrolment.Application) (bool, error)) (bool, error) {
	text, err := readBounded(q.file(Pending, id), enrolment.MaxRequestText)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // decided since
	}
	if err != nil {
		return false, err
	}
	r, err := enrolment.Parse(text)
	if err != nil {
		return false, nil // List names it
	}
	return isMember(r)
}
