package spent

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/atomicfile"
)

// Dir is a store in a folder, for any number of processes of one machine. An
// entry is a file, made with a hard link, which the file system refuses if the
// name is taken; file and folder are synced before Spend returns. It survives
// kill -9 and loss of power as far as the file system keeps its promises.
//
//	zkkex-spent                      the line "zkkex/v1 spent"
//	<scope>/end                      end of the epoch, in Unix seconds
//	<scope>/<nullifier>              digest of the presentation that spent it
//	<scope>/closed                   there once the epoch is pruned
//
// Scopes, nullifiers and digests are 64 lower-case hexadecimal digits, and every
// file ends with a newline. Of a pruned epoch, the files end and closed remain.
type Dir struct{ path string }

var _ Store = (*Dir)(nil)

// ErrNotStore reports a folder that holds something else than a store.
var ErrNotStore = errors.New("not a store of spent nullifiers")

const (
	markerFile = "zkkex-spent"
	marker     = "zkkex/v1 spent\n"
	endFile    = "end"
	closedFile = "closed"
	// maxFile bounds the files that are read back, in bytes.
	maxFile = 128
)

// ErrMissing reports that there is no store where one was expected. A verifier
// must not make one by itself: in an empty store nothing is spent.
var ErrMissing = errors.New("no store of spent nullifiers")

// Init makes an empty store in the folder at path, which is made with mode 0700
// if it is missing, and must be empty otherwise. It is for the first time only:
// whoever makes a store anew lets every nullifier be spent again. It returns an
// error wrapping [fs.ErrExist] if there is a store, and one wrapping
// [ErrNotStore] if the folder holds something else.
func Init(path string) error {
	if err := (&Dir{path: path}).create(); err != nil {
		return fmt.Errorf("making a store of spent nullifiers: %w", err)
	}
	return nil
}

// OpenDir opens the store that [Init] made in the folder at path. It returns an
// error wrapping [ErrMissing] if the folder is missing or empty, as is the place
// of a volume that is not mounted, and one wrapping [ErrNotStore] if it holds
// something else.
func OpenDir(path string) (*Dir, error) {
	d := &Dir{path: path}
	err := d.checkMarker()
	if errors.Is(err, fs.ErrNotExist) {
		err = d.missing()
	}
	if err != nil {
		return nil, fmt.Errorf("opening the store of spent nullifiers: %w", err)
	}
	return d, nil
}

// missing says what is in the place of a store: nothing, or something else.
func (d *Dir) missing() error {
	if err := d.checkEmpty(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fmt.Errorf("%w in %s: make one, once, if this is the first time; otherwise find out where it went, such as a volume that is not mounted", ErrMissing, d.path)
}

func (d *Dir) create() error {
	if err := os.MkdirAll(d.path, 0o700); err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Join(d.path, markerFile)); err == nil {
		return fmt.Errorf("%w: a store is in %s already; open that one", fs.ErrExist, d.path)
	}
	if err := d.checkEmpty(); err != nil {
		return err
	}
	if err := atomicfile.Create(filepath.Join(d.path, markerFile), []byte(marker), 0o600); err != nil {
		return err
	}
	return atomicfile.SyncDir(filepath.Dir(filepath.Clean(d.path)))
}

// checkEmpty returns an error if the folder holds anything but what is left of
// an attempt to make a store.
func (d *Dir) checkEmpty() error {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "."+markerFile) && e.Name() != markerFile { // another process may be at it
			return fmt.Errorf("%w: %s holds %q and no file %q", ErrNotStore, d.path, e.Name(), markerFile)
		}
	}
	return nil
}

func (d *Dir) checkMarker() error {
	b, err := readSmall(filepath.Join(d.path, markerFile))
	if err != nil {
		return err
	}
	if string(b) != marker {
		return fmt.Errorf("%w: %s holds %q, expected %q", ErrNotStore, markerFile, b, marker)
	}
	return nil
}

// Spend implements [Store], for any number of processes.
func (d *Dir) Spend(ctx context.Context, e Entry) error {
	if err := checkEntry(e); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	shard := d.shard(e.Scope)
	if err := d.openShard(shard, e.EpochEnd); err != nil {
		return fmt.Errorf("spent: %w", err)
	}
	if err := checkOpen(shard); err != nil {
		return err
	}
	return record(shard, e)
}

// record makes the entry's file in a shard that was open a moment ago.
func record(shard string, e Entry) error {
	content := hex.EncodeToString(e.Presentation[:]) + "\n"
	err := atomicfile.Create(filepath.Join(shard, e.Nullifier.String()), []byte(content), 0o600)
	if errors.Is(err, fs.ErrExist) {
		return spentBy(shard, e.Nullifier)
	}
	if err != nil {
		return fmt.Errorf("spent: %w", err)
	}
	// Whoever prunes closes the epoch before removing entries: if it is still
	// open now, none was missing when the link was made.
	return checkOpen(shard)
}

// Lookup implements [Store].
func (d *Dir) Lookup(ctx context.Context, e Entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	shard := d.shard(e.Scope)
	if err := checkOpen(shard); err != nil {
		return err
	}
	_, err := os.Lstat(filepath.Join(shard, e.Nullifier.String()))
	if errors.Is(err, fs.ErrNotExist) {
		return d.checkMarker() // a store that is gone has not told us anything
	}
	if err != nil {
		return fmt.Errorf("spent: %w", err)
	}
	return spentBy(shard, e.Nullifier)
}

// Prune implements [Store]. It may run in several processes at once, and be
// interrupted: the next call goes on.
func (d *Dir) Prune(ctx context.Context, cutoff time.Time) (int, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return 0, fmt.Errorf("spent: %w", err)
	}
	removed := 0
	for _, e := range entries {
		if _, err := zkkex.ParseHex(e.Name()); err != nil || !e.IsDir() {
			continue
		}
		n, err := pruneShard(ctx, filepath.Join(d.path, e.Name()), cutoff)
		removed += n
		if err != nil {
			return removed, fmt.Errorf("spent: %w", err)
		}
	}
	return removed, nil
}

func pruneShard(ctx context.Context, shard string, cutoff time.Time) (removed int, err error) {
	end, err := readEnd(shard)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil // the shard was made this moment
	}
	if err != nil || end.After(cutoff) {
		return 0, err
	}
	err = atomicfile.Create(filepath.Join(shard, closedFile), []byte("\n"), 0o600)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return 0, err
	}
	files, err := os.ReadDir(shard)
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		if f.Name() == endFile || f.Name() == closedFile {
			continue
		}
		if err := ctx.Err(); err != nil {
			return removed, err
		}
		if err := os.Remove(filepath.Join(shard, f.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return removed, err
		}
		if !strings.HasPrefix(f.Name(), ".") {
			removed++
		}
	}
	return removed, nil
}

func (d *Dir) shard(scope zkkex.Scope) string { return filepath.Join(d.path, scope.String()) }

// openShard makes the folder of a scope if there is none. The file with the
// epoch's end comes last, so that whoever finds it may rely on the folder.
func (d *Dir) openShard(shard string, end time.Time) error {
	got, err := readEnd(shard)
	if errors.Is(err, fs.ErrNotExist) {
		if err := d.makeShard(shard, end); err != nil {
			return err
		}
		got, err = readEnd(shard)
	}
	if err != nil {
		return err
	}
	if !got.Equal(end) {
		return fmt.Errorf("the epoch of scope %s ends at %v in the store, not at %v", filepath.Base(shard), got, end.UTC())
	}
	return nil
}

func (d *Dir) makeShard(shard string, end time.Time) error {
	if err := d.checkMarker(); err != nil {
		return err // the store was removed under us: do not start another
	}
	if err := os.Mkdir(shard, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := atomicfile.SyncDir(d.path); err != nil {
		return err
	}
	content := strconv.FormatInt(end.Unix(), 10) + "\n"
	err := atomicfile.Create(filepath.Join(shard, endFile), []byte(content), 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

func readEnd(shard string) (time.Time, error) {
	b, err := readSmall(filepath.Join(shard, endFile))
	if err != nil {
		return time.Time{}, err
	}
	seconds, err := strconv.ParseInt(strings.TrimSuffix(string(b), "\n"), 10, 64)
	if err != nil || strconv.FormatInt(seconds, 10)+"\n" != string(b) {
		return time.Time{}, fmt.Errorf("%s holds %q, expected the end of an epoch in Unix seconds", filepath.Join(shard, endFile), b)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// checkOpen returns [ErrClosed] if the epoch was pruned.
func checkOpen(shard string) error {
	_, err := os.Lstat(filepath.Join(shard, closedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("spent: %w", err)
	}
	return ErrClosed
}

// spentBy returns the error for an entry that is there. That it is there
// decides; what it holds is for the log, and zeros stand for what cannot be
// read.
func spentBy(shard string, n zkkex.Nullifier) error {
	spent := &SpentError{Nullifier: n}
	if b, err := readSmall(filepath.Join(shard, n.String())); err == nil {
		if digest, err := zkkex.ParseHex(strings.TrimSuffix(string(b), "\n")); err == nil {
			spent.Presentation = digest
		}
	}
	return spent
}

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile))
}
