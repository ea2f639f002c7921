package setup_test

import (
	"bytes"
	"errors"
	"testing"
	"testing/fstest"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/plonk"
	"github.com/zkkex/zkkex/internal/plonktest"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/setup/params"
)

// TestOpenPlonkRefuses makes sets that say what their files are, so that a digest
// refuses none of them. Each check of the string by itself is for the tests of
// internal/plonk.
func TestOpenPlonkRefuses(t *testing.T) {
	folder, _ := plonktest.Folder(t, zkkex.BabyJubjub20Plonk)
	good := plonktest.Params(t, zkkex.BabyJubjub20Plonk)
	m := good.Manifest()
	domain := plonk.DomainFor(m.Circuit.Constraints)
	srs := func(change func(*plonk.SRS)) []byte {
		s, err := plonk.ParseSRS(folder[params.SRSFile].Data, domain)
		if err != nil {
			t.Fatal(err)
		}
		change(s)
		return s.Bytes()
	}
	vk := func(change func(*plonk.Points)) []byte {
		p, err := plonk.ParsePoints(good.VerifyingKey())
		if err != nil {
			t.Fatal(err)
		}
		change(p)
		return p.Bytes()
	}
	flipped := bytes.Clone(good.SRS())
	flipped[4+64+63] ^= 1
	digest, constraints := m, m
	digest.Circuit.Digest[0] ^= 1
	constraints.Circuit.Constraints++
	for _, test := range []struct {
		name        string
		manifest    params.Manifest
		srs, vk     []byte
		file, check string
	}{
		{"another circuit's digest", digest, good.SRS(), good.VerifyingKey(), params.ManifestFile, "circuit digest"},
		{"another number of constraints", constraints, good.SRS(), good.VerifyingKey(), params.ManifestFile, "constraints"},
		{"a point off the curve", m, flipped, good.VerifyingKey(), params.SRSFile, plonk.CheckPoints},
		{"a power of another secret", m, srs(func(s *plonk.SRS) { s.Powers[100] = s.Powers[101] }), good.VerifyingKey(), params.SRSFile, plonk.CheckPowers},
		{"a Lagrange point of another place", m, srs(func(s *plonk.SRS) { s.Lagrange[7] = s.Lagrange[8] }), good.VerifyingKey(), params.SRSFile, plonk.CheckLagrange},
		{"a verifying key of another circuit", m, good.SRS(), vk(func(p *plonk.Points) { p.Constant = p.Left }), params.VerifyingKeyFile, "computed again"},
		{"a verifying key of another setup", m, good.SRS(), vk(func(p *plonk.Points) { p.Tau.Double(&p.Tau) }), params.VerifyingKeyFile, "computed again"},
	} {
		set := plonkFolder(t, test.manifest, test.srs, test.vk)
		opened := openPinned(t, set)
		_, err := prover.Open(opened)
		var mismatch *params.MismatchError
		if !errors.As(err, &mismatch) || mismatch.File != test.file || mismatch.Check != test.check {
			t.Errorf("%s: %v, want a mismatch of %s: %s", test.name, err, test.file, test.check)
		}
	}
}

// plonkFolder returns a set of files with a manifest that fits them.
func plonkFolder(t *testing.T, m params.Manifest, srs, vk []byte) fstest.MapFS {
	t.Helper()
	m.SRS, m.VerifyingKey = params.Describe(srs), params.Describe(vk)
	encoded, err := m.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{
		params.ManifestFile: {Data: encoded}, params.SRSFile: {Data: srs}, params.VerifyingKeyFile: {Data: vk},
	}
}
