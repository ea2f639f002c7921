package member

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/filelock"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/registry/mirror"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/slots"
)

// Errors of a state directory.
var (
	// ErrNoKey reports a directory without a key.
	ErrNoKey = errors.New("no key in the state directory")
	// ErrNoRegistry reports that the directory knows no registry, or none of
	// the given name.
	ErrNoRegistry = errors.New("no such registry in the state directory")
	// ErrSeveralRegistries reports that a registry must be named.
	ErrSeveralRegistries = errors.New("the state directory has several registries")
	// ErrDirectoryMode reports a directory that others can write to.
	ErrDirectoryMode = errors.New("others may write to the state directory")
)

// Options say how a state directory is used. Their zero value works, for a key
// that is not encrypted and no proofs.
type Options struct {
	// Passphrase is called when an encrypted key is first used.
	Passphrase func() (string, error)
	// ProofSystem is how proofs are made; 0 is [zkkex.Groth16]. A venue or a
	// verifier accepts the proof systems that it has parameters for.
	ProofSystem zkkex.ProofSystem
	// Params opens the parameters of a circuit, for proofs. It is asked for
	// circuits of the proof system.
	Params func(zkkex.CircuitID) (*params.Proving, error)
	// Dial, if set, makes every connection, such as through a proxy.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Now is the clock; nil is the system's.
	Now func() time.Time
}

// Member is an open state directory. It is safe for concurrent use, and several
// processes can have one directory open. Close it.
type Member struct {
	dir     string
	options Options
	key     *keys.File

	mu     sync.Mutex
	config *config
	secret *keys.Secret // nil until it is first used
	orders *order.Secret
	// passphrase returns the one that opened the key; nil if it was not opened.
	passphrase func() (string, error)
	slots      *slots.Counter
	mirrors    map[zkkex.RegistryID]*mirror.Mirror
	provers    map[zkkex.CircuitID]*prover.Prover
	holders    map[holding]*prover.Holder
	syncing    map[zkkex.RegistryID]chan struct{} // each holds one while its registry is synced
}

// Open opens a state directory. It returns an error wrapping [ErrNoKey],
// [ErrDirectoryMode], or those of [keys.ReadFile].
func Open(dir string, o Options) (*Member, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.ProofSystem == 0 {
		o.ProofSystem = zkkex.Groth16
	}
	if err := checkDirectory(dir); err != nil {
		return nil, err
	}
	key, err := readKey(dir)
	if err != nil {
		return nil, err
	}
	c, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	return &Member{
		dir: dir, options: o, key: key, config: c,
		mirrors: make(map[zkkex.RegistryID]*mirror.Mirror),
		provers: make(map[zkkex.CircuitID]*prover.Prover),
		holders: make(map[holding]*prover.Holder),
		syncing: make(map[zkkex.RegistryID]chan struct{}),
	}, nil
}

// Close wipes the secret and closes files and connections. Close what was opened
// with [Member.OpenVenue] first.
func (m *Member) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var errs []error
	for _, holder := range m.holders {
		holder.Close()
	}
	clear(m.holders)
	if m.secret != nil {
		m.secret.Wipe()
		m.secret = nil
	}
	if m.orders != nil {
		m.orders.Wipe()
		m.orders = nil
	}
	m.passphrase = nil
	if m.slots != nil {
		errs = append(errs, m.slots.Close())
		m.slots = nil
	}
	for _, copied := range m.mirrors {
		errs = append(errs, copied.Close())
	}
	clear(m.mirrors)
	return errors.Join(errs...)
}

// Reload reads the configuration again, which another process, or another part
// of this one, may have changed.
func (m *Member) Reload() error {
	c, err := readConfig(m.dir)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.config = c
	return nil
}

// Public returns the public part of the key: what a registrar sees.
func (m *Member) Public() *keys.Public { return m.key.Public() }

// Encrypted reports whether the key file is encrypted.
func (m *Member) Encrypted() bool { return m.key.Encrypted() }

// Backup writes the key to a new file, encrypted under a passphrase. It holds
// nothing about slots, so that nobody takes an old count for the present one.
func (m *Member) Backup(path, passphrase string) error {
	s, err := m.open()
	if err != nil {
		return err
	}
	return keys.WriteBackup(path, s, passphrase, m.key.Created(), m.options.Now())
}

// Unlock opens the key with a passphrase, before it is first used. It returns an
// error wrapping [keys.ErrPassphrase] if it is the wrong one.
func (m *Member) Unlock(passphrase string) error {
	_, err := m.openWith(func() (string, error) { return passphrase, nil })
	return err
}

// open returns the secret, which stays open until Close.
func (m *Member) open() (*keys.Secret, error) { return m.openWith(m.options.Passphrase) }

func (m *Member) openWith(passphrase func() (string, error)) (*keys.Secret, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.secret != nil {
		return m.secret, nil
	}
	var used string
	asked := func() (_ string, err error) {
		used, err = passphrase()
		return used, err
	}
	if passphrase == nil {
		asked = nil
	}
	s, err := m.key.Open(asked)
	if err != nil {
		return nil, fmt.Errorf("opening the key: %w", err)
	}
	m.secret, m.passphrase = s, func() (string, error) { return used, nil }
	return s, nil
}

// counter returns the slot state, which stays open until Close.
func (m *Member) counter() (*slots.Counter, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.slots != nil {
		return m.slots, nil
	}
	c, err := slots.Open(filepath.Join(m.dir, slotsName),
		slots.WithKey(m.Public().NullifierKeyHash()), slots.WithClock(m.options.Now))
	if err != nil {
		return nil, err
	}
	m.slots = c
	return c, nil
}

// lockTimeout bounds the waiting for another process's change, which takes as
// long as a few writes to the disk.
const lockTimeout = 10 * time.Second

// locked does what must not be done by two processes at once.
func (m *Member) locked(do func() error) error {
	ctx, cancel := context.WithTimeout(context.Background(), lockTimeout)
	defer cancel()
	lock, err := filelock.Wait(ctx, filepath.Join(m.dir, lockName))
	if err != nil {
		return err
	}
	return errors.Join(do(), lock.Release())
}

// change changes the configuration, as it is on disk now.
func (m *Member) change(change func(*config) error) error {
	return m.locked(func() error { return m.changeLocked(change) })
}

func (m *Member) changeLocked(change func(*config) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := readConfig(m.dir)
	if err != nil {
		return err
	}
	if err := change(c); err != nil {
		return err
	}
	if err := atomicfile.Write(filepath.Join(m.dir, configName), c.encode(), 0o600); err != nil {
		return err
	}
	m.config = c
	return nil
}

func readKey(dir string) (*keys.File, error) {
	file, err := keys.ReadFile(filepath.Join(dir, keyName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoKey)
	}
	return file, err
}

func readConfig(dir string) (*config, error) {
	path := filepath.Join(dir, configName)
	text, err := readBounded(path, maxConfig)
	if err != nil {
		return nil, err
	}
	c, err := parseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// readBounded reads a file, and one byte more than the limit if there is more.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAtMost(f, limit)
}
