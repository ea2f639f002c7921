package registrar

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/lines"
)

// State is how far an enrolment request got.
type State string

// States of a request.
const (
	// Pending: it waits for a decision.
	Pending State = "pending"
	// Approved: it will be admitted.
	Approved State = "approved"
	// Admitted: it is in the log, and in the next checkpoint.
	Admitted State = "admitted"
	// Denied: it was decided against.
	Denied State = "denied"

	// stateDone is the folder of the last two.
	stateDone State = "done"
)

// MaxReason bounds the reason of a denial, in bytes.
const MaxReason = 256

// Outcome is what a member learns about its request.
type Outcome struct {
	// ID identifies the request.
	ID RequestID
	// State is how far it got.
	State State
	// Time is when it was admitted or denied, in whole seconds.
	Time time.Time
	// Reason is why it was denied, on one line.
	Reason string

	// expiry is when the challenge ends that the request answers, in Unix
	// seconds, for an outcome that is stored.
	expiry int64
}

const (
	outcomeMagic   = "zkkex/v1 enrolment outcome"
	outcomeFormat  = "enrolment outcome"
	maxOutcomeText = 512
)

// marshal returns the text of a file in done/: the magic line, and state, time
// and the challenge's expiry in Unix seconds, and reason.
func (o Outcome) marshal() []byte {
	b := []byte(outcomeMagic + "\n")
	b = lines.Append(b, "state", string(o.State))
	b = lines.Append(b, "time", strconv.FormatInt(o.Time.Unix(), 10))
	b = lines.Append(b, "expiry", strconv.FormatInt(o.expiry, 10))
	return lines.Append(b, "reason", o.Reason)
}

// parseOutcome decodes what marshal writes, and nothing else.
func parseOutcome(id RequestID, text []byte) (Outcome, error) {
	rest, err := lines.CutFirst(text, outcomeMagic)
	if err != nil {
		return Outcome{}, malformed(outcomeFormat, "%w", err)
	}
	values, _, err := lines.Cut(rest, "state", "time", "expiry", "reason")
	if err != nil {
		return Outcome{}, malformed(outcomeFormat, "%w", err)
	}
	seconds, err := strconv.ParseInt(values[1], 10, 64)
	if err != nil {
		return Outcome{}, malformed(outcomeFormat, "time: %w", err)
	}
	expiry, err := strconv.ParseInt(values[2], 10, 64)
	if err != nil {
		return Outcome{}, malformed(outcomeFormat, "expiry: %w", err)
	}
	o := Outcome{ID: id, State: State(values[0]), Time: time.Unix(seconds, 0).UTC(), Reason: values[3], expiry: expiry}
	if o.State != Admitted && o.State != Denied {
		return Outcome{}, malformed(outcomeFormat, "state %q, expected %q or %q", o.State, Admitted, Denied)
	}
	if string(o.marshal()) != string(text) {
		return Outcome{}, malformed(outcomeFormat, "not in the one accepted form, which is:\n%s", o.marshal())
	}
	return o, nil
}

// Status returns the state of a request. It returns an error wrapping
// [ErrUnknownRequest] if there is none, or if its outcome is so old that it was
// forgotten.
func (q *Queue) Status(id RequestID) (Outcome, error) {
	// The latest state first. A request moves from one to the next, so one that
	// is in none of them has moved while we looked, or is not there.
	for range 2 {
		o, err := q.status(id)
		if !errors.Is(err, fs.ErrNotExist) {
			return o, err
		}
	}
	return Outcome{}, fmt.Errorf("%w: %v", ErrUnknownRequest, id)
}

func (q *Queue) status(id RequestID) (Outcome, error) {
	text, err := readBounded(q.file(stateDone, id), maxOutcomeText)
	if err == nil {
		return parseOutcome(id, text)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return Outcome{}, err
	}
	for _, state := range []State{Approved, Pending} {
		_, err = os.Stat(q.file(state, id))
		if err == nil {
			return Outcome{ID: id, State: state}, nil
		}
	}
	return Outcome{}, err
}

// finish records an outcome, durably.
func (q *Queue) finish(o Outcome) error {
	err := atomicfile.Create(q.file(stateDone, o.ID), o.marshal(), 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil // the crash came after this
	}
	if err != nil {
		return fmt.Errorf("storing the outcome of request %v: %w", o.ID, err)
	}
	return nil
}

// line makes a text fit on one line of [MaxReason] bytes.
func line(text string) string {
	text = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c == '\u0085' || c == '\u2028' || c == '\u2029' {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > MaxReason {
		text = strings.ToValidUTF8(text[:MaxReason], "")
	}
	return text
}
