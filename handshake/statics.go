package handshake

import (
	"maps"
	"slices"
	"sync"

	"github.com/zkkex/zkkex/internal/noise"
	"github.com/zkkex/zkkex/session"
)

const (
	// maxStatics is of how many session keys per descriptor a responder remembers
	// the DH with its prekey.
	maxStatics = 1 << 14
	// staticsOf is of how many descriptors, the newest: as many as are valid at a
	// time.
	staticsOf = 2
)

// statics saves a responder one of five DHs with a member that it met before under
// the same descriptor: when its certificate was admitted, say. Only keys whose
// holders have authenticated are in it.
type statics struct {
	mu      sync.Mutex
	secrets map[uint64]*recent[[32]byte, [32]byte]
}

func newStatics() *statics {
	return &statics{secrets: make(map[uint64]*recent[[32]byte, [32]byte])}
}

// staticsOfDescriptor are those of one descriptor.
type staticsOfDescriptor struct {
	of     *statics
	number uint64
}

var _ noise.StaticSecrets = staticsOfDescriptor{}

// Load implements [noise.StaticSecrets].
func (s staticsOfDescriptor) Load(peer [32]byte) (secret [32]byte, ok bool) {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	if known := s.of.secrets[s.number]; known != nil {
		return known.get(peer)
	}
	return secret, false
}

// Store implements [noise.StaticSecrets].
func (s staticsOfDescriptor) Store(peer, secret [32]byte) {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	known := s.of.secrets[s.number]
	if known == nil {
		if !s.of.room(s.number) {
			return
		}
		known = newRecent[[32]byte, [32]byte](maxStatics)
		s.of.secrets[s.number] = known
	}
	known.put(peer, secret)
}

// room makes room for a descriptor that is one of the newest, and drops the
// oldest. It reports false for one that is older than all.
func (s *statics) room(number uint64) bool {
	if len(s.secrets) < staticsOf {
		return true
	}
	oldest := slices.Min(slices.Collect(maps.Keys(s.secrets)))
	if number < oldest {
		return false
	}
	delete(s.secrets, oldest)
	return true
}

// certificateStatics are those of one session key, which its certificate keeps.
type certificateStatics struct{ of *session.Certificate }

var _ noise.StaticSecrets = certificateStatics{}

// Load implements [noise.StaticSecrets].
func (c certificateStatics) Load(prekey [32]byte) ([32]byte, bool) { return c.of.LoadShared(prekey) }

// Store implements [noise.StaticSecrets].
func (c certificateStatics) Store(prekey, secret [32]byte) { c.of.StoreShared(prekey, secret) }
