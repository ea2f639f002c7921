package registrar

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment"
	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/lines"
)

// A request whose outcome is forgotten could be shown again, by anybody who has
// a copy, and admit a key that was revoked since. So the latest expiry of a
// challenge whose answer was forgotten is remembered, and no request that
// answers one as old is taken any more. Outcomes are forgotten in the order of
// expiry, the ones that ended long ago first: a new challenge is as old only
// after maxOutcomes decisions within its validity.

const (
	forgottenFile   = "forgotten"
	forgottenMagic  = "zkkex/v1 forgotten challenges"
	forgottenFormat = "forgotten"
)

// forgotten returns the latest expiry of a challenge whose answer was
// forgotten, in Unix seconds.
func (q *Queue) forgotten() (int64, error) {
	text, err := readBounded(filepath.Join(q.dir, forgottenFile), maxOutcomeText)
	if errors.Is(err, fs.ErrNotExist) {
		return math.MinInt64, nil
	}
	if err != nil {
		return 0, err
	}
	return parseForgotten(text)
}

// parseForgotten decodes what marshalForgotten writes, and nothing else.
func parseForgotten(text []byte) (int64, error) {
	rest, err := lines.CutFirst(text, forgottenMagic)
	if err != nil {
		return 0, malformed(forgottenFormat, "%w", err)
	}
	values, _, err := lines.Cut(rest, "expiry")
	if err != nil {
		return 0, malformed(forgottenFormat, "%w", err)
	}
	expiry, err := strconv.ParseInt(values[0], 10, 64)
	if err != nil || string(marshalForgotten(expiry)) != string(text) {
		return 0, malformed(forgottenFormat, "expiry: expected Unix seconds in decimal, and nothing after them")
	}
	return expiry, nil
}

func marshalForgotten(expiry int64) []byte {
	return lines.Append([]byte(forgottenMagic+"\n"), "expiry", strconv.FormatInt(expiry, 10))
}

// checkRemembered refuses a request that may have been decided and forgotten.
func (q *Queue) checkRemembered(c enrolment.Challenge) error {
	expiry, err := q.forgotten()
	if err != nil {
		return fmt.Errorf("enrolment queue: %w", err)
	}
	if c.Expiry <= expiry {
		return zkkex.Reject(enrolment.Expired, "answers to challenges of that time are not remembered any more: ask for a new challenge")
	}
	return nil
}

// forget removes a tenth of the outcomes when there are too many. The caller
// holds the lock.
func (q *Queue) forget() error {
	files, err := os.ReadDir(q.folder(stateDone))
	if err != nil || len(files) <= maxOutcomes {
		return err
	}
	oldest, err := q.byExpiry()
	if err != nil || len(oldest) <= maxOutcomes {
		return err
	}
	oldest = oldest[:len(oldest)-maxOutcomes*9/10]
	before, err := q.forgotten()
	if err != nil {
		return err
	}
	latest := max(before, oldest[len(oldest)-1].expiry)
	if err := atomicfile.Write(filepath.Join(q.dir, forgottenFile), marshalForgotten(latest), 0o600); err != nil {
		return fmt.Errorf("forgetting outcomes: %w", err)
	}
	for _, o := range oldest {
		if err := q.remove(o.ID); err != nil {
			return err
		}
	}
	return nil
}

// remove removes an outcome, last, and before it what a crash left of the
// request.
func (q *Queue) remove(id RequestID) error {
	for _, state := range []State{Pending, Approved, stateDone} {
		if err := os.Remove(q.file(state, id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// byExpiry returns the outcomes in the order in which challenges end. One that
// cannot be read counts as of the latest challenge that it can have been about.
func (q *Queue) byExpiry() ([]Outcome, error) {
	ids, err := q.ids(stateDone)
	if err != nil {
		return nil, err
	}
	outcomes := make([]Outcome, len(ids))
	for i, id := range ids {
		if outcomes[i], err = q.status(id); err == nil {
			continue
		}
		info, err := os.Stat(q.file(stateDone, id))
		if err != nil {
			return nil, err
		}
		outcomes[i] = Outcome{ID: id, expiry: info.ModTime().Add(enrolment.MaxValidity + enrolment.ClockSkew).Unix()}
	}
	slices.SortFunc(outcomes, func(a, b Outcome) int {
		return cmp.Or(cmp.Compare(a.expiry, b.expiry), slices.Compare(a.ID[:], b.ID[:]))
	})
	return outcomes, nil
}
