package mirror

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"strings"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
)

// MaxOperations bounds a log that is synced in full: at 44 bytes each, 5.5 GiB
// on disk.
const MaxOperations = 1 << 27

// Config says where a registry is and what to demand of it. It is not changed
// by this package.
type Config struct {
	// URL is where the registry's files are: https:// or http:// for a
	// server, file:// for a folder that the registrar exported. Unused if
	// Folder is set.
	URL string
	// Folder holds the registry's files, if there is no URL.
	Folder fs.FS
	// VerifierKey is the registrar's key, got from somewhere else than the
	// server. It decides which registry this is.
	VerifierKey string
	// Witnesses are the cosignature keys (c2sp.org/tlog-cosignature) of
	// witnesses, of which Quorum must have cosigned every checkpoint.
	Witnesses []string
	// Quorum is the number of witnesses that must have cosigned, 0 for none.
	Quorum int
	// MinMembers is the smallest anonymity set that Path accepts: live
	// members of the leaf's key type. 0 demands nothing.
	MinMembers uint64
	// MaxAge is the age from which a checkpoint is reported as old; 0 is
	// [registry.DefaultMaxAge].
	MaxAge time.Duration
	// RequestTimeout bounds one request, with its answer; 0 is 30 seconds.
	RequestTimeout time.Duration
	// Dial, if set, makes the connections: a SOCKS5 proxy's, say. Otherwise
	// the proxy of the environment is used, if there is one.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// TLS configures https, for a private certificate authority. Session
	// resumption is switched off in any case.
	TLS *tls.Config
	// Now is the clock; nil is the system's.
	Now func() time.Time
}

// Check returns an error if registrar's key, witnesses or quorum are not usable.
func (c *Config) Check() error {
	_, err := newPolicy(c)
	return err
}

// OpenCheckpoint checks a signed checkpoint by itself, as a sync does: the
// registrar's signature, the quorum of witnesses, size, and that it is not from
// the future. It returns the errors of Check, [ErrWitnesses], [ErrClock] and
// those of [registry.Open].
func (c *Config) OpenCheckpoint(signed []byte) (*registry.SignedCheckpoint, error) {
	p, err := newPolicy(c)
	if err != nil {
		return nil, err
	}
	return p.open(signed)
}

// policy is a configuration, parsed.
type policy struct {
	registry   zkkex.RegistryID
	registrar  note.Verifier
	witnesses  []note.Verifier
	quorum     int
	minMembers uint64
	maxAge     time.Duration
	now        func() time.Time
}

func newPolicy(c *Config) (*policy, error) {
	registrar, err := registry.NewVerifier(c.VerifierKey)
	if err != nil {
		return nil, err
	}
	id, err := registry.ID(c.VerifierKey)
	if err != nil {
		return nil, err
	}
	witnesses, err := parseWitnesses(c.Witnesses)
	if err != nil {
		return nil, err
	}
	if c.Quorum < 0 || c.Quorum > len(witnesses) {
		return nil, fmt.Errorf("quorum of %d witnesses, expected 0 to %d, the number of witnesses configured", c.Quorum, len(witnesses))
	}
	p := &policy{
		registry: id, registrar: registrar, witnesses: witnesses, quorum: c.Quorum,
		minMembers: c.MinMembers, maxAge: c.MaxAge, now: c.Now,
	}
	if p.maxAge == 0 {
		p.maxAge = registry.DefaultMaxAge
	}
	if p.now == nil {
		p.now = time.Now
	}
	return p, nil
}

func parseWitnesses(keys []string) ([]note.Verifier, error) {
	var witnesses []note.Verifier
	names, publics := make(map[string]bool), make(map[string]bool)
	for _, key := range keys {
		v, err := torchwood.NewCosignatureVerifier(key)
		if err != nil {
			return nil, fmt.Errorf("witness key %q: %w, expected a cosignature key, name+hash+base64 with algorithm 4", key, err)
		}
		// It has three parts, or it would not have been accepted.
		public, err := base64.StdEncoding.DecodeString(strings.SplitN(key, "+", 3)[2])
		if err != nil {
			return nil, fmt.Errorf("witness key %q: %w", key, err)
		}
		if names[v.Name()] || publics[string(public)] {
			return nil, fmt.Errorf("two witness keys with the name or the public key of %s, expected different ones: one witness must not count twice", key)
		}
		names[v.Name()], publics[string(public)] = true, true
		witnesses = append(witnesses, v)
	}
	return witnesses, nil
}

// Errors of a sync.
var (
	// ErrWitnesses reports a checkpoint that too few witnesses cosigned.
	ErrWitnesses = errors.New("too few witnesses cosigned the checkpoint")
	// ErrClock reports a checkpoint from the future, more than
	// [registry.MaxClockSkew] ahead of this machine's clock.
	ErrClock = registry.ErrClock
	// ErrCorrupt reports files that do not match the hashes in the signed
	// checkpoint: the server, or something on the way, damaged them. Nothing
	// of them was kept; sync again, or from another mirror.
	ErrCorrupt = errors.New("files do not match the signed checkpoint")
	// ErrReplay reports a registrar that signed a root, capacity or count that
	// does not follow from its own log.
	ErrReplay = errors.New("signed checkpoint does not follow from its log")
)

// cosigned opens a checkpoint that enough witnesses have cosigned.
func (p *policy) cosigned(signed []byte) (*registry.SignedCheckpoint, error) {
	c, err := registry.Open(signed, p.registrar, p.witnesses...)
	if err != nil {
		return nil, err
	}
	if got := len(c.Witnesses); got < p.quorum {
		return nil, fmt.Errorf("%w: %d of %d cosigned checkpoint %d, expected at least %d; the next one may have more, sync again later",
			ErrWitnesses, got, len(p.witnesses), c.Sequence, p.quorum)
	}
	return c, nil
}

// open checks a checkpoint by itself: signature, cosignatures, size and time.
func (p *policy) open(signed []byte) (*registry.SignedCheckpoint, error) {
	c, err := p.cosigned(signed)
	if err != nil {
		return nil, err
	}
	if c.Sequence > MaxOperations {
		return nil, fmt.Errorf("%w: a log of %d operations, expected at most %d", zkkex.ErrUnsupported, c.Sequence, MaxOperations)
	}
	if err := c.CheckAge(p.now(), math.MaxInt64); err != nil {
		return nil, err // an old one may still be the newest: Report.Old says so
	}
	return c, nil
}
