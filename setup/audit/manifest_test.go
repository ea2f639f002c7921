package audit_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/setup/audit"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
	"github.com/zkkex/zkkex/setup/ceremony/sshsig"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
)

// A manifest that lies, with digests that are right.
func TestLyingManifest(t *testing.T) {
	f := newForger(t, ceremonytest.Three)
	sound := set(f.chain.Set(t))
	for want, lie := range map[string]func(*params.Manifest){
		audit.CheckCeremonyKind: func(m *params.Manifest) { m.Kind = params.Dev },
		audit.CheckMade:         func(m *params.Manifest) { m.Ceremony.Contributions = 30 },
		audit.CheckCreated:      func(m *params.Manifest) { m.Created = m.Created.Add(time.Hour) },
		audit.CheckCloses:       func(m *params.Manifest) { m.Ceremony.Beacon = "the weather\u009b2K" },
		audit.CheckCircuit:      func(m *params.Manifest) { m.Circuit.Constraints++ },
		"circuit ":              func(m *params.Manifest) { m.Circuit.Digest[0] ^= 1 },
	} {
		report := verify(t, sound.manifest(t, lie), audit.Options{})
		refusedBy(t, report, params.ManifestFile+": "+strings.TrimSpace(want))
		if strings.ContainsFunc(report.Err().Error(), unicode.IsControl) {
			t.Errorf("control characters in %q", report.Err())
		}
	}
}

// A definition that lies about the circuit, with a chain that goes on from it.
func TestLyingDefinition(t *testing.T) {
	f := newForger(t, ceremonytest.Three)
	sound := set(f.chain.Set(t))
	f.chain.Definition.Circuit.Digest[3] ^= 1
	report := verify(t, sound.transcript(t, f.chain.Files(t)), audit.Options{})
	refusedBy(t, report, ceremony.DefinitionFile+": "+ceremony.CheckCircuit)
}

// The keys of the development sets are known, whatever a manifest calls them.
func TestRelabelledDevelopmentKey(t *testing.T) {
	f := newForger(t, ceremonytest.Three)
	shipped, err := dev.FS(zkkex.BabyJubjub20)
	if err != nil {
		t.Fatal(err)
	}
	vk, err := fs.ReadFile(shipped, params.VerifyingKeyFile)
	if err != nil {
		t.Fatal(err)
	}
	relabelled := maps.Clone(set(f.chain.Set(t)))
	relabelled[params.VerifyingKeyFile] = vk
	report := verify(t, relabelled.manifest(t, nil), audit.Options{})
	const inPK, inVK = params.ProvingKeyFile + ": ", params.VerifyingKeyFile + ": "
	refusedBy(t, report, params.ManifestFile+": "+audit.CheckKind, inVK+audit.CheckRecomputed,
		inPK+"alpha", inPK+"beta in G1", inPK+"beta in G2", inPK+"delta in both keys", inVK+"IC")
	if !errors.Is(report.Err(), params.ErrRelabelled) || !errors.Is(report.Err(), zkkex.ErrRejected) {
		t.Error(report.Err())
	}
}

func TestPinnedDigest(t *testing.T) {
	f := newForger(t, ceremonytest.Three)
	sound := set(f.chain.Set(t))
	m, err := params.ParseManifest(sound[params.ManifestFile])
	if err != nil {
		t.Fatal(err)
	}
	digest, err := m.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if report := verify(t, sound, audit.Options{Digest: &digest}); !report.Sound() || report.Params != digest.String() {
		t.Error(report.Err())
	}
	digest[0] ^= 1
	refusedBy(t, verify(t, sound, audit.Options{Digest: &digest}), params.ManifestFile+": "+audit.CheckParamsDigest)
}

// With a list of allowed signers every signature must be by one of them.
func TestAllowedSigners(t *testing.T) {
	f := newForger(t, ceremonytest.Three)
	sound := set(f.chain.Set(t))
	line := func(name string) string {
		return strings.ToLower(name) + "@example.org " + keyText(t, name) + "\n"
	}
	both, err := sshsig.ParseAllowedSigners([]byte(line("Alice") + line("Carol")))
	if err != nil {
		t.Fatal(err)
	}
	report := verify(t, sound, audit.Options{Signers: both})
	if !report.Sound() {
		t.Error(report.Err())
	}
	for i, want := range []string{"alice@example.org", "", "carol@example.org"} {
		if got := report.Contributions[i].Signer; got != want {
			t.Errorf("signer %d is %q, expected %q", i+1, got, want)
		}
	}
	one, err := sshsig.ParseAllowedSigners([]byte(line("Alice")))
	if err != nil {
		t.Fatal(err)
	}
	refusedBy(t, verify(t, sound, audit.Options{Signers: one}),
		"0003.contribution by Carol: "+audit.CheckSigner, "0007.contribution by Carol: "+audit.CheckSigner)
}

// A set of before there were ceremonies: what can be checked passes, the rest is
// said not to have been checked, and the verdict is not that it is sound.
func TestSetWithoutTranscript(t *testing.T) {
	f := newForger(t, ceremonytest.Three)
	old := maps.Clone(set(f.chain.Set(t)))
	delete(old, params.TranscriptFile)
	dated := old.manifest(t, func(m *params.Manifest) { m.Kind, m.Ceremony = params.Dev, nil })
	report := verify(t, dated, audit.Options{})
	if report.Verdict != audit.Incomplete || report.Sound() || report.Err() == nil || len(report.Failures()) != 0 {
		t.Errorf("%s: %v", report.Verdict, report.Err())
	}
	if report.Trust.Forge != audit.Maker || report.Trust.Deanonymise != audit.Unknown {
		t.Errorf("trust %+v", report.Trust)
	}

	// One that says it is a ceremony's, and is not.
	refusedBy(t, verify(t, old, audit.Options{}), params.TranscriptFile+": "+audit.CheckFile)
}

func TestMissingKey(t *testing.T) {
	f := newForger(t, ceremonytest.Three)
	for _, name := range []string{params.ProvingKeyFile, params.VerifyingKeyFile} {
		broken := maps.Clone(set(f.chain.Set(t)))
		delete(broken, name)
		refusedBy(t, verify(t, broken, audit.Options{}), name+": "+audit.CheckFile)
	}
}

// Without a manifest there is nothing to verify, and no report.
func TestNoSet(t *testing.T) {
	f := newForger(t, ceremonytest.Three)
	sound := set(f.chain.Set(t))
	for _, fault := range []struct {
		manifest []byte
		want     error
	}{
		{nil, fs.ErrNotExist},
		{[]byte("{}\n"), zkkex.ErrUnsupported},
		{bytes.Repeat([]byte(" "), params.MaxManifestSize+1), zkkex.ErrMalformed},
		{append(bytes.Clone(sound[params.ManifestFile]), '\n'), zkkex.ErrMalformed},
	} {
		broken := maps.Clone(sound)
		broken[params.ManifestFile] = fault.manifest
		if fault.manifest == nil {
			delete(broken, params.ManifestFile)
		}
		report, err := audit.Verify(context.Background(), broken.fs(), audit.Options{}, nil)
		if report != nil || !errors.Is(err, fault.want) {
			t.Errorf("%.20q: %v, expected %v", fault.manifest, err, fault.want)
		}
	}
}

// The context ends an audit in any step, and then there is no report.
func TestContextEnds(t *testing.T) {
	f := newForger(t, ceremonytest.Three)
	sound := set(f.chain.Set(t)).fs()
	var steps []string
	if _, err := audit.Verify(context.Background(), sound, audit.Options{}, func(step string, _, _ int) {
		if !slices.Contains(steps, step) {
			steps = append(steps, step)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if len(steps) < 20 {
		t.Errorf("steps %q", steps)
	}
	for _, stop := range steps {
		ctx, cancel := context.WithCancel(context.Background())
		report, err := audit.Verify(ctx, sound, audit.Options{}, func(step string, _, _ int) {
			if step == stop {
				cancel()
			}
		})
		cancel()
		if report != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("stopped at %q: %v", stop, err)
		}
	}
}
