package admission

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/session"
)

// Record is what a venue keeps of an admitted certificate.
type Record struct {
	// Certificate is the certificate's digest: that of Statement and Key.
	Certificate session.Digest
	// Statement is what its proof showed. Its scope and nullifier are the
	// record's first key.
	Statement zkkex.Statement
	// Epoch is the epoch that the nullifier counts in.
	Epoch zkkex.Epoch
	// Key is the session key, an X25519 public key. With the scope it is the
	// record's second key.
	Key [32]byte
	// Generation is the venue's when the certificate was admitted.
	Generation uint32
}

// RecordSize is the size of an encoded record, in bytes.
const RecordSize = 32 + zkkex.StatementSize + 8 + 4 + 8 + 32 + 4

const recordFormat = "admission record"

// NewRecord returns the record of a presentation that a venue of this
// generation would make. It returns an error wrapping [zkkex.ErrMalformed] if
// the presentation authorises no session key, or its epoch is none.
func NewRecord(p *zkkex.Presentation, generation uint32) (*Record, error) {
	digest, err := session.DigestOf(p)
	if err != nil {
		return nil, err
	}
	r := &Record{
		Certificate: digest,
		Statement:   p.Statement,
		Epoch:       p.Epoch,
		Key:         p.Authorization.Value,
		Generation:  generation,
	}
	if _, err := r.Shard(); err != nil {
		return nil, err
	}
	return r, nil
}

// Shard is the part of a store that a record belongs to. A scope has one epoch,
// so it has one shard.
type Shard struct {
	// Scope is the scope.
	Scope zkkex.Scope
	// End is the first instant after its epoch, in whole seconds.
	End time.Time
}

// shardKey is what stores key a shard by.
type shardKey struct {
	scope zkkex.Scope
	end   int64 // Unix seconds
}

const (
	// latestUnix is the last second of the year 9999.
	latestUnix = 253402300799
	// neverClosed is before the end of every epoch.
	neverClosed = -1
)

func (s Shard) key() (shardKey, error) {
	end := s.End.Unix()
	if s.End.Nanosecond() != 0 || end < 0 || end > latestUnix {
		return shardKey{}, fmt.Errorf("admission: the epoch ends at %v, expected a whole second in the years 1970 to 9999", s.End)
	}
	return shardKey{s.Scope, end}, nil
}

// Shard returns the record's shard. It returns an error wrapping
// [zkkex.ErrMalformed] if its epoch is none.
func (r *Record) Shard() (Shard, error) {
	end, err := r.Epoch.End()
	if err != nil {
		return Shard{}, &zkkex.ParseError{Format: recordFormat, Err: err}
	}
	return Shard{Scope: r.Statement.Scope, End: end}, nil
}

// AppendBinary appends the encoding of r to b: certificate digest (32 bytes),
// statement (134), epoch origin (8), length (4) and number (8), session key
// (32), generation (4). Integers are big-endian. It never fails; the error is
// there for [encoding.BinaryAppender].
func (r *Record) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, r.Certificate[:]...)
	b, _ = r.Statement.AppendBinary(b)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Epoch.Origin))
	b = binary.BigEndian.AppendUint32(b, r.Epoch.Length)
	b = binary.BigEndian.AppendUint64(b, r.Epoch.Number)
	b = append(b, r.Key[:]...)
	return binary.BigEndian.AppendUint32(b, r.Generation), nil
}

// ParseRecord decodes a record. It returns an error wrapping
// [zkkex.ErrMalformed] if the length is not [RecordSize], if statement or epoch
// are malformed, or if the digest is not that of statement and key, and
// [zkkex.ErrUnsupported] for an unknown circuit.
func ParseRecord(b []byte) (*Record, error) {
	if len(b) != RecordSize {
		return nil, malformed("expected %d bytes, got %d", RecordSize, len(b))
	}
	const epochAt = 32 + zkkex.StatementSize
	st, err := zkkex.ParseStatement(b[32:epochAt])
	if err != nil {
		return nil, err
	}
	r := &Record{
		Certificate: session.Digest(b[:32]),
		Statement:   *st,
		Epoch: zkkex.Epoch{
			Schedule: zkkex.Schedule{
				Origin: int64(binary.BigEndian.Uint64(b[epochAt:])),
				Length: binary.BigEndian.Uint32(b[epochAt+8:]),
			},
			Number: binary.BigEndian.Uint64(b[epochAt+12:]),
		},
		Key:        [32]byte(b[epochAt+20 : epochAt+52]),
		Generation: binary.BigEndian.Uint32(b[epochAt+52:]),
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	return r, nil
}

// check returns an error if the record contradicts itself.
func (r *Record) check() error {
	if _, err := r.Shard(); err != nil {
		return err
	}
	digest, err := session.DigestOf(&zkkex.Presentation{Statement: r.Statement, Authorization: zkkex.SessionKey(r.Key)})
	if err != nil {
		return err
	}
	if digest != r.Certificate {
		return malformed("digest %v, and that of its statement and key is %v", r.Certificate, digest)
	}
	return nil
}

// admission returns what a handshake gets to see of the record.
func (r *Record) admission() *handshake.Admission {
	a := handshake.Admission(*r)
	return &a
}

// shardOf returns the shard of an admission that a gate returned.
func shardOf(a *handshake.Admission) (Shard, error) {
	if a == nil {
		return Shard{}, errors.New("admission: there is none")
	}
	r := Record(*a)
	return r.Shard()
}

func malformed(msg string, args ...any) error {
	return &zkkex.ParseError{Format: recordFormat, Err: fmt.Errorf(msg, args...)}
}
