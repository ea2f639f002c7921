package member

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry"
)

// Revocation is the operation that removed a leaf.
type Revocation struct {
	// Operation is its number in the registry's log, from 0.
	Operation uint64
	// Index is where the leaf was.
	Index uint64
}

// revocation returns the last operation on the member's leaf among the first
// sequence ones of the registry's log, if that is a revocation, or nil. It reads
// the mirror's copy of the log from its beginning.
func (m *Member) revocation(id zkkex.RegistryID, sequence uint64) (*Revocation, error) {
	f, err := os.Open(filepath.Join(m.dir, registriesName, hex.EncodeToString(id[:]), "operations"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<16)
	if _, err := in.ReadSlice('\n'); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	leaf := m.Public().Commitment()
	var last *Revocation
	var b [registry.OperationSize]byte
	for n := range sequence {
		if _, err := io.ReadFull(in, b[:]); err != nil {
			return nil, fmt.Errorf("%s, operation %d: %w", f.Name(), n, err)
		}
		if !bytes.Contains(b[:], leaf[:]) {
			continue
		}
		op, err := registry.ParseOperation(b[:])
		if err != nil {
			return nil, fmt.Errorf("%s, operation %d: %w", f.Name(), n, err)
		}
		switch {
		case op.Leaf == leaf && op.Kind == registry.Revoke:
			last = &Revocation{Operation: n, Index: op.Index}
		case op.Leaf == leaf:
			last = nil
		}
	}
	return last, nil
}
