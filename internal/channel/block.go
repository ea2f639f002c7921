package channel

import (
	"sync"

	"github.com/zkkex/zkkex/internal/record"
)

const (
	// idleBuffer is what a channel reads into while it waits for a record.
	idleBuffer = 256
	// sealedBlock holds sealed records, to be opened or to be sent: four of the
	// longest, in one system call.
	sealedBlock = 4 * record.MaxRecord
	// queueBlock holds opened records. A channel queues two blocks at most, which
	// is 64 KiB of plaintext and a little.
	queueBlock = 2 * record.MaxRecord
)

// sealed is records as they are on the wire.
type sealed [sealedBlock]byte

var sealeds = sync.Pool{New: func() any { return new(sealed) }}

func borrowSealed() *sealed { return sealeds.Get().(*sealed) }
func (b *sealed) giveBack() { sealeds.Put(b) }

// opened is plaintext, of which data[start:end] waits to be read.
type opened struct {
	start, end int
	data       [queueBlock]byte
}

var openeds = sync.Pool{New: func() any { return new(opened) }}

func borrowOpened() *opened { return openeds.Get().(*opened) }

// giveBack clears the plaintext: the next borrower is another channel.
func (b *opened) giveBack() {
	clear(b.data[:b.end])
	b.start, b.end = 0, 0
	openeds.Put(b)
}

// room reports whether any record can be opened into the block.
func (b *opened) room() bool { return len(b.data)-b.end >= record.MaxRecord }

// empty reports whether everything was read.
func (b *opened) empty() bool { return b.start == b.end }

// read moves plaintext to p.
func (b *opened) read(p []byte) int {
	n := copy(p, b.data[b.start:b.end])
	b.start += n
	return n
}
