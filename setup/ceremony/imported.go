package ceremony

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/mpc"
	"github.com/zkkex/zkkex/internal/ptau"
	"github.com/zkkex/zkkex/setup/params"
)

// ImportedContribution is a contribution to an imported phase 1. That its maker
// knew the secrets that it changed tau, alpha and beta by is verified with the
// rest; who they are is a claim.
type ImportedContribution struct {
	// Number counts from 1, beacons included.
	Number int `json:"number"`
	// Contributor is what they called themselves; it may be empty.
	Contributor string `json:"contributor"`
	// Response is the BLAKE2b-512 hash, in hexadecimal digits, that snarkjs showed the
	// contributor. If it is the one that somebody published, the contribution is theirs.
	Response string `json:"response"`
	// Beacon is whether it is a public value, which keeps nothing secret.
	Beacon bool `json:"beacon"`
	// Value is the value of a beacon in hexadecimal digits, and Exponent says that it
	// is hashed 2^Exponent times.
	Value    string `json:"value,omitempty"`
	Exponent int    `json:"exponent,omitempty"`
}

// String returns the name and the first sixteen bytes of the response, as snarkjs shows
// them: a line. Whoever writes a file chooses what is hashed, and could try out as many
// as 2^64 to match fewer.
func (c *ImportedContribution) String() string {
	who := strconv.Quote(c.Contributor) // or a name could look like a response
	switch {
	case c.Beacon:
		who = "beacon " + c.Value
	case c.Contributor == "":
		who = "no name"
	}
	r := c.Response
	return fmt.Sprintf("%d: %s, response %s %s %s %s", c.Number, who, r[:8], r[8:16], r[16:24], r[24:32])
}

// ImportedContributions returns the contributions to an imported phase 1 in
// order, and nothing if phase 1 is the ceremony's own.
func (c *Ceremony) ImportedContributions() []ImportedContribution {
	if c.chain == nil {
		return nil
	}
	out := []ImportedContribution{}
	for _, one := range c.chain.Contributions() {
		imported := ImportedContribution{Number: one.Number, Contributor: one.Name, Response: hex.EncodeToString(one.Response[:])}
		if one.Beacon != nil {
			imported.Beacon, imported.Value, imported.Exponent = true, hex.EncodeToString(one.Beacon.Value), one.Beacon.Exponent
		}
		out = append(out, imported)
	}
	return out
}

// verifyImported verifies an imported phase 1: its powers, and that the contributions
// in [ChainFile] led to them.
func (c *Ceremony) verifyImported(ctx context.Context, m *meter) error {
	imported := c.definition.Imported
	if imported == nil {
		return nil
	}
	b, err := c.whole(PhaseOneFile, imported.SRS)
	if err != nil {
		return err
	}
	return checkImported(ctx, b, c.chain, c.definition.Domain, m)
}

// checkImported verifies the bytes of an imported phase 1, and its chain.
func checkImported(ctx context.Context, b []byte, chain *ptau.Chain, domain int, m *meter) error {
	srs, err := mpc.ParseSRS(b, domain)
	if err == nil {
		err = mpc.CheckSRS(ctx, srs)
	}
	if err != nil {
		return namedFile(&FileError{File: PhaseOneFile}, err, importAnew)
	}
	m.did(costPowers)
	within, end := m.part(costChain)
	defer end()
	return chainError(chain.Verify(ctx, srs, ptau.Progress(within)))
}

// importAnew is what to do about an imported phase 1 that is none.
const importAnew = "do not use it; begin anew with the file that the first phase's ceremony published"

// readImported checks sizes and digests of an imported phase 1, and whether its
// chain says what the definition says.
func (c *Ceremony) readImported(entries map[string]fs.FileInfo) error {
	c.chain = nil
	imported := c.definition.Imported
	if imported == nil {
		return nil // if there is a file of it, it is unexpected
	}
	if err := c.readPhaseOne(entries); err != nil {
		return err
	}
	info, err := take(entries, ChainFile)
	if err != nil {
		return err
	}
	if info.Size() != imported.Chain.Size {
		return &FileError{File: ChainFile, Check: CheckSize, Err: fmt.Errorf("%d bytes, expected %d", info.Size(), imported.Chain.Size)}
	}
	b, err := c.readSmall(ChainFile, info, imported.Chain.Size)
	if err != nil {
		return err
	}
	if got := params.Describe(b); got != imported.Chain {
		return &FileError{File: ChainFile, Check: CheckDigest, Err: fmt.Errorf("%v, but %s says %v: the file was changed; get it anew", got.SHA256, DefinitionFile, imported.Chain.SHA256)}
	}
	if c.chain, err = ptau.ParseChain(b, imported.CeremonyPower); err != nil {
		return chainError(err)
	}
	return c.compareNames()
}

// compareNames compares the names in the definition with those in the chain.
func (c *Ceremony) compareNames() error {
	said, names := c.definition.Imported.Contributors, chainNames(c.chain)
	if slices.Equal(said, names) {
		return nil
	}
	return &FileError{File: DefinitionFile, Check: CheckNames, Err: fmt.Errorf("%s names the contributors %q, but %s has %q: the definition lies; do not contribute",
		DefinitionFile, said, ChainFile, names)}
}

// chainNames returns the names of all contributions, beacons included.
func chainNames(chain *ptau.Chain) []string {
	names := []string{}
	for _, one := range chain.Contributions() {
		names = append(names, one.Name)
	}
	return names
}

// take removes a file from those that were listed.
func take(entries map[string]fs.FileInfo, name string) (fs.FileInfo, error) {
	info, ok := entries[name]
	if !ok {
		return nil, &FileError{File: name, Check: CheckName, Err: fmt.Errorf("%w: %s names it: get it with the rest of the ceremony", fs.ErrNotExist, DefinitionFile)}
	}
	delete(entries, name)
	return info, nil
}

// chainError gives an error of a chain the file and the check: [CheckForm] for what
// cannot be read, and the name of package internal/ptau for the rest.
func chainError(err error) error {
	var refused *ptau.Error
	if !errors.As(err, &refused) {
		return err
	}
	cause := refused.Err
	if refused.Contribution > 0 {
		cause = fmt.Errorf("contribution %d: %w", refused.Contribution, cause)
	}
	e := &FileError{File: ChainFile, Check: string(refused.Check)}
	switch {
	case errors.Is(err, zkkex.ErrMalformed):
		e.Check, e.Err = CheckForm, &zkkex.ParseError{Format: "chain of contributions", Err: fmt.Errorf("%s: %w", refused.Check, cause)}
	case errors.Is(err, zkkex.ErrUnsupported):
		e.Err = fmt.Errorf("%w: %w", zkkex.ErrUnsupported, cause)
	default:
		e.Err = fmt.Errorf("%w: %s", cause, importAnew)
	}
	return e
}
