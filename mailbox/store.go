package mailbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/filelock"
)

// Store is a venue's side of a mailbox. A [Folder] is one.
type Store interface {
	// Acquire keeps others from serving the same mailbox until release is called.
	// It waits while another does.
	Acquire(ctx context.Context) (release func() error, err error)
	// Pending returns the messages that are not answered, the oldest first.
	Pending(ctx context.Context) ([]ID, error)
	// Message returns a message. It returns an error wrapping
	// [zkkex.ErrMalformed] if it can never be read.
	Message(ctx context.Context, id ID) ([]byte, error)
	// PutAnswer keeps an answer, durably, and forgets its message. The first
	// answer stands: for another one, it returns an error wrapping [ErrTaken].
	PutAnswer(ctx context.Context, id ID, answer []byte) error
	// Drop forgets a message that gets no answer.
	Drop(ctx context.Context, id ID) error
	// Sweep forgets what is out of date, and returns how much that was.
	Sweep() (int, error)
}

// Acquire implements [Store].
func (f *Folder) Acquire(ctx context.Context) (release func() error, err error) {
	lock, err := filelock.Wait(ctx, filepath.Join(f.dir, serveLock))
	if err != nil {
		return nil, fmt.Errorf("mailbox: another server has it: %w", err)
	}
	return lock.Release, nil
}

// Pending implements [Store]. A message that was answered, but not removed any
// more, is removed now.
func (f *Folder) Pending(ctx context.Context) ([]ID, error) {
	entries, err := os.ReadDir(filepath.Join(f.dir, messagesDir))
	if err != nil {
		return nil, fmt.Errorf("mailbox: %w", err)
	}
	type aged struct {
		id  ID
		age int64
	}
	var pending []aged
	for _, e := range entries {
		id, err := ParseID(e.Name())
		if err != nil {
			continue // not ours, or not complete
		}
		if f.answered(id) {
			if err := f.Drop(ctx, id); err != nil {
				return nil, err
			}
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("mailbox: %w", err)
		}
		pending = append(pending, aged{id, info.ModTime().UnixNano()})
	}
	slices.SortFunc(pending, func(a, b aged) int { return cmp.Compare(a.age, b.age) })
	ids := make([]ID, len(pending))
	for i, p := range pending {
		ids[i] = p.id
	}
	return ids, nil
}

// Message implements [Store].
func (f *Folder) Message(_ context.Context, id ID) ([]byte, error) {
	return f.read(messagesDir, id, MaxMessage)
}

// PutAnswer implements [Store].
func (f *Folder) PutAnswer(ctx context.Context, id ID, answer []byte) error {
	if err := checkSize("answer", answer, MaxAnswer); err != nil {
		return err
	}
	err := atomicfile.Create(f.path(answersDir, id), answer, filePerm)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("mailbox: answer: %w", ErrTaken)
	}
	if err != nil {
		return fmt.Errorf("mailbox: answering: %w", err)
	}
	return f.Drop(ctx, id) // from here on, Pending would do it
}

// Drop implements [Store].
func (f *Folder) Drop(_ context.Context, id ID) error {
	if err := os.RemoveAll(f.path(messagesDir, id)); err != nil {
		return fmt.Errorf("mailbox: %w", err)
	}
	return nil
}

// Sweep implements [Store]. It takes the time from the files, and removes
// incomplete ones that a crash left behind as well.
func (f *Folder) Sweep() (removed int, err error) {
	oldest := f.options.Now().Add(-f.options.TimeToLive)
	for _, d := range []string{messagesDir, answersDir} {
		entries, err := os.ReadDir(filepath.Join(f.dir, d))
		if err != nil {
			return removed, fmt.Errorf("mailbox: %w", err)
		}
		for _, e := range entries {
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) || err == nil && info.ModTime().After(oldest) {
				continue
			}
			if err == nil {
				err = os.RemoveAll(filepath.Join(f.dir, d, e.Name()))
			}
			if err != nil {
				return removed, fmt.Errorf("mailbox: %w", err)
			}
			removed++
		}
	}
	return removed, nil
}
