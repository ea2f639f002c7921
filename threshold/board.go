package threshold

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/regularfile"
)

// Board is where members leave messages for each other. It is not trusted: messages
// are signed, and sealed where they are secret. It can lose messages, delay them, and
// show them to anybody; then nothing comes about, and nothing is lost.
type Board interface {
	// Post leaves a message under a topic. It returns an error wrapping [ErrFull] if
	// there are too many.
	Post(ctx context.Context, topic string, message []byte) error
	// Follow returns a reader of the topic's messages, from the first on.
	Follow(topic string) Follower
	// Remove takes away what the caller has posted and nobody needs any more, as well
	// as it can.
	Remove(ctx context.Context, topic string, message []byte) error
}

// Follower reads the messages of one topic, each once, in no particular order.
type Follower interface {
	// Next returns a message that it has not returned before. If there is none, it
	// waits for one; if wait is false, it returns nil. It returns ctx's error if that
	// ends first.
	Next(ctx context.Context, wait bool) ([]byte, error)
}

// MaxTopic bounds the number of messages under one topic.
const MaxTopic = 4096

// pollInterval is how often a shared folder is looked at.
const pollInterval = 20 * time.Millisecond

// checkTopic keeps a topic from being a path.
func checkTopic(topic string) error {
	if len(topic) < 1 || len(topic) > 80 || strings.Trim(topic, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return malformed("threshold topic", "expected 1 to 80 of a-z, 0-9 and hyphen, got %.80q", topic)
	}
	return nil
}

// Folder is a [Board] in a folder that all members can write to: a folder for each
// topic, and in it a file for each message, named by its SHA-256 digest. Files are
// written whole or not at all. Any means of sharing folders does, also one that
// copies files from time to time.
type Folder struct {
	dir  string
	most int // messages under one topic
}

// NewFolder returns the board in a folder, which must exist.
func NewFolder(dir string) (*Folder, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("the shared folder: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("the shared folder: %s is not a folder", dir)
	}
	return &Folder{dir: dir, most: MaxTopic}, nil
}

// Post writes the message's file.
func (b *Folder) Post(_ context.Context, topic string, message []byte) error {
	if err := checkTopic(topic); err != nil {
		return err
	}
	if strings.HasPrefix(topic, requestsPrefix) {
		if err := b.prune(time.Now(), topic); err != nil {
			return err
		}
	}
	dir := filepath.Join(b.dir, topic)
	if err := os.Mkdir(dir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("leaving a message: %w", err)
	}
	names, err := b.names(topic)
	if err != nil {
		return err
	}
	if len(names) >= b.most {
		return fmt.Errorf("%w: %s", ErrFull, dir)
	}
	err = atomicfile.Create(filepath.Join(dir, nameOf(message)), message, 0o644)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("leaving a message: %w", err)
	}
	return nil
}

// Remove removes the message's file.
func (b *Folder) Remove(_ context.Context, topic string, message []byte) error {
	if err := checkTopic(topic); err != nil {
		return err
	}
	return os.Remove(filepath.Join(b.dir, topic, nameOf(message)))
}

// keep is how long requests and sessions stay in a folder: longer than any lives.
const keep = MaxRequestLife + time.Hour

// prune removes old requests, and the folders of old sessions.
func (b *Folder) prune(now time.Time, requests string) error {
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		return fmt.Errorf("leaving a message: %w", err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), sessionPrefix) || checkTopic(e.Name()) != nil || !e.IsDir() {
			continue
		}
		if err := removeOld(filepath.Join(b.dir, e.Name()), now, os.RemoveAll); err != nil {
			return err
		}
	}
	names, err := b.names(requests)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := removeOld(filepath.Join(b.dir, requests, name), now, os.Remove); err != nil {
			return err
		}
	}
	return nil
}

// removeOld removes what was last written longer ago than it is kept.
func removeOld(path string, now time.Time, remove func(string) error) error {
	info, err := os.Lstat(path)
	if err == nil && now.Sub(info.ModTime()) > keep {
		err = remove(path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing old messages: %w", err)
	}
	return nil
}

// has reports whether somebody has left a message under a topic.
func (b *Folder) has(topic string) bool {
	_, err := os.Stat(filepath.Join(b.dir, topic))
	return err == nil
}

// message returns a message by its name.
func (b *Folder) message(topic, name string) ([]byte, error) {
	return readBounded(os.DirFS(filepath.Join(b.dir, topic)), name, MaxMessage)
}

// nameOf returns the name of a message's file.
func nameOf(message []byte) string {
	digest := sha256.Sum256(message)
	return hex.EncodeToString(digest[:])
}

// names lists the messages in a topic's folder, and passes over what else is
// there: files that are being written, copied or synchronised.
func (b *Folder) names(topic string) ([]string, error) {
	dir := filepath.Join(b.dir, topic)
	f, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading messages: %w", err)
	}
	defer f.Close()
	entries, err := f.Readdirnames(2 * b.most)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading messages: %w", err)
	}
	var names []string
	for _, name := range entries {
		if _, err := parseHex(name, sha256.Size); err == nil {
			names = append(names, name)
		}
	}
	if len(names) > b.most {
		return nil, fmt.Errorf("%w: %s", ErrFull, dir)
	}
	return names, nil
}

// Follow returns a reader that looks at the folder again and again.
func (b *Folder) Follow(topic string) Follower {
	return &folderFollower{board: b, topic: topic, seen: make(map[string]bool)}
}

type folderFollower struct {
	board *Folder
	topic string
	seen  map[string]bool
	ready [][]byte
}

// Next returns the next message.
func (f *folderFollower) Next(ctx context.Context, wait bool) ([]byte, error) {
	if err := checkTopic(f.topic); err != nil {
		return nil, err
	}
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(f.ready) == 0 {
			if err := f.look(); err != nil {
				return nil, err
			}
		}
		if len(f.ready) > 0 {
			message := f.ready[0]
			f.ready = f.ready[1:]
			return message, nil
		}
		if !wait {
			return nil, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pollInterval):
		}
	}
}

// look reads the files that are new. One whose content is not what its name says is
// still being written, or damaged; it is looked at again.
func (f *folderFollower) look() error {
	names, err := f.board.names(f.topic)
	if err != nil {
		return err
	}
	for _, name := range names {
		if f.seen[name] {
			continue
		}
		message, err := f.board.message(f.topic, name)
		if err != nil || nameOf(message) != name {
			continue
		}
		f.seen[name] = true
		f.ready = append(f.ready, message)
	}
	return nil
}

// readBounded reads a regular file of at most so many bytes.
func readBounded(fsys fs.FS, name string, most int) ([]byte, error) {
	file, _, err := regularfile.Open(fsys, name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, int64(most)+1))
	if err != nil {
		return nil, err
	}
	if len(b) > most {
		return nil, fmt.Errorf("%s: expected at most %d bytes", name, most)
	}
	return b, nil
}
