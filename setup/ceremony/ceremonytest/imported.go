package ceremonytest

import (
	"crypto/sha512"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"github.com/zkkex/zkkex/internal/compiled"
	"github.com/zkkex/zkkex/internal/mpc"
	"github.com/zkkex/zkkex/internal/ptau"
	"github.com/zkkex/zkkex/internal/relation"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/params"
)

// PtauPower is the power of ceremonies elsewhere.
const PtauPower = 28

// Public are the ones who contributed to [Imported], the last of them a beacon.
var Public = []ptau.TestingOnlySecrets{
	Secrets("first"), Secrets("second \u202e name"),
	{Beacon: &ptau.Beacon{Value: []byte("a block of a chain"), Exponent: 4}},
}

// Secrets returns what somebody contributes to a ceremony elsewhere. Everybody
// knows it.
func Secrets(name string) ptau.TestingOnlySecrets {
	drawn := func(which string) (e fr.Element) {
		sum := sha512.Sum512([]byte("ceremonytest " + which + " of " + name))
		e.SetBytes(sum[:])
		return e
	}
	return ptau.TestingOnlySecrets{Name: name, Tau: drawn("tau"), Alpha: drawn("alpha"), Beta: drawn("beta")}
}

// Imported returns a phase 1 for [Circuit] as it comes from elsewhere. Everybody
// knows its secrets.
func Imported(t testing.TB) *ceremony.PhaseOne {
	t.Helper()
	return ImportedFrom(t, ptau.TestingOnlyRun(PtauPower, Public))
}

// ImportedFrom returns what a ceremony elsewhere made, for [Circuit].
func ImportedFrom(t testing.TB, elsewhere *ptau.TestingOnlyCeremony) *ceremony.PhaseOne {
	t.Helper()
	system, err := compiled.Circuit(Circuit)
	if err != nil {
		t.Fatal(err)
	}
	return &ceremony.PhaseOne{
		SRS:           mpc.SRSBytes(elsewhere.SRS(mpc.Domain(relation.SizeOf(system)))),
		Source:        "https://example.org/powers_28.ptau",
		File:          params.Describe([]byte("powers of tau")),
		Power:         28,
		CeremonyPower: PtauPower,
		Chain:         elsewhere.Chain(),
	}
}
