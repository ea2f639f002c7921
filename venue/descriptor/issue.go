package descriptor

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/atomicfile"
)

// Timing says how long descriptors are valid.
type Timing struct {
	// Interval is the time from one regular switch to the next. Whole minutes.
	Interval time.Duration
	// Overlap is how long a descriptor stays valid after the next one began, and
	// how long before that the next one is issued: at least a minute, and at most
	// half of Interval.
	Overlap time.Duration
	// PrekeyGrace is how much longer the private prekeys live, for first messages
	// that wait in a mailbox.
	PrekeyGrace time.Duration
}

// DefaultTiming switches once an hour, with ten minutes of overlap.
func DefaultTiming() Timing { return Timing{Interval: time.Hour, Overlap: 10 * time.Minute} }

// Check returns an error that says what is wrong with the times, or nil.
func (t Timing) Check() error {
	if t.Interval%SwitchGrid != 0 || t.Overlap%SwitchGrid != 0 || t.Overlap < SwitchGrid || t.Overlap > t.Interval/2 {
		return fmt.Errorf("an interval of %v with an overlap of %v, expected whole minutes, the overlap at least one and at most half of the interval", t.Interval, t.Overlap)
	}
	longest := min(t.Interval*(MaxRetained/2), MaxPrekeyLife)
	if t.PrekeyGrace < 0 || t.PrekeyGrace%time.Second != 0 || t.Interval+t.Overlap+t.PrekeyGrace > longest {
		return fmt.Errorf("a prekey grace of %v, expected whole seconds, and prekeys to live for at most %v with an interval of %v", t.PrekeyGrace, longest, t.Interval)
	}
	return nil
}

// Terms are what an operator decides about the next descriptor. The rest
// follows from the descriptors before it.
type Terms struct {
	Timing Timing
	// Schedule, ChainID and Registry must be those of the descriptors before.
	Schedule zkkex.Schedule
	ChainID  uint64
	Registry string
	// Limit, Sequence and Root are named for epochs that have none yet.
	Limit    uint32
	Sequence uint64
	Root     zkkex.Root
	// The others are taken as they are; see [Descriptor].
	MaxOpens, MaxChannels uint32
	Padding               [2]uint16
	Circuits              []Circuit
	Suites                []Suite
	Addresses             []Address
}

// Rotate issues the next descriptor if it is due, and returns the newest one.
// It is due from an overlap before the regular switch on, so that clients have
// it before it begins. Private prekeys that are over are destroyed.
//
// A descriptor that is returned is durable. The error wraps [ErrTerms] if the
// terms contradict what the venue said before, and [zkkex.ErrMalformed] if they
// have no text form.
func (s *Store) Rotate(now time.Time, t Terms) (*Signed, error) {
	return s.issue(now, t, false)
}

// Raise issues a descriptor of the next generation, which ends the validity of
// all others at once: in an emergency, after a revocation that cannot wait. The
// root in the terms is named for this epoch and the next.
//
// It can name a greater generation, but no other limit for the epoch: members
// have their slots anew, because the scope is another one.
func (s *Store) Raise(now time.Time, t Terms) (*Signed, error) {
	return s.issue(now, t, true)
}

func (s *Store) issue(now time.Time, t Terms, raise bool) (*Signed, error) {
	s.issuing.Lock()
	defer s.issuing.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if s.follows {
		return nil, ErrFollows
	}
	if err := t.Timing.Check(); err != nil {
		return nil, err
	}
	if err := s.complete(); err != nil {
		return nil, err
	}
	if _, err := s.sweep(now); err != nil {
		return nil, err
	}
	latest := s.history.latest()
	if latest != nil && !raise && now.Before(latest.NotBefore.Add(t.Timing.Interval-t.Timing.Overlap)) {
		return latest, nil
	}
	d, keys, err := s.draft(now, t, raise)
	if err != nil {
		return nil, err
	}
	return s.publish(d, keys)
}

// draft returns the next descriptor, checked against those before it, and its
// private keys.
func (s *Store) draft(now time.Time, t Terms, raise bool) (*Descriptor, *PrivatePrekeys, error) {
	d := &Descriptor{
		Venue: s.identity.ID(), Number: s.log.size() + 1,
		Schedule: t.Schedule, ChainID: t.ChainID, Registry: t.Registry,
		MaxOpens: t.MaxOpens, MaxChannels: t.MaxChannels, Padding: t.Padding,
		Circuits: slices.SortedFunc(slices.Values(t.Circuits), compareCircuits), Suites: t.Suites, Addresses: t.Addresses,
	}
	d.NotBefore = now.UTC().Truncate(SwitchGrid)
	if latest := s.history.latest(); latest != nil {
		d.Previous, d.Generation = latest.digest, latest.Generation
		if raise {
			d.Generation++
		} else {
			d.NotBefore = s.nextSwitch(d.NotBefore, t.Timing)
		}
	}
	d.NotAfter = d.NotBefore.Add(t.Timing.Interval + t.Timing.Overlap)
	epoch, err := t.Schedule.At(d.NotBefore)
	if err != nil {
		return nil, nil, err
	}
	d.Epochs = [2]EpochTerms{s.epochTerms(epoch.Number, d.Generation, t), s.epochTerms(epoch.Number+1, d.Generation, t)}
	withKEM := slices.ContainsFunc(t.Suites, func(suite Suite) bool { return suite.Security() == HybridPrekey })
	expires, err := lastUse(d, t.Timing.PrekeyGrace)
	if err != nil {
		return nil, nil, err
	}
	keys, err := newPrekeys(d.Number, expires, withKEM)
	if err != nil {
		return nil, nil, err
	}
	d.Prekeys = keys.public()
	return d, keys, s.checkDraft(d)
}

// lastUse returns when the prekeys of a draft expire: with the grace, but not
// after the last epoch it names, whose certificates end then.
func lastUse(d *Descriptor, grace time.Duration) (time.Time, error) {
	end, err := zkkex.Epoch{Schedule: d.Schedule, Number: d.Epochs[1].Number}.End()
	if err != nil {
		return time.Time{}, err
	}
	if expires := d.NotAfter.Add(grace); expires.Before(end) {
		return expires, nil
	}
	if end.Before(d.NotAfter) {
		return time.Time{}, fmt.Errorf("descriptors of %v are too long for epochs of %d seconds: the interval and the overlap must fit into one", d.NotAfter.Sub(d.NotBefore), d.Schedule.Length)
	}
	return end, nil
}

// checkDraft checks a descriptor that is about to be committed to.
func (s *Store) checkDraft(d *Descriptor) error {
	if _, err := d.MarshalText(); err != nil {
		return err
	}
	if s.history.latest() == nil {
		return nil
	}
	if v := s.history.follow(&Signed{Descriptor: *d}); v != nil {
		return fmt.Errorf("%w: %s", ErrTerms, v.detail)
	}
	return nil
}

// nextSwitch returns when the next regular descriptor begins: an interval after
// the last one, or now, if that time has passed.
func (s *Store) nextSwitch(now time.Time, t Timing) time.Time {
	begin := s.history.latest().NotBefore.Add(t.Interval)
	if begin.Before(now) {
		begin = now
	}
	for i := range s.history[:len(s.history)-1] {
		if end := s.history.end(i); end.After(begin) && end.After(s.history[i].NotBefore) {
			begin = end
		}
	}
	return begin
}

// epochTerms returns what was named for an epoch before, and the operator's
// terms for what was not.
func (s *Store) epochTerms(number uint64, generation uint32, t Terms) EpochTerms {
	out := EpochTerms{Number: number, Limit: t.Limit, Sequence: t.Sequence, Root: t.Root}
	for _, d := range s.history {
		named, ok := d.Terms(number)
		if !ok {
			continue
		}
		out.Limit = named.Limit
		if d.Generation == generation {
			out = named
		}
	}
	return out
}

// publish commits to a descriptor, and completes it.
func (s *Store) publish(d *Descriptor, keys *PrivatePrekeys) (*Signed, error) {
	text, err := d.MarshalText()
	if err != nil {
		return nil, err
	}
	// Keys of a draft that was not committed to may be there.
	if err := destroyFile(s.prekeyPath(d.Number)); err != nil {
		return nil, err
	}
	if err := createPrekeyFile(s.prekeyPath(d.Number), keys); err != nil {
		return nil, err
	}
	if err := s.commit(filepath.Join(s.dir, pendingFile), text); err != nil {
		return nil, fmt.Errorf("committing to descriptor %d: %w", d.Number, err)
	}
	return s.finish(text, keys)
}

// complete signs a text that was committed to, if there is one.
func (s *Store) complete() error {
	text, err := os.ReadFile(filepath.Join(s.dir, pendingFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	d, err := Parse(text)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrDamaged, pendingFile, err)
	}
	if d.Number == s.log.size() && DigestOf(text) == s.history.latest().digest {
		return s.removePending()
	}
	if want := s.log.size() + 1; d.Number != want {
		return fmt.Errorf("%w: descriptor %d is about to be signed, expected %d", ErrDamaged, d.Number, want)
	}
	keys, err := loadPrekeyFile(s.prekeyPath(d.Number))
	if err != nil || !keys.matches(d) {
		return fmt.Errorf("%w: the prekeys of descriptor %d, which is about to be signed, are missing or others: %w", ErrDamaged, d.Number, err)
	}
	_, err = s.finish(text, keys)
	return err
}

// finish signs a text that is committed to, and makes the result durable. It can
// be repeated after any failure.
func (s *Store) finish(text []byte, keys *PrivatePrekeys) (*Signed, error) {
	signed, err := signText(text, s.identity, s.signers)
	if err != nil {
		return nil, err
	}
	if s.history.latest() != nil {
		if v := s.history.follow(signed); v != nil {
			return nil, fmt.Errorf("%w: %s", ErrDamaged, v.detail)
		}
	}
	if err := s.writeSigned(signed); err != nil {
		return nil, fmt.Errorf("storing descriptor %d: %w; it will be completed next time", signed.Number, err)
	}
	s.mu.Lock()
	err = s.append(signed)
	s.prekeys[signed.Number] = keys
	s.mu.Unlock()
	return signed, errors.Join(err, s.removePending())
}

// writeSigned creates the file of a descriptor. One that is there, of an earlier
// attempt, must have the same text.
func (s *Store) writeSigned(signed *Signed) error {
	err := atomicfile.Create(s.signedPath(signed.Number), signed.note, 0o644)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	found, err := s.loadSigned(signed.Number)
	if err != nil {
		return err
	}
	if !bytes.Equal(found.text, signed.text) {
		return fmt.Errorf("%w: %s holds another descriptor of this number", ErrDamaged, s.signedPath(signed.Number))
	}
	return atomicfile.SyncDir(filepath.Join(s.dir, signedFolder))
}

func (s *Store) removePending() error {
	if err := os.Remove(filepath.Join(s.dir, pendingFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return atomicfile.SyncDir(s.dir)
}
