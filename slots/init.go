package slots

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Option changes how a state is opened, made or recovered.
type Option func(*config)

type config struct {
	now       func() time.Time
	key       *[32]byte
	slots     *Range
	unchecked bool
}

func configOf(options []Option) config {
	c := config{now: time.Now}
	for _, o := range options {
		o(&c)
	}
	return c
}

// WithKey ties the state to a nullifier key, by its hash H(nk): a state made
// for one key is then refused for another, with [ErrOtherKey].
func WithKey(nullifierKeyHash [32]byte) Option {
	return func(c *config) { c.key = &nullifierKeyHash }
}

// WithRange sets the range of a state that is made or recovered; without it, a
// new state has all slots, and a recovered one keeps its range if that can be
// read. [Open] ignores it.
func WithRange(r Range) Option { return func(c *config) { c.slots = &r } }

// WithClock replaces the system's clock.
func WithClock(now func() time.Time) Option { return func(c *config) { c.now = now } }

// WithoutCopyDetection makes or recovers a state that can be copied, restored
// and rolled back unnoticed, for file systems whose inodes change by
// themselves. Whoever uses it takes care that none of that happens. [Open]
// ignores it.
func WithoutCopyDetection() Option { return func(c *config) { c.unchecked = true } }

// Init makes a state in dir, and dir itself, with mode 0700, if it is missing.
// fresh says that no slot of the range was ever taken with this key, on any
// device: true just after the key was generated, false at any other time. A
// state that is not fresh is as one that was recovered now; see [Recover]. It
// returns an error wrapping [fs.ErrExist] if there is a state already.
func Init(dir string, fresh bool, options ...Option) error {
	return withDisk(dir, func(f folder) error { return initialise(f, fresh, options) })
}

// Recover makes a state in dir that can be relied on again, whatever is there:
// nothing, a damaged state, a copy, or one that was put back. The new state
// refuses, with [ErrRestored], every epoch that had begun by now, and those
// that begin before the [Lead] of their schedule and [ClockMargin] are over;
// slots of a later one cannot have been taken. Range, key and records are kept
// if they can be read. It returns an error wrapping [ErrLinked] if the file of the
// state has a second name, under which the old state would stay good.
//
// It is for a key that no other device uses, or whose other devices use other
// ranges.
func Recover(dir string, options ...Option) error {
	return withDisk(dir, func(f folder) error { return recoverState(f, options) })
}

func withDisk(dir string, do func(folder) error) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := openDisk(dir)
	if err != nil {
		return err
	}
	if err := errors.Join(do(f), f.close()); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	return nil
}

func initialise(f folder, fresh bool, options []Option) error {
	c := &Counter{folder: f, config: configOf(options)}
	unlock, err := f.lock()
	if err != nil {
		return err
	}
	defer unlock()
	switch _, err := readState(f); {
	case err == nil:
		return fmt.Errorf("there is a slot state already, and it is never overwritten by a new one: %w", fs.ErrExist)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	s := newState()
	c.config.apply(s)
	if !fresh {
		s.recover(c.config.now())
	}
	return c.store(s)
}

func recoverState(f folder, options []Option) error {
	c := &Counter{folder: f, config: configOf(options)}
	unlock, err := f.lock()
	if err != nil {
		return err
	}
	defer unlock()
	found, err := readState(f)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s, err := parseState(found.text)
	if err != nil {
		s = newState()
	}
	c.config.apply(s)
	if err := s.checkNames(found); err != nil {
		return err
	}
	s.recover(c.config.now())
	return c.store(s)
}

// apply puts what the options say into a state.
func (c *config) apply(s *state) {
	if c.key != nil {
		s.key = c.key
	}
	if c.slots != nil {
		s.slots = *c.slots
	}
	s.unchecked = c.unchecked
}

// recover marks the state as recovered now, in whole seconds rounded up; never
// earlier than it was before.
func (s *state) recover(now time.Time) {
	at := now.Unix() + 1
	if s.recovered != nil {
		at = max(at, *s.recovered)
	}
	s.recovered = &at
}
