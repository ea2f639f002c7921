package admission

import (
	"errors"
	"fmt"
	"slices"

	"github.com/zkkex/zkkex/venue/descriptor"
)

// Terms are what a venue admits by at one time.
type Terms struct {
	// Generation is the venue's. Raising it ends everything that was admitted
	// before.
	Generation uint32
	// Epochs are the accepted ones: this one and, ahead of its beginning, the
	// next one.
	Epochs []descriptor.EpochTerms
	// MaxOpens caps the opens of one certificate, MaxChannels its concurrent
	// channels.
	MaxOpens, MaxChannels uint32
	// Circuits are the accepted ones with their parameters, of those that the
	// gate has. None means all that it has.
	Circuits []descriptor.Circuit
}

// ErrTerms reports terms that contradict themselves, or those before.
var ErrTerms = errors.New("the venue's terms contradict themselves")

// TermsOf returns the terms of the descriptors that are valid at one time, the
// newest last. Of several generations, only those of the greatest count. It
// returns an error wrapping [ErrTerms] if there is no descriptor, or if two name
// different terms for one epoch.
func TermsOf(valid ...*descriptor.Descriptor) (Terms, error) {
	if len(valid) == 0 {
		return Terms{}, fmt.Errorf("%w: there is no descriptor", ErrTerms)
	}
	newest := valid[len(valid)-1]
	t := Terms{Generation: newest.Generation, MaxOpens: newest.MaxOpens, MaxChannels: newest.MaxChannels}
	for _, d := range valid {
		if d.Generation != t.Generation {
			continue
		}
		for _, e := range d.Epochs {
			if err := t.add(e); err != nil {
				return Terms{}, err
			}
		}
		for _, c := range d.Circuits {
			if !slices.Contains(t.Circuits, c) {
				t.Circuits = append(t.Circuits, c)
			}
		}
	}
	return t, nil
}

// add takes in what a descriptor names for an epoch, unless it is known.
func (t *Terms) add(e descriptor.EpochTerms) error {
	for _, known := range t.Epochs {
		if known == e {
			return nil
		}
		if known.Number == e.Number {
			return fmt.Errorf("%w: epoch %d was named with %+v, and now with %+v", ErrTerms, e.Number, known, e)
		}
	}
	t.Epochs = append(t.Epochs, e)
	return nil
}

// follows returns an error if t contradicts the terms before. What is named for an
// epoch is named once per generation: certificates were made by it.
func (t *Terms) follows(before Terms) error {
	if t.Generation < before.Generation {
		return fmt.Errorf("%w: generation %d after %d", ErrTerms, t.Generation, before.Generation)
	}
	if t.Generation > before.Generation {
		return nil
	}
	all := Terms{Epochs: slices.Clone(before.Epochs)}
	for _, e := range t.Epochs {
		if err := all.add(e); err != nil {
			return err
		}
	}
	return nil
}

func (t *Terms) check() error {
	switch {
	case len(t.Epochs) == 0:
		return fmt.Errorf("%w: no epoch", ErrTerms)
	case t.MaxOpens == 0 || t.MaxChannels == 0:
		return fmt.Errorf("%w: %d opens and %d channels per certificate, expected at least 1 each", ErrTerms, t.MaxOpens, t.MaxChannels)
	}
	seen := make(map[uint64]bool)
	for _, e := range t.Epochs {
		if seen[e.Number] {
			return fmt.Errorf("%w: epoch %d is named twice", ErrTerms, e.Number)
		}
		seen[e.Number] = true
	}
	return nil
}
