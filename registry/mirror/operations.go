package mirror

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/zkkex/zkkex/registry"
)

// operationsMagic is the first line of the operations file. The operations
// follow, in their binary form, one after another.
const operationsMagic = "zkkex/v1 operations\n"

// batchSize is the number of operations that are read, hashed or stored
// together: 256 bundles, the leaves below one hash tile of level 1.
const batchSize = 256 * 256

// operations is the copy of a registry's log on disk. It may end in operations
// of an unfinished sync, or in half of one: what counts is the checkpoint, and
// the rest is compared with the log's hashes before it is used.
type operations struct {
	f *os.File
}

// openOperations opens or creates the file. It returns an error wrapping
// [zkkex.ErrMalformed] if it is something else.
func openOperations(path string) (*operations, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	o := &operations{f: f}
	if err := o.checkMagic(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return o, nil
}

// checkMagic writes the first line into a file that is empty or holds a part of
// it, and compares it otherwise.
func (o *operations) checkMagic() error {
	head := make([]byte, len(operationsMagic))
	n, err := o.f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return err
	}
	if string(head[:n]) != operationsMagic[:n] {
		return malformed("operations file", "begins with %q, expected %q", head[:n], operationsMagic)
	}
	if n == len(head) {
		return nil
	}
	_, err = o.f.WriteAt([]byte(operationsMagic), 0)
	return err
}

// read returns the binary forms of the n operations from the first on. It
// returns an error wrapping [io.ErrUnexpectedEOF] if there are fewer.
func (o *operations) read(first, n uint64) ([]byte, error) {
	b := make([]byte, n*registry.OperationSize)
	_, err := o.f.ReadAt(b, offset(first))
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("operations file ends before operation %d: %w", first+n, io.ErrUnexpectedEOF)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// write puts operations, in their binary form, from the first on.
func (o *operations) write(first uint64, ops []byte) error {
	_, err := o.f.WriteAt(ops, offset(first))
	return err
}

// sync makes what was written durable.
func (o *operations) sync() error { return o.f.Sync() }

func (o *operations) close() error {
	if err := o.f.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return err
	}
	return nil
}

func offset(operation uint64) int64 {
	return int64(len(operationsMagic)) + int64(operation)*registry.OperationSize
}

// parseAll decodes operations that stand one after another. The first has the
// number that errors count from.
func parseAll(b []byte, first uint64) ([]registry.Operation, error) {
	ops := make([]registry.Operation, 0, len(b)/registry.OperationSize)
	for i := 0; i < len(b); i += registry.OperationSize {
		op, err := registry.ParseOperation(b[i : i+registry.OperationSize])
		if err != nil {
			return nil, fmt.Errorf("operation %d: %w", first+uint64(len(ops)), err)
		}
		ops = append(ops, op)
	}
	return ops, nil
}
