package registrar

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/zkkex/zkkex/enrolment"
)

// MaxDelegationsPerHour bounds what one device can delegate over HTTP in an hour. It
// needs nobody's approval for that, and every delegation is two operations of a log
// that everybody keeps for good.
const MaxDelegationsPerHour = 12

// checkDelegation bounds what a request delegates, in time, and of members also in
// number. The request is verified: it is the device that asks.
func (s *Server) checkDelegation(r enrolment.Application, now time.Time) error {
	device, ok := r.(*enrolment.DeviceRequest)
	if !ok || device.Delegation == nil {
		return nil
	}
	if err := device.CheckDelegation(now, s.config.MaxDelegation); err != nil {
		return err
	}
	if yes, err := s.registrar.isMember(r); err != nil || !yes {
		return err // a person decides
	}
	public, err := device.Public()
	if err != nil {
		return err
	}
	if wait, full := s.delegations.take(identityOf(public), now); full {
		return &apiError{http.StatusTooManyRequests, "too_many_delegations", fmt.Sprintf(
			"this device delegated %d times within the hour; try again in %v, or use the delegate that is admitted", MaxDelegationsPerHour, wait)}
	}
	return nil
}

// seen returns an outcome as a member sees it: what a member's device delegated is
// as good as approved while it waits.
func (s *Server) seen(o Outcome) (Outcome, error) {
	if o.State != Pending {
		return o, nil
	}
	yes, err := s.queue.ofMember(o.ID, s.registrar.isMember)
	if yes {
		o.State = Approved
	}
	return o, err
}

// throttle counts the delegations of devices within an hour. It forgets all of them
// when the hour is over, so that it holds an hour's devices at most.
type throttle struct {
	mu    sync.Mutex
	began time.Time
	taken map[identity]int
}

const throttleWindow = time.Hour

// take counts one more, or says how long it takes until one is free.
func (t *throttle) take(id identity, now time.Time) (wait time.Duration, full bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if age := now.Sub(t.began); t.taken == nil || age < 0 || age >= throttleWindow {
		t.began, t.taken = now, make(map[identity]int)
	}
	if t.taken[id] >= MaxDelegationsPerHour {
		return (throttleWindow - now.Sub(t.began)).Round(time.Second), true
	}
	t.taken[id]++
	return 0, false
}
