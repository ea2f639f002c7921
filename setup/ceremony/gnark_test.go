package ceremony_test

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"github.com/consensys/gnark/backend/groth16/bn254/mpcsetup"

	"github.com/zkkex/zkkex/internal/compiled"
	"github.com/zkkex/zkkex/setup/ceremony"
	"github.com/zkkex/zkkex/setup/ceremony/ceremonytest"
	"github.com/zkkex/zkkex/setup/params"
)

// gnark verifies the files without any of our code for the mathematics, and its
// keys are the ones that were sealed.
func TestGnarkVerifiesTheFiles(t *testing.T) {
	ceremonytest.Small(t)
	c := open(t, ceremonytest.Three.Make(t))
	var ones []*mpcsetup.Phase1
	var twos []*mpcsetup.Phase2
	var beacons [][]byte
	for _, entry := range c.Status().Entries {
		payload, err := c.Payload(entry.Number)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case entry.Kind == ceremony.Beacon:
			beacons = append(beacons, entry.Beacon.Value)
		case entry.Phase == 1:
			ones = append(ones, readAll(t, new(mpcsetup.Phase1), payload))
		default:
			twos = append(twos, readAll(t, new(mpcsetup.Phase2), payload))
		}
	}
	if len(ones) != 3 || len(twos) != 3 || len(beacons) != 2 {
		t.Fatalf("%d and %d contributions, %d beacons", len(ones), len(twos), len(beacons))
	}
	srs, err := mpcsetup.VerifyPhase1(uint64(c.Definition().Domain), beacons[0], ones...)
	if err != nil {
		t.Fatal(err)
	}
	system, err := compiled.Circuit(ceremonytest.Circuit)
	if err != nil {
		t.Fatal(err)
	}
	pk, vk, err := mpcsetup.VerifyPhase2(system, &srs, beacons[1], twos...)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "set")
	if _, err := c.Seal(ctx, dir, nil); err != nil {
		t.Fatal(err)
	}
	var p, v bytes.Buffer
	_, perr := pk.WriteRawTo(&p)
	_, verr := vk.WriteTo(&v)
	if err := errors.Join(perr, verr); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(p.Bytes(), readFile(t, filepath.Join(dir, params.ProvingKeyFile))) {
		t.Error("gnark computes another proving key")
	}
	if !bytes.Equal(v.Bytes(), readFile(t, filepath.Join(dir, params.VerifyingKeyFile))) {
		t.Error("gnark computes another verifying key")
	}
}

// readAll decodes all of a payload.
func readAll[T io.ReaderFrom](t *testing.T, into T, payload []byte) T {
	t.Helper()
	n, err := into.ReadFrom(bytes.NewReader(payload))
	if err != nil || n != int64(len(payload)) {
		t.Fatalf("gnark reads %d of %d bytes: %v", n, len(payload), err)
	}
	return into
}
