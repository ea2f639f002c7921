package ptau

import (
	"context"
	"errors"
	"io"
	"math/big"
	"testing"
)

// TestSectionsAreMeasuredBeforeReading has files in which a section that is read as a
// whole claims a terabyte, and is there as far as anybody can tell.
func TestSectionsAreMeasuredBeforeReading(t *testing.T) {
	for _, number := range []uint32{sectionHeader, sectionContributions} {
		forged := forgery{4, big.NewInt(1234567), big.NewInt(89), big.NewInt(1011), 16}
		good := forged.file(t)
		found, err := sections(good, good.size)
		if err != nil {
			t.Fatal(err)
		}
		s := &sparse{parts: map[int64][]byte{0: good.parts[0]}, size: int64(containerHeader)}
		for n := uint32(sectionHeader); n <= sectionContributions; n++ {
			section := found[n]
			content, err := read(good, good.size, section.name, section.offset, int(section.size))
			if err != nil {
				t.Fatal(err)
			}
			size := section.size
			if n == number {
				size = 1 << 40
			}
			s.add(n, size, content)
		}
		s.read = 0
		_, err = Open(s, s.size)
		var refused *Error
		if !errors.As(err, &refused) || refused.Check != CheckFormat || refused.Section != names[number] || s.read > 1000 {
			t.Errorf("%s: %v after %d bytes, want a refusal by %q", names[number], err, s.read, CheckFormat)
		}
	}
}

// TestNoDigestOfAPart: a digest is of the whole file or is none.
func TestNoDigestOfAPart(t *testing.T) {
	forged := forgery{4, big.NewInt(1234567), big.NewInt(89), big.NewInt(1011), 16}
	s := forged.file(t)
	whole := new(memory)
	for at, part := range s.parts {
		whole.put(at, part)
	}
	f, err := Open(whole, s.size)
	if err != nil {
		t.Fatal(err)
	}
	if digest, err := f.SHA256(t.Context(), nil); err != nil || digest == [32]byte{} {
		t.Fatalf("%x, %v", digest, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if digest, err := f.SHA256(ctx, nil); !errors.Is(err, context.Canceled) || digest != [32]byte{} {
		t.Errorf("ended: %x, %v", digest, err)
	}
	whole.b = whole.b[:len(whole.b)-1]
	var refused *Error
	if digest, err := f.SHA256(t.Context(), nil); !errors.As(err, &refused) || digest != [32]byte{} {
		t.Errorf("cut while it was open: %x, %v", digest, err)
	}
}

// memory is a file in memory that can be cut while it is open.
type memory struct{ b []byte }

func (m *memory) put(at int64, part []byte) {
	if missing := int(at) + len(part) - len(m.b); missing > 0 {
		m.b = append(m.b, make([]byte, missing)...)
	}
	copy(m.b[at:], part)
}

func (m *memory) ReadAt(p []byte, at int64) (int, error) {
	if at >= int64(len(m.b)) {
		return 0, io.EOF
	}
	n := copy(p, m.b[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
