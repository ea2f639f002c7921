package ceremony

import (
	"time"

	"github.com/zkkex/zkkex/setup/params"
)

// Status says how far a ceremony is.
type Status struct {
	// Phase is the phase that is under way, 1 or 2, or 0 if both are closed.
	Phase int
	// Next is the number of the next file, or 0 if both phases are closed.
	Next int
	// Made counts the contributions to phase 1 and phase 2, without beacons.
	Made [2]int
	// Announced is the beacon that was announced for the phase under way, or "".
	Announced string
	// Entries are the files so far, beacons included, in order.
	Entries []Entry
}

// Complete reports whether both phases are closed, so that the parameters can be
// sealed.
func (s *Status) Complete() bool { return s.Phase == 0 }

// Closable reports whether a beacon can come next: whether there is a contribution
// to the phase under way.
func (s *Status) Closable() bool { return s.Phase != 0 && s.Made[s.Phase-1] > 0 }

// Entry is a file of the chain.
type Entry struct {
	// File is its name.
	File string
	// Digest is the SHA-256 of the whole file.
	Digest params.Digest
	// Size is the size of the whole file in bytes.
	Size int64
	// Number and Phase are its place.
	Number, Phase int
	// Kind tells contributions from beacons.
	Kind Kind
	// Contributor is who made it, as they call themselves; "" for a beacon.
	Contributor string
	// Beacon is the value of a beacon.
	Beacon *BeaconValue
	// Created is when it was made, as its maker says.
	Created time.Time
	// Key is the SSH key that signed it, in the form of an authorized_keys file, or
	// "".
	Key string
}

// Status returns how far the ceremony is.
func (c *Ceremony) Status() Status {
	o := c.order()
	s := Status{Made: [2]int{o.made[1], o.made[2]}}
	if o.phase != complete {
		s.Phase, s.Next, s.Announced = o.phase, o.number+1, c.definition.Announced(o.phase)
	}
	for i := range c.files {
		s.Entries = append(s.Entries, c.files[i].entry())
	}
	return s
}

// order returns the state after all files.
func (c *Ceremony) order() order {
	o := begin(c.definition, c.digest)
	for i := range c.files {
		f := &c.files[i]
		o.accept(&f.Header, f.content.SHA256) // was accepted when it was read
	}
	return o
}

func (f *file) entry() Entry {
	h := &f.Header
	return Entry{
		File: f.name, Digest: f.content.SHA256, Size: f.content.Size,
		Number: h.Number, Phase: h.Phase, Kind: h.Kind,
		Contributor: h.Contributor, Beacon: h.Beacon, Created: h.Created, Key: h.Key,
	}
}
