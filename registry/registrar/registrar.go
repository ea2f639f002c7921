// Package registrar keeps a registry: it admits and revokes members, durably,
// and signs checkpoints.
//
// # Files
//
// A registrar's folder, mode 0700, holds
//
//	registrar.conf   name, verifier key, schedule
//	signer.key       the key that signs checkpoints, mode 0600
//	journal          every operation, with what only the registrar may know, mode 0600
//	checkpoints      every checkpoint signed and published
//	checkpoint       the newest of them
//	lock             held while the folder is open
//
// The journal is the single source of truth: the member tree, the log and every
// index are computed from it when the folder is opened. What follows from it
// and is public (checkpoints, tiles) holds neither public keys nor hashes of
// nullifier keys. The formats are in docs/spec/registry.md.
//
// # Devices
//
// A member whose key only signs can have a delegate beside it for a while, another
// leaf with the same nullifier key; see [Registrar.AdmitDevice]. Who keeps a registry
// without a [Server] calls [Registrar.Process] from time to time.
//
// # Durability
//
// An operation is acknowledged only after the journal was made durable. An
// interrupted write is found when the folder is opened next, moved aside and
// reported; damage that no interrupted write explains is refused.
package registrar

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/filelock"
	"github.com/zkkex/zkkex/registry"
)

// Registrar is an open registry. It is safe for concurrent use. Close it.
type Registrar struct {
	dir    string
	config config
	signer note.Signer
	lock   *filelock.Lock
	report OpenReport

	queueMu sync.Mutex
	queue   []*request

	// commitMu is held by the one goroutine that writes to the journal, and
	// ordered before mu.
	commitMu sync.Mutex
	free     freeIndexes
	broken   error // once a sync failed, nothing is written any more

	// checkpointMu is held while a checkpoint is signed, cosigned and stored.
	checkpointMu sync.Mutex
	history      *checkpointStore

	// mu protects what follows. It is never held while waiting for a disk's
	// write, nor for a network.
	mu        sync.RWMutex
	closed    bool
	journal   *journal
	tree      *registry.Tree
	log       *logHashes
	live      *keyIndex     // live members by key
	admitted  recordNumbers // by index, the record of the live member's admission
	links     links         // devices and their delegates
	revoked   revocations
	lastTime  int64
	published *registry.SignedCheckpoint // nil before the first
}

// Errors of operations. The message of each says what to do.
var (
	// ErrKeyLive reports an admission of a public key that has a live leaf with
	// another nullifier key. A key and its negative count as one.
	ErrKeyLive = errors.New("the public key has a live leaf with another nullifier key")
	// ErrReadmission reports that a public key was revoked not long ago and
	// comes back with another nullifier key; see [ReadmissionError].
	ErrReadmission = errors.New("the public key was revoked not long ago and comes back with another nullifier key")
	// ErrDelegateKey reports an admission of a key that is a live delegate's, or a
	// delegation to a key that is a member's, or that was revoked not long ago with
	// another nullifier key.
	ErrDelegateKey = errors.New("a delegate's key has to be one of its own")
	// ErrDelegationEnded reports a delegation that ended before it was admitted.
	// The device is a member all the same.
	ErrDelegationEnded = errors.New("the delegation ended before it was admitted")
	// ErrFull reports that every index is taken.
	ErrFull = errors.New("the registry is full")
	// ErrNoMember reports that no live leaf is as described.
	ErrNoMember = errors.New("no such member")
	// ErrNotRecorded reports that an operation could not be written, and did
	// not happen. The cause, such as a full disk, is wrapped beside it.
	ErrNotRecorded = errors.New("not recorded")
	// ErrUndecided reports that an operation was written and that it is not
	// known whether it is durable. Nothing is accepted any more; open the
	// registry again to find out.
	ErrUndecided = errors.New("it is not known whether the operation was recorded")
	// ErrClosed reports a call after Close.
	ErrClosed = errors.New("the registrar is closed")
)

// ReadmissionError reports an admission that has to wait. It matches
// [ErrReadmission].
type ReadmissionError struct {
	// NotBefore is when the admission becomes possible: the beginning of the
	// third epoch after the one in which the key was revoked.
	NotBefore time.Time
}

// Error says from when on the admission is possible.
func (e *ReadmissionError) Error() string {
	return fmt.Sprintf("%v; the same nullifier key can come back at once, another one from %s on",
		ErrReadmission, e.NotBefore.UTC().Format(time.RFC3339))
}

// Is reports whether target is [ErrReadmission].
func (e *ReadmissionError) Is(target error) bool { return target == ErrReadmission }

// Name returns the registry's name, the origin of its checkpoints.
func (r *Registrar) Name() string { return r.signer.Name() }

// VerifierKey returns the key that verifies the registry's checkpoints.
func (r *Registrar) VerifierKey() string { return r.config.verifierKey }

// ID returns the registry's identifier.
func (r *Registrar) ID() zkkex.RegistryID { return r.config.id }

// Report says what opening the folder found.
func (r *Registrar) Report() OpenReport { return r.report }

// Sequence returns the number of operations recorded.
func (r *Registrar) Sequence() uint64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.tree.Sequence()
}

// CapacityBits returns the base-2 logarithm of the capacity.
func (r *Registrar) CapacityBits() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.tree.CapacityBits()
}

// Root returns the root of the member tree as it is now, published or not.
func (r *Registrar) Root() zkkex.Root {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.tree.Root()
}

// Members returns the number of live members of a key type.
func (r *Registrar) Members(k zkkex.KeyType) uint64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.tree.Members(k)
}

// Delegates returns the number of live delegates. They are counted as members of
// their key type, too.
func (r *Registrar) Delegates() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.links.count
}

// Close waits for operations under way, refuses further ones, and lets go of
// the folder.
func (r *Registrar) Close() error {
	r.checkpointMu.Lock()
	defer r.checkpointMu.Unlock()
	r.commitMu.Lock()
	defer r.commitMu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	return errors.Join(r.journal.close(), r.lock.Release())
}
