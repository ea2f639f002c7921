package registrar

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/zkkex/zkkex/internal/filelock"
)

// ErrLocked reports that another process, or another part of this one, has the
// folder open.
var ErrLocked = filelock.ErrLocked

// OpenReport says what opening a folder found.
type OpenReport struct {
	// Records is the number of operations in the journal.
	Records uint64
	// TornBytes is the size of an interrupted write that was cut off the end of
	// the journal, and TornFile the file it was saved to. None of what it held
	// was acknowledged.
	TornBytes int64
	TornFile  string
	// TornCheckpoint says that the end of the file of checkpoints was an
	// interrupted write, and was cut off. It had not been published.
	TornCheckpoint bool
	// CheckpointRestored says that the file with the newest checkpoint was
	// missing or older, and was written again.
	CheckpointRestored bool
}

// Repaired reports whether anything had to be repaired.
func (r OpenReport) Repaired() bool {
	return r.TornBytes > 0 || r.TornCheckpoint || r.CheckpointRestored
}

// String returns a sentence for every finding.
func (r OpenReport) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d operations", r.Records)
	if r.TornBytes > 0 {
		fmt.Fprintf(&b, "; the last write to the journal was interrupted before it was acknowledged: %d bytes were cut off and saved as %s", r.TornBytes, r.TornFile)
	}
	if r.TornCheckpoint {
		b.WriteString("; the last write to the file of checkpoints was interrupted before it was published, and was cut off")
	}
	if r.CheckpointRestored {
		b.WriteString("; the newest checkpoint was written to its own file again")
	}
	return b.String()
}

// Open opens a registry's folder and replays its journal, a few seconds for
// a million members. It returns an error wrapping
// [fs.ErrNotExist] if there is no registry, [ErrLocked] if it is open
// already, and a [*DamageError] if something is wrong that an interrupted write
// does not explain. What an interrupted write left behind is repaired, and
// reported by [Registrar.Report].
func Open(dir string) (*Registrar, error) { return open(dir, openFile) }

func open(dir string, openFile func(string) (file, error)) (*Registrar, error) {
	config, signer, err := loadConfig(dir)
	if err != nil {
		return nil, err
	}
	lock, err := filelock.Acquire(filepath.Join(dir, lockFile))
	if err != nil {
		return nil, fmt.Errorf("opening the registry: %w", err)
	}
	r := &Registrar{dir: dir, config: config, signer: signer, lock: lock, live: newKeyIndex()}
	if err := r.load(openFile); err != nil {
		if r.journal != nil {
			err = errors.Join(err, r.journal.close())
		}
		return nil, errors.Join(err, lock.Release())
	}
	return r, nil
}

// load reads checkpoints and journal, and only then repairs what needs it: a
// folder that is refused is left as it was.
func (r *Registrar) load(openFile func(string) (file, error)) error {
	f, err := openFile(filepath.Join(r.dir, journalFile))
	if err != nil {
		return fmt.Errorf("opening the journal: %w", err)
	}
	r.journal = &journal{f: f}
	r.log = &logHashes{journal: r.journal}
	if r.history, err = loadCheckpoints(r.dir, r.config); err != nil {
		return err
	}
	r.published = r.history.newest
	torn, err := r.replay()
	if err != nil {
		return err
	}
	if err := r.cutTornTail(torn); err != nil {
		return err
	}
	if err := r.history.repair(&r.report); err != nil {
		return err
	}
	r.report.Records = r.journal.n
	r.findFree()
	return nil
}

// findFree collects the indexes that revocations left empty, lowest first,
// which makes a heap.
func (r *Registrar) findFree() {
	r.free = freeIndexes{next: r.tree.Next()}
	for i := range r.free.next {
		if r.tree.KeyType(i) == 0 {
			r.free.freed = append(r.free.freed, uint32(i))
		}
	}
}

// cutTornTail saves what an interrupted write left behind the last good record,
// and cuts it off.
func (r *Registrar) cutTornTail(torn []byte) error {
	if len(torn) == 0 {
		return nil
	}
	name, err := saveAside(r.dir, fmt.Sprintf("%s.torn-%d", journalFile, r.journal.n), torn)
	if err != nil {
		return fmt.Errorf("saving the end of the journal before it is cut off: %w", err)
	}
	if err := errors.Join(r.journal.f.Truncate(offsetOf(r.journal.n)), r.journal.f.Sync()); err != nil {
		return fmt.Errorf("cutting an interrupted write off the journal: %w", err)
	}
	r.report.TornBytes, r.report.TornFile = int64(len(torn)), name
	return nil
}

// saveAside writes data to a new file and returns its name.
func saveAside(dir, base string, data []byte) (string, error) {
	for try := 0; ; try++ {
		name := fmt.Sprintf("%s-%d", base, try)
		err := createAll(dir, []newFile{{name, data, 0o600}})
		if !errors.Is(err, fs.ErrExist) {
			return name, err
		}
	}
}

// readTail returns everything from offset on, and an error if that is more than
// limit bytes.
func readTail(f io.ReaderAt, offset, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.NewSectionReader(f, offset, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("more than %d bytes follow, which no interrupted write leaves", limit)
	}
	return data, nil
}
