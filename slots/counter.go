package slots

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/zkkex/zkkex"
)

// Counter hands out slots from the state in a folder. It is safe for concurrent
// use, beside any number of Counters of the same folder in this process and in
// others.
type Counter struct {
	folder folder
	config config

	queueing sync.Mutex
	queue    []*request

	committing sync.Mutex // held over one use of the folder
	newest     uint64     // generation of the newest state seen
	text       []byte     // of the newest state seen
}

// Open opens the state in dir. It returns an error wrapping [ErrMissing] if
// there is none, [ErrDamaged], [ErrCopied], [ErrLinked] or [ErrOtherKey];
// package documentation says what to do. It never makes a state: see [Init] and
// [Recover].
func Open(dir string, options ...Option) (*Counter, error) {
	f, err := openDisk(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w: %s", dir, ErrMissing, adviseRecover)
	}
	if err != nil {
		return nil, err
	}
	c, err := open(f, options)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, errors.Join(err, f.close()))
	}
	return c, nil
}

func open(f folder, options []Option) (*Counter, error) {
	c := &Counter{folder: f, config: configOf(options)}
	unlock, err := f.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if _, err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

// Close releases the folder. Calls under way end first.
func (c *Counter) Close() error {
	c.committing.Lock()
	defer c.committing.Unlock()
	return c.folder.close()
}

// Take returns a slot of the epoch in the scope, below limit and in the state's
// range, that was never returned before and never will be again. The record of
// it is durable before Take returns. A slot is gone once taken, used or not.
//
// The scope is one that is derived from the epoch, as [zkkex.NamedScope] does: it
// then belongs to one epoch of one schedule. A caller that uses one scope with
// epochs of several schedules gets [ErrEpochMismatch] while the scope is
// remembered, and slots of it again once it was dropped, [PruneMargin] after the
// end of its epoch.
//
// It returns an error wrapping [ErrNoSlot] if all are used, [ErrRestored] if
// slots of the epoch may have been used before the state was recovered,
// [ErrTooEarly] before the epoch's [Lead], [ErrEpochOver] after its end, one of
// the errors of [Open] if the state was changed meanwhile, or the system's
// error if the record could not be made durable; then the slot may be lost, and
// is not handed out again.
func (c *Counter) Take(scope zkkex.Scope, epoch zkkex.Epoch, limit uint32) (uint32, error) {
	r := &request{scope: scope, epoch: epoch, limit: limit}
	c.queueing.Lock()
	c.queue = append(c.queue, r)
	c.queueing.Unlock()

	c.committing.Lock()
	defer c.committing.Unlock()
	if !r.done { // nobody before us took it along
		c.queueing.Lock()
		batch := c.queue
		c.queue = nil
		c.queueing.Unlock()
		c.commit(batch)
	}
	return r.slot, r.err
}

// Remaining returns how many slots [Counter.Take] can still return for the
// epoch in the scope. It returns an error as Take does, but none if there are
// no slots left.
func (c *Counter) Remaining(scope zkkex.Scope, epoch zkkex.Epoch, limit uint32) (uint32, error) {
	s, err := c.read()
	if err != nil {
		return 0, err
	}
	next, err := s.next(&request{scope: scope, epoch: epoch, limit: limit}, c.config.now())
	if err != nil {
		return 0, err
	}
	return s.slots.end(limit) - min(next, s.slots.end(limit)), nil
}

// Info is what a state says of itself.
type Info struct {
	// Range is where slots are taken from.
	Range Range
	// Recovered is when the state was last recovered, or zero.
	Recovered time.Time
	// Scopes is the number of scopes with records.
	Scopes int
}

// Info returns what the state says of itself. It returns an error as [Open]
// does.
func (c *Counter) Info() (Info, error) {
	s, err := c.read()
	if err != nil {
		return Info{}, err
	}
	info := Info{Range: s.slots, Scopes: len(s.scopes)}
	if s.recovered != nil {
		info.Recovered = time.Unix(*s.recovered, 0).UTC()
	}
	return info, nil
}

// Restrict makes the state's range smaller, for good: what it gives up can be
// given to another device, whose state then begins with [Init], not fresh. It
// returns an error if r is not within the present range.
func (c *Counter) Restrict(r Range) error {
	c.committing.Lock()
	defer c.committing.Unlock()
	unlock, err := c.folder.lock()
	if err != nil {
		return err
	}
	defer unlock()
	s, err := c.load()
	if err != nil {
		return err
	}
	if !s.slots.contains(r) {
		return fmt.Errorf("the range %v is not within the present one, %v", r, s.slots)
	}
	s.slots = r
	return c.store(s)
}

// read returns the state as it is now.
func (c *Counter) read() (*state, error) {
	c.committing.Lock()
	defer c.committing.Unlock()
	unlock, err := c.folder.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	return c.load()
}

// commit answers a batch with one replacement of the state.
func (c *Counter) commit(batch []*request) {
	err := c.answer(batch)
	for _, r := range batch {
		if r.done = true; r.err == nil && err != nil {
			r.slot, r.err = 0, err
		}
	}
}

// answer returns an error if the answers in the batch cannot be given.
func (c *Counter) answer(batch []*request) error {
	unlock, err := c.folder.lock()
	if err != nil {
		return err
	}
	defer unlock()
	s, err := c.load()
	if err != nil {
		return err
	}
	now := c.config.now()
	s.prune(now)
	taken := false
	for _, r := range batch {
		r.slot, r.err = s.take(r, now)
		taken = taken || r.err == nil
	}
	if !taken {
		return nil
	}
	return c.store(s)
}

// load returns the state in the folder, once it is sure of it. The caller holds
// the lock.
func (c *Counter) load() (*state, error) {
	found, err := readState(c.folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrMissing, adviseRecover)
	}
	if err != nil {
		return nil, err
	}
	s, err := parseState(found.text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w: %s", ErrDamaged, err, adviseRecover)
	}
	if err := s.checkPlace(found); err != nil {
		return nil, err
	}
	if key := c.config.key; key != nil && (s.key == nil || *s.key != *key) {
		return nil, fmt.Errorf("%w: recover it for this key", ErrOtherKey)
	}
	if s.generation < c.newest || s.generation == c.newest && !bytes.Equal(found.text, c.text) {
		return nil, fmt.Errorf("%w from generation %d to %d: %s", ErrRolledBack, c.newest, s.generation, adviseRecover)
	}
	c.newest, c.text = s.generation, found.text
	return s, nil
}

// checkPlace returns an error if the file is not the one that the state was
// written to, or can be found under another name later.
func (s *state) checkPlace(found stateFile) error {
	switch {
	case s.unchecked:
		return nil
	case s.place != found.at:
		return fmt.Errorf("%w: %s", ErrCopied, adviseRecover)
	}
	return s.checkNames(found)
}

// checkNames refuses a second name of the file: the next replacement would leave
// the state as it is now under that name, inode, time of birth and all.
func (s *state) checkNames(found stateFile) error {
	if s.unchecked || found.names <= 1 {
		return nil
	}
	return fmt.Errorf("%w (hard links, inode %d): remove the others, which are a backup of it; the key's backup is without it", ErrLinked, found.at.inode)
}

// store replaces the state in the folder. The caller holds the lock.
func (c *Counter) store(s *state) error {
	var text []byte
	s.generation++
	err := writeState(c.folder, func(at place) []byte {
		s.place = at
		text = s.encode()
		return text
	})
	if err != nil {
		return fmt.Errorf("recording slots: %w", err)
	}
	c.newest, c.text = s.generation, text
	return nil
}
