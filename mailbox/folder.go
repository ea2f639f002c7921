package mailbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/filelock"
)

// Defaults of [FolderOptions].
const (
	// DefaultMaxItems is 64 MiB of messages, or 256 MiB of answers.
	DefaultMaxItems = 4096
	// DefaultTimeToLive is as long as a prekey is kept, by far.
	DefaultTimeToLive = 48 * time.Hour
)

// FolderOptions are how a [Folder] is kept. The zero value is useful.
type FolderOptions struct {
	// MaxItems is how many messages and answers there may be together; 0 is
	// [DefaultMaxItems].
	MaxItems int
	// TimeToLive is how long each is kept; 0 is [DefaultTimeToLive].
	TimeToLive time.Duration
	// Now is the clock; nil is [time.Now].
	Now func() time.Time
}

// Folder is a mailbox in a folder, with a file for each message and each answer.
// It implements [Mailbox] and [Store]. It is safe for concurrent use, by several
// processes, on a file system that has hard links and locks.
type Folder struct {
	dir     string
	options FolderOptions
}

// Names in a folder.
const (
	messagesDir = "messages"
	answersDir  = "answers"
	postLock    = "post.lock"
	serveLock   = "serve.lock"
)

// filePerm lets the other side read what one side wrote, under another account.
// What is in the files is sealed.
const filePerm = 0o644

// OpenFolder opens a mailbox, and creates what is missing of it.
func OpenFolder(dir string, o FolderOptions) (*Folder, error) {
	if o.MaxItems <= 0 {
		o.MaxItems = DefaultMaxItems
	}
	if o.TimeToLive <= 0 {
		o.TimeToLive = DefaultTimeToLive
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	for _, d := range []string{messagesDir, answersDir} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, fmt.Errorf("mailbox: %w", err)
		}
	}
	return &Folder{dir: dir, options: o}, nil
}

// Post implements [Mailbox]. The message is durable when it returns.
func (f *Folder) Post(ctx context.Context, message []byte) (ID, error) {
	id := NewID()
	return id, f.Put(ctx, id, message)
}

// Put is Post with an identifier that the caller drew, so that it can be repeated
// after an error without leaving two messages. It returns an error wrapping
// [ErrTaken] if another message is kept under it.
func (f *Folder) Put(ctx context.Context, id ID, message []byte) error {
	if err := checkSize("message", message, MaxMessage); err != nil {
		return err
	}
	lock, err := filelock.Wait(ctx, filepath.Join(f.dir, postLock))
	if err != nil {
		return fmt.Errorf("mailbox: %w", err)
	}
	return errors.Join(f.put(id, message), lock.Release())
}

func (f *Folder) put(id ID, message []byte) error {
	if kept, err := f.read(messagesDir, id, MaxMessage); err == nil {
		if !bytes.Equal(kept, message) {
			return fmt.Errorf("mailbox: message: %w", ErrTaken)
		}
		return nil
	}
	if f.answered(id) {
		return nil
	}
	if err := f.makeRoom(); err != nil {
		return err
	}
	if err := atomicfile.Create(f.path(messagesDir, id), message, filePerm); err != nil {
		return fmt.Errorf("mailbox: posting: %w", err)
	}
	return nil
}

// makeRoom returns an error wrapping [ErrFull] if nothing more may be kept, not
// even once what is out of date is gone.
func (f *Folder) makeRoom() error {
	n, err := f.count()
	if err != nil || n < f.options.MaxItems {
		return err
	}
	if _, err := f.Sweep(); err != nil {
		return err
	}
	if n, err = f.count(); err != nil || n < f.options.MaxItems {
		return err
	}
	return fmt.Errorf("mailbox: %w", ErrFull)
}

func (f *Folder) count() (n int, err error) {
	for _, d := range []string{messagesDir, answersDir} {
		entries, err := os.ReadDir(filepath.Join(f.dir, d))
		if err != nil {
			return 0, fmt.Errorf("mailbox: %w", err)
		}
		n += len(entries)
	}
	return n, nil
}

// Answer implements [Mailbox].
func (f *Folder) Answer(_ context.Context, id ID) ([]byte, error) {
	answer, err := f.read(answersDir, id, MaxAnswer)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("mailbox: %w", ErrNoAnswer)
	}
	return answer, err
}

func (f *Folder) answered(id ID) bool {
	_, err := os.Lstat(f.path(answersDir, id))
	return err == nil
}

func (f *Folder) path(dir string, id ID) string { return filepath.Join(f.dir, dir, id.String()) }

// read returns a file's content. Others can write into the folder: what is no
// regular file of a possible size is malformed, and nothing is waited for.
func (f *Folder) read(dir string, id ID, most int) ([]byte, error) {
	path := f.path(dir, id)
	info, err := os.Lstat(path)
	if err != nil {
		return nil, fmt.Errorf("mailbox: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, malformed("file", "one in %s is no regular file", dir)
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // it may be a pipe by now
	if err != nil {
		return nil, fmt.Errorf("mailbox: %w", err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, int64(most)+1))
	if err != nil {
		return nil, fmt.Errorf("mailbox: %w", err)
	}
	if err := checkSize("file", content, most); err != nil {
		return nil, err
	}
	return content, nil
}
