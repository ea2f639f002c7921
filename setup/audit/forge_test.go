package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"math/big"
	"os"
	"slices"
	"testing"
	"testing/fstest"

	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	gnark "github.com/consensys/gnark/backend/groth16/bn254"
	cs "github.com/consensys/gnark/constraint/bn254"

	"github.com/zkkex/zkkex/internal/compiled"
	"github.com/zkkex/zkkex/internal/mpc"
	"github.com/zkkex/zkkex/internal/ptau"
	"github.com/zkkex/zkkex/internal/relation"
	"github.com/zkkex/zkkex/setup/audit"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
	"github.com/zkkex/zkkex/setup/params"
)

// forger knows every secret: it changes what it likes in a ceremony or in a sealed
// set and makes everything around it anew, digests, signatures and manifest.
type forger struct {
	t      *testing.T
	files  fs.FS
	size   relation.Size
	system *cs.R1CS
	chain  *ceremonytest.Chain
}

func newForger(t *testing.T, plan ceremonytest.Plan) *forger {
	t.Helper()
	ceremonytest.Small(t)
	f := &forger{t: t, files: ceremonyOf(t, plan)}
	system, err := compiled.Circuit(ceremonytest.Circuit)
	if err != nil {
		t.Fatal(err)
	}
	f.system, f.size = system, relation.SizeOf(system)
	f.reset()
	return f
}

// reset takes all changes back.
func (f *forger) reset() { f.chain = ceremonytest.Read(f.t, f.files) }

var ceremonies = map[string]fs.FS{}

// ceremonyOf runs the ceremony of a plan, once for all tests.
func ceremonyOf(t *testing.T, plan ceremonytest.Plan) fs.FS {
	t.Helper()
	key := fmt.Sprintf("%+v", plan)
	if made := ceremonies[key]; made != nil {
		return made
	}
	made := fstest.MapFS{}
	dir := os.DirFS(plan.Make(t))
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if made[entry.Name()], err = copied(dir, entry.Name()); err != nil {
			t.Fatal(err)
		}
	}
	ceremonies[key] = made
	return made
}

func copied(fsys fs.FS, name string) (*fstest.MapFile, error) {
	b, err := fs.ReadFile(fsys, name)
	return &fstest.MapFile{Data: b, Mode: 0o644}, err
}

func (f *forger) domain() int { return mpc.Domain(f.size) }

// payload returns a copy of a contribution's payload.
func (f *forger) payload(number int) payload {
	return payload{f, bytes.Clone(f.chain.Links[number-1].Payload)}
}

// payload is the bytes of a contribution, and what of an imported first phase
// begins after its proofs.
type payload struct {
	*forger
	b []byte
}

// Sizes of compressed points.
const (
	g1 = curve.SizeOfG1AffineCompressed
	g2 = curve.SizeOfG2AffineCompressed
)

// proofs is the size of the proofs of tau, alpha and beta, which a contribution to
// phase 1 begins with.
const proofs = 3 * (g1 + g2)

// Offsets in the powers, docs/spec/ceremony-payload.md: of beta in G2, and of the
// powers of tau in G1, from 1 on, and so on.
const offsetBeta2 = 8

func (p payload) tau1(i int) int  { return offsetBeta2 + g2 + (i-1)*g1 }
func (p payload) tau2(i int) int  { return p.tau1(2*p.domain()-1) + (i-1)*g2 }
func (p payload) beta(i int) int  { return p.tau2(p.domain()) + i*g1 }
func (p payload) alpha(i int) int { return p.beta(p.domain()) + i*g1 }

// Offsets in a contribution to phase 2.
func (p payload) k(i int) int         { return 2 + g1 + 4 + i*g1 }
func (p payload) z(i int) int         { return p.k(p.size.Secret+p.size.Internal) + 4 + i*g1 }
func (p payload) delta2() int         { return p.z(p.domain() - 1) }
func (p payload) delta1() int         { return 2 }
func (p payload) deltaProof() int     { return p.delta2() + g2 }
func (p payload) challengeOf() []byte { return p.b[len(p.b)-32:] }

// scale multiplies the point of G1 at an offset.
func (p payload) scale(offset int, by int64) {
	var point curve.G1Affine
	if _, err := point.SetBytes(p.b[offset : offset+g1]); err != nil {
		p.t.Fatal(err)
	}
	point.ScalarMultiplication(&point, big.NewInt(by))
	b := point.Bytes()
	copy(p.b[offset:], b[:])
}

// scale2 multiplies the point of G2 at an offset.
func (p payload) scale2(offset int, by int64) {
	var point curve.G2Affine
	if _, err := point.SetBytes(p.b[offset : offset+g2]); err != nil {
		p.t.Fatal(err)
	}
	point.ScalarMultiplication(&point, big.NewInt(by))
	b := point.Bytes()
	copy(p.b[offset:], b[:])
}

// retau goes on as if tau were three times what it is.
func (p payload) retau(start int) {
	by := func(i int) int64 { return new(big.Int).Exp(big.NewInt(3), big.NewInt(int64(i)), nil).Int64() }
	for i := 1; i < 2*p.domain()-1; i++ {
		p.scale(start+p.tau1(i), by(i))
	}
	for i := 1; i < p.domain(); i++ {
		p.scale2(start+p.tau2(i), by(i))
		p.scale(start+p.alpha(i), by(i))
		p.scale(start+p.beta(i), by(i))
	}
}

// infinite writes the point at infinity.
func (p payload) infinite(offset, size int) {
	clear(p.b[offset : offset+size])
	p.b[offset] = 0b01 << 6
}

// powers returns an imported first phase for given secrets.
func powers(domain int, tau, alpha, beta *fr.Element) *mpc.SRS {
	_, _, one, two := curve.Generators()
	at := func(factor *fr.Element, i int) *big.Int {
		var e fr.Element
		e.Exp(*tau, big.NewInt(int64(i)))
		e.Mul(&e, factor)
		return e.BigInt(new(big.Int))
	}
	unit := fr.One()
	srs := new(mpc.SRS)
	for i := range 2*domain - 1 {
		srs.G1.Tau = append(srs.G1.Tau, *new(curve.G1Affine).ScalarMultiplication(&one, at(&unit, i)))
	}
	for i := range domain {
		srs.G2.Tau = append(srs.G2.Tau, *new(curve.G2Affine).ScalarMultiplication(&two, at(&unit, i)))
		srs.G1.AlphaTau = append(srs.G1.AlphaTau, *new(curve.G1Affine).ScalarMultiplication(&one, at(alpha, i)))
		srs.G1.BetaTau = append(srs.G1.BetaTau, *new(curve.G1Affine).ScalarMultiplication(&one, at(beta, i)))
	}
	srs.G2.Beta.ScalarMultiplication(&two, at(beta, 0))
	return srs
}

// publicChain returns the chain of a ceremony with the names of [ceremonytest.Public]
// that led to these secrets.
func publicChain(tau, alpha, beta fr.Element) []byte {
	first, second := ceremonytest.Public[0], ceremonytest.Public[1]
	last := ptau.TestingOnlySecrets{Tau: tau, Alpha: alpha, Beta: beta}
	for _, s := range []ptau.TestingOnlySecrets{first, second} {
		last.Tau.Div(&last.Tau, &s.Tau)
		last.Alpha.Div(&last.Alpha, &s.Alpha)
		last.Beta.Div(&last.Beta, &s.Beta)
	}
	return ptau.TestingOnlyRun(ceremonytest.PtauPower, []ptau.TestingOnlySecrets{first, second, last}).Chain()
}

// set is a parameter set in memory.
type set map[string][]byte

func (s set) fs() fstest.MapFS {
	out := fstest.MapFS{}
	for name, b := range s {
		out[name] = &fstest.MapFile{Data: b, Mode: 0o644}
	}
	return out
}

// manifest changes what the manifest says, after its files were described anew.
func (s set) manifest(t *testing.T, change func(*params.Manifest)) set {
	t.Helper()
	out := maps.Clone(s)
	m, err := params.ParseManifest(out[params.ManifestFile])
	if err != nil {
		t.Fatal(err)
	}
	m.ProvingKey = params.Describe(out[params.ProvingKeyFile])
	m.VerifyingKey = params.Describe(out[params.VerifyingKeyFile])
	if m.Ceremony != nil {
		m.Ceremony.Transcript = params.Describe(out[params.TranscriptFile])
	}
	if change != nil {
		change(m)
	}
	if out[params.ManifestFile], err = m.Bytes(); err != nil {
		t.Fatal(err)
	}
	return out
}

// transcript puts a transcript of the files in the place of the set's.
func (s set) transcript(t *testing.T, files map[string][]byte) set {
	t.Helper()
	out := maps.Clone(s)
	out[params.TranscriptFile] = ceremonytest.Transcript(files)
	return out.manifest(t, nil)
}

// keys changes the keys of a set, and describes them anew.
func (s set) keys(t *testing.T, change func(*gnark.ProvingKey, *gnark.VerifyingKey)) set {
	t.Helper()
	out := maps.Clone(s)
	var pk gnark.ProvingKey
	var vk gnark.VerifyingKey
	if _, err := pk.ReadFrom(bytes.NewReader(out[params.ProvingKeyFile])); err != nil {
		t.Fatal(err)
	}
	if _, err := vk.ReadFrom(bytes.NewReader(out[params.VerifyingKeyFile])); err != nil {
		t.Fatal(err)
	}
	change(&pk, &vk)
	var p, v bytes.Buffer
	if _, err := pk.WriteRawTo(&p); err != nil {
		t.Fatal(err)
	}
	if _, err := vk.WriteTo(&v); err != nil {
		t.Fatal(err)
	}
	out[params.ProvingKeyFile], out[params.VerifyingKeyFile] = p.Bytes(), v.Bytes()
	return out.manifest(t, nil)
}

// verify audits a set.
func verify(t *testing.T, s set, o audit.Options) *audit.Report {
	t.Helper()
	report, err := audit.Verify(context.Background(), s.fs(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// refusedBy demands that exactly these checks failed, each written as the file, the
// contributor if there is one, and the name.
func refusedBy(t *testing.T, report *audit.Report, want ...string) {
	t.Helper()
	var got []string
	for _, check := range report.Failures() {
		got = append(got, place(check))
		refused[check.Name] = true
		if check.Detail == "" || check.Err == nil {
			t.Errorf("%s: no reason", place(check))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("failed:\n%q\nexpected:\n%q", got, want)
		for _, check := range report.Failures() {
			t.Log(check)
		}
	}
	if report.Sound() || report.Err() == nil {
		t.Error("the set is called sound")
	}
}

func place(check audit.Check) string {
	if check.Contributor != "" {
		return check.File + " by " + check.Contributor + ": " + check.Name
	}
	return check.File + ": " + check.Name
}
