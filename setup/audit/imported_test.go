package audit_test

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"

	"github.com/zkkex/zkkex/internal/compiled"
	"github.com/zkkex/zkkex/internal/mpc"
	"github.com/zkkex/zkkex/internal/ptau"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/setup/audit"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
	"github.com/zkkex/zkkex/setup/params"
)

// samplePtau is a file that snarkjs made, of two contributors and a beacon.
const samplePtau = "../../internal/ptau/testdata/sample.ptau"

// four is a relation that fits the powers of the sample.
type four struct {
	Inputs [public.Count]frontend.Variable `gnark:",public"`
	Root   frontend.Variable
}

func (c *four) Define(api frontend.API) error {
	in := c.Inputs
	product := api.Mul(api.Add(in[0], in[1]), api.Add(in[2], in[3]))
	api.AssertIsEqual(api.Mul(c.Root, api.Add(in[4], product)), api.Mul(c.Root, c.Root))
	return nil
}

// importSample runs a ceremony that begins with the sample's powers and returns
// its files.
func importSample(t *testing.T, b []byte) *ceremonytest.Chain {
	t.Helper()
	ceremonytest.Small(t)
	system, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, &four{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(compiled.TestingOnlyReplace(ceremonytest.Circuit, system.(*cs.R1CS)))
	file, err := ptau.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	srs, err := file.Groth16(t.Context(), 4, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir() + "/ceremony"
	c, err := ceremony.Init(t.Context(), dir, ceremony.Options{
		Circuit: ceremonytest.Circuit, Name: "test", Kind: params.Ceremony, Created: ceremonytest.Created,
		Ptau: &ceremony.PhaseOne{
			SRS: mpc.SRSBytes(srs), Source: "sample", File: params.Describe(b),
			Power: file.Power(), CeremonyPower: file.CeremonyPower(), Chain: file.Chain().Bytes(),
		},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Contribute(t.Context(), ceremony.Contributor{Name: "Dave"}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Beacon(t.Context(), ceremonytest.BeaconSource, ceremonytest.BeaconValue, nil); err != nil {
		t.Fatal(err)
	}
	return ceremonytest.Read(t, os.DirFS(dir))
}

// The powers are compared with the file that they are said to be from.
func TestImportedPowersAreThoseOfTheFile(t *testing.T) {
	b, err := os.ReadFile(samplePtau)
	if err != nil {
		t.Fatal(err)
	}
	chain := importSample(t, b)
	sound := set(chain.Set(t))
	with := func(b []byte) audit.Options {
		return audit.Options{Ptau: bytes.NewReader(b), PtauSize: int64(len(b))}
	}
	report := verify(t, sound, with(b))
	if !report.Sound() || report.Imported == nil || !report.Imported.Compared {
		t.Errorf("%+v: %v", report.Imported, report.Err())
	}
	if words := strings.Join(report.Trust.Words, "\n"); !strings.Contains(words, "as was checked here") {
		t.Errorf("nothing about the comparison in:\n%s", words)
	}
	said := report.Imported.Contributions[0].Response
	if !report.Imported.Verified || !strings.HasPrefix(said, "3ebf092d30113f85") {
		t.Errorf("%+v", report.Imported)
	}
	group := report.Trust.Groups[0]
	if group.Claimed || !group.Imported || len(group.Parties) != 2 || group.Parties[1].Names[0] != "Bob, of Zürich" {
		t.Errorf("%+v", group)
	}

	flipped := bytes.Clone(b)
	flipped[len(flipped)/2] ^= 1
	report = verify(t, sound, with(flipped))
	if report.Sound() || report.Imported.Compared || place(report.Failures()[0]) != "powers of tau: "+audit.CheckPtauFile {
		t.Errorf("a flipped byte: %v", report.Err())
	}
	refusedBy(t, verify(t, sound, with([]byte("no such file"))), "powers of tau: "+audit.CheckPtauFile)

	// The definition claims powers that the file has not.
	chain.Definition.Imported.Power++
	chain.Definition.Imported.CeremonyPower++
	refusedBy(t, verify(t, chain.Set(t), with(b)), "powers of tau: "+audit.CheckPtauFile, "phase1.chain: "+audit.CheckPtauContributions)
	chain.Definition.Imported.Power--
	chain.Definition.Imported.CeremonyPower--

	// A file whose own contributions do not verify: the digest is right.
	broken := bytes.Clone(b)
	broken[bytes.Index(b, []byte("Alice"))-65] ^= 1
	chain.Definition.Imported.File = params.Describe(broken)
	refusedBy(t, verify(t, chain.Set(t), with(broken)),
		"powers of tau: "+audit.CheckPtauContributions, "powers of tau: "+audit.CheckPtauPowers)
	chain.Definition.Imported.File = params.Describe(b)

	// A response that nobody was shown proves the same, and is not what the file has.
	chain.Ptau[4+stateOfFirst] ^= 1
	report = verify(t, chain.Set(t), with(b))
	refusedBy(t, report, "powers of tau: "+audit.CheckPtauContributions)
	if report.Imported.Compared {
		t.Error("compared with a file that has other contributions")
	}
	if report = verify(t, chain.Set(t), audit.Options{}); !report.Sound() || report.Imported.Contributions[0].Response == said {
		t.Errorf("%v: %+v", report.Err(), report.Imported)
	}
	chain.Ptau[4+stateOfFirst] ^= 1

	// Other powers under the name of that file, upon which all contribute.
	other, err := mpc.NewPhase1(4).Contribute(context.Background(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	srs, err := other.Seal(context.Background(), ceremonytest.BeaconValue, nil)
	if err != nil {
		t.Fatal(err)
	}
	system, err := compiled.Circuit(ceremonytest.Circuit)
	if err != nil {
		t.Fatal(err)
	}
	f := &forger{t: t, chain: chain, system: system}
	f.importPowers(srs)
	refusedBy(t, verify(t, chain.Set(t), with(b)), ceremony.ChainFile+": "+audit.CheckPtauContributions, "powers of tau: "+audit.CheckPtauPowers)
}

// stateOfFirst is where the chaining value of the first contribution's response is, in
// a chain after its first four bytes (docs/spec/ptau.md).
const stateOfFirst = 1216 + 128

// The contributions to an imported first phase are verified from the transcript alone.
func TestPlantedChains(t *testing.T) {
	f := newForger(t, ceremonytest.Plan{Imported: true, Phase2: []string{"Alice", "Bob"}})
	first, second, beacon := ceremonytest.Public[0], ceremonytest.Public[1], ceremonytest.Public[2]
	another := ceremonytest.Secrets("another")
	another.Name = second.Name
	const chain = ceremony.ChainFile + ": " + audit.CheckPtauContributions
	for name, fault := range map[string]struct {
		change func(c *ceremonytest.Chain)
		want   string
	}{
		"another ceremony's": {func(c *ceremonytest.Chain) {
			c.Ptau = ptau.TestingOnlyRun(ceremonytest.PtauPower, []ptau.TestingOnlySecrets{first, another, beacon}).Chain()
		}, chain},
		"a ceremony's of another power": {func(c *ceremonytest.Chain) {
			c.Definition.Imported.Power, c.Definition.Imported.CeremonyPower = 27, 27
		}, chain},
		"another challenge": {func(c *ceremonytest.Chain) { c.Ptau[4+1432] ^= 1 }, chain},
		"names": {func(c *ceremonytest.Chain) {
			c.Definition.Imported.Contributors[0] = "Satoshi"
		}, ceremony.DefinitionFile + ": " + ceremony.CheckNames},
		"cut": {func(c *ceremonytest.Chain) { c.Ptau = c.Ptau[:len(c.Ptau)-1] }, ceremony.ChainFile + ": " + ceremony.CheckForm},
	} {
		t.Run(name, func(t *testing.T) {
			f.t = t
			f.reset()
			sound := set(f.chain.Set(t))
			fault.change(f.chain)
			report := verify(t, sound.transcript(t, f.chain.Files(t)), audit.Options{})
			refusedBy(t, report, fault.want)
			if report.Imported != nil && report.Imported.Verified {
				t.Error("called verified")
			}
			if words := strings.Join(report.Trust.Words, "\n"); strings.Contains(words, "were verified here") || !strings.Contains(words, "Anybody may be able to forge") {
				t.Errorf("words:\n%s", words)
			}
		})
	}
}

func TestPowersForOwnPhase(t *testing.T) {
	f := newForger(t, ceremonytest.Three)
	report := verify(t, f.chain.Set(t), audit.Options{Ptau: strings.NewReader("x"), PtauSize: 1})
	refusedBy(t, report, "powers of tau: "+audit.CheckPtauFile)
}
