package threshold

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/zkkex/zkkex/internal/domain"
)

// kind is what a message is.
type kind uint8

// The kinds: of key generations and refreshes, then of signings.
const (
	kindCommit       kind = 1
	kindDeal         kind = 2
	kindConfirm      kind = 3
	kindComplaint    kind = 4
	kindEquivocation kind = 5
	kindAbort        kind = 6

	kindRequest     kind = 16
	kindCommitments kind = 17
	kindPackage     kind = 18
	kindShare       kind = 19
	kindRefusal     kind = 20
	kindDone        kind = 21
)

const (
	messageMagic = "zkkextm1"
	headerSize   = len(messageMagic) + 1 + 2 + 32
	// MaxMessage bounds a message, in bytes.
	MaxMessage = 128 << 10
)

// message is what members send: signed by its sender's long-term key.
type message struct {
	kind    kind
	from    sender
	context [32]byte // what it belongs to
	body    []byte
	sig     [ed25519.SignatureSize]byte
}

// header returns what stands before the body.
func (m *message) header() []byte {
	b := append([]byte(messageMagic), byte(m.kind))
	b = binary.BigEndian.AppendUint16(b, uint16(m.from))
	return append(b, m.context[:]...)
}

// encode returns header, body and signature.
func (m *message) encode() []byte {
	return append(append(m.header(), m.body...), m.sig[:]...)
}

// parseMessage reads a message. Its sender and signature are not checked.
func parseMessage(b []byte) (*message, error) {
	const format = "threshold message"
	if len(b) < headerSize+ed25519.SignatureSize || len(b) > MaxMessage {
		return nil, malformed(format, "expected %d to %d bytes, got %d", headerSize+ed25519.SignatureSize, MaxMessage, len(b))
	}
	if string(b[:len(messageMagic)]) != messageMagic {
		return nil, malformed(format, "it does not begin with %q", messageMagic)
	}
	at := len(messageMagic)
	m := &message{kind: kind(b[at]), from: sender(binary.BigEndian.Uint16(b[at+1:])), context: [32]byte(b[at+3:])}
	m.body = b[headerSize : len(b)-ed25519.SignatureSize]
	m.sig = [ed25519.SignatureSize]byte(b[len(b)-ed25519.SignatureSize:])
	return m, nil
}

// open parses a message and checks that the sender it names signed it.
func (s *Setup) open(b []byte) (*message, error) {
	m, err := parseMessage(b)
	if err != nil {
		return nil, err
	}
	return m, s.checkReceipt(m.kind, m.from, m.context, m.receipt())
}

// openOf is [Setup.open] for a message of one kind, sender and context only: others
// cost no verification.
func (s *Setup) openOf(b []byte, k kind, from sender, context [32]byte) (*message, bool) {
	m, err := parseMessage(b)
	if err != nil || m.kind != k || m.from != from || m.context != context {
		return nil, false
	}
	return m, s.checkReceipt(k, from, context, m.receipt()) == nil
}

// receipt is what proves that a sender sent a message, without the message: the
// digest of its body, and its signature.
type receipt struct {
	digest [sha256.Size]byte
	sig    [ed25519.SignatureSize]byte
}

const receiptSize = sha256.Size + ed25519.SignatureSize

func (m *message) receipt() receipt { return receipt{sha256.Sum256(m.body), m.sig} }

func (r receipt) append(b []byte) []byte { return append(append(b, r.digest[:]...), r.sig[:]...) }

// signed returns what the sender's key signs.
func signed(k kind, from sender, context, digest [32]byte) []byte {
	return domain.Frame(domain.ThresholdMessage, []byte{byte(k)}, domain.Uint16(uint16(from)), context[:], digest[:])
}

// checkReceipt returns an error wrapping [ErrSender] unless the receipt is one of
// such a message.
func (s *Setup) checkReceipt(k kind, from sender, context [32]byte, r receipt) error {
	who, err := s.member(from)
	if err != nil {
		return err
	}
	if !ed25519.Verify(who.Key, signed(k, from, context, r.digest), r.sig[:]) {
		return fmt.Errorf("%w: it says that it is of %s", ErrSender, who.Name)
	}
	return nil
}

// fields reads a body of fixed-size fields.
type fields struct {
	rest  []byte
	short bool
}

// next returns the next size bytes, or zeros if there are fewer.
func (f *fields) next(size int) []byte {
	if len(f.rest) < size {
		f.short, f.rest = true, nil
		return make([]byte, size)
	}
	field := f.rest[:size:size]
	f.rest = f.rest[size:]
	return field
}

func (f *fields) byte() byte     { return f.next(1)[0] }
func (f *fields) uint16() uint16 { return binary.BigEndian.Uint16(f.next(2)) }
func (f *fields) uint64() uint64 { return binary.BigEndian.Uint64(f.next(8)) }
func (f *fields) hash() [32]byte { return [32]byte(f.next(32)) }
func (f *fields) sender() sender { return sender(f.uint16()) }
func (f *fields) receipt() receipt {
	return receipt{f.hash(), [ed25519.SignatureSize]byte(f.next(ed25519.SignatureSize))}
}

// end returns an error unless the body was as long as its fields.
func (f *fields) end() error {
	if f.short || len(f.rest) > 0 {
		return fmt.Errorf("%w: it is not as long as its fields", ErrBadMessage)
	}
	return nil
}
