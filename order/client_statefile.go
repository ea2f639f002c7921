package order

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"

	"github.com/zkkex/zkkex/internal/atomicfile"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/internal/filelock"
)

const (
	// StateMagic begins a state file.
	StateMagic = "zkkex/v1 order state\n"
	// MaxStateNames is how many sessions a state file remembers: those used last.
	MaxStateNames = 1024
	// MaxStateFile bounds a state file, in bytes.
	MaxStateFile = 16 << 20
)

// stateName returns what a state keeps a nullifier's numbers under.
func (s *Secret) stateName(nullifier [32]byte) StateName {
	return StateName(s.prf(domain.OrderState, nullifier[:])[:16])
}

// stateSeal returns what state files are sealed with.
func (s *Secret) stateSeal() (cipher.AEAD, error) {
	key := s.prf(domain.OrderState)
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// OpenState returns a [State] in a file, which is made when it is first needed, with
// mode 0600. It is sealed with the order secret: who reads the disk learns nothing
// but how much there is. Several processes can use one file. The format is in
// docs/spec/order-state.md.
//
// Each change replaces the file and waits until that is durable. The file of a
// session that is gone, or put back from a copy, cannot be told from one that never
// was; a client then refuses to take the session up, as far as the venue says that
// it was used, see [ErrState].
//
// It returns an error wrapping [github.com/zkkex/zkkex.ErrMalformed] for a file that
// is damaged or of another secret.
func OpenState(path string, s *Secret) (State, error) {
	seal, err := s.stateSeal()
	if err != nil {
		return nil, err
	}
	f := &fileState{path: path, seal: seal}
	_, err = f.read()
	return f, err
}

type fileState struct {
	path string
	seal cipher.AEAD
}

// stateEntry is what is kept under a name. The one changed last is the last.
type stateEntry struct {
	name  StateName
	next  uint64
	saved bool
	Saved
}

func (f *fileState) Reserve(ctx context.Context, name StateName, count uint64) (first uint64, err error) {
	err = f.change(ctx, name, func(e *stateEntry) error {
		if e.next > math.MaxUint64-count {
			return ErrState
		}
		first, e.next = e.next, e.next+count
		return nil
	})
	return first, err
}

func (f *fileState) Save(ctx context.Context, name StateName, s *Saved) error {
	return f.change(ctx, name, func(e *stateEntry) error {
		e.Saved, e.saved = *s, true
		return nil
	})
}

func (f *fileState) Load(ctx context.Context, name StateName) (*Saved, error) {
	entries, err := f.read()
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.name == name && e.saved {
			return &e.Saved, nil
		}
	}
	return nil, nil
}

// change changes what is kept under a name, and makes it the last.
func (f *fileState) change(ctx context.Context, name StateName, do func(*stateEntry) error) error {
	lock, err := filelock.Wait(ctx, f.path+".lock")
	if err != nil {
		return err
	}
	return errors.Join(f.changeLocked(name, do), lock.Release())
}

func (f *fileState) changeLocked(name StateName, do func(*stateEntry) error) error {
	entries, err := f.read()
	if err != nil {
		return err
	}
	e := &stateEntry{name: name}
	for i := range entries {
		if entries[i].name == name {
			e = entries[i]
			entries = append(entries[:i], entries[i+1:]...)
			break
		}
	}
	if err := do(e); err != nil {
		return err
	}
	entries = append(entries, e)
	if n := len(entries) - MaxStateNames; n > 0 {
		entries = entries[n:]
	}
	text, err := encodeState(entries)
	if err != nil {
		return err
	}
	if len(text) > MaxStateFile/2 {
		return fmt.Errorf("%w: more requests are unanswered than a state file holds", ErrState)
	}
	return atomicfile.Write(f.path, f.close(text), 0o600)
}

// close seals a state. Nonces are random: a file is written some 2^24 times in a
// busy life, which is far from where two of 96 bits meet.
func (f *fileState) close(text []byte) []byte {
	nonce := make([]byte, f.seal.NonceSize())
	rand.Read(nonce) // never fails: it ends the process
	out := append([]byte(StateMagic), nonce...)
	return f.seal.Seal(out, nonce, text, []byte(StateMagic))
}

func (f *fileState) read() ([]*stateEntry, error) {
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, MaxStateFile+1))
	if err != nil {
		return nil, err
	}
	entries, err := f.open(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	return entries, nil
}

func (f *fileState) open(b []byte) ([]*stateEntry, error) {
	if len(b) > MaxStateFile {
		return nil, malformed("order state", "expected at most %d bytes", MaxStateFile)
	}
	sealed, ok := bytes.CutPrefix(b, []byte(StateMagic))
	if !ok {
		return nil, malformed("order state", "expected the first line %q", StateMagic[:len(StateMagic)-1])
	}
	n := f.seal.NonceSize()
	if len(sealed) < n {
		return nil, malformed("order state", "it ends early")
	}
	text, err := f.seal.Open(nil, sealed[:n], sealed[n:], []byte(StateMagic))
	if err != nil {
		return nil, malformed("order state", "it was changed or damaged, or is of another order secret")
	}
	return parseState(text)
}

// encodeState returns the inside of a state file.
func encodeState(entries []*stateEntry) ([]byte, error) {
	var b []byte
	for _, e := range entries {
		b = append(b, e.name[:]...)
		b = binary.BigEndian.AppendUint64(b, e.next)
		kind := byte(0)
		if e.saved {
			kind = 1
		}
		b = append(b, kind)
		if !e.saved {
			continue
		}
		b = binary.BigEndian.AppendUint64(b, e.NextReport)
		b = binary.BigEndian.AppendUint32(b, uint32(len(e.Unanswered)))
		for _, r := range e.Unanswered {
			encoded, err := AppendRequest(nil, r)
			if err != nil {
				return nil, err
			}
			b = binary.BigEndian.AppendUint32(b, uint32(len(encoded)))
			b = append(b, encoded...)
		}
	}
	return b, nil
}

// parseState reads what encodeState writes, and nothing else.
func parseState(b []byte) ([]*stateEntry, error) {
	var entries []*stateEntry
	seen := map[StateName]bool{}
	r := stateReader{b: b}
	for len(r.b) > 0 && !r.bad {
		e := &stateEntry{name: StateName(r.bytes(16)), next: r.uint64()}
		switch r.bytes(1)[0] {
		case 0:
		case 1:
			e.saved, e.NextReport = true, r.uint64()
			r.requests(e)
		default:
			r.bad = true
		}
		if seen[e.name] || len(entries) == MaxStateNames {
			r.bad = true
		}
		seen[e.name] = true
		entries = append(entries, e)
	}
	if r.bad {
		return nil, malformed("order state", "what is sealed is not in the form that it is written in")
	}
	return entries, nil
}

type stateReader struct {
	b   []byte
	bad bool
}

// bytes returns the next n bytes; zeros if there are fewer.
func (r *stateReader) bytes(n int) []byte {
	if n > len(r.b) {
		r.bad, r.b = true, nil
		return make([]byte, min(n, 16))
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *stateReader) uint64() uint64 { return binary.BigEndian.Uint64(r.bytes(8)) }
func (r *stateReader) uint32() uint32 { return binary.BigEndian.Uint32(r.bytes(4)) }

func (r *stateReader) requests(e *stateEntry) {
	for n := r.uint32(); n > 0 && !r.bad; n-- {
		size := r.uint32()
		if size > MaxMessage {
			r.bad = true
			return
		}
		request, err := ParseRequest(r.bytes(int(size)))
		if r.bad || err != nil {
			r.bad = true
			return
		}
		e.Unanswered = append(e.Unanswered, request)
	}
}
