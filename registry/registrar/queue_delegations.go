package registrar

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
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

// replaced is the reason of a denial by [Queue.denyReplaced].
const replaced = "the device asked again since"

// denyReplaced denies the requests that wait of devices of which a later one is
// approved. Once that one has made the device a member, an older one would need
// nobody's approval, and be admitted in the place of what the device asked for last.
func (q *Queue) denyReplaced(now time.Time) error {
	latest := make(map[string]time.Time)
	err := q.devices(Approved, func(_ RequestID, device string, arrived time.Time) error {
		latest[device] = arrived // the last one is the latest
		return nil
	})
	if err != nil || len(latest) == 0 {
		return err
	}
	return q.devices(Pending, func(id RequestID, device string, arrived time.Time) error {
		if !arrived.Before(latest[device]) {
			return nil
		}
		err := q.Deny(id, replaced, now)
		if errors.Is(err, ErrDecided) || errors.Is(err, ErrUnknownRequest) {
			return nil // decided since
		}
		return err
	})
}

// devices calls do for the devices' requests in a state, the oldest first. device
// names the device with its nullifier key: with another one nothing is replaced.
func (q *Queue) devices(state State, do func(id RequestID, device string, arrived time.Time) error) error {
	ids, err := q.byArrival(state)
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range ids {
		info, err := os.Stat(q.file(state, id))
		if errors.Is(err, fs.ErrNotExist) {
			continue // decided since
		}
		if err != nil {
			return err
		}
		r, err := q.peek(state, id)
		if r, ok := r.(*enrolment.DeviceRequest); ok {
			err = do(id, fmt.Sprintf("%v %x %x", r.KeyType, r.PublicKey, r.NullifierKeyHash), info.ModTime())
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// ofMember asks isMember about a request that waits. It reads it once more than
// needed where the answer is yes, and checks no signature where it is no.
func (q *Queue) ofMember(id RequestID, isMember func(enrolment.Application) (bool, error)) (bool, error) {
	r, err := q.peek(Pending, id)
	if r == nil || err != nil {
		return false, err
	}
	return isMember(r)
}

// peek reads a request and checks no signature. It returns nil for one that was decided
// since, or is damaged.
func (q *Queue) peek(state State, id RequestID) (enrolment.Application, error) {
	text, err := readBounded(q.file(state, id), enrolment.MaxRequestText)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := enrolment.Parse(text)
	if err != nil {
		return nil, nil // List names it
	}
	return r, nil
}
