package threshold

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/filelock"
	"github.com/zkkex/zkkex/internal/lines"
	"github.com/zkkex/zkkex/threshold/frost"
)

// Files in a member's folder.
const (
	identityFile = "identity" // secret: the long-term key
	setupFile    = "setup"
	viaFile      = "via"     // where the members meet
	shareFile    = "share"   // secret: a participant's share, and the group
	pendingFile  = "pending" // secret: the same, until all have confirmed
	groupFile    = "group"   // a requester's: the group
	lockFile     = "lock"
)

const (
	viaFirst = "zkkex/v1 threshold meeting place"
	// maxVia bounds where members meet, in bytes.
	maxVia = 4096
	// maxFile bounds every file of the folder.
	maxFile = maxGroup + 4096
)

// Dir is a member's folder, opened. It is safe for concurrent use, and by several
// processes. What others may change meanwhile, as the share, is read anew each time.
type Dir struct {
	path     string
	identity *Identity
	setup    *Setup
	self     sender
	via      string
	// Dial, if set before use, makes the connections to a relay: a SOCKS5 proxy's,
	// say.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Board, if set before use, is where the members meet, in place of what the folder
	// names: another transport.
	Board Board
}

// Init makes a member's folder, with a key of its own, and returns what the others
// need to know of it. It returns an error wrapping [ErrExists] if there is a key
// already.
func Init(dir, name string) (Member, error) {
	identity, err := NewIdentity(name)
	if err != nil {
		return Member{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Member{}, err
	}
	if err := create(filepath.Join(dir, identityFile), identity.encode(), 0o600); err != nil {
		return Member{}, err
	}
	return identity.Member(), nil
}

// Join writes the setup into a member's folder, and where the members meet: the path
// of a shared folder, or the http or https URL of a relay. It returns an error
// wrapping [ErrStranger] if the setup does not name the folder's key, and
// [ErrExists] if the folder has joined already.
func Join(dir string, s *Setup, via string) error {
	if err := s.Check(); err != nil {
		return err
	}
	if err := checkVia(via); err != nil {
		return err
	}
	identity, err := readIdentity(dir)
	if err != nil {
		return err
	}
	if _, err := s.find(identity.Member().Key); err != nil {
		return err
	}
	if err := create(filepath.Join(dir, setupFile), s.Encode(), 0o644); err != nil {
		return err
	}
	return Move(dir, via)
}

func checkVia(via string) error {
	if via == "" || len(via) > maxVia || strings.ContainsAny(via, "\r\n\x00") {
		return malformed("threshold meeting place", "expected the path of a folder or the URL of a relay, of 1 to %d bytes in a line", maxVia)
	}
	return nil
}

// Move changes where the members meet. A path is kept as it is: one that is not
// absolute is another folder elsewhere.
func Move(dir, via string) error {
	if err := checkVia(via); err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, viaFile), lines.Append([]byte(viaFirst+"\n"), "via", via), 0o644)
}

// create is [atomicfile.Create] with ErrExists.
func create(path string, data []byte, perm fs.FileMode) error {
	err := atomicfile.Create(path, data, perm)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w", path, ErrExists)
	}
	return err
}

// Open opens a member's folder. It returns an error wrapping [fs.ErrNotExist] if
// there is no key, [ErrNoSetup] if it has joined no group, or
// [zkkex.ErrMalformed].
func Open(dir string) (*Dir, error) {
	identity, err := readIdentity(dir)
	if err != nil {
		return nil, err
	}
	d := &Dir{path: dir, identity: identity}
	text, err := d.read(setupFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoSetup)
	}
	if err != nil {
		return nil, err
	}
	if d.setup, err = ParseSetup(text); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, setupFile), err)
	}
	if d.self, err = d.setup.find(identity.Member().Key); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if text, err = d.read(viaFile); err != nil {
		return nil, err
	}
	if d.via, err = parseVia(text); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, viaFile), err)
	}
	return d, nil
}

func parseVia(text []byte) (string, error) {
	const format = "threshold meeting place"
	rest, err := lines.CutFirst(text, viaFirst)
	if err != nil {
		return "", malformed(format, "%w", err)
	}
	values, rest, err := lines.Cut(rest, "via")
	if err != nil {
		return "", malformed(format, "%w", err)
	}
	if len(rest) > 0 || values[0] == "" {
		return "", malformed(format, "expected one place, and nothing after it")
	}
	return values[0], nil
}

func readIdentity(dir string) (*Identity, error) {
	path := filepath.Join(dir, identityFile)
	text, err := readBounded(os.DirFS(dir), identityFile, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w: run zkkex threshold init", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer clear(text)
	identity, err := parseIdentity(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return identity, nil
}

func (d *Dir) read(name string) ([]byte, error) {
	return readBounded(os.DirFS(d.path), name, maxFile)
}

// readHolding returns the share in a file, or nil if there is none.
func (d *Dir) readHolding(name string) (*holding, error) {
	text, err := d.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer clear(text)
	h, err := parseHolding(d.setup, d.self.participant(), text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(d.path, name), err)
	}
	return h, nil
}

// writeHolding writes a share.
func (d *Dir) writeHolding(name string, h *holding) error {
	text, err := h.encode()
	if err != nil {
		return err
	}
	defer clear(text)
	return atomicfile.Write(filepath.Join(d.path, name), text, 0o600)
}

// load returns the group, and the share of a participant. It returns an error
// wrapping [ErrNoGroup] before the key generation.
func (d *Dir) load() (*Group, *holding, error) {
	if d.self.participant() != 0 {
		h, err := d.readHolding(shareFile)
		if err != nil {
			return nil, nil, err
		}
		if h == nil {
			return nil, nil, fmt.Errorf("%s: %w", d.path, ErrNoGroup)
		}
		return h.group, h, nil
	}
	text, err := d.read(groupFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%s: %w", d.path, ErrNoGroup)
	}
	if err != nil {
		return nil, nil, err
	}
	g, err := ParseGroup(d.setup, text)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", filepath.Join(d.path, groupFile), err)
	}
	return g, nil, nil
}

// board opens where the members meet.
func (d *Dir) board() (Board, error) {
	if d.Board != nil {
		return d.Board, nil
	}
	if strings.HasPrefix(d.via, "http://") || strings.HasPrefix(d.via, "https://") {
		return NewRemote(d.via, d.Dial)
	}
	return NewFolder(d.via)
}

// Generate takes part in the key generation, or watches it as a requester, and
// returns once the group is made: when all participants have run it at the same
// time. progress is told what happens and for whom it waits. If it is cut short it
// can be called again. It returns an error wrapping [ErrExists] if the folder has a
// group, and a [Fault] that names who made the attempt fail.
func (d *Dir) Generate(ctx context.Context, progress func(text string)) (*Group, error) {
	return d.make(ctx, progress, false)
}

// Refresh replaces all participants' shares by others of the same key: old ones
// are then useless, also together with new ones. All participants must take part, at the
// same time; requesters follow, then or later. It returns errors as
// [Dir.Generate] does, and wrapping [ErrNoGroup].
func (d *Dir) Refresh(ctx context.Context, progress func(text string)) (*Group, error) {
	return d.make(ctx, progress, true)
}

func (d *Dir) make(ctx context.Context, progress func(text string), refresh bool) (*Group, error) {
	lock, err := filelock.Acquire(filepath.Join(d.path, lockFile))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.path, err)
	}
	defer lock.Release()
	previous, old, err := d.load()
	switch {
	case err == nil && !refresh:
		return nil, fmt.Errorf("%s: a group is %w, with the key %x", d.path, ErrExists, previous.Key())
	case errors.Is(err, ErrNoGroup) && !refresh:
		previous, old = nil, nil
	case err != nil:
		return nil, err
	}
	board, err := d.board()
	if err != nil {
		return nil, err
	}
	r := &run{
		board: board, plan: plan{setup: d.setup, previous: previous},
		me: d.self.participant(), identity: d.identity, old: old, progress: progress,
		hold: func(h *holding) error { return d.writeHolding(pendingFile, h) },
	}
	if r.me != 0 {
		if r.pending, err = d.readHolding(pendingFile); err != nil {
			return nil, err
		}
	}
	done, err := r.do(ctx)
	if err != nil {
		return nil, err
	}
	return done.group, d.adopt(done)
}

// adopt makes what a run ended with the folder's own.
func (d *Dir) adopt(done *result) error {
	if done.made == nil {
		return atomicfile.Write(filepath.Join(d.path, groupFile), done.group.Encode(), 0o644)
	}
	// The share is on disk as pending; the new name replaces the old share at once.
	if err := os.Rename(filepath.Join(d.path, pendingFile), filepath.Join(d.path, shareFile)); err != nil {
		return fmt.Errorf("keeping the share: %w", err)
	}
	return atomicfile.SyncDir(d.path)
}

// Status is what a member's folder says of itself.
type Status struct {
	// Name is the member's name, and ID its identifier, or 0 of a requester.
	Name string
	ID   frost.Identifier
	// Setup is the group's setup, and Via where the members meet.
	Setup *Setup
	Via   string
	// Group is the group, or nil before the key generation.
	Group *Group
	// Pending reports a key generation or refresh that this participant has
	// confirmed, and does not know to be complete: run it again.
	Pending bool
}

// Status returns what the folder says of itself.
func (d *Dir) Status() (*Status, error) {
	s := &Status{Name: d.identity.name, ID: d.self.participant(), Setup: d.setup, Via: d.via}
	g, _, err := d.load()
	if err != nil && !errors.Is(err, ErrNoGroup) {
		return nil, err
	}
	s.Group = g
	if _, err := os.Stat(filepath.Join(d.path, pendingFile)); err == nil {
		s.Pending = true
	}
	return s, nil
}
