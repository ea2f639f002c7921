package ptau

import (
	"context"
	"crypto/sha256"
	"hash"
)

// chunkSize is how much is read at once, in bytes. It is a multiple of the size
// of a point.
const chunkSize = 256 << 10

// stepDigest, and the names of sections, are the steps told to a [Progress].
const (
	stepDigest        = "digest of the file"
	stepContributions = "contributions"
	stepBeacon        = "beacon"
	stepChallenge     = "hash of all points"
)

// SHA256 returns the digest of the whole file. It reads all of it; progress
// counts MiB.
func (f *File) SHA256(ctx context.Context, progress Progress) ([sha256.Size]byte, error) {
	h := sha256.New()
	whole := section{offset: 0, size: f.size}
	count := counter{step: stepDigest, total: f.size, progress: progress}
	if err := f.hash(ctx, h, whole, &count, nil); err != nil {
		return [sha256.Size]byte{}, err
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// counter tells a [Progress] about bytes in MiB.
type counter struct {
	step        string
	done, total int64
	progress    Progress
}

func (c *counter) add(n int) {
	c.done += int64(n)
	if c.progress != nil {
		const mebibyte = 1 << 20
		c.progress(c.step, int((c.done+mebibyte-1)/mebibyte), int((c.total+mebibyte-1)/mebibyte))
	}
}

// hash writes a section to h by chunks, each as convert returns it if it is not
// nil.
func (f *File) hash(ctx context.Context, h hash.Hash, s section, count *counter, convert func(chunk []byte, at int64) ([]byte, error)) error {
	buffer := make([]byte, min(s.size, chunkSize))
	for at := int64(0); at < s.size; at += chunkSize {
		if err := ctx.Err(); err != nil {
			return err
		}
		chunk := buffer[:min(s.size-at, chunkSize)]
		if err := readFull(f.r, chunk, s.name, s.offset+at); err != nil {
			return err
		}
		out := chunk
		if convert != nil {
			var err error
			if out, err = convert(chunk, at); err != nil {
				return err
			}
		}
		h.Write(out)
		count.add(len(chunk))
	}
	return nil
}
