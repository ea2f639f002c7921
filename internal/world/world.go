// Package world is a small registry in memory, with members, signed checkpoints
// and the development parameters: what the tests of provers and verifiers stand
// in.
package world

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/keys/eddsa"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
)

// World is a registry and its history of checkpoints. Its methods must not be
// called concurrently.
type World struct {
	// Roots is a verifier's history of the checkpoints.
	Roots *registry.Roots

	tree   *registry.Tree
	signer note.Signer
	hashes []tlog.Hash
}

// New returns an empty registry.
func New(t testing.TB, capacityBits int) *World {
	t.Helper()
	tree, err := registry.NewTree(capacityBits)
	check(t, err)
	secret, public, err := note.GenerateKey(rand.Reader, "registry.example/members")
	check(t, err)
	signer, err := note.NewSigner(secret)
	check(t, err)
	roots, err := registry.NewRoots(public)
	check(t, err)
	return &World{Roots: roots, tree: tree, signer: signer}
}

// Member returns a new key that is admitted, without a checkpoint.
func (w *World) Member(t testing.TB) *keys.Secret {
	t.Helper()
	secret, err := keys.Generate()
	check(t, err)
	w.apply(t, registry.Operation{Kind: registry.Admit, KeyType: zkkex.KeyBabyJubjub, Index: w.tree.Next(), Leaf: secret.Commitment()})
	return secret
}

// Admit admits a public key of any type, without a checkpoint.
func (w *World) Admit(t testing.TB, public *keys.Public) {
	t.Helper()
	w.apply(t, registry.Operation{Kind: registry.Admit, KeyType: public.KeyType(), Index: w.tree.Next(), Leaf: public.Commitment()})
}

// Signer is a member with a key of type [zkkex.KeyEdDSA], in one hand.
type Signer struct {
	Public *keys.Public
	// Nullifiers has the member's nullifier key; its identity key is nobody's.
	Nullifiers *keys.Secret
	// Key signs.
	Key *eddsa.PrivateKey
}

// Signer returns a new key that signs and is admitted, without a checkpoint.
func (w *World) Signer(t testing.TB) *Signer {
	t.Helper()
	nullifiers, err := keys.Generate()
	check(t, err)
	key, err := eddsa.Generate()
	check(t, err)
	encoded := key.Public()
	public, err := keys.ParsePublic(zkkex.KeyEdDSA, encoded[:], nullifiers.Public().NullifierKeyHash())
	check(t, err)
	w.Admit(t, public)
	return &Signer{Public: public, Nullifiers: nullifiers, Key: key}
}

// Sign signs a binding.
func (s *Signer) Sign(_ context.Context, binding zkkex.Binding) ([eddsa.SignatureSize]byte, error) {
	return s.Key.Sign(eddsa.Message(binding))
}

// Revoke revokes a member, without a checkpoint.
func (w *World) Revoke(t testing.TB, secret *keys.Secret) {
	t.Helper()
	w.RevokePublic(t, secret.Public())
}

// RevokePublic is [World.Revoke] for a key of any type.
func (w *World) RevokePublic(t testing.TB, public *keys.Public) {
	t.Helper()
	index, ok := w.tree.Find(public.Commitment())
	if !ok {
		t.Fatal("no such member")
	}
	w.apply(t, registry.Operation{Kind: registry.Revoke, KeyType: public.KeyType(), Index: index, Leaf: public.Commitment()})
}

func (w *World) apply(t testing.TB, op registry.Operation) {
	t.Helper()
	check(t, w.tree.Apply(op))
	record, err := op.AppendBinary(nil)
	check(t, err)
	hashes, err := tlog.StoredHashes(int64(w.tree.Sequence())-1, record, w.reader())
	check(t, err)
	w.hashes = append(w.hashes, hashes...)
}

// Checkpoint signs the registry's state and adds it to Roots.
func (w *World) Checkpoint(t testing.TB, at time.Time) *registry.Checkpoint {
	t.Helper()
	size := int64(w.tree.Sequence())
	logRoot, err := tlog.TreeHash(size, w.reader())
	check(t, err)
	c := &registry.Checkpoint{
		Origin:       w.signer.Name(),
		Sequence:     w.tree.Sequence(),
		LogRoot:      logRoot,
		Root:         w.tree.Root(),
		CapacityBits: w.tree.CapacityBits(),
		Time:         at.UTC().Truncate(time.Second),
		Members:      w.tree.Counts(),
	}
	signed, err := registry.Sign(c, w.signer)
	check(t, err)
	var proof tlog.TreeProof
	if latest := w.Roots.Latest(); latest != nil && int64(latest.Sequence) < size {
		proof, err = tlog.ProveTree(size, int64(latest.Sequence), w.reader())
		check(t, err)
	}
	_, err = w.Roots.Add(signed, proof)
	check(t, err)
	return c
}

func (w *World) reader() tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			out[i] = w.hashes[index]
		}
		return out, nil
	})
}

// Path returns a member's path in the registry of now, which must be the one of
// the newest checkpoint.
func (w *World) Path(c zkkex.Commitment) (registry.Path, *registry.Checkpoint, error) {
	index, ok := w.tree.Find(c)
	if !ok {
		return registry.Path{}, nil, fmt.Errorf("no live leaf %v", c)
	}
	path, err := w.tree.Path(index)
	if err != nil {
		return registry.Path{}, nil, err
	}
	return path, &w.Roots.Latest().Checkpoint, nil
}

// Slots hands out slots from memory, the same count for every scope. It is safe
// for concurrent use.
type Slots struct {
	mu    sync.Mutex
	taken map[zkkex.Scope]uint32
}

// Take implements prover.SlotSource.
func (s *Slots) Take(scope zkkex.Scope, _ zkkex.Epoch, limit uint32) (uint32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slot := s.taken[scope]
	if slot >= limit {
		return 0, fmt.Errorf("no slot left of %d", limit)
	}
	if s.taken == nil {
		s.taken = make(map[zkkex.Scope]uint32)
	}
	s.taken[scope]++
	return slot, nil
}

// Taken returns the number of slots that were taken in a scope.
func (s *Slots) Taken(scope zkkex.Scope) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken[scope]
}

// Params returns the development set of a circuit.
func Params(t testing.TB, id zkkex.CircuitID) *params.Proving {
	t.Helper()
	fsys, err := dev.FS(id)
	check(t, err)
	set, err := params.OpenProving(fsys, params.Accept{Dev: true})
	check(t, err)
	return set
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
