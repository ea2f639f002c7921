package venue

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/admission"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/internal/filelock"
	"github.com/zkkex/zkkex/registry/mirror"
	"github.com/zkkex/zkkex/registry/registrar"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/venue/descriptor"
	"github.com/zkkex/zkkex/verifier"
)

// Options say how a venue is opened. The zero value is for looking at it and for
// issuing descriptors; to admit anybody it takes Params.
type Options struct {
	// Params opens the parameter set of a circuit with a digest. It is asked once
	// for each that the configuration accepts.
	Params func(zkkex.CircuitID, zkkex.ParamsDigest) (*params.Verifying, error)
	// Admissions, if set, records admissions in place of the folder's own store:
	// one that several gateways share, say. The venue does not close it.
	Admissions admission.Store
	// Share, if set, is a folder for further gateways of the venue: what they need
	// is written there before it is published, as [Venue.Share] does; what cannot be
	// shared is not published.
	Share string
	// NewVerifier is [admission.Config.NewVerifier], which see: for tests.
	NewVerifier func(verifier.Config) (zkkex.Verifier, error)
	// Cosign, if set, asks witnesses in place of the configured ones.
	Cosign registrar.Cosigner
	// Dial, if set, makes the connections to the registry.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// TLS configures https to the registry, for a private certificate authority.
	TLS *tls.Config
	// Now is the clock; nil is the system's.
	Now func() time.Time
	// Log takes what changes and what goes wrong. Nothing about a client is ever
	// logged. nil logs nothing.
	Log *slog.Logger
}

// Venue is an open venue. It is safe for concurrent use.
type Venue struct {
	dir    string
	config Config
	lock   *filelock.Lock
	store  *descriptor.Store
	mirror *mirror.Mirror
	cosign registrar.Cosigner
	gate   gate
	now    func() time.Time
	log    *slog.Logger

	issuing  sync.Mutex // one change of what is issued and published at a time
	nextSync time.Time  // of the maintenance loop, under issuing
	cached   sync.Map   // *handshake.Keys by number
	problems problems
	responds responding

	shared    string // the folder of the gateway that issues, if this one follows
	following following

	shareDir    string     // where to share, if at all
	sharedState shareState // under issuing
}

// Open opens a venue's folder. It completes what a crash interrupted, and needs
// no network. The caller closes the venue.
//
// It returns an error wrapping [ErrNoVenue], [ErrFolderMode],
// [filelock.ErrLocked] if another process has it open, [zkkex.ErrMalformed] or
// [zkkex.ErrUnsupported] for a configuration, and the errors of
// [descriptor.OpenStore] and [mirror.Open].
func Open(dir string, o Options) (*Venue, error) {
	if err := checkFolder(dir); err != nil {
		return nil, err
	}
	config, err := loadConfig(filepath.Join(dir, configFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w; make one in a new folder", dir, ErrNoVenue)
	}
	if err != nil {
		return nil, err
	}
	v := newVenue(dir, config, &o)
	v.shareDir = o.Share
	if v.lock, err = filelock.Acquire(filepath.Join(dir, lockFile)); err != nil {
		return nil, err
	}
	if err := v.open(&o); err != nil {
		return nil, errors.Join(err, v.Close())
	}
	return v, nil
}

func newVenue(dir string, config *Config, o *Options) *Venue {
	v := &Venue{dir: dir, config: *config, cosign: o.Cosign, now: o.Now, log: o.Log}
	if v.now == nil {
		v.now = time.Now
	}
	if v.log == nil {
		v.log = slog.New(slog.DiscardHandler)
	}
	return v
}

func (v *Venue) open(o *Options) error {
	for _, open := range []func(*Options) error{v.openStore, v.openCosigner, v.openMirror, v.openGate} {
		if err := open(o); err != nil {
			return err
		}
	}
	return nil
}

func (v *Venue) openStore(*Options) error {
	if v.Follows() {
		return v.openFollowed()
	}
	signers, err := loadSigners(v.dir, &v.config)
	if err != nil {
		return err
	}
	v.store, err = descriptor.OpenStore(filepath.Join(v.dir, descriptorFolder), signers...)
	return err
}

func (v *Venue) openCosigner(*Options) (err error) {
	if v.cosign != nil || len(v.config.Witnesses) == 0 {
		return nil
	}
	key, _, _ := strings.Cut(v.Identity().String(), "\n") // the Ed25519 key, which witnesses know
	v.cosign, err = registrar.NewCosigner(key, v.config.Witnesses, v.config.Quorum)
	return err
}

func (v *Venue) openMirror(o *Options) (err error) {
	v.mirror, err = mirror.Open(filepath.Join(v.dir, registryFolder), mirror.Config{
		URL: v.config.Registry.URL, VerifierKey: v.config.Registry.VerifierKey,
		Witnesses: v.config.Registry.Witnesses, Quorum: v.config.Registry.Quorum,
		Dial: o.Dial, TLS: o.TLS, Now: v.now,
	})
	return err
}

// Close closes the venue's files and lets go of its keys.
func (v *Venue) Close() error {
	v.issuing.Lock()
	defer v.issuing.Unlock()
	v.cached.Clear()
	errs := []error{v.gate.close()}
	if v.mirror != nil {
		errs = append(errs, v.mirror.Close())
	}
	if v.store != nil {
		errs = append(errs, v.store.Close())
	}
	return errors.Join(append(errs, v.lock.Release())...)
}

// Identity returns who the venue is: what clients pin. Its String is the line,
// or two lines, to hand out, its Fingerprint what two people compare.
func (v *Venue) Identity() *descriptor.Identity { return v.store.Identity() }

// Config returns what the operator decided, with a list of its own for each.
func (v *Venue) Config() Config {
	c := v.config
	c.Circuits, c.Suites, c.Addresses = slices.Clone(c.Circuits), slices.Clone(c.Suites), slices.Clone(c.Addresses)
	c.Witnesses, c.Registry.Witnesses = slices.Clone(c.Witnesses), slices.Clone(c.Registry.Witnesses)
	return c
}

// Registry returns the venue's own copy of the registry.
func (v *Venue) Registry() *mirror.Mirror { return v.mirror }

var _ handshake.KeySource = (*Venue)(nil)
