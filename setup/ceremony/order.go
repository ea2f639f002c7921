package ceremony

import (
	"fmt"

	"github.com/zkkex/zkkex/setup/params"
)

// order is how far a ceremony is: what follows from the headers so far.
type order struct {
	definition *Definition
	ceremony   params.Digest
	previous   params.Digest // of the last file
	number     int           // of the last file
	phase      int           // that is under way: 1, 2, or complete
	made       [complete]int // contributions to each phase
}

// complete stands in a phase's place once both are closed.
const complete = 3

func begin(d *Definition, digest params.Digest) order {
	return order{definition: d, ceremony: digest, previous: digest, phase: d.firstPhase()}
}

// refusal is a header's failed check.
type refusal struct {
	check string
	err   error
}

func refuse(check, msg string, args ...any) *refusal {
	return &refusal{check: check, err: fmt.Errorf(msg, args...)}
}

// accept checks that h is the header of the next file, and takes it. The digest
// is that of the whole file.
func (o *order) accept(h *Header, digest params.Digest) *refusal {
	if r := o.checkChain(h); r != nil {
		return r
	}
	if r := o.checkPhase(h); r != nil {
		return r
	}
	o.number++
	o.previous = digest
	if h.Kind == Beacon {
		o.phase++
	} else {
		o.made[o.phase]++
	}
	return nil
}

func (o *order) checkChain(h *Header) *refusal {
	switch {
	case h.Circuit != o.definition.Circuit.Name:
		return refuse(CheckCircuit, "made for %q, the ceremony is for %q: ask the contributor for the file of this ceremony", h.Circuit, o.definition.Circuit.Name)
	case h.Ceremony != o.ceremony:
		return refuse(CheckCeremony, "made for the ceremony %v, this one is %v: compare %s with the contributor's", h.Ceremony, o.ceremony, DefinitionFile)
	case h.Number != o.number+1:
		return refuse(CheckNumber, "the header says number %d, expected %d: a file goes by the number that it was made with", h.Number, o.number+1)
	case h.Previous != o.previous:
		return refuse(CheckPrevious, "made upon a file with SHA-256 %v, the one before it here has %v: either that one was changed or replaced, or this one was made upon another; its contributor must contribute again, upon the files here", h.Previous, o.previous)
	}
	return nil
}

func (o *order) checkPhase(h *Header) *refusal {
	switch {
	case o.phase == complete:
		return refuse(CheckPhase, "the ceremony is closed by the beacon number %d: nothing can follow", o.number)
	case h.Phase > o.phase:
		return refuse(CheckPhase, "of phase %d, but no beacon has closed phase %d", h.Phase, o.phase)
	case h.Phase < o.phase:
		return refuse(CheckPhase, "of phase %d, which is closed: expected phase %d", h.Phase, o.phase)
	}
	if h.Kind == Beacon {
		return o.checkBeacon(h)
	}
	if want := o.definition.payloadSize(h.Phase); h.Payload.Size != want {
		return refuse(CheckSize, "payload of %d bytes, expected %d for phase %d of this circuit", h.Payload.Size, want, h.Phase)
	}
	return nil
}

func (o *order) checkBeacon(h *Header) *refusal {
	if o.made[o.phase] < 1 {
		return refuse(CheckContributions, "a beacon closes phase %d, to which nobody contributed: everybody knows what a beacon does, so everybody could forge; expected at least one contribution before it", o.phase)
	}
	if want := o.definition.Announced(o.phase); want != "" && h.Beacon.Source != want {
		return refuse(CheckBeacon, "from %q, but %s announced %q", h.Beacon.Source, DefinitionFile, want)
	}
	return nil
}
