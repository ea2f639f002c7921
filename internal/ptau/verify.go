package ptau

import (
	"bytes"
	"context"
)

// Verify checks the chain of contributions as [Chain.Verify] does, against the
// file's points.
//
// In a file that was not truncated it also compares the hash of all points with
// the one in the last contribution, which reads most of the file. In a truncated
// one nothing can be compared: the hash is over what was cut off.
//
// What is not shown, since no file can show it: who the contributors were. See
// [Contribution].
//
// It returns an [*Error], ctx's error or the reader's. Progress counts
// contributions, then MiB.
func (f *File) Verify(ctx context.Context, progress Progress) error {
	last, err := f.verifyChain(ctx, progress)
	if err != nil {
		return err
	}
	first, err := f.readSRS(ctx, 2, nil)
	if err != nil {
		return err
	}
	if err := last.check(first); err != nil {
		return err
	}
	return f.verifyChallenge(ctx, progress)
}

// verifyChain checks the contributions, once, and returns what they led to.
func (f *File) verifyChain(ctx context.Context, progress Progress) (*accumulator, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last == nil {
		last, err := f.chain.verify(ctx, progress)
		if err != nil {
			return nil, err
		}
		f.last = last
	}
	return f.last, nil
}

// verifyChallenge compares the hash of all points with the last contribution's,
// if all points are there.
func (f *File) verifyChallenge(ctx context.Context, progress Progress) error {
	if f.power != f.ceremonyPower {
		return nil
	}
	last := &f.chain.contributions[len(f.chain.contributions)-1]
	count := counter{step: stepChallenge, progress: progress}
	for number := uint32(sectionTauG1); number <= sectionBetaG2; number++ {
		count.total += f.sections[number].size
	}
	h := newHash()
	h.Write(last.response[:])
	out := make([]byte, 0, chunkSize)
	for number := uint32(sectionTauG1); number <= sectionBetaG2; number++ {
		s, size := f.sections[number], g1Size
		if number == sectionTauG2 || number == sectionBetaG2 {
			size = g2Size
		}
		err := f.hash(ctx, h, s, &count, func(chunk []byte, at int64) ([]byte, error) {
			b, ok := uncompressed(out[:0], chunk, size)
			if !ok {
				return nil, refuse(s.name, CheckCanonical, "expected coordinates less than the field's modulus, from byte %d of the section on", at)
			}
			return b, nil
		})
		if err != nil {
			return err
		}
	}
	if got := h.Sum(nil); !bytes.Equal(got, last.next[:]) {
		return refuseContribution(len(f.chain.contributions), CheckChallenge, "expected %x, the file's points give %x", last.next, got)
	}
	return nil
}
