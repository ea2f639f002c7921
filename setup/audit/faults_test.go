package audit_test

import (
	"bytes"
	"maps"
	"testing"

	"github.com/consensys/gnark-crypto/ecc"
	curve "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr/fft"
	gnark "github.com/consensys/gnark/backend/groth16/bn254"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/compiled"
	"github.com/zkkex/zkkex/internal/mpc"
	"github.com/zkkex/zkkex/internal/public"
	"github.com/zkkex/zkkex/setup/audit"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
	"github.com/zkkex/zkkex/setup/params"
)

// Whoever makes a contribution knows all secrets, and everybody after it goes on as
// if it were right; every digest, signature and the manifest are made anew. The
// checks about the fault refuse, and no others: where the fault is in the result,
// that of the result as well.
func TestPlantedContributions(t *testing.T) {
	f := newForger(t, ceremonytest.Three)
	const (
		third  = "0003.contribution by Carol: "
		closed = "0004.contribution: "
		sixth  = "0006.contribution by Bob: "
		pk     = params.ProvingKeyFile + ": "
		vk     = params.VerifyingKeyFile + ": "
	)
	for _, fault := range []struct {
		number int
		plant  func(p payload)
		want   []string
	}{
		{3, func(p payload) { p.challengeOf()[7] ^= 1 }, []string{third + mpc.CheckChallenge}},
		{3, func(p payload) { p.scale2(g1, 2) }, []string{third + mpc.CheckTauProof}},
		{3, func(p payload) { p.scale(g1+g2, 2) }, []string{third + mpc.CheckAlphaProof}},
		{3, func(p payload) { p.scale2(2*(g1+g2)+g1, 5) }, []string{third + mpc.CheckBetaProof}},
		{3, func(p payload) { p.retau(proofs) }, []string{third + mpc.CheckTau}},
		{3, func(p payload) {
			for i := range p.domain() {
				p.scale(proofs+p.alpha(i), 2)
			}
		}, []string{third + mpc.CheckAlpha}},
		{3, func(p payload) {
			for i := range p.domain() {
				p.scale(proofs+p.beta(i), 2)
			}
			p.scale2(proofs+offsetBeta2, 2)
		}, []string{third + mpc.CheckBetaG1}},
		{3, func(p payload) { p.scale2(proofs+offsetBeta2, 2) },
			[]string{third + mpc.CheckBetaG2, closed + mpc.CheckBetaG2, vk + audit.CheckSafe}},
		{3, func(p payload) { p.scale(proofs+p.tau1(p.domain()), 2) },
			[]string{third + mpc.CheckTauPowersG1, closed + mpc.CheckTauPowersG1}},
		{3, func(p payload) { p.scale2(proofs+p.tau2(2), 2) },
			[]string{third + mpc.CheckTauPowersG2, closed + mpc.CheckTauPowersG2}},
		{3, func(p payload) { p.scale(proofs+p.alpha(p.domain()-1), 2) },
			[]string{third + mpc.CheckAlphaPowers, closed + mpc.CheckAlphaPowers}},
		{3, func(p payload) { p.scale(proofs+p.beta(1), 2) },
			[]string{third + mpc.CheckBetaPowers, closed + mpc.CheckBetaPowers}},

		{6, func(p payload) { p.challengeOf()[0] ^= 1 }, []string{sixth + mpc.CheckChallenge}},
		{6, func(p payload) { p.scale2(p.deltaProof()+g1, 2) }, []string{sixth + mpc.CheckDeltaProof}},
		{6, func(p payload) { p.scale(p.delta1(), 2) },
			[]string{sixth + mpc.CheckDeltaG1, pk + "delta in both groups", vk + audit.CheckSafe}},
		{6, func(p payload) { p.scale2(p.delta2(), 2) },
			[]string{sixth + mpc.CheckDeltaG2, pk + "delta in both groups", vk + audit.CheckSafe, pk + "K", pk + "Z"}},
		{6, func(p payload) { p.scale(p.z(3), 2) }, []string{sixth + mpc.CheckZ, pk + "Z"}},
		{6, func(p payload) { p.scale(p.k(0), 2) }, []string{sixth + mpc.CheckK, pk + "K"}},
	} {
		t.Run(fault.want[0], func(t *testing.T) {
			f.t = t
			f.reset()
			p := f.payload(fault.number)
			fault.plant(p)
			f.chain.Plant(t, fault.number, p.b)
			report := verify(t, f.chain.Set(t), audit.Options{})
			refusedBy(t, report, fault.want...)
			if report.Trust.Forge != audit.Unknown {
				t.Errorf("who can forge: %s", report.Trust.Forge)
			}
		})
	}
}

// Points that are none are refused before anything is computed with them.
func TestPlantedPoints(t *testing.T) {
	f := newForger(t, ceremonytest.Three)
	sound := set(f.chain.Set(t))
	outside := outsideSubgroup(t)
	for name, fault := range map[string]struct {
		number int
		plant  func(p payload)
		want   string
	}{
		"zero tau":             {2, func(p payload) { p.infinite(proofs+p.tau1(1), g1) }, "0002.contribution by Bob"},
		"zero beta":            {2, func(p payload) { p.infinite(proofs+offsetBeta2, g2) }, "0002.contribution by Bob"},
		"tau outside subgroup": {3, func(p payload) { copy(p.b[proofs+p.tau2(1):], outside) }, "0003.contribution by Carol"},
		"a point of no curve":  {1, func(p payload) { noPoint(p.b[proofs+p.alpha(0):]) }, "0001.contribution by Alice"},
		"zero delta":           {6, func(p payload) { p.infinite(p.delta1(), g1) }, "0006.contribution by Bob"},
		"zero K":               {7, func(p payload) { p.infinite(p.k(1), g1) }, "0007.contribution by Carol"},
		"delta outside":        {6, func(p payload) { copy(p.b[p.delta2():], outside) }, "0006.contribution by Bob"},
		"proof outside":        {6, func(p payload) { copy(p.b[p.deltaProof()+g1:], outside) }, "0006.contribution by Bob"},
	} {
		t.Run(name, func(t *testing.T) {
			f.t = t
			f.reset()
			p := f.payload(fault.number)
			fault.plant(p)
			f.chain.Links[fault.number-1].Payload = p.b
			report := verify(t, sound.transcript(t, f.chain.Files(t)), audit.Options{})
			refusedBy(t, report, fault.want+": "+mpc.CheckEncoding)
		})
	}
}

// Whoever made an imported first phase can choose its secrets, and everything else
// follows: the contributions to it as well.
func TestPlantedPowers(t *testing.T) {
	f := newForger(t, ceremonytest.Plan{Imported: true, Phase2: []string{"Alice", "Bob"}})
	domain := fft.NewDomain(uint64(f.domain()))
	number := func(n int64) (e fr.Element) { e.SetInt64(n); return e }
	good := [3]fr.Element{number(1234567), number(2345678), number(3456789)}
	const (
		file  = ceremony.PhaseOneFile + ": "
		chain = ceremony.ChainFile + ": "
		pk    = params.ProvingKeyFile + ": "
		vk    = params.VerifyingKeyFile + ": "
	)
	for _, fault := range []struct {
		tau, alpha, beta fr.Element
		change           func(*mpc.SRS)
		want             []string
	}{
		{good[0], number(1), good[2], nil, []string{file + mpc.CheckAlphaValue, vk + audit.CheckSafe}},
		{good[0], number(-1), good[2], nil, []string{file + mpc.CheckAlphaValue, vk + audit.CheckSafe}},
		{good[0], good[1], number(-1), nil, []string{file + mpc.CheckBetaValue, vk + audit.CheckSafe}},
		{good[0], good[1], good[2], func(s *mpc.SRS) { s.G2.Beta.Double(&s.G2.Beta) },
			[]string{file + mpc.CheckBetaG2, chain + audit.CheckPtauContributions, vk + audit.CheckSafe}},
		{good[0], good[1], good[2], func(s *mpc.SRS) { s.G1.Tau[20].Double(&s.G1.Tau[20]) }, []string{file + mpc.CheckTauPowersG1}},
		{good[0], good[1], good[2], func(s *mpc.SRS) { s.G2.Tau[15].Double(&s.G2.Tau[15]) }, []string{file + mpc.CheckTauPowersG2}},
		{good[0], good[1], good[2], func(s *mpc.SRS) { s.G1.AlphaTau[3].Double(&s.G1.AlphaTau[3]) }, []string{file + mpc.CheckAlphaPowers}},
		{good[0], good[1], good[2], func(s *mpc.SRS) { s.G1.BetaTau[4].Double(&s.G1.BetaTau[4]) }, []string{file + mpc.CheckBetaPowers}},
	} {
		t.Run(fault.want[0], func(t *testing.T) {
			f.t = t
			f.reset()
			srs := powers(f.domain(), &fault.tau, &fault.alpha, &fault.beta)
			if fault.change != nil {
				fault.change(srs)
			}
			f.importPowers(srs)
			f.chain.Ptau = publicChain(fault.tau, fault.alpha, fault.beta)
			refusedBy(t, verify(t, f.chain.Set(t), audit.Options{}), fault.want...)
		})
	}
	t.Run("tau in the domain", func(t *testing.T) {
		f.t = t
		f.reset()
		sound := set(f.chain.Set(t))
		f.chain.SRS = mpc.SRSBytes(powers(f.domain(), &domain.Generator, &good[1], &good[2]))
		f.chain.Ptau = publicChain(domain.Generator, good[1], good[2])
		report := verify(t, sound.transcript(t, f.chain.Files(t)), audit.Options{})
		refusedBy(t, report, file+mpc.CheckTauValue, file+audit.CheckBegin,
			pk+"alpha", pk+"beta in G1", pk+"beta in G2", // nobody can make keys from it, so these are others
			pk+"A", pk+"B in G1", pk+"B in G2", pk+"K", vk+"IC", pk+"Z")
	})
}

// importPowers begins the ceremony with other powers, upon which all contribute.
func (f *forger) importPowers(srs *mpc.SRS) {
	f.t.Helper()
	f.chain.SRS = mpc.SRSBytes(srs)
	start, _, err := mpc.NewPhase2(f.t.Context(), f.system, srs, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	first, err := start.Contribute(f.t.Context(), nil, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	f.chain.Plant(f.t, 1, first.Bytes())
}

// Keys that the ceremony does not lead to: a manifest describes them, and all is
// well but for what compares points.
func TestPlantedKeys(t *testing.T) {
	f := newForger(t, ceremonytest.Three)
	sound := set(f.chain.Set(t))
	const (
		pk    = params.ProvingKeyFile + ": "
		vk    = params.VerifyingKeyFile + ": "
		again = audit.CheckRecomputed
	)
	for _, fault := range []struct {
		change func(*gnark.ProvingKey, *gnark.VerifyingKey)
		want   []string
	}{
		{func(p *gnark.ProvingKey, _ *gnark.VerifyingKey) { double(&p.G1.A[1]) }, []string{pk + "A", pk + again}},
		{func(p *gnark.ProvingKey, _ *gnark.VerifyingKey) { double(&p.G1.B[1]) }, []string{pk + "B in G1", pk + again}},
		{func(p *gnark.ProvingKey, _ *gnark.VerifyingKey) { p.G2.B[1].Double(&p.G2.B[1]) }, []string{pk + "B in G2", pk + again}},
		{func(p *gnark.ProvingKey, _ *gnark.VerifyingKey) { double(&p.G1.K[1]) }, []string{pk + "K", pk + again}},
		{func(p *gnark.ProvingKey, _ *gnark.VerifyingKey) { double(&p.G1.Z[0]) }, []string{pk + "Z", pk + again}},
		{func(p *gnark.ProvingKey, _ *gnark.VerifyingKey) { double(&p.G1.Alpha) }, []string{pk + "alpha", pk + again}},
		{func(p *gnark.ProvingKey, _ *gnark.VerifyingKey) { double(&p.G1.Beta) }, []string{pk + "beta in G1", pk + again}},
		{func(p *gnark.ProvingKey, _ *gnark.VerifyingKey) { p.G2.Beta.Double(&p.G2.Beta) }, []string{pk + "beta in G2", pk + again}},
		{func(_ *gnark.ProvingKey, v *gnark.VerifyingKey) { double(&v.G1.K[2]) }, []string{vk + "IC", vk + again}},
		{func(_ *gnark.ProvingKey, v *gnark.VerifyingKey) { scaleGamma(v) }, []string{vk + "gamma", vk + again}},
		{func(_ *gnark.ProvingKey, v *gnark.VerifyingKey) {
			double(&v.G1.Delta)
			v.G2.Delta.Double(&v.G2.Delta)
		}, []string{pk + "delta in both keys", vk + again}},
		{func(p *gnark.ProvingKey, v *gnark.VerifyingKey) {
			double(&p.G1.Delta)
			double(&v.G1.Delta)
		}, []string{pk + "delta in both groups", vk + audit.CheckSafe, pk + again, vk + again}},
	} {
		t.Run(fault.want[0], func(t *testing.T) {
			report := verify(t, sound.keys(t, fault.change), audit.Options{})
			refusedBy(t, report, fault.want...)
			if report.Trust.Deanonymise != audit.Unknown {
				t.Errorf("who can deanonymise: %s", report.Trust.Deanonymise)
			}
		})
	}
}

// A proving key of another ceremony for the same circuit does not belong to the
// verifying key.
func TestForeignProvingKey(t *testing.T) {
	f := newForger(t, ceremonytest.Three)
	sound := set(f.chain.Set(t))
	f.chain.Plant(t, 6, honest(t, f, 6))
	foreign := set(f.chain.Set(t))
	mixed := maps.Clone(sound)
	mixed[params.ProvingKeyFile] = foreign[params.ProvingKeyFile]
	report := verify(t, mixed.manifest(t, nil), audit.Options{})
	refusedBy(t, report,
		params.ProvingKeyFile+": "+audit.CheckRecomputed, params.ProvingKeyFile+": delta in both keys")
}

// A second phase that nobody contributed to leaves delta at what a beacon makes of
// 1, or at 1: trap S1 and S1b.
func TestPhase2WithoutContribution(t *testing.T) {
	f := newForger(t, ceremonytest.Three)
	sound := set(f.chain.Set(t))

	links := f.chain.Links
	f.chain.Links = append(links[:4:4], links[7])
	f.chain.Links[4].Header.Number = 5
	report := verify(t, sound.transcript(t, f.chain.Files(t)), audit.Options{})
	refusedBy(t, report, "0005.contribution: "+ceremony.CheckContributions)

	f.reset()
	f.chain.Links = f.chain.Links[:4]
	report = verify(t, sound.transcript(t, f.chain.Files(t)), audit.Options{})
	refusedBy(t, report, params.TranscriptFile+": "+ceremony.CheckContributions, params.TranscriptFile+": "+ceremony.CheckBeacon,
		params.ManifestFile+": "+audit.CheckMade)
}

// A contribution that is there twice, or in another's place, with numbers, digests
// and signatures that fit.
func TestReplayedAndReordered(t *testing.T) {
	f := newForger(t, ceremonytest.Three)
	sound := set(f.chain.Set(t))

	f.chain.Links[6].Payload = bytes.Clone(f.chain.Links[5].Payload)
	refusedBy(t, verify(t, sound.transcript(t, f.chain.Files(t)), audit.Options{}),
		"0007.contribution by Carol: "+mpc.CheckChallenge,
		params.ProvingKeyFile+": "+audit.CheckRecomputed, params.VerifyingKeyFile+": "+audit.CheckRecomputed)

	f.reset()
	f.chain.Links[0].Payload, f.chain.Links[1].Payload = f.chain.Links[1].Payload, f.chain.Links[0].Payload
	report := verify(t, sound.transcript(t, f.chain.Files(t)), audit.Options{})
	refusedBy(t, report, "0001.contribution by Alice: "+mpc.CheckChallenge,
		"0002.contribution by Bob: "+mpc.CheckChallenge, "0003.contribution by Carol: "+mpc.CheckChallenge)

	f.reset()
	f.chain.Links[5].Payload = f.chain.Links[5].Payload[:len(f.chain.Links[5].Payload)-1]
	refusedBy(t, verify(t, sound.transcript(t, f.chain.Files(t)), audit.Options{}),
		"0006.contribution by Bob: "+ceremony.CheckSize)
}

// Without the forger's work: one byte flipped anywhere, and nothing made anew but
// the digest in the manifest.
func TestFlippedByte(t *testing.T) {
	f := newForger(t, ceremonytest.Three)
	sound := set(f.chain.Set(t))
	for name, want := range map[string]string{
		ceremony.DefinitionFile: "0001.contribution by Alice: " + ceremony.CheckCeremony,
		"0001.contribution":     "0001.contribution by Alice: " + ceremony.CheckDigest,
		"0006.contribution":     "0006.contribution by Bob: " + ceremony.CheckDigest,
	} {
		files := f.chain.Files(t)
		flipped := bytes.Clone(files[name])
		if name == ceremony.DefinitionFile {
			flipped = bytes.Replace(flipped, []byte(`"name": "test"`), []byte(`"name": "tesT"`), 1)
		} else {
			flipped[len(flipped)-40] ^= 1
		}
		files[name] = flipped
		refusedBy(t, verify(t, sound.transcript(t, files), audit.Options{}), want)
	}
	for _, name := range []string{params.ProvingKeyFile, params.VerifyingKeyFile, params.TranscriptFile} {
		broken := maps.Clone(sound)
		broken[name] = bytes.Clone(broken[name])
		broken[name][len(broken[name])/2] ^= 1
		report := verify(t, broken, audit.Options{})
		if got := place(report.Failures()[0]); got != name+": "+audit.CheckFile {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func double(p *curve.G1Affine) { p.Double(p) }

// scaleGamma gives the key another gamma, and the points that belong to it.
func scaleGamma(vk *gnark.VerifyingKey) {
	var s fr.Element
	s.SetUint64(3)
	three := s.BigInt(ecc.BN254.ScalarField())
	vk.G2.Gamma.ScalarMultiplication(&vk.G2.Gamma, three)
	s.Inverse(&s)
	third := s.BigInt(three)
	for i := range vk.G1.K {
		vk.G1.K[i].ScalarMultiplication(&vk.G1.K[i], third)
	}
}

// noPoint writes a coordinate that the curve does not have.
func noPoint(b []byte) {
	for x := byte(1); ; x++ {
		clear(b[:g1])
		b[0], b[g1-1] = 0b10<<6, x
		var p curve.G1Affine
		if _, err := p.SetBytes(b[:g1]); err != nil {
			return
		}
	}
}

// outsideSubgroup returns a point of the twist whose order is not prime.
func outsideSubgroup(t *testing.T) []byte {
	t.Helper()
	for x := byte(1); x < 100; x++ {
		b := make([]byte, g2)
		b[0], b[g2-1] = 0b10<<6, x
		var p curve.G2Affine
		decoder := curve.NewDecoder(bytes.NewReader(b), curve.NoSubgroupChecks())
		if decoder.Decode(&p) == nil && p.IsOnCurve() && !p.IsInSubGroup() {
			return b
		}
	}
	t.Fatal("no such point")
	return nil
}

// honest returns another honest contribution of a number.
func honest(t *testing.T, f *forger, number int) []byte {
	t.Helper()
	previous, err := mpc.ParsePhase2(f.chain.Links[number-2].Payload, f.size)
	if err != nil {
		t.Fatal(err)
	}
	next, err := previous.Contribute(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return next.Bytes()
}

// Files that say they are something else, with digests that fit, and signatures too
// but for the one that is about.
func TestPlantedHeaders(t *testing.T) {
	announced := ceremonytest.Three
	announced.Announced = true
	f := newForger(t, announced)
	sound := set(f.chain.Set(t))
	for _, fault := range []struct {
		want  string
		plant func() map[string][]byte
	}{
		{"0007.contribution by Carol: " + ceremony.CheckNumber, func() map[string][]byte {
			f.chain.Links[6].Header.Number = 6
			return f.chain.Files(t)
		}},
		{"0003.contribution by Carol: " + ceremony.CheckPhase, func() map[string][]byte {
			f.chain.Links[2].Header.Phase = 2
			return f.chain.Files(t)
		}},
		{"0002.contribution by Bob: " + ceremony.CheckCircuit, func() map[string][]byte {
			f.chain.Links[1].Header.Circuit = zkkex.BabyJubjub32.String()
			return f.chain.Files(t)
		}},
		{"0008.contribution: " + ceremony.CheckPrevious, func() map[string][]byte {
			files := f.chain.Files(t)
			f.chain.Links[7].Header.Previous[0] ^= 1
			files["0008.contribution"] = f.chain.Links[7].Bytes(t)
			return files
		}},
		{"0007.contribution by Carol: " + ceremony.CheckCeremony, func() map[string][]byte {
			files := f.chain.Files(t)
			f.chain.Links[6].Header.Ceremony[0] ^= 1
			files["0007.contribution"] = f.chain.Links[6].Bytes(t)
			return files
		}},
		{"0008.contribution: " + ceremony.CheckBeacon, func() map[string][]byte {
			f.chain.Definition.Beacons.Phase2 = "another one"
			return f.chain.Files(t)
		}},
		{"0007.contribution by Carol: " + ceremony.CheckSignature, func() map[string][]byte {
			files := f.chain.Files(t)
			signed := files["0007.contribution"]
			signed[len(signed)-len(f.chain.Links[6].Payload)-1] ^= 1
			return files
		}},
		{"0001.contribution: " + ceremony.CheckForm, func() map[string][]byte {
			files := f.chain.Files(t)
			files["0001.contribution"] = bytes.Replace(files["0001.contribution"], []byte(`"phase": 1`), []byte(`"phase": 3`), 1)
			return files
		}},
		{params.TranscriptFile + ": " + ceremony.CheckForm, func() map[string][]byte {
			files := f.chain.Files(t)
			files["0009.more"] = []byte("more")
			return files
		}},
	} {
		t.Run(fault.want, func(t *testing.T) {
			f.t = t
			f.reset()
			refusedBy(t, verify(t, sound.transcript(t, fault.plant()), audit.Options{}), fault.want)
		})
	}
}

// other is a relation of the small circuit's size, with another last constraint.
type other struct {
	Inputs [public.Count]frontend.Variable `gnark:",public"`
	Root   frontend.Variable
}

func (c *other) Define(api frontend.API) error {
	for _, in := range c.Inputs {
		api.Mul(in, in)
	}
	power := c.Root
	for range 4 {
		power = api.Mul(power, power)
	}
	api.AssertIsEqual(api.Add(power, c.Root), c.Inputs[0])
	return nil
}

// A contribution to another circuit of the same size, upon the same first phase: all
// who follow go on from it, and the keys are the other circuit's.
func TestContributionToAnotherCircuit(t *testing.T) {
	f := newForger(t, ceremonytest.Plan{Imported: true, Phase2: []string{"Alice", "Bob"}})
	system, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, &other{})
	if err != nil {
		t.Fatal(err)
	}
	restore := compiled.TestingOnlyReplace(ceremonytest.Circuit, system.(*cs.R1CS))
	foreign := &forger{t: t, chain: f.chain, size: f.size, system: system.(*cs.R1CS)}
	srs, err := mpc.ParseSRS(f.chain.SRS, f.domain())
	if err != nil {
		t.Fatal(err)
	}
	foreign.importPowers(srs)
	made := set(foreign.chain.Set(t))
	restore()
	const pk, vk = params.ProvingKeyFile + ": ", params.VerifyingKeyFile + ": "
	refusedBy(t, verify(t, made, audit.Options{}),
		"0001.contribution by Alice: "+mpc.CheckChallenge,
		pk+"A", pk+"B in G1", pk+"B in G2", pk+"K", vk+"IC",
		pk+audit.CheckRecomputed, vk+audit.CheckRecomputed)
}
