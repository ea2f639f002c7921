package ceremony_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/ptau"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
)

// Parts of a contribution in a chain, docs/spec/ptau.md: where they begin.
const (
	atKeys       = 448
	atState      = 1216
	atChallenge  = 1432
	atParameters = 1504
)

// links takes a chain apart, so that a test changes contributions.
func links(chain []byte) (out [][]byte) {
	for rest := chain[4:]; len(rest) > 0; {
		n := atParameters + int(binary.LittleEndian.Uint32(rest[atParameters-4:]))
		out = append(out, rest[:n:n])
		rest = rest[n:]
	}
	return out
}

// joined is the opposite of links.
func joined(links ...[]byte) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(links))), slices.Concat(links...)...)
}

// run returns the chain of a ceremony elsewhere.
func run(power int, contributors ...ptau.TestingOnlySecrets) []byte {
	return ptau.TestingOnlyRun(power, contributors).Chain()
}

// memory returns files as a folder.
func memory(files map[string][]byte) fstest.MapFS {
	out := fstest.MapFS{}
	for name, b := range files {
		out[name] = &fstest.MapFile{Data: b, Mode: 0o644}
	}
	return out
}

// A chain that does not lead to the powers, or that says something else than the
// definition, is refused by the check that is for it, when every digest and every
// signature around it was made anew.
func TestPlantedChains(t *testing.T) {
	ceremonytest.Small(t)
	fsys := open(t, ceremonytest.Plan{Imported: true, Phase2: []string{"Alice", "Bob"}, Signed: []string{"Bob"}}.Make(t)).FS()
	first, second, beacon := ceremonytest.Public[0], ceremonytest.Public[1], ceremonytest.Public[2]
	other := ceremonytest.Secrets("somebody else")
	other.Name = second.Name
	known := first
	known.Tau = fr.One()
	renamed := first
	renamed.Name = "Satoshi"
	lie := func(check ptau.Check) ceremony.FileError {
		return ceremony.FileError{File: ceremony.ChainFile, Check: string(check)}
	}
	form := ceremony.FileError{File: ceremony.ChainFile, Check: ceremony.CheckForm}
	names := ceremony.FileError{File: definition, Check: ceremony.CheckNames}
	malformed, unsupported, rejected := zkkex.ErrMalformed, zkkex.ErrUnsupported, ceremony.ErrRejected

	for _, test := range []struct {
		name   string
		change func(c *ceremonytest.Chain, l [][]byte) // l are the contributions
		want   ceremony.FileError
		class  error
	}{
		{"another ceremony's", func(c *ceremonytest.Chain, _ [][]byte) {
			c.Ptau = run(ceremonytest.PtauPower, first, other, beacon)
		}, lie(ptau.CheckLast), rejected},
		{"a ceremony's of another power", func(c *ceremonytest.Chain, _ [][]byte) {
			c.Definition.Imported.Power, c.Definition.Imported.CeremonyPower = 27, 27
		}, lie(ptau.CheckKey), rejected},
		{"the last left out", func(c *ceremonytest.Chain, l [][]byte) {
			c.Ptau = joined(l[:2]...)
			c.Definition.Imported.Contributors = c.Definition.Imported.Contributors[:2]
		}, lie(ptau.CheckLast), rejected},
		{"the first left out", func(c *ceremonytest.Chain, l [][]byte) {
			c.Ptau = joined(l[1:]...)
			c.Definition.Imported.Contributors = c.Definition.Imported.Contributors[1:]
		}, lie(ptau.CheckKey), rejected},
		{"reordered", func(c *ceremonytest.Chain, l [][]byte) {
			c.Ptau = joined(l[1], l[0], l[2])
			slices.Reverse(c.Definition.Imported.Contributors[:2])
		}, lie(ptau.CheckKey), rejected},
		{"a beacon alone", func(c *ceremonytest.Chain, _ [][]byte) {
			alone := ptau.TestingOnlyRun(ceremonytest.PtauPower, []ptau.TestingOnlySecrets{beacon})
			c.SRS, c.Ptau = ceremonytest.ImportedFrom(t, alone).SRS, alone.Chain()
			c.Definition.Imported.Contributors = []string{""}
		}, lie(ptau.CheckContributed), rejected},
		{"nobody", func(c *ceremonytest.Chain, _ [][]byte) {
			c.Ptau = joined()
			c.Definition.Imported.Contributors = []string{}
		}, lie(ptau.CheckContributed), rejected},
		{"a secret that is 1", func(c *ceremonytest.Chain, _ [][]byte) {
			easy := ptau.TestingOnlyRun(ceremonytest.PtauPower, []ptau.TestingOnlySecrets{known, second, beacon})
			c.SRS, c.Ptau = ceremonytest.ImportedFrom(t, easy).SRS, easy.Chain()
		}, lie(ptau.CheckKey), rejected},
		{"another beacon", func(c *ceremonytest.Chain, _ [][]byte) {
			c.Ptau[len(c.Ptau)-1] ^= 1
		}, lie(ptau.CheckBeacon), rejected},
		{"a beacon without end", func(c *ceremonytest.Chain, l [][]byte) {
			l[2][atParameters+1] = 40
			c.Ptau = joined(l...)
		}, lie(ptau.CheckEffort), unsupported},
		{"a contribution's keys", func(c *ceremonytest.Chain, l [][]byte) {
			copy(l[0][atKeys:atState], l[1][atKeys:atState])
			c.Ptau = joined(l...)
		}, lie(ptau.CheckKey), rejected},
		{"a contribution's points", func(c *ceremonytest.Chain, l [][]byte) {
			copy(l[0][:atKeys], l[1][:atKeys])
			c.Ptau = joined(l...)
		}, lie(ptau.CheckStep), rejected},
		{"a challenge", func(c *ceremonytest.Chain, l [][]byte) {
			l[0][atChallenge] ^= 1
			c.Ptau = joined(l...)
		}, lie(ptau.CheckKey), rejected},
		{"a point", func(c *ceremonytest.Chain, l [][]byte) {
			l[0][0] ^= 1
			c.Ptau = joined(l...)
		}, form, malformed},
		{"cut", func(c *ceremonytest.Chain, _ [][]byte) { c.Ptau = c.Ptau[:len(c.Ptau)-1] }, form, malformed},
		{"added to", func(c *ceremonytest.Chain, _ [][]byte) { c.Ptau = append(c.Ptau, 0) }, form, malformed},
		{"a name in the chain", func(c *ceremonytest.Chain, _ [][]byte) {
			c.Ptau = run(ceremonytest.PtauPower, renamed, second, beacon)
		}, names, rejected},
		{"a name in the definition", func(c *ceremonytest.Chain, _ [][]byte) {
			c.Definition.Imported.Contributors[0] = "Satoshi"
		}, names, rejected},
		{"a name more", func(c *ceremonytest.Chain, _ [][]byte) {
			c.Definition.Imported.Contributors = append(c.Definition.Imported.Contributors, "Satoshi")
		}, names, rejected},
		{"no names", func(c *ceremonytest.Chain, _ [][]byte) { c.Definition.Imported.Contributors = []string{} }, names, rejected},
	} {
		chain := ceremonytest.Read(t, fsys)
		test.change(chain, links(bytes.Clone(chain.Ptau)))
		c, err := ceremony.OpenFS(memory(chain.Files(t)))
		if err == nil {
			_, err = c.Verify(context.Background(), nil)
		}
		refused(t, test.name, err, test.want)
		if !errors.Is(err, test.class) {
			t.Errorf("%s: the class of %v is wrong", test.name, err)
		}
	}
}

// A chain that is not the one that the definition describes is refused unread.
func TestChainIsTheOneDescribed(t *testing.T) {
	ceremonytest.Small(t)
	fsys := open(t, ceremonytest.Plan{Imported: true, Phase2: []string{"Alice"}}.Make(t)).FS()
	for _, test := range []struct {
		check  string
		change func(files map[string][]byte)
	}{
		{ceremony.CheckName, func(f map[string][]byte) { delete(f, ceremony.ChainFile) }},
		{ceremony.CheckSize, func(f map[string][]byte) { f[ceremony.ChainFile] = f[ceremony.ChainFile][1:] }},
		{ceremony.CheckDigest, func(f map[string][]byte) {
			f[ceremony.ChainFile] = run(27, ceremonytest.Public...)
		}},
	} {
		files := ceremonytest.Read(t, fsys).Files(t)
		test.change(files)
		_, err := ceremony.OpenFS(memory(files))
		refused(t, test.check, err, ceremony.FileError{File: ceremony.ChainFile, Check: test.check})
	}
	own := ceremonytest.Read(t, open(t, ceremonytest.Plan{Phase1: []string{"Alice"}}.Make(t)).FS()).Files(t)
	own[ceremony.ChainFile] = run(ceremonytest.PtauPower, ceremonytest.Public...)
	_, err := ceremony.OpenFS(memory(own))
	refused(t, "a chain for nothing", err, ceremony.FileError{File: ceremony.ChainFile, Check: ceremony.CheckName})
}

// A response follows from the hash that snarkjs had begun, which proves nothing: it
// is for contributors to compare with what they were shown, and is shown.
func TestImportedContributions(t *testing.T) {
	ceremonytest.Small(t)
	dir := ceremonytest.Plan{Imported: true, Phase2: []string{"Alice"}}.Make(t)
	said := open(t, dir).ImportedContributions()
	if len(said) != 3 || said[0].Contributor != "first" || said[0].Number != 1 || said[0].Beacon ||
		said[2].Value != fmt.Sprintf("%x", "a block of a chain") || said[2].Exponent != 4 {
		t.Fatalf("%+v", said)
	}
	one := said[1]
	one.Response = "0123456789abcdef0011223344556677" + one.Response
	for want, c := range map[string]ceremony.ImportedContribution{
		"2: \"second \ufffd name\", response 01234567 89abcdef 00112233 44556677": one,
		"3: no name, response 01234567 89abcdef 00112233 44556677":                {Number: 3, Response: one.Response},
		"4: beacon 07, response 01234567 89abcdef 00112233 44556677":              {Number: 4, Contributor: "beacon 08", Beacon: true, Value: "07", Response: one.Response},
	} {
		if got := c.String(); got != want {
			t.Errorf("%s, expected %s", got, want)
		}
	}
	chain := ceremonytest.Read(t, open(t, dir).FS())
	l := links(chain.Ptau)
	l[0][atState+128] ^= 1 // the chaining value
	chain.Ptau = joined(l...)
	c, err := ceremony.OpenFS(memory(chain.Files(t)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Verify(context.Background(), nil); err != nil {
		t.Error(err)
	}
	now := c.ImportedContributions()
	if now[0].Response == said[0].Response || now[1].Response != said[1].Response {
		t.Error("a response is not what the chain says")
	}
	if own := open(t, ceremonytest.Plan{}.Make(t)); own.ImportedContributions() != nil {
		t.Error("something was imported")
	}
}
