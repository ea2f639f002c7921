package registrar

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment"
	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/filelock"
)

// MaxPending bounds the requests that wait for a decision. Whoever has keys
// can fill the queue, as it asks for no more than that; what a registrar wants
// to see beside a key, it checks before it approves.
const MaxPending = 10_000

// maxOutcomes bounds the outcomes that are kept: for members to ask about, and
// so that a request that was decided is known when it is shown again. Those of
// the oldest challenges are forgotten.
const maxOutcomes = 20_000

// Errors of the queue.
var (
	// ErrQueueFull reports that [MaxPending] requests wait.
	ErrQueueFull = errors.New("the enrolment queue is full")
	// ErrUnknownRequest reports an identifier that the queue does not know, or
	// has forgotten.
	ErrUnknownRequest = errors.New("no such enrolment request")
	// ErrDecided reports a request that was decided the other way already.
	ErrDecided = errors.New("enrolment request was decided already")
)

// RequestID identifies a request: [enrolment.Application.Digest]. It
// covers the signature and the challenge, so that only the sender and the
// registrar can name it.
type RequestID [32]byte

// ParseRequestID decodes 64 lower-case hexadecimal digits. It returns an error
// wrapping [zkkex.ErrMalformed].
func ParseRequestID(s string) (RequestID, error) {
	id, err := zkkex.ParseHex(s)
	return RequestID(id), err
}

// String returns 64 lower-case hexadecimal digits.
func (id RequestID) String() string { return hex.EncodeToString(id[:]) }

// Queue is the folder in which enrolment requests wait. Every state of a
// request is a folder in it, and a request one file, named by its digest:
//
//	pending/   waits for a decision
//	approved/  waits for whoever holds the registrar's log to admit it
//	done/      admitted or denied: an [Outcome], for the member to ask
//
// Beside them are challenge.key, the secret that the queue knows its own
// challenges by, and forgotten, which says up to when the challenges ended whose
// answers it no longer remembers.
//
// A request has the latest state in which there is a file of it, so that a crash
// between two files changes nothing. Several processes can use one queue, under
// its lock: a decision needs no access to the log that a server has open. It is
// safe for concurrent use.
type Queue struct {
	dir        string
	registry   zkkex.RegistryID
	challenger *enrolment.Challenger

	// changing is held beside the lock of the folder, which keeps processes
	// apart and is no order of memory between goroutines.
	changing sync.Mutex
	// nonces are the challenges' of requests that wait, read once. It is used
	// while changing.
	nonces map[RequestID][32]byte
}

// OpenQueue opens the queue of a registry in a folder, which it creates if
// there is none.
func OpenQueue(dir string, registry zkkex.RegistryID) (*Queue, error) {
	q := &Queue{dir: dir, registry: registry}
	for _, state := range []State{Pending, Approved, stateDone} {
		if err := os.MkdirAll(filepath.Join(dir, string(state)), 0o700); err != nil {
			return nil, fmt.Errorf("enrolment queue: %w", err)
		}
	}
	key, err := challengeKey(filepath.Join(dir, "challenge.key"))
	if err != nil {
		return nil, fmt.Errorf("enrolment queue: %w", err)
	}
	q.challenger = enrolment.NewChallenger(registry, key)
	return q, nil
}

const challengeKeyMagic = "zkkex/v1 challenge key"

// challengeKey reads the key that challenges are authenticated with, or draws
// it.
func challengeKey(path string) (key [32]byte, err error) {
	if _, err := rand.Read(key[:]); err != nil {
		return key, err
	}
	err = atomicfile.Create(path, fmt.Appendf(nil, "%s\n%x\n", challengeKeyMagic, key), 0o600)
	if !errors.Is(err, fs.ErrExist) {
		return key, err
	}
	text, err := readBounded(path, int64(len(challengeKeyMagic)+1+2*len(key)+1))
	if err != nil {
		return key, err
	}
	digits, isKey := strings.CutPrefix(string(text), challengeKeyMagic+"\n")
	digits, hasEnd := strings.CutSuffix(digits, "\n")
	if !isKey || !hasEnd {
		return key, malformed("challenge.key", "expected the line %q and 64 digits; remove the file, and challenges that are open become invalid", challengeKeyMagic)
	}
	if key, err = zkkex.ParseHex(digits); err != nil {
		return key, malformed("challenge.key", "line 2 is not 64 lower-case hexadecimal digits") // and is not quoted
	}
	return key, nil
}

// Challenge returns a fresh challenge for a member to sign, valid for a time.
// Requests that answer it may come by any way. It returns an error as
// [enrolment.Challenger.Issue] does.
func (q *Queue) Challenge(now time.Time, validity time.Duration) (enrolment.Challenge, error) {
	return q.challenger.Issue(now, validity)
}

// Add checks a request of either kind, in text form, and puts it into the queue. It
// checks everything that can be checked: format, registry, key, challenge and its
// expiry, the proof of possession, and that a delegation ends within
// [enrolment.MaxDelegation]. Possession is thereby shown at arrival, and stays
// shown: the request can be approved after its challenge expired.
//
// The same request again changes nothing, and its state is returned as it is;
// one that may have been decided and forgotten is refused as expired. Add returns
// an error wrapping [zkkex.ErrMalformed], [zkkex.ErrUnsupported],
// [zkkex.ErrRejected], [ErrChallengeUsed] or [ErrQueueFull].
func (q *Queue) Add(text []byte, now time.Time) (Outcome, error) {
	r, err := enrolment.Parse(text)
	if err != nil {
		return Outcome{}, err
	}
	return q.add(r, now, func(r enrolment.Application) error {
		if d, ok := r.(*enrolment.DeviceRequest); ok {
			return d.CheckDelegation(now, enrolment.MaxDelegation)
		}
		return nil
	})
}

// add is Add with further checks of a request that is not known yet. They come
// last, when it is sure who asks.
func (q *Queue) add(r enrolment.Application, now time.Time, check func(enrolment.Application) error) (Outcome, error) {
	id := RequestID(r.Digest())
	if o, err := q.Status(id); !errors.Is(err, ErrUnknownRequest) {
		return o, err // checked when it arrived first
	}
	if err := q.challenger.Check(r.Answers(), now); err != nil {
		return Outcome{}, err
	}
	if _, err := r.Verify(q.registry, now); err != nil {
		return Outcome{}, err
	}
	if err := check(r); err != nil {
		return Outcome{}, err
	}
	text, err := r.MarshalText()
	if err != nil {
		return Outcome{}, err
	}
	var o Outcome
	err = q.locked(func() error {
		o, err = q.store(id, r.Answers(), text)
		return err
	})
	return o, err
}

// lockTimeout bounds how long an operation waits for another process's, which
// takes as long as a few writes to the disk.
const lockTimeout = 10 * time.Second

// locked calls f while no other process, and no other goroutine, changes the
// queue.
func (q *Queue) locked(f func() error) error {
	q.changing.Lock()
	defer q.changing.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), lockTimeout)
	defer cancel()
	lock, err := filelock.Wait(ctx, filepath.Join(q.dir, "lock"))
	if err != nil {
		return fmt.Errorf("enrolment queue: %w", err)
	}
	return errors.Join(f(), lock.Release())
}

func (q *Queue) store(id RequestID, c enrolment.Challenge, text []byte) (Outcome, error) {
	if o, err := q.Status(id); !errors.Is(err, ErrUnknownRequest) {
		return o, err // another one was faster
	}
	if err := q.checkRemembered(c); err != nil {
		return Outcome{}, err
	}
	if err := q.checkAnswers(c); err != nil {
		return Outcome{}, err
	}
	waiting, err := os.ReadDir(q.folder(Pending))
	if err != nil {
		return Outcome{}, err
	}
	if len(waiting) >= MaxPending {
		return Outcome{}, fmt.Errorf("%w: %d requests wait; try again later", ErrQueueFull, len(waiting))
	}
	if err := atomicfile.Create(q.file(Pending, id), text, 0o600); err != nil {
		return Outcome{}, fmt.Errorf("storing the enrolment request: %w", err)
	}
	return Outcome{ID: id, State: Pending}, nil
}

// Entry is a request that waits.
type Entry struct {
	// ID identifies the request.
	ID RequestID
	// Request is what was asked for, checked at arrival: an [*enrolment.Request] or
	// an [*enrolment.DeviceRequest].
	Request enrolment.Application
	// Leaf is the commitment of the key that asks. A delegate has one beside it.
	Leaf zkkex.Commitment
	// State is [Pending] or [Approved].
	State State
	// Arrived is when it was stored.
	Arrived time.Time
}

// List returns the requests that wait for a decision or for admission, the
// oldest first. Files that are damaged are left out, and named in the error,
// which comes beside the entries.
func (q *Queue) List() ([]Entry, error) {
	var entries []Entry
	var errs []error
	for _, state := range []State{Pending, Approved} {
		ids, err := q.ids(state)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			e, err := q.entry(state, id)
			if errors.Is(err, fs.ErrNotExist) {
				continue // decided since
			}
			if err != nil {
				errs = append(errs, err)
				continue
			}
			entries = append(entries, e)
		}
	}
	slices.SortStableFunc(entries, func(a, b Entry) int { return a.Arrived.Compare(b.Arrived) })
	return entries, errors.Join(errs...)
}

// ids returns the identifiers that the files of a state are named by.
func (q *Queue) ids(state State) ([]RequestID, error) {
	files, err := os.ReadDir(q.folder(state))
	if err != nil {
		return nil, err
	}
	var ids []RequestID
	for _, f := range files {
		if id, err := ParseRequestID(f.Name()); err == nil { // others are half-written ones
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// entry reads a request that waits. Its name is its digest, so damage shows;
// and the key in it is checked again, as of the time of its challenge.
func (q *Queue) entry(state State, id RequestID) (Entry, error) {
	if _, err := os.Stat(q.file(stateDone, id)); err == nil {
		// A crash came between the outcome and the end of the request.
		return Entry{}, errors.Join(fs.ErrNotExist, os.Remove(q.file(state, id)))
	}
	path := q.file(state, id)
	info, err := os.Stat(path)
	if err != nil {
		return Entry{}, err
	}
	text, err := readBounded(path, enrolment.MaxRequestText)
	if err != nil {
		return Entry{}, err
	}
	r, err := enrolment.Parse(text)
	if err != nil {
		return Entry{}, fmt.Errorf("%s is damaged: %w", path, err)
	}
	if got := RequestID(r.Digest()); got != id {
		return Entry{}, fmt.Errorf("%s is damaged: the digest of its content is %v", path, got)
	}
	leaf, err := r.Verify(q.registry, time.Unix(r.Answers().Expiry, 0))
	if err != nil {
		return Entry{}, fmt.Errorf("%s: %w", path, err)
	}
	return Entry{ID: id, Request: r, Leaf: leaf, State: state, Arrived: info.ModTime()}, nil
}

// Approve decides that a request is to be admitted; [Queue.Admit] does so. To
// approve twice changes nothing. It returns an error wrapping
// [ErrUnknownRequest], or [ErrDecided] if it was denied.
func (q *Queue) Approve(id RequestID) error {
	return q.locked(func() error {
		o, err := q.Status(id)
		switch {
		case err != nil:
			return err
		case o.State == Denied:
			return fmt.Errorf("%w: request %v was denied: %s", ErrDecided, id, o.Reason)
		case o.State != Pending:
			return nil
		}
		if err := os.Rename(q.file(Pending, id), q.file(Approved, id)); err != nil {
			return err
		}
		return errors.Join(atomicfile.SyncDir(q.folder(Approved)), atomicfile.SyncDir(q.folder(Pending)))
	})
}

// Deny decides against a request. The reason is shown to the member; what
// cannot stand on a line of [MaxReason] bytes is left out. To deny twice changes
// nothing. It returns an error wrapping [ErrUnknownRequest], or [ErrDecided] if
// it was approved.
func (q *Queue) Deny(id RequestID, reason string, now time.Time) error {
	return q.locked(func() error {
		o, err := q.Status(id)
		switch {
		case err != nil:
			return err
		case o.State == Denied:
			return nil
		case o.State != Pending:
			return fmt.Errorf("%w: request %v was approved; revoke the member instead", ErrDecided, id)
		}
		denied := Outcome{ID: id, State: Denied, Time: now, Reason: line(reason), expiry: q.expiry(id, now)}
		if err := q.finish(denied); err != nil {
			return err
		}
		return errors.Join(os.Remove(q.file(Pending, id)), q.forget())
	})
}

// expiry returns when the challenge of a pending request ends, or, if the
// request is damaged, the latest time that can be, in Unix seconds.
func (q *Queue) expiry(id RequestID, now time.Time) int64 {
	text, err := readBounded(q.file(Pending, id), enrolment.MaxRequestText)
	if err == nil {
		if r, err := enrolment.Parse(text); err == nil {
			return r.Answers().Expiry
		}
	}
	return now.Add(enrolment.MaxValidity + enrolment.ClockSkew).Unix()
}

// Admit admits every approved request, in the order of arrival, with the given
// function, which must be idempotent: after a crash between an admission and its
// outcome, it is called again for the same leaf. [Registrar.Process] does so. If it
// returns an error wrapping [ErrKeyLive], [ErrDelegateKey] or [zkkex.ErrRejected],
// the request is denied for that reason; one wrapping [ErrDelegationEnded] says that
// the device is admitted all the same, and the outcome has it as its reason; any
// other error leaves the request approved, for the next call. Admit returns the
// number of requests admitted.
func (q *Queue) Admit(admit func(Entry) error, now time.Time) (int, error) {
	ids, err := q.byArrival(Approved)
	if err != nil {
		return 0, err
	}
	admitted := 0
	var errs []error
	for _, id := range ids {
		err := q.locked(func() error {
			outcome, err := q.admit(Approved, id, admit, now)
			if outcome.State == Admitted {
				admitted++
			}
			return err
		})
		errs = append(errs, err)
	}
	if len(ids) > 0 {
		errs = append(errs, q.locked(q.forget))
	}
	return admitted, errors.Join(errs...)
}

func (q *Queue) admit(state State, id RequestID, admit func(Entry) error, now time.Time) (Outcome, error) {
	e, err := q.entry(state, id)
	if errors.Is(err, fs.ErrNotExist) {
		return Outcome{}, nil // another process was faster
	}
	if err != nil {
		return Outcome{}, err
	}
	outcome := Outcome{ID: id, State: Admitted, Time: now, expiry: e.Request.Answers().Expiry}
	var rejected *zkkex.RejectError
	switch err := admit(e); {
	case err == nil:
	case errors.Is(err, ErrDelegationEnded):
		outcome.Reason = ErrDelegationEnded.Error()
	case errors.Is(err, ErrKeyLive):
		outcome.State, outcome.Reason = Denied, ErrKeyLive.Error()
	case errors.Is(err, ErrDelegateKey):
		outcome.State, outcome.Reason = Denied, ErrDelegateKey.Error()
	case errors.As(err, &rejected):
		outcome.State, outcome.Reason = Denied, line(rejected.Detail)
	default:
		return Outcome{}, fmt.Errorf("admitting request %v: %w", id, err)
	}
	if err := q.finish(outcome); err != nil {
		return Outcome{}, err
	}
	return outcome, os.Remove(q.file(state, id))
}

// byArrival returns the requests in a state, the oldest first: what a device asked
// for last counts.
func (q *Queue) byArrival(state State) ([]RequestID, error) {
	ids, err := q.ids(state)
	if err != nil {
		return nil, err
	}
	arrived := make(map[RequestID]time.Time, len(ids))
	for _, id := range ids {
		info, err := os.Stat(q.file(state, id))
		if errors.Is(err, fs.ErrNotExist) {
			continue // decided since
		}
		if err != nil {
			return nil, err
		}
		arrived[id] = info.ModTime()
	}
	slices.SortStableFunc(ids, func(a, b RequestID) int { return arrived[a].Compare(arrived[b]) })
	return ids, nil
}

func (q *Queue) folder(state State) string { return filepath.Join(q.dir, string(state)) }

func (q *Queue) file(state State, id RequestID) string {
	return filepath.Join(q.folder(state), id.String())
}

// readBounded reads a file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s has more than %d bytes", path, limit)
	}
	return data, nil
}
