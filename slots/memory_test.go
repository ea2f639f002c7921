package slots

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"sync"
)

var errPowerLoss = errors.New("power loss")

// memory is a folder that keeps what a disk may keep: names as of some moment
// since the last sync of the folder, and of files that were not synced, any
// part. Faults can be planted in it.
type memory struct {
	mu     sync.Mutex
	holder sync.Mutex

	names   map[string]*memoryFile
	durable map[string]*memoryFile
	inodes  uint64

	power int              // operations until power is lost; below 0: never
	fail  map[string]error // by operation

	ignoreFileSync   bool
	ignoreFolderSync bool
}

type memoryFile struct {
	data    []byte
	durable []byte
	at      place
}

func newMemory() *memory {
	return &memory{names: map[string]*memoryFile{}, durable: map[string]*memoryFile{}, power: -1, fail: map[string]error{}}
}

// afterPowerLoss returns what the disk holds when power comes back.
func (m *memory) afterPowerLoss(random *rand.Rand) *memory {
	after := newMemory()
	after.inodes = m.inodes
	after.ignoreFileSync, after.ignoreFolderSync = m.ignoreFileSync, m.ignoreFolderSync
	kept := m.durable
	if random.IntN(2) == 0 {
		kept = m.names
	}
	for name, f := range kept {
		data := f.durable
		if string(f.data) != string(f.durable) && random.IntN(2) == 0 {
			data = f.data[:random.IntN(len(f.data)+1)]
		}
		settled := &memoryFile{data: data, durable: data, at: f.at}
		after.names[name], after.durable[name] = settled, settled
	}
	return after
}

// step counts an operation down, and is an error once power is lost.
func (m *memory) step(operation string) error {
	if err := m.fail[operation]; err != nil {
		return err
	}
	if m.power == 0 {
		return errPowerLoss
	}
	if m.power > 0 {
		m.power--
	}
	return nil
}

func (m *memory) lock() (func(), error) {
	m.holder.Lock()
	return m.holder.Unlock, nil
}

func (m *memory) create(name string) (file, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step("create"); err != nil {
		return nil, err
	}
	if m.names[name] != nil {
		return nil, fs.ErrExist
	}
	m.inodes++
	f := &memoryFile{at: place{inode: m.inodes, birth: int64(m.inodes)}}
	m.names[name] = f
	return &memoryHandle{m: m, f: f}, nil
}

func (m *memory) open(name string) (file, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step("open"); err != nil {
		return nil, err
	}
	f := m.names[name]
	if f == nil {
		return nil, fs.ErrNotExist
	}
	return &memoryHandle{m: m, f: f}, nil
}

func (m *memory) rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step("rename"); err != nil {
		return err
	}
	m.names[to] = m.names[from]
	delete(m.names, from)
	return nil
}

func (m *memory) remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step("remove"); err != nil {
		return err
	}
	if m.names[name] == nil {
		return fs.ErrNotExist
	}
	delete(m.names, name)
	return nil
}

func (m *memory) sync() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step("sync folder"); err != nil || m.ignoreFolderSync {
		return err
	}
	m.durable = map[string]*memoryFile{}
	for name, f := range m.names {
		m.durable[name] = f
	}
	return nil
}

func (m *memory) close() error { return nil }

type memoryHandle struct {
	m  *memory
	f  *memoryFile
	at int
}

func (h *memoryHandle) Read(b []byte) (int, error) {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	if h.at == len(h.f.data) {
		return 0, io.EOF
	}
	n := copy(b, h.f.data[h.at:])
	h.at += n
	return n, nil
}

func (h *memoryHandle) Write(b []byte) (int, error) {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	if err := h.m.step("write"); err != nil {
		return 0, err
	}
	h.f.data = append(h.f.data, b...)
	return len(b), nil
}

func (h *memoryHandle) place() (place, uint64, error) { return h.f.at, 1, nil }

func (h *memoryHandle) sync() error {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	if err := h.m.step("sync file"); err != nil || h.m.ignoreFileSync {
		return err
	}
	h.f.durable = append([]byte(nil), h.f.data...)
	return nil
}

func (h *memoryHandle) close() error { return nil }
