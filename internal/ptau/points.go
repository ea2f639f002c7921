package ptau

import (
	"context"
	"runtime"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
)

// g1s reads the first n points of a section of G1. The caller has made sure that
// the section has as many.
func (f *File) g1s(ctx context.Context, number uint32, n int, progress Progress) ([]curve.G1Affine, error) {
	return points(ctx, f, f.sections[number], n, g1Size, decodeG1, progress)
}

// g2s reads the first n points of a section of G2.
func (f *File) g2s(ctx context.Context, number uint32, n int, progress Progress) ([]curve.G2Affine, error) {
	return points(ctx, f, f.sections[number], n, g2Size, decodeG2, progress)
}

// points reads the first n points of a section by chunks.
func points[P any](ctx context.Context, f *File, s section, n, size int, decode func([]byte, *P) *Error, progress Progress) ([]P, error) {
	out := make([]P, n)
	perChunk := chunkSize / size
	buffer := make([]byte, min(n, perChunk)*size)
	for start := 0; start < n; start += perChunk {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		end := min(start+perChunk, n)
		chunk := buffer[:(end-start)*size]
		if err := readFull(f.r, chunk, s.name, s.offset+int64(start)*int64(size)); err != nil {
			return nil, err
		}
		if err := decodeAll(chunk, out[start:end], size, decode); err != nil {
			err.Section, err.Point = s.name, err.Point+start
			return nil, err
		}
		if progress != nil {
			progress(s.name, end, n)
		}
	}
	return out, nil
}

// decodeAll decodes points on all processors. The error is about the first point
// that is refused.
func decodeAll[P any](b []byte, out []P, size int, decode func([]byte, *P) *Error) *Error {
	workers := min(runtime.GOMAXPROCS(0), len(out))
	refused := make(chan *Error, workers)
	for w := range workers {
		start, end := w*len(out)/workers, (w+1)*len(out)/workers
		go func() {
			for i := start; i < end; i++ {
				if err := decode(b[i*size:(i+1)*size], &out[i]); err != nil {
					err.Point = i
					refused <- err
					return
				}
			}
			refused <- nil
		}()
	}
	var first *Error
	for range workers {
		if err := <-refused; err != nil && (first == nil || err.Point < first.Point) {
			first = err
		}
	}
	return first
}
