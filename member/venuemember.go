package member

import (
	"errors"
	"fmt"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/registry/mirror"
	"github.com/zkkex/zkkex/session"
)

// NotNamedError reports a member who was admitted after the venue had named the
// root that everybody proves against in an epoch. It matches [mirror.ErrNotMember].
type NotNamedError struct {
	// Venue is the venue's name.
	Venue string
	// Sequence is that of the named root.
	Sequence uint64
	// From is when the member's first epoch begins, and Named says that the venue
	// has named its root; until then, From is the earliest that it can be.
	From  time.Time
	Named bool
}

// Error says when sessions can be opened.
func (e *NotNamedError) Error() string {
	earliest := ""
	if !e.Named {
		earliest = " at the earliest"
	}
	return fmt.Sprintf("admitted to the registry after %s named the root of this epoch, checkpoint %d: sessions can be opened from %s%s",
		e.Venue, e.Sequence, e.From.UTC().Format(time.RFC3339), earliest)
}

// Is reports whether target is [mirror.ErrNotMember].
func (e *NotNamedError) Is(target error) bool { return target == mirror.ErrNotMember }

// checkMember returns an error wrapping [mirror.ErrNotMember], a [NotNamedError] if
// possible, unless the member is in the set that the terms name.
func (v *Venue) checkMember(t session.Terms) error {
	id, err := v.registry()
	if err != nil {
		return err
	}
	copied, err := v.member.Mirror(id)
	if err != nil {
		return err
	}
	_, _, err = copied.PathAt(v.member.Public().Commitment(), t.Sequence)
	return v.explain(err, copied, id, t)
}

// explain says more about a member that is not in a named set.
func (v *Venue) explain(err error, copied *mirror.Mirror, id zkkex.RegistryID, t session.Terms) error {
	if !errors.Is(err, mirror.ErrNotMember) {
		return err
	}
	leaf := v.member.Public().Commitment()
	if _, _, now := copied.Path(leaf); now != nil {
		return v.explainAbsence(err, copied, id)
	}
	named := v.seen.known().Latest().Epochs
	late := &NotNamedError{Venue: v.Name(), Sequence: t.Sequence}
	epoch := zkkex.Epoch{Schedule: t.Epoch.Schedule, Number: named[1].Number + 1}
	for _, n := range named {
		if n.Number <= t.Epoch.Number {
			continue
		}
		if _, _, err := copied.PathAt(leaf, n.Sequence); err == nil {
			epoch.Number, late.Named = n.Number, true
			break
		}
	}
	var none error
	if late.From, none = epoch.Start(); none != nil {
		return errors.Join(err, none)
	}
	return late
}

// explainAbsence says more about a member that the registry does not have now.
func (v *Venue) explainAbsence(err error, copied *mirror.Mirror, id zkkex.RegistryID) error {
	newest := copied.Checkpoint()
	if newest == nil {
		return err
	}
	revoked, failed := v.member.revocation(id, newest.Sequence)
	switch {
	case failed != nil:
		return errors.Join(err, failed)
	case revoked != nil:
		return fmt.Errorf("%w: it was revoked by operation %d", err, revoked.Operation)
	}
	return fmt.Errorf("%w: enrol, or sync once the registrar has admitted you", err)
}
