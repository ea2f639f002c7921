package descriptor

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/filelock"
)

// Names in a store's folder.
const (
	identityFile   = "identity"
	pendingFile    = "pending"
	checkpointFile = "checkpoint"
	lockFile       = "lock"
	signedFolder   = "descriptors"
	prekeyFolder   = "prekeys"
)

// PrekeyMargin is how long after their expiry private prekeys are kept, for
// clocks that differ and answers under way.
const PrekeyMargin = 2 * time.Minute

// Errors of a store.
var (
	// ErrUnknownNumber reports a descriptor that was never issued, or is not
	// retained: the client should fetch the newest.
	ErrUnknownNumber = errors.New("no such descriptor")
	// ErrPrekeysExpired reports prekeys that were destroyed, or are about to be.
	ErrPrekeysExpired = errors.New("prekeys have expired")
	// ErrTerms reports terms that contradict what the venue said before.
	ErrTerms = errors.New("the venue cannot say this any more")
	// ErrDamaged reports a store whose files do not belong together.
	ErrDamaged = errors.New("damaged descriptor store")
	// ErrClosed reports the use of a store after Close.
	ErrClosed = errors.New("descriptor store is closed")
)

// Store is a venue's descriptors in a folder, and their private prekeys. It is
// safe for concurrent use; one process at a time can have it open.
//
// # Never two under one number
//
// A text is made durable before it is signed, and it is signed if it is found
// at the next opening. So whatever happens, one text is signed per number. A
// folder that is restored from a backup does not know what was signed since:
// never issue from one. Take a new identity instead.
//
// # On disk
//
//	identity        the venue's public keys
//	descriptors/N   signed descriptor N
//	prekeys/N       its private prekeys, mode 0600, destroyed when they expire
//	pending         the text of a descriptor that is about to be signed
//	checkpoint      the newest signed checkpoint of the log
//	lock            held while the store is open
type Store struct {
	dir      string
	signers  []*Signer
	identity *Identity
	lock     *filelock.Lock
	commit   func(path string, text []byte) error // makes a text durable before it is signed
	follows  bool                                 // another process issues: no signers, no lock, nothing is written

	publishing sync.Mutex // one checkpoint at a time
	issuing    sync.Mutex // one change at a time, also while a device signs
	closed     bool       // under issuing, and mu for writing

	mu      sync.RWMutex // never held while signing: handshakes wait for it
	history history
	log     logHashes
	prekeys map[uint64]*PrivatePrekeys
	// published is the checkpoint that a store which follows has taken in.
	published []byte
}

// OpenStore opens the store of the venue that the signers sign for, and creates
// its folder if there is none. It completes what a crash interrupted. It
// returns an error wrapping [filelock.ErrLocked] if another process has it open,
// and [ErrDamaged] if files are missing, or are another venue's.
func OpenStore(dir string, signers ...*Signer) (*Store, error) {
	return openStore(dir, signers, func(path string, text []byte) error { return atomicfile.Create(path, text, 0o644) })
}

func openStore(dir string, signers []*Signer, commit func(string, []byte) error) (*Store, error) {
	identity, err := IdentityOf(signers...)
	if err != nil {
		return nil, err
	}
	for _, folder := range []string{dir, filepath.Join(dir, signedFolder), filepath.Join(dir, prekeyFolder)} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, err
		}
	}
	lock, err := filelock.Acquire(filepath.Join(dir, lockFile))
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, signers: signers, identity: identity, lock: lock, commit: commit, prekeys: make(map[uint64]*PrivatePrekeys)}
	if err := s.load(); err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	return s, nil
}

// Close lets go of the store and drops the private keys.
func (s *Store) Close() error {
	s.issuing.Lock()
	defer s.issuing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	clear(s.prekeys)
	if s.follows {
		return nil
	}
	return s.lock.Release()
}

// Identity returns the venue's identity.
func (s *Store) Identity() *Identity { return s.identity }

// Latest returns the descriptor issued last, or nil. It may begin later.
func (s *Store) Latest() *Signed {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.history.latest()
}

// Valid returns the descriptors valid at a time, at most two, the newest last.
func (s *Store) Valid(now time.Time) []*Signed {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.history.valid(now)
}

// ByNumber returns a retained descriptor, whose digest handshakes need for as
// long as its prekeys live, or an error wrapping [ErrUnknownNumber].
func (s *Store) ByNumber(n uint64) (*Signed, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byNumber(n)
}

// Read returns any descriptor ever issued, from its file, for clients that were
// away for long. Its signatures are checked again. The error wraps
// [ErrUnknownNumber] if it was never issued.
func (s *Store) Read(n uint64) (*Signed, error) {
	s.mu.RLock()
	issued := s.log.size()
	s.mu.RUnlock()
	if n == 0 || n > issued {
		return nil, fmt.Errorf("%w: %d, the newest is %d", ErrUnknownNumber, n, issued)
	}
	return s.loadSigned(n)
}

func (s *Store) byNumber(n uint64) (*Signed, error) {
	if found := s.history.byNumber(n); found != nil {
		return found, nil
	}
	return nil, fmt.Errorf("%w: %d, the newest is %d", ErrUnknownNumber, n, s.log.size())
}

// Prekeys returns the private prekeys of a descriptor. It returns an error
// wrapping [ErrUnknownNumber], or [ErrPrekeysExpired] from their expiry on.
func (s *Store) Prekeys(n uint64, now time.Time) (*PrivatePrekeys, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, ErrClosed
	}
	d, err := s.byNumber(n)
	if err != nil {
		return nil, err
	}
	keys := s.prekeys[n]
	if keys == nil || !now.Before(keys.expires) {
		return nil, fmt.Errorf("%w: of descriptor %d, at %s", ErrPrekeysExpired, n, stamp(d.Prekeys.Expires))
	}
	return keys, nil
}

// Held returns of how many descriptors the store has private prekeys.
func (s *Store) Held() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.prekeys)
}

// Sweep destroys private prekeys whose expiry, and [PrekeyMargin] after it, are
// over. It returns how many. A store that follows forgets them, and leaves the
// files to their owner.
func (s *Store) Sweep(now time.Time) (destroyed int, err error) {
	s.issuing.Lock()
	defer s.issuing.Unlock()
	if s.closed {
		return 0, ErrClosed
	}
	return s.sweep(now)
}

func (s *Store) sweep(now time.Time) (destroyed int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n, keys := range s.prekeys {
		if now.Sub(keys.expires) < PrekeyMargin {
			continue
		}
		if err := s.destroyPrekeys(n); err != nil {
			return destroyed, fmt.Errorf("destroying the prekeys of descriptor %d: %w", n, err)
		}
		delete(s.prekeys, n)
		destroyed++
	}
	if destroyed == 0 || s.follows {
		return destroyed, nil
	}
	return destroyed, atomicfile.SyncDir(filepath.Join(s.dir, prekeyFolder))
}

func (s *Store) destroyPrekeys(n uint64) error {
	if s.follows {
		return nil
	}
	return destroyFile(s.prekeyPath(n))
}

func (s *Store) signedPath(n uint64) string {
	return filepath.Join(s.dir, signedFolder, fileName(n))
}

func (s *Store) prekeyPath(n uint64) string {
	return filepath.Join(s.dir, prekeyFolder, fileName(n))
}

// fileName has as many digits as a number can, so that names sort.
func fileName(n uint64) string { return fmt.Sprintf("%015d", n) }

// load reads the folder and completes what was interrupted.
func (s *Store) load() error {
	if err := s.loadIdentity(); err != nil {
		return err
	}
	if err := s.removeLeftovers(); err != nil {
		return err
	}
	for n := uint64(1); ; n++ {
		signed, err := s.loadSigned(n)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return err
		}
		if err := s.append(signed); err != nil {
			return err
		}
	}
	if err := s.complete(); err != nil {
		return err
	}
	if err := s.noneMissing(); err != nil {
		return err
	}
	return s.loadPrekeys()
}

func (s *Store) loadIdentity() error {
	path, text := filepath.Join(s.dir, identityFile), []byte(s.identity.String()+"\n")
	found, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return atomicfile.Create(path, text, 0o644)
	}
	if err != nil {
		return err
	}
	if !bytes.Equal(found, text) {
		return fmt.Errorf("%w: %s is the identity of another venue; take the keys that belong to it, or another folder", ErrDamaged, path)
	}
	return nil
}

// removeLeftovers destroys temporary files of interrupted writes, which may
// hold private keys.
func (s *Store) removeLeftovers() error {
	for _, folder := range []string{"", signedFolder, prekeyFolder} {
		entries, err := os.ReadDir(filepath.Join(s.dir, folder))
		if err != nil {
			return err
		}
		for _, entry := range entries {
			if !strings.HasPrefix(entry.Name(), ".") || !strings.Contains(entry.Name(), ".tmp-") {
				continue
			}
			path := filepath.Join(s.dir, folder, entry.Name())
			if err := removeTemporary(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// removeTemporary removes a temporary file, wiped unless it is a second name of
// a complete one.
func removeTemporary(path string) error {
	entries, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil {
		return err
	}
	temporary, err := os.Stat(path)
	if err != nil {
		return err
	}
	for _, other := range entries {
		if info, err := os.Stat(other); other != path && err == nil && os.SameFile(temporary, info) {
			return os.Remove(path)
		}
	}
	return wipeFile(path)
}

func (s *Store) loadSigned(n uint64) (*Signed, error) {
	path := s.signedPath(n)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > MaxSigned {
		return nil, fmt.Errorf("%w: %s has %d bytes, expected at most %d", ErrDamaged, path, info.Size(), MaxSigned)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	signed, err := Open(text, s.identity)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, path, err)
	}
	if signed.Number != n {
		return nil, fmt.Errorf("%w: %s holds descriptor %d", ErrDamaged, path, signed.Number)
	}
	return signed, nil
}

// noneMissing checks that no file has a number beyond the last one loaded, and
// that the log is not shorter than what was published.
func (s *Store) noneMissing() error {
	entries, err := os.ReadDir(filepath.Join(s.dir, signedFolder))
	if err != nil {
		return err
	}
	if uint64(len(entries)) != s.log.size() {
		return fmt.Errorf("%w: the folder %s holds %d files, expected descriptors 1 to %d and no other", ErrDamaged, signedFolder, len(entries), s.log.size())
	}
	published, err := s.Checkpoint()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.covers(published)
}

// loadPrekeys reads the private prekeys. Those of a descriptor that were
// destroyed are not there.
func (s *Store) loadPrekeys() error {
	entries, err := os.ReadDir(filepath.Join(s.dir, prekeyFolder))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(s.dir, prekeyFolder, entry.Name())
		keys, err := loadPrekeyFile(path)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		d := s.history.byNumber(keys.number)
		if d == nil && keys.number == s.log.size()+1 {
			// Drawn for a descriptor that was never committed to.
			if err := destroyFile(path); err != nil {
				return err
			}
			continue
		}
		if d == nil || !keys.matches(&d.Descriptor) || entry.Name() != fileName(keys.number) {
			return fmt.Errorf("%w: %s holds prekeys of no retained descriptor; remove it", ErrDamaged, path)
		}
		s.prekeys[keys.number] = keys
	}
	return nil
}

// append takes a descriptor into memory.
func (s *Store) append(next *Signed) error {
	if want := s.log.size() + 1; next.Number != want {
		return fmt.Errorf("%w: descriptor %d, expected %d", ErrDamaged, next.Number, want)
	}
	if s.history.latest() != nil {
		if v := s.history.follow(next); v != nil {
			return fmt.Errorf("%w: %s", ErrDamaged, v.detail)
		}
	}
	if err := s.log.append(next.text); err != nil {
		return err
	}
	s.history = s.history.add(next)
	return nil
}

// logHashes are the hashes of the log's tree, as package tlog stores them.
type logHashes struct {
	records uint64
	stored  []tlog.Hash
}

func (l *logHashes) size() uint64 { return l.records }

func (l *logHashes) append(text []byte) error {
	hashes, err := tlog.StoredHashes(int64(l.records), text, l)
	if err != nil {
		return err
	}
	l.stored = append(l.stored, hashes...)
	l.records++
	return nil
}

// ReadHashes implements [tlog.HashReader].
func (l *logHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index < 0 || index >= int64(len(l.stored)) {
			return nil, fmt.Errorf("the log of %d descriptors has no hash %d", l.records, index)
		}
		out[i] = l.stored[index]
	}
	return out, nil
}
