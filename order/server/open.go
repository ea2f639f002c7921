package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/zkkex/zkkex/admission/pgadmission"
	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/filelock"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/engine/enginegrpc"
	"github.com/zkkex/zkkex/order/gateway"
	"github.com/zkkex/zkkex/order/journal"
	"github.com/zkkex/zkkex/order/journal/pebblejournal"
	"github.com/zkkex/zkkex/order/journal/pgjournal"
	"github.com/zkkex/zkkex/venue"
)

// Names in a gateway's folder.
const (
	// ConfigFile is the configuration, journalFolder the journal unless it is in
	// PostgreSQL, and venueFolder what a gateway that follows keeps of the registry.
	ConfigFile    = "gateway.json"
	journalFolder = "journal"
	venueFolder   = "venue"
	lockFile      = "lock"
)

// ErrNoGateway reports a folder that holds no gateway.
var ErrNoGateway = errors.New("no gateway here")

// Init makes a gateway in a folder that is missing or empty: its configuration, and
// an empty journal; in PostgreSQL, the tables of journal and admissions, unless they
// are there. It returns an error wrapping [zkkex.ErrMalformed] for a configuration
// that no gateway could run with, [fs.ErrExist] for a folder with something in it,
// and the errors of the stores.
func Init(ctx context.Context, dir string, c Config) error {
	text, err := c.MarshalText()
	if err != nil {
		return err
	}
	if err := emptyFolder(dir); err != nil {
		return err
	}
	if c.PostgreSQL == "" {
		err = pebblejournal.Init(filepath.Join(dir, journalFolder))
	} else {
		err = errors.Join(pgadmission.Init(ctx, c.PostgreSQL), pgjournal.Init(ctx, c.PostgreSQL))
	}
	if err != nil {
		return err
	}
	// Last: what has a configuration is whole.
	return atomicfile.Create(filepath.Join(dir, ConfigFile), text, 0o600)
}

func emptyFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	in, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range in {
		if e.Name() == ConfigFile {
			return fmt.Errorf("%s: a gateway is there: %w", dir, fs.ErrExist)
		}
		if e.Name() != journalFolder { // left by an init that was interrupted
			return fmt.Errorf("%s: expected an empty folder, found %s: %w", dir, e.Name(), fs.ErrExist)
		}
	}
	return nil
}

// Options say how a folder's gateway is opened.
type Options struct {
	// Venue opens the venue, with admissions that all gateways share if there are
	// such ones: venue.Open, or for a gateway that follows venue.OpenFollower. The
	// gateway closes it.
	Venue venue.Options
	// Changed, if set, changes the configuration that was read, for a command line.
	Changed func(*Config)
	// Engine, if set, takes the place of the configured one.
	Engine engine.Engine
	// Observe is told what metrics count; nil is for none.
	Observe gateway.Observer
	// Log is told what an operator has to know.
	Log *slog.Logger
}

// Node is a gateway with all that it takes: what runs in one process.
type Node struct {
	Config  Config
	Venue   *venue.Venue
	Gateway *gateway.Gateway

	dir    string
	lock   *filelock.Lock
	store  journal.Store
	engine engine.Engine
	closes []func() error // in the order of opening
	log    *slog.Logger
}

// ReadConfig reads the configuration of the gateway in a folder. Its error wraps
// [ErrNoGateway], or is of [ParseConfig].
func ReadConfig(dir string) (*Config, error) {
	text, err := os.ReadFile(filepath.Join(dir, ConfigFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w: expected %s, which \"zkkex gateway init\" writes", dir, ErrNoGateway, ConfigFile)
	}
	if err != nil {
		return nil, err
	}
	c, err := ParseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, ConfigFile), err)
	}
	return c, nil
}

// Open opens the gateway of a folder, its venue, its journal and its engine. The
// caller closes it.
//
// It returns [ErrNoGateway], [filelock.ErrLocked] if another process has it open,
// and the errors of what it opens.
func Open(ctx context.Context, dir string, o Options) (*Node, error) {
	c, err := ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	if o.Changed != nil {
		o.Changed(c)
		if err := c.check(); err != nil {
			return nil, err
		}
	}
	n := &Node{Config: *c, dir: dir, log: o.Log}
	if n.log == nil {
		n.log = slog.New(slog.DiscardHandler)
	}
	if err := n.open(ctx, &o); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *Node) open(ctx context.Context, o *Options) (err error) {
	if n.lock, err = filelock.Acquire(filepath.Join(n.dir, lockFile)); err != nil {
		return err
	}
	n.closes = append(n.closes, n.lock.Release)
	if err := n.openVenue(ctx, o.Venue); err != nil {
		return err
	}
	if err := n.openJournal(ctx); err != nil {
		return err
	}
	if n.engine = o.Engine; n.engine == nil {
		if err := n.openEngine(ctx); err != nil {
			return err
		}
	}
	n.Gateway, err = gateway.Open(ctx, gateway.Config{
		Engine: n.engine, Store: n.store, Name: n.Config.Name, Limits: n.Config.Limits,
		Schedule: n.Venue.Config().Schedule, Log: n.log, Observe: o.Observe, Now: o.Venue.Now,
	})
	if err != nil {
		return err
	}
	n.closes = append(n.closes, n.Gateway.Close)
	return nil
}

// openVenue opens the venue, as the one that issues descriptors or as a follower.
func (n *Node) openVenue(ctx context.Context, o venue.Options) (err error) {
	if n.Config.PostgreSQL != "" && o.Params != nil {
		options := n.postgres()
		options.Timeout = admissionTimeout
		store, err := pgadmission.Open(ctx, n.Config.PostgreSQL, options)
		if err != nil {
			return fmt.Errorf("the venue's admissions: %w", err)
		}
		n.closes = append(n.closes, store.Close)
		o.Admissions = store
	}
	at := n.path(n.Config.Venue)
	if n.Config.Follow {
		n.Venue, err = venue.OpenFollower(at, filepath.Join(n.dir, venueFolder), o)
	} else {
		if n.Config.Share != "" {
			o.Share = n.path(n.Config.Share)
		}
		n.Venue, err = venue.Open(at, o)
	}
	if err != nil {
		return err
	}
	n.closes = append(n.closes, n.Venue.Close)
	return nil
}

// admissionTimeout is how long a decision about a certificate may wait for the
// database: a member waits 10 seconds, perhaps for two gateways, and is to be told
// that the venue cannot decide rather than nothing.
const admissionTimeout = 3 * time.Second

func (n *Node) openJournal(ctx context.Context) error {
	if n.Config.PostgreSQL == "" {
		store, err := pebblejournal.Open(filepath.Join(n.dir, journalFolder))
		if err != nil {
			return err
		}
		n.store = store
	} else {
		store, err := pgjournal.Open(ctx, n.Config.PostgreSQL, n.postgres())
		if err != nil {
			return fmt.Errorf("the journal: %w", err)
		}
		n.store = store
	}
	n.closes = append(n.closes, n.store.Close)
	return nil
}

func (n *Node) postgres() pgjournal.Options {
	return pgjournal.Options{RequireReplicas: n.Config.Replicas}
}

func (n *Node) openEngine(ctx context.Context) error {
	if n.Config.Engine == "" {
		b, err := book.New(n.Config.Instruments, book.Options{})
		if err != nil {
			return err
		}
		n.engine = b
		return nil
	}
	secret, err := n.Config.EngineTLS.credentials(n.path)
	if err != nil {
		return fmt.Errorf("engine_tls: %w", err)
	}
	address := n.Config.Engine
	if path, isSocket := strings.CutPrefix(address, "unix:"); isSocket {
		address = "unix:" + n.path(path)
	}
	client, err := enginegrpc.Dial(ctx, enginegrpc.Config{Address: address, Credentials: secret})
	if err != nil {
		return err
	}
	n.engine = client
	n.closes = append(n.closes, client.Close)
	return nil
}

// credentials returns TLS 1.3 with a certificate on either side, or nil.
func (t TLS) credentials(path func(string) string) (credentials.TransportCredentials, error) {
	if t == (TLS{}) {
		return nil, nil
	}
	if t.CA == "" || t.Certificate == "" || t.Key == "" {
		return nil, malformed("expected ca, certificate and key, or none of them")
	}
	pair, err := tls.LoadX509KeyPair(path(t.Certificate), path(t.Key))
	if err != nil {
		return nil, err
	}
	pem, err := os.ReadFile(path(t.CA))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, malformed("ca: no certificate in %s", t.CA)
	}
	return credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}, RootCAs: pool}), nil
}

// path resolves a path of the configuration.
func (n *Node) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(n.dir, p)
}

// Close closes everything, the last opened first. Sessions end without their orders
// being cancelled; see [gateway.Gateway.Close].
func (n *Node) Close() error {
	var errs []error
	for i := len(n.closes) - 1; i >= 0; i-- {
		errs = append(errs, n.closes[i]())
	}
	n.closes = nil
	return errors.Join(errs...)
}
