package params

import (
	"unicode"
	"unicode/utf8"

	"github.com/zkkex/zkkex/internal/plonk"
	"github.com/zkkex/zkkex/internal/public"
)

// Limits of what a [UniversalSetup] names.
const (
	// MaxSource bounds where the file is from, in runes.
	MaxSource = 128
	// MaxContributor bounds a contributor's name, in runes.
	MaxContributor = 40
	// MaxContributors bounds their number.
	MaxContributors = 256
	// maxPower is the largest power of a powers-of-tau file.
	maxPower = 28
)

// UniversalSetup says where the structured reference string of a set of PLONK is
// from. Whoever has the file can make the set again, byte for byte but for its
// date.
type UniversalSetup struct {
	// Source says where the file is from, such as its name or address.
	Source string `json:"source"`
	// File is the size and digest of the powers-of-tau file.
	File File `json:"file"`
	// Power is the base-2 logarithm of the number of powers in that file.
	Power int `json:"power"`
	// Contributors are the names that the file claims, beacons included; one
	// may be empty. Nobody has verified them.
	Contributors []string `json:"contributors"`
}

// clone returns a copy that shares nothing.
func (u *UniversalSetup) clone() *UniversalSetup {
	if u == nil {
		return nil
	}
	c := *u
	c.Contributors = append([]string{}, u.Contributors...)
	return &c
}

func (u *UniversalSetup) check() error {
	switch {
	case u == nil:
		return malformed("kind %q without a universal setup: expected where it is from", Universal)
	case u.Source == "" || !isText(u.Source, MaxSource):
		return malformed("universal setup: source %q, expected 1 to %d printable characters", u.Source, MaxSource)
	case u.File.Size < 1:
		return malformed("universal setup: a file of %d bytes, expected at least 1", u.File.Size)
	case u.Power < 1 || u.Power > maxPower:
		return malformed("universal setup: power %d, expected 1 to %d", u.Power, maxPower)
	case len(u.Contributors) < 1 || len(u.Contributors) > MaxContributors:
		return malformed("universal setup: %d contributors, expected 1 to %d", len(u.Contributors), MaxContributors)
	}
	for _, name := range u.Contributors {
		if !isText(name, MaxContributor) {
			return malformed("universal setup: contributor %q, expected at most %d printable characters", name, MaxContributor)
		}
	}
	return nil
}

// isText reports whether s is printable and has at most so many runes.
func isText(s string, most int) bool {
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > most {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// checkUniversal checks that PLONK and a universal setup go together.
func (m *Manifest) checkUniversal() error {
	switch {
	case m.ProofSystem != PlonkProofSystem:
		return malformed("kind %q with proof system %q, expected %q", m.Kind, m.ProofSystem, PlonkProofSystem)
	case m.Kind != Universal:
		return malformed("proof system %q of kind %q, expected %q", m.ProofSystem, m.Kind, Universal)
	case m.Ceremony != nil:
		return malformed("kind %q has a ceremony of its own, expected none", m.Kind)
	}
	return m.Universal.check()
}

// checkPlonkFiles checks the sizes of the files, which follow from the circuit's.
func (m *Manifest) checkPlonkFiles() error {
	if most := plonk.MaxDomain - public.Count; m.Circuit.Constraints > most {
		return malformed("%d constraints, expected at most %d", m.Circuit.Constraints, most)
	}
	if m.ProvingKey != (File{}) {
		return malformed("proving key for proof system %q, expected none", m.ProofSystem)
	}
	if want := int64(plonk.SRSSize(plonk.DomainFor(m.Circuit.Constraints))); m.SRS.Size != want {
		return malformed("structured reference string of %d bytes, expected %d for %d constraints", m.SRS.Size, want, m.Circuit.Constraints)
	}
	if m.VerifyingKey.Size != PlonkVerifyingKeySize {
		return malformed("verifying key of %d bytes, expected %d", m.VerifyingKey.Size, PlonkVerifyingKeySize)
	}
	return nil
}
