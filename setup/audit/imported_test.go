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

	flipped := bytes.Clone(b)
	flipped[len(flipped)/2] ^= 1
	report = verify(t, sound, with(flipped))
	if report.Sound() || report.Imported.Compared || place(report.Failures()[0]) != "powers of tau: "+audit.CheckPtauFile {
		t.Errorf("a flipped byte: %v", report.Err())
	}
	refusedBy(t, verify(t, sound, with([]byte("no such file"))), "powers of tau: "+audit.CheckPtauFile)

	// A file whose own contributions do not verify: the digest is right.
	broken := bytes.Clone(b)
	broken[bytes.Index(b, []byte("Alice"))-65] ^= 1
	chain.Definition.Imported.File = params.Describe(broken)
	refusedBy(t, verify(t, chain.Set(t), with(broken)),
		"powers of tau: "+audit.CheckPtauContributions, "powers of tau: "+audit.CheckPtauPowers)
	chain.Definition.Imported.File = params.Describe(b)

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
	(&forger{t: t, chain: chain, system: system}).importPowers(srs)
	refusedBy(t, verify(t, chain.Set(t), with(b)), "powers of tau: "+audit.CheckPtauPowers)
}

func TestPowersForOwnPhase(t *testing.T) {
	f := newForger(t, ceremonytest.Three)
	report := verify(t, f.chain.Set(t), audit.Options{Ptau: strings.NewReader("x"), PtauSize: 1})
	refusedBy(t, report, "powers of tau: "+audit.CheckPtauFile)
}
