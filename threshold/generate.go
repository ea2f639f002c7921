package threshold

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zkkex/zkkex/threshold/frost"
)

// goodbye is how long a participant that is stopped takes to tell the others.
const goodbye = 2 * time.Second

// run carries out a key generation or a refresh over a board, attempt by attempt.
type run struct {
	board    Board
	plan     plan // of the first attempt
	me       frost.Identifier
	identity *Identity
	old      *holding
	pending  *holding // confirmed before, by this participant
	hold     func(*holding) error
	progress func(text string)
}

// result is how a run ended: with the group, and the share if it takes part.
type result struct {
	group *Group
	made  *holding
}

// do returns once the group is made, or somebody's fault ends it. An attempt that
// somebody gave up is followed by the next.
func (r *run) do(ctx context.Context) (*result, error) {
	for attempt := 1; attempt <= MaxAttempts; attempt++ {
		p := r.plan
		p.attempt = attempt
		done, over, err := r.look(ctx, p)
		if err != nil || done != nil {
			return done, err
		}
		if over != nil {
			r.progress(fmt.Sprintf("attempt %d is over: %v", attempt, over))
			continue
		}
		done, err = r.attempt(ctx, p)
		if errors.Is(err, ErrAborted) {
			r.progress(fmt.Sprintf("attempt %d: %v", attempt, err))
			continue
		}
		return done, err
	}
	return nil, fmt.Errorf("%d attempts are over: %w", MaxAttempts, ErrFull)
}

// look reads what is there of an attempt already. It returns the result if it is
// complete, or why it is over. An attempt in which this participant spoke and knows
// nothing of is over: what it dealt is forgotten, and it tells so.
func (r *run) look(ctx context.Context, p plan) (done *result, over, err error) {
	c, f := watch(p), r.board.Follow(p.topic())
	confirmed := make(map[sender]bool)
	spoke := false
	for {
		m, err := r.next(ctx, f, p, false)
		if err != nil {
			return nil, nil, err
		}
		if m == nil {
			break
		}
		spoke = spoke || r.me != 0 && m.from.participant() == r.me
		if r.confirms(m, p) {
			confirmed[m.from] = true
		}
		if over == nil {
			_, over = c.receive(m)
		}
	}
	switch {
	case len(confirmed) == len(p.setup.Participants):
		return &result{r.pending.group, r.pending}, nil, nil
	case r.me == 0 && c.stage == stageDone:
		return &result{group: c.group}, nil, nil
	case r.me != 0 && c.stage == stageDone:
		return nil, nil, fmt.Errorf("all participants have confirmed, and this folder does not hold the share of participant %d that it confirmed: was the file pending removed, or the folder restored from a backup?", r.me)
	case over == nil && spoke && !r.holds(p):
		return nil, &abortError{reason: abortRestarted}, r.tell(ctx, p)
	}
	return nil, over, nil
}

// holds reports whether this participant has confirmed the attempt.
func (r *run) holds(p plan) bool {
	return r.pending != nil && r.pending.group.Generation == p.generation() && r.pending.group.Attempt == p.attempt
}

// confirms reports whether m confirms what this participant has confirmed.
func (r *run) confirms(m *message, p plan) bool {
	if !r.holds(p) || m.kind != kindConfirm || m.from.participant() == 0 {
		return false
	}
	digest := r.pending.group.Digest()
	return string(m.body) == string(digest[:])
}

// tell says that this participant has forgotten its part of an attempt.
func (r *run) tell(ctx context.Context, p plan) error {
	body := []byte{abortRestarted, 0, 0}
	return r.board.Post(ctx, p.topic(), r.identity.seal(kindAbort, sender(r.me), p.context(), body).encode())
}

// next returns the next message that a member signed in the attempt's context; others
// are anybody's and passed over.
func (r *run) next(ctx context.Context, f Follower, p plan, wait bool) (*message, error) {
	for {
		b, err := f.Next(ctx, wait)
		if err != nil || b == nil {
			return nil, err
		}
		if m, err := p.setup.open(b); err == nil && m.context == p.context() {
			return m, nil
		}
	}
}

// attempt takes part in one attempt, or watches it.
func (r *run) attempt(ctx context.Context, p plan) (*result, error) {
	c, made := watch(p), r.pending
	var first []*message
	if r.holds(p) { // it may have been cut short before the others were told
		digest := made.group.Digest()
		first = []*message{r.identity.seal(kindConfirm, sender(r.me), p.context(), digest[:])}
	} else if r.me != 0 {
		hold := func(h *holding) error {
			made, r.pending = h, h
			return r.hold(h)
		}
		joined, m, err := join(p, r.me, r.identity, r.old, hold)
		if err != nil {
			return nil, err
		}
		c, first = joined, []*message{m}
	}
	defer c.wipe()
	if err := r.exchange(ctx, c, first); err != nil {
		return nil, err
	}
	if r.me == 0 {
		return &result{group: c.group}, nil
	}
	if made.group.Digest() != c.group.Digest() {
		return nil, fmt.Errorf("%w: the file pending is of another group than was confirmed", ErrDisagree)
	}
	return &result{c.group, made}, nil
}

// exchange sends and receives until the ceremony is done.
func (r *run) exchange(ctx context.Context, c *ceremony, out []*message) error {
	f := r.board.Follow(c.topic())
	told := ""
	for {
		for len(out) > 0 {
			m := out[0]
			if err := r.board.Post(ctx, c.topic(), m.encode()); err != nil {
				return err
			}
			more, err := c.receive(m)
			if out = append(out[1:], more...); err != nil {
				return errors.Join(err, r.last(c, out))
			}
		}
		if c.stage == stageDone {
			return nil
		}
		if text := c.waiting(); text != told {
			r.progress(text)
			told = text
		}
		m, err := r.next(ctx, f, c.plan, true)
		if err != nil {
			return errors.Join(err, r.last(c, c.abort(abortStopped, 0)))
		}
		if out, err = c.receive(m); err != nil {
			return errors.Join(err, r.last(c, out))
		}
	}
}

// last leaves the last messages of an attempt that is over, also when the caller
// does not wait any more.
func (r *run) last(c *ceremony, out []*message) error {
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	for _, m := range out {
		if err := r.board.Post(ctx, c.topic(), m.encode()); err != nil {
			return err
		}
	}
	return nil
}
