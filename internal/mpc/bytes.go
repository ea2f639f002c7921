package mpc

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"

	"github.com/zkkex/zkkex/internal/point"
)

// challengeSize is the size of a challenge, a SHA-256, in bytes.
const challengeSize = sha256.Size

// reader takes the parts off bytes whose total size was checked, keeps the first
// error, and puts off the decoding of points, which takes long, until the shape
// is known to be right.
type reader struct {
	rest []byte
	err  error
	work *work
}

// read starts reading bytes that must have exactly the given size.
func read(b []byte, size int) *reader {
	r := &reader{rest: b, work: newStep("decoding", 0, nil).part()}
	if len(b) != size {
		r.err = fmt.Errorf("expected %d bytes, got %d", size, len(b))
	}
	return r
}

// finish decodes the points, on all processors.
func (r *reader) finish() error {
	if r.err == nil {
		r.err = r.work.run(context.Background())
	}
	if r.err != nil {
		return &CheckError{Check: CheckEncoding, Err: r.err}
	}
	return nil
}

// take returns the next n bytes, or nil after an error.
func (r *reader) take(n int) []byte {
	if r.err != nil {
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

// number reads a big-endian number of the given size that must be want.
func (r *reader) number(name string, size, want int) {
	b := r.take(size)
	if r.err != nil {
		return
	}
	var wide [8]byte
	copy(wide[len(wide)-size:], b)
	if got := binary.BigEndian.Uint64(wide[:]); got != uint64(want) {
		r.err = fmt.Errorf("%s: expected %d, got %d", name, want, got)
	}
}

func (r *reader) g1(name string, p *curve.G1Affine) {
	if b := r.take(point.G1Size); r.err == nil {
		r.work.add(1, func(int, int) error { return named(name, point.ParseG1(p, b)) })
	}
}

func (r *reader) g2(name string, p *curve.G2Affine) {
	if b := r.take(point.G2Size); r.err == nil {
		r.work.add(1, func(int, int) error { return named(name, point.ParseG2(p, b)) })
	}
}

func (r *reader) g1s(name string, points []curve.G1Affine) {
	b := r.take(len(points) * point.G1Size)
	if r.err != nil {
		return
	}
	r.work.add(len(points), func(start, end int) error {
		for i := start; i < end; i++ {
			if err := point.ParseG1(&points[i], b[i*point.G1Size:(i+1)*point.G1Size]); err != nil {
				return fmt.Errorf("%s: point %d of %d: %w", name, i+1, len(points), err)
			}
		}
		return nil
	})
}

func (r *reader) g2s(name string, points []curve.G2Affine) {
	b := r.take(len(points) * point.G2Size)
	if r.err != nil {
		return
	}
	r.work.add(len(points), func(start, end int) error {
		for i := start; i < end; i++ {
			if err := point.ParseG2(&points[i], b[i*point.G2Size:(i+1)*point.G2Size]); err != nil {
				return fmt.Errorf("%s: point %d of %d: %w", name, i+1, len(points), err)
			}
		}
		return nil
	})
}

func named(name string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// challenge reads the hash of the contribution before, behind its length.
func (r *reader) challenge() []byte {
	r.number("size of the challenge", 1, challengeSize)
	return bytes.Clone(r.take(challengeSize))
}

func appendG1(b []byte, points ...curve.G1Affine) []byte {
	for i := range points {
		encoded := points[i].Bytes()
		b = append(b, encoded[:]...)
	}
	return b
}

func appendG2(b []byte, points ...curve.G2Affine) []byte {
	for i := range points {
		encoded := points[i].Bytes()
		b = append(b, encoded[:]...)
	}
	return b
}

// appendChallenge appends the challenge behind its length: none before the first
// contribution.
func appendChallenge(b, challenge []byte) []byte {
	return append(append(b, byte(len(challenge))), challenge...)
}
