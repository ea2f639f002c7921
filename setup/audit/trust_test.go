package audit_test

import (
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/zkkex/zkkex/setup/audit"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
	"github.com/zkkex/zkkex/setup/ceremony/sshsig"
	"github.com/zkkex/zkkex/setup/params"
)

// keyText returns a name's public key, as in an authorized_keys file.
func keyText(t *testing.T, name string) string {
	t.Helper()
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(ceremonytest.Key(t, name).PublicKey())))
}

func TestWhoCouldCheat(t *testing.T) {
	alone := ceremonytest.Plan{Phase1: []string{"Alice", "Bob"}, Phase2: []string{"Alice"}, Signed: []string{"Alice"}}
	twice := ceremonytest.Plan{Phase1: []string{"Alice", "Bob"}, Phase2: []string{"Dave", "Dave"}}
	developed := ceremonytest.Three
	developed.Kind = params.Dev
	imported := ceremonytest.Plan{Imported: true, Phase2: []string{"Alice", "Bob"}, Signed: []string{"Alice", "Bob"}}

	for name, test := range map[string]struct {
		plan   ceremonytest.Plan
		forge  string
		says   []string
		silent string
	}{
		"three": {ceremonytest.Three, audit.Groups, []string{
			`The 3 contributors to phase 1 could forge together: "Alice" (signed), "Bob" (not signed), "Carol" (signed).`,
			"The 3 contributors to phase 2 could forge together",
			"Nobody can break anonymity",
			`Compare the beacon of phase 2 with its source, "a value that only tests announce": 61207075`,
			`Not signed: 0002.contribution by "Bob", 0006.contribution by "Bob".`,
			"One value closed both phases: it was known while phase 2 went on",
		}, "alone"},
		"one alone": {alone, audit.Groups, []string{
			`"Alice" (signed) can forge alone: nobody else contributed to phase 2.`,
			"The 2 contributors to phase 1 could forge together",
		}, "imported"},
		"one twice": {twice, audit.Groups, []string{`"Dave" (not signed) can forge alone`}, "contributors to phase 2"},
		"dev": {developed, audit.Maker, []string{
			"This is a development set: take it that whoever made it can forge.",
			"Nobody can break anonymity",
		}, "could forge together"},
		"imported": {imported, audit.Groups, []string{
			`The 2 contributors to the imported phase 1 could forge together: "first", "second � name".`,
			`The 2 contributors to phase 2 could forge together: "Alice" (signed), "Bob" (signed).`,
			`Phase 1 was imported from "https://example.org/powers_28.ptau".`,
			"Its contributions were verified here",
			"was not at hand, and is not needed",
			"Compare the response of a contributor whom you trust",
			`Signed, by keys that were compared with no list of signers: 0001.contribution by "Alice", 0002.contribution by "Bob". These names are claims`,
		}, "Not signed"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForger(t, test.plan)
			report := verify(t, f.chain.Set(t), audit.Options{})
			if !report.Sound() {
				t.Error(report.Err())
			}
			if report.Trust.Forge != test.forge || report.Trust.Deanonymise != audit.Nobody {
				t.Errorf("trust %+v", report.Trust)
			}
			words := strings.Join(report.Trust.Words, "\n")
			for _, want := range test.says {
				if !strings.Contains(words, want) {
					t.Errorf("expected %q in:\n%s", want, words)
				}
			}
			if strings.Contains(words, test.silent) {
				t.Errorf("unexpected %q in:\n%s", test.silent, words)
			}
		})
	}
}

// Two names with one key are one party, and one name with two keys are two.
func TestPartiesAreKeys(t *testing.T) {
	f := newForger(t, ceremonytest.Three)
	f.chain.Links[5].Signer = ceremonytest.Key(t, "Alice")
	f.chain.Links[6].Header.Contributor = "Alice"
	report := verify(t, f.chain.Set(t), audit.Options{})
	if !report.Sound() {
		t.Fatal(report.Err())
	}
	second := report.Trust.Groups[1]
	if second.Phase != 2 || len(second.Parties) != 2 {
		t.Fatalf("parties %+v", second)
	}
	if got := second.Parties[0].String(); got != `"Alice" alias "Bob" (signed)` {
		t.Error(got)
	}
	if second.Parties[1].Key == second.Parties[0].Key {
		t.Error("one key for two parties")
	}

	// Two keys of one allowed signer are one party.
	list, err := sshsig.ParseAllowedSigners([]byte("a@example.org " + keyText(t, "Alice") + "\na@example.org " + keyText(t, "Carol") + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	report = verify(t, f.chain.Set(t), audit.Options{Signers: list})
	if parties := report.Trust.Groups[1].Parties; len(parties) != 1 || parties[0].Signer != "a@example.org" {
		t.Errorf("parties %+v", parties)
	}
	f.chain.Links[7].Header.Beacon.Value = []byte("another public value")
	report = verify(t, f.chain.Set(t), audit.Options{Signers: list})
	if words := strings.Join(report.Trust.Words, "\n"); strings.Contains(words, "One value closed both phases") {
		t.Errorf("the beacons have two values:\n%s", words)
	}
	if words := strings.Join(report.Trust.Words, "\n"); strings.Contains(words, "no list of signers") {
		t.Errorf("the keys are on the list:\n%s", words)
	}
}
