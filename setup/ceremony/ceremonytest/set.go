package ceremonytest

import (
	"bytes"
	"context"
	"testing"

	cs "github.com/consensys/gnark/constraint/bn254"

	"github.com/zkkex/zkkex/internal/compiled"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/params"
)

func (r *rerun) system() *cs.R1CS {
	r.t.Helper()
	system, err := compiled.Circuit(r.chain.Definition.Circuit.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	return system
}

// Set returns the files of the parameter set that the ceremony would have been
// sealed to if nobody had verified anything. The chain must end with a beacon, and
// its payloads must be decodable.
func (c *Chain) Set(t testing.TB) map[string][]byte {
	t.Helper()
	pk, vk := c.Keys(t)
	transcript := Transcript(c.Files(t))
	last := c.Links[len(c.Links)-1].Header
	m := &params.Manifest{
		Format:       params.Format,
		Kind:         c.Definition.Kind,
		Created:      last.Created,
		ProofSystem:  params.ProofSystem,
		Curve:        params.Curve,
		Circuit:      c.Definition.Circuit,
		ProvingKey:   params.Describe(pk),
		VerifyingKey: params.Describe(vk),
		Ceremony: &params.CeremonyTranscript{
			Transcript:    params.Describe(transcript),
			Contributions: c.made(2),
			Beacon:        last.Beacon.Source,
		},
	}
	manifest, err := m.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		params.ManifestFile:     manifest,
		params.ProvingKeyFile:   pk,
		params.VerifyingKeyFile: vk,
		params.TranscriptFile:   transcript,
	}
}

// made counts the contributions to a phase.
func (c *Chain) made(phase int) (n int) {
	for _, link := range c.Links {
		if link.Header.Phase == phase && link.Header.Kind == ceremony.Contribution {
			n++
		}
	}
	return n
}

// Keys returns the encoded keys that the ceremony leads to.
func (c *Chain) Keys(t testing.TB) (pk, vk []byte) {
	t.Helper()
	r := &rerun{t: t, chain: c}
	beacon := c.beaconOfPhase1()
	if !r.begin(beacon) {
		t.Fatal("phase 1 cannot be decoded")
	}
	last := len(c.Links)
	two, ok := r.phase2(last - 1)
	if !ok {
		t.Fatal("phase 2 cannot be decoded")
	}
	proving, verifying, err := two.Seal(context.Background(), r.srs, r.evals, c.Links[last-1].Header.Beacon.Value)
	if err != nil {
		t.Fatal(err)
	}
	var p, v bytes.Buffer
	if _, err := proving.WriteRawTo(&p); err != nil {
		t.Fatal(err)
	}
	if _, err := verifying.WriteTo(&v); err != nil {
		t.Fatal(err)
	}
	return p.Bytes(), v.Bytes()
}

// beaconOfPhase1 returns the number of the beacon that closed phase 1, or 0 if
// that was imported.
func (c *Chain) beaconOfPhase1() int {
	if c.SRS != nil {
		return 0
	}
	for i, link := range c.Links {
		if link.Header.Phase == 1 && link.Header.Kind == ceremony.Beacon {
			return i + 1
		}
	}
	return 0
}
