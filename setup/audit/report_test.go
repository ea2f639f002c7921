package audit

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/mpc"
	"github.com/zkkex/zkkex/internal/wellformed"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/params"
)

const specification = "../../docs/spec/setup-verify.md"

// sample is the report in the specification.
func sample() *Report {
	date := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	digest := func(b byte) (d params.Digest) { d[0] = b; return d }
	r := newReport()
	r.Params, r.Kind = zkkex.ParamsDigest{1}.String(), params.Ceremony
	r.Circuit = &params.Circuit{ID: zkkex.BabyJubjub20, Name: "babyjubjub-20", Digest: digest(2), Constraints: 3931, PublicInputs: 5}
	r.Contributions = []Contribution{
		{File: "0001.contribution", Digest: digest(3), Phase: 2, Contributor: "Alice", Created: date,
			Key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHHH/6J8xw56nhMego/QyRQ8rDl0vVsdYP6/EV3X3fQw", Signer: "alice@example.org"},
		{File: "0002.contribution", Digest: digest(4), Phase: 2, Contributor: "Bob", Created: date},
		{File: "0003.contribution", Digest: digest(5), Phase: 2, Contributor: "drand quicknet, round 24200000", Beacon: true,
			Value: "0f6e2ad05b1a7e0d8a7a2c64d1f3a58c", Created: date},
	}
	r.Imported = &Imported{
		Source: "https://example.org/powers_12.ptau", File: params.File{Size: 4718752, SHA256: digest(6)},
		Verified: true, Contributions: []ceremony.ImportedContribution{
			{Number: 1, Contributor: "Carol", Response: strings.Repeat("0123456789abcdef", 8)},
			{Number: 2, Contributor: "Dave", Response: strings.Repeat("fedcba9876543210", 8)},
			{Number: 3, Response: strings.Repeat("0011223344556677", 8), Beacon: true, Value: "0102030405060708", Exponent: 10},
		},
	}
	a := &auditor{report: r}
	a.record(mpc.CheckK, subject{"0001.contribution", "Alice"}, nil)
	a.record(wellformed.K, subject{file: params.ProvingKeyFile}, nil)
	r.conclude()
	r.Trust = judge(r, findings{transcript: true, circuit: true, srs: true, keys: true})
	return r
}

func TestSampleOfTheSpecification(t *testing.T) {
	text, err := os.ReadFile(specification)
	if err != nil {
		t.Fatal(err)
	}
	if want := "```json\n" + string(sample().JSON()) + "```\n"; !strings.Contains(string(text), want) {
		t.Errorf("the specification does not have the sample:\n%s", want)
	}
}

// names are the checks that a report can have, by what the specification calls the
// section.
func names() []string {
	out := []string{
		CheckParamsDigest, CheckKind, CheckFile, CheckCircuit, CheckEncoding, CheckSafe,
		ceremony.CheckSignature, ceremony.CheckBeacon, ceremony.CheckContributions, ceremony.CheckNames, CheckSigner,
		CheckCeremonyKind, CheckMade, CheckCreated, CheckCloses,
		CheckPtauFile, CheckPtauContributions, CheckPtauPowers,
		CheckBegin, CheckRecomputed,
	}
	for _, list := range [][]string{placed, phase1Checks, phase2Checks, srsChecks, wellformed.Checks()} {
		out = append(out, list...)
	}
	return out
}

// The specification names every check, and no other.
func TestChecksOfTheSpecification(t *testing.T) {
	text, err := os.ReadFile(specification)
	if err != nil {
		t.Fatal(err)
	}
	code := map[string]bool{}
	for _, name := range names() {
		code[name] = true
	}
	written := map[string]bool{}
	_, tables, _ := strings.Cut(string(text), "## Checks of the set")
	tables, _, _ = strings.Cut(tables, "## Report")
	for line := range strings.Lines(tables) {
		cell, ok := strings.CutPrefix(line, "| `")
		if !ok {
			continue
		}
		cell, _, _ = strings.Cut(cell, "` |")
		for _, name := range strings.Split(cell, "`, `") {
			written[name] = true
			if !code[name] {
				t.Errorf("the specification has a check %q", name)
			}
		}
	}
	for name := range code {
		if !written[name] {
			t.Errorf("the specification does not have the check %q", name)
		}
	}
}

func TestVerdicts(t *testing.T) {
	for want, outcomes := range map[Verdict][]Outcome{
		Sound:      {Passed, Passed},
		Refused:    {Passed, NotRun, Failed},
		Incomplete: {NotRun, Passed},
	} {
		r := newReport()
		for _, outcome := range outcomes {
			r.Checks = append(r.Checks, Check{Name: string(outcome), Outcome: outcome})
		}
		r.conclude()
		if r.Verdict != want || r.Sound() != (want == Sound) || (r.Err() == nil) != r.Sound() {
			t.Errorf("%v: %s, %v", outcomes, r.Verdict, r.Err())
		}
		if err := r.Err(); err != nil && (!errors.Is(err, zkkex.ErrRejected) || !strings.Contains(err.Error(), string(outcomes[len(outcomes)-1])) && want == Refused) {
			t.Error(err)
		}
	}
}
