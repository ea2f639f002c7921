package ceremony

import (
	"fmt"
	"math/bits"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/compiled"
	"github.com/zkkex/zkkex/internal/mpc"
	"github.com/zkkex/zkkex/internal/ptau"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/internal/relation"
	"github.com/zkkex/zkkex/internal/strictjson"
	"github.com/zkkex/zkkex/setup/params"
)

// Names of files.
const (
	// DefinitionFile says what a ceremony makes.
	DefinitionFile = "ceremony.json"
	// PhaseOneFile holds an imported phase 1.
	PhaseOneFile = "phase1.srs"
	// ChainFile holds the contributions to an imported phase 1.
	ChainFile = "phase1.chain"
)

// Limits of a definition.
const (
	// MaxDefinitionSize bounds the definition, in bytes.
	MaxDefinitionSize = 64 << 10
	// MaxDomain bounds the size of a circuit's domain.
	MaxDomain = 1 << 20
	// MaxName bounds the name of a ceremony or contributor, in runes.
	MaxName = 64
	// MaxSource bounds the text that names a source, in runes.
	MaxSource = 256
	// maxWires bounds the number of a circuit's wires.
	maxWires = 1 << 22
)

// Values of the fields of the same names.
const (
	// DefinitionFormat is the format of a definition.
	DefinitionFormat = "zkkex/v1 ceremony"
	// Own is a phase 1 that the ceremony makes itself.
	Own = "own"
	// Imported is a phase 1 that was made elsewhere.
	Imported = "imported"
)

const groth16Family = 0x01

// Definition says what a ceremony makes, and by which rules. Its digest names
// the ceremony.
type Definition struct {
	// Format is [DefinitionFormat].
	Format string `json:"format"`
	// Name tells ceremonies apart for people.
	Name string `json:"name"`
	// Kind is the kind of the parameter set that is made.
	Kind params.Kind `json:"kind"`
	// Created is a date in UTC, in whole seconds.
	Created time.Time `json:"created"`
	// Circuit names the relation.
	Circuit params.Circuit `json:"circuit"`
	// Wires is the number of the circuit's wires, with the constant one.
	Wires int `json:"wires"`
	// Domain is the size of the circuit's domain: the lowest power of two that is
	// not below the number of constraints.
	Domain int `json:"domain"`
	// Phase1 is [Own] or [Imported].
	Phase1 string `json:"phase1"`
	// Imported describes an imported phase 1.
	Imported *ImportedPhase `json:"imported,omitempty"`
	// Beacons names the beacons that were announced.
	Beacons *Beacons `json:"beacons,omitempty"`
}

// ImportedPhase describes a phase 1 that was made elsewhere.
type ImportedPhase struct {
	// Source says where the file is from.
	Source string `json:"source"`
	// File is the size and digest of the powers-of-tau file.
	File params.File `json:"file"`
	// Power is the base-2 logarithm of the number of powers in that file.
	Power int `json:"power"`
	// CeremonyPower is the power of the ceremony that made it, which is larger if
	// the file was cut down to fewer powers.
	CeremonyPower int `json:"ceremony_power"`
	// Contributors are the names in [ChainFile], beacons included. They are claims.
	Contributors []string `json:"contributors"`
	// SRS is the size and digest of [PhaseOneFile].
	SRS params.File `json:"srs"`
	// Chain is the size and digest of [ChainFile].
	Chain params.File `json:"chain"`
}

// Beacons names public values that were announced before they could be known.
type Beacons struct {
	// Phase1 is the beacon that closes phase 1, if announced.
	Phase1 string `json:"phase1,omitempty"`
	// Phase2 is the beacon that closes phase 2, if announced.
	Phase2 string `json:"phase2,omitempty"`
}

// Announced returns the beacon that was announced for a phase, or "".
func (d *Definition) Announced(phase int) string {
	switch {
	case d.Beacons == nil:
		return ""
	case phase == 1:
		return d.Beacons.Phase1
	default:
		return d.Beacons.Phase2
	}
}

const definitionFormat = "ceremony definition"

// ParseDefinition decodes a definition, strictly: it accepts exactly what
// [Definition.Bytes] returns. It returns an error wrapping [zkkex.ErrMalformed],
// or [zkkex.ErrUnsupported] for a format or circuit that this version does not
// know.
func ParseDefinition(b []byte) (*Definition, error) {
	var d Definition
	if err := strictjson.Decode(b, MaxDefinitionSize, &d); err != nil {
		return nil, malformed(definitionFormat, "%w", err)
	}
	again, err := d.Bytes()
	if err != nil {
		return nil, err
	}
	if string(again) != string(b) {
		return nil, malformed(definitionFormat, "not in the one accepted form: fields in their order, indented by two spaces, ended by a newline")
	}
	return &d, nil
}

// Bytes returns the encoding of d, its canonical JSON. It returns an error
// wrapping [zkkex.ErrMalformed] or [zkkex.ErrUnsupported] if [ParseDefinition]
// would refuse it.
func (d *Definition) Bytes() ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	b := strictjson.Encode(d)
	if len(b) > MaxDefinitionSize {
		return nil, malformed(definitionFormat, "expected at most %d bytes, got %d", MaxDefinitionSize, len(b))
	}
	return b, nil
}

func (d *Definition) check() error {
	if d.Format != DefinitionFormat {
		return fmt.Errorf("%w: ceremony of format %q, expected %q", zkkex.ErrUnsupported, d.Format, DefinitionFormat)
	}
	if err := checkText(d.Name, MaxName); err != nil {
		return malformed(definitionFormat, "name: %w", err)
	}
	if d.Kind != params.Dev && d.Kind != params.Ceremony {
		return fmt.Errorf("%w: ceremony of kind %q, expected %q or %q", zkkex.ErrUnsupported, d.Kind, params.Ceremony, params.Dev)
	}
	if err := checkDate(d.Created); err != nil {
		return malformed(definitionFormat, "created: %w", err)
	}
	if err := d.checkCircuit(); err != nil {
		return err
	}
	return d.checkPhases()
}

func (d *Definition) checkCircuit() error {
	c := d.Circuit
	if err := hasCeremony(c.ID); err != nil {
		return err
	}
	switch {
	case c.Name != c.ID.String():
		return malformed(definitionFormat, "circuit %#04x is named %q, expected %q", uint16(c.ID), c.Name, c.ID)
	case c.PublicInputs != public.Count:
		return malformed(definitionFormat, "%d public inputs, expected %d", c.PublicInputs, public.Count)
	case c.Constraints < 1 || c.Constraints > MaxDomain:
		return malformed(definitionFormat, "%d constraints, expected 1 to %d", c.Constraints, MaxDomain)
	case d.Domain != domainOf(c.Constraints):
		return malformed(definitionFormat, "domain of %d for %d constraints, expected %d", d.Domain, c.Constraints, domainOf(c.Constraints))
	case d.Wires <= c.PublicInputs+1 || d.Wires > maxWires:
		return malformed(definitionFormat, "%d wires, expected %d to %d", d.Wires, c.PublicInputs+2, maxWires)
	}
	return nil
}

// hasCeremony returns an error unless the circuit's parameters are made by a
// ceremony of two phases. A commitment has a secret of its own, which contributions
// to phase 2 do not have a part for.
func hasCeremony(id zkkex.CircuitID) error {
	if !id.Known() || uint16(id)>>8 != groth16Family {
		return fmt.Errorf("%w: no ceremony for circuit %v: expected one of Groth16", zkkex.ErrUnsupported, id)
	}
	if n := id.Commitments(); n > 0 {
		return fmt.Errorf("%w: no ceremony for circuit %v yet: its proofs have a commitment, expected a circuit without", zkkex.ErrUnsupported, id)
	}
	return nil
}

// domainOf returns the lowest power of two that is not below n, for n > 0.
func domainOf(n int) int { return 1 << bits.Len(uint(n-1)) }

func (d *Definition) checkPhases() error {
	switch {
	case d.Phase1 == Own && d.Imported != nil:
		return malformed(definitionFormat, "phase 1 %q with an imported one, expected none", Own)
	case d.Phase1 == Imported && d.Imported == nil:
		return malformed(definitionFormat, "phase 1 %q without saying which", Imported)
	case d.Phase1 != Own && d.Phase1 != Imported:
		return malformed(definitionFormat, "phase 1 %q, expected %q or %q", d.Phase1, Own, Imported)
	}
	if d.Imported != nil {
		if err := d.Imported.check(d.Domain); err != nil {
			return malformed(definitionFormat, "imported phase 1: %w", err)
		}
	}
	return d.checkBeacons()
}

func (d *Definition) checkBeacons() error {
	b := d.Beacons
	switch {
	case b == nil:
		return nil
	case b.Phase1 == "" && b.Phase2 == "":
		return malformed(definitionFormat, "announced beacons without one: leave the field out")
	case b.Phase1 != "" && d.Imported != nil:
		return malformed(definitionFormat, "a beacon announced for an imported phase 1, which is closed")
	}
	for _, text := range []string{b.Phase1, b.Phase2} {
		if text == "" {
			continue
		}
		if err := checkText(text, MaxSource); err != nil {
			return malformed(definitionFormat, "announced beacon: %w", err)
		}
	}
	return nil
}

func (p *ImportedPhase) check(domain int) error {
	if err := checkText(p.Source, MaxSource); err != nil {
		return fmt.Errorf("source: %w", err)
	}
	switch {
	case p.CeremonyPower < 1 || p.CeremonyPower > ptau.MaxPower:
		return fmt.Errorf("ceremony of power %d, expected 1 to %d", p.CeremonyPower, ptau.MaxPower)
	case p.Power < 1 || p.Power > p.CeremonyPower || 1<<p.Power < domain:
		return fmt.Errorf("power %d, expected %d to %d", p.Power, bits.Len(uint(domain-1)), p.CeremonyPower)
	case p.File.Size < 1:
		return fmt.Errorf("a file of %d bytes, expected at least 1", p.File.Size)
	case p.SRS.Size != int64(mpc.SRSSize(domain)):
		return fmt.Errorf("%s of %d bytes, expected %d", PhaseOneFile, p.SRS.Size, mpc.SRSSize(domain))
	case p.Chain.Size < 1 || p.Chain.Size > ptau.MaxChainSize:
		return fmt.Errorf("%s of %d bytes, expected 1 to %d", ChainFile, p.Chain.Size, ptau.MaxChainSize)
	case p.Contributors == nil:
		return fmt.Errorf("contributors: expected a list, which may be empty")
	case len(p.Contributors) > ptau.MaxContributions:
		return fmt.Errorf("%d contributors, expected at most %d", len(p.Contributors), ptau.MaxContributions)
	}
	for _, name := range p.Contributors {
		if name == "" {
			continue
		}
		if err := checkText(name, MaxSource); err != nil {
			return fmt.Errorf("contributor: %w", err)
		}
	}
	return nil
}

// size returns the numbers of the circuit's constraint system that sizes of
// files follow from. How private wires divide into secret and internal ones is
// not among them.
func (d *Definition) size() relation.Size {
	public := d.Circuit.PublicInputs + 1
	return relation.Size{Constraints: d.Circuit.Constraints, Public: public, Internal: d.Wires - public}
}

// payloadSize returns the size of a contribution's payload.
func (d *Definition) payloadSize(phase int) int64 {
	if phase == 1 {
		return int64(mpc.Phase1Size(d.Domain))
	}
	return int64(mpc.Phase2Size(d.size()))
}

// firstPhase returns the phase of file number 1.
func (d *Definition) firstPhase() int {
	if d.Phase1 == Imported {
		return 2
	}
	return 1
}

// define returns the definition that o asks for. chain is that of o's imported
// phase 1.
func define(o Options, chain *ptau.Chain) (*Definition, error) {
	if err := hasCeremony(o.Circuit); err != nil {
		return nil, err
	}
	system, err := compiled.Circuit(o.Circuit)
	if err != nil {
		return nil, err
	}
	size := relation.SizeOf(system)
	d := &Definition{
		Format:  DefinitionFormat,
		Name:    o.Name,
		Kind:    o.Kind,
		Created: o.Created.UTC().Truncate(time.Second),
		Circuit: params.Circuit{
			ID:           o.Circuit,
			Name:         o.Circuit.String(),
			Digest:       relation.Digest(system),
			Constraints:  size.Constraints,
			PublicInputs: size.Public - 1,
		},
		Wires:  size.Wires(),
		Domain: domainOf(size.Constraints),
		Phase1: Own,
	}
	if o.Announced != [2]string{} {
		d.Beacons = &Beacons{Phase1: o.Announced[0], Phase2: o.Announced[1]}
	}
	if o.Ptau != nil {
		d.Phase1 = Imported
		d.Imported = o.Ptau.describe(chain)
	}
	return d, nil
}

func (p *PhaseOne) describe(chain *ptau.Chain) *ImportedPhase {
	return &ImportedPhase{
		Source:        p.Source,
		File:          p.File,
		Power:         p.Power,
		CeremonyPower: p.CeremonyPower,
		Contributors:  chainNames(chain),
		SRS:           params.Describe(p.SRS),
		Chain:         params.Describe(p.Chain),
	}
}
