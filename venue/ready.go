package venue

import (
	"errors"
	"fmt"

	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/registry/mirror"
)

// ErrNoDescriptor reports a venue without a descriptor that is valid and published:
// nobody can connect.
var ErrNoDescriptor = errors.New("no descriptor of the venue is valid and published")

// Ready returns nil if members can open sessions now, and will be able to: a
// published descriptor is valid, its root is known here, and the copy of the
// registry is fresh. Otherwise it says what is missing: an error wrapping
// [ErrNoDescriptor], [mirror.ErrNotSynced], [ErrClosed], or a
// [*registry.AgeError]. It asks nobody, and is quick.
func (v *Venue) Ready() error {
	if _, err := v.gate.open(); err != nil {
		return err
	}
	now := v.now()
	valid := v.store.Valid(now)
	published, err := v.published()
	if err != nil {
		return err
	}
	if len(valid) == 0 || valid[0].Number > published {
		return ErrNoDescriptor
	}
	newest := v.mirror.Checkpoint()
	if newest == nil {
		return mirror.ErrNotSynced
	}
	if err := newest.CheckAge(now, registry.DefaultMaxAge); err != nil {
		return err
	}
	current, err := valid[len(valid)-1].Schedule.At(now)
	if err != nil {
		return err
	}
	if terms, ok := valid[len(valid)-1].Terms(current.Number); ok && !v.knows(terms.Sequence) {
		return fmt.Errorf("the copy of the registry ends at checkpoint %d, before the named one, %d: %w", newest.Sequence, terms.Sequence, mirror.ErrNotSynced)
	}
	return nil
}
