package mpc

import (
	"bytes"
	"context"
	"io"
	"reflect"
	"testing"

	"github.com/consensys/gnark/backend/groth16/bn254/mpcsetup"
)

// raw returns what a key writes.
func raw(t *testing.T, key interface {
	WriteRawTo(io.Writer) (int64, error)
}) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := key.WriteRawTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestGnarkVerifiesACeremony takes the bytes of a ceremony that was held here to
// gnark's own verifiers, which must accept them and give the same keys.
func TestGnarkVerifiesACeremony(t *testing.T) {
	c := held(t)
	srs, err := mpcsetup.VerifyPhase1(uint64(c.domain), beacon1, phase1AsGnark(t, c.phase1[1]), phase1AsGnark(t, c.phase1[2]))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(&srs, c.srs) {
		t.Error("gnark computes another SRS")
	}
	var encoded bytes.Buffer
	if _, err := srs.WriteTo(&encoded); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(encoded.Bytes(), SRSBytes(c.srs)) {
		t.Error("gnark writes the SRS differently")
	}
	theirProving, theirVerifying, err := mpcsetup.VerifyPhase2(c.system, &srs, beacon2, phase2AsGnark(t, c.phase2[1]), phase2AsGnark(t, c.phase2[2]))
	if err != nil {
		t.Fatal(err)
	}
	ourProving, ourVerifying, err := c.phase2[2].Seal(t.Context(), c.srs, c.evals, beacon2)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(raw(t, theirProving), raw(t, ourProving)) {
		t.Error("gnark has another proving key")
	}
	if !bytes.Equal(raw(t, theirVerifying), raw(t, ourVerifying)) {
		t.Error("gnark has another verifying key")
	}
}

// TestCeremonyOfGnark verifies here what gnark contributed.
func TestCeremonyOfGnark(t *testing.T) {
	c := held(t)
	ctx := t.Context()
	theirs1 := mpcsetup.NewPhase1(uint64(c.domain))
	ours1 := NewPhase1(c.domain)
	for range 2 {
		theirs1.Contribute()
		next, err := ParsePhase1(written(t, theirs1), c.domain)
		if err != nil {
			t.Fatal(err)
		}
		if err := ours1.Verify(ctx, next); err != nil {
			t.Fatal(err)
		}
		ours1 = next
	}
	srs, err := ours1.Seal(ctx, beacon1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if sealed := theirs1.Seal(beacon1); !reflect.DeepEqual(&sealed, srs) {
		t.Fatal("gnark seals phase 1 differently")
	}

	theirs2 := new(mpcsetup.Phase2)
	theirEvals := theirs2.Initialize(c.system, srs)
	ours2, evals, err := NewPhase2(ctx, c.system, srs, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(ours2.Bytes(), written(t, theirs2)) {
		t.Fatal("gnark begins phase 2 differently")
	}
	if !reflect.DeepEqual(&theirEvals, evals) {
		t.Fatal("gnark evaluates the circuit differently")
	}
	for range 2 {
		theirs2.Contribute()
		next, err := ParsePhase2(written(t, theirs2), c.size)
		if err != nil {
			t.Fatal(err)
		}
		if err := ours2.Verify(ctx, next); err != nil {
			t.Fatal(err)
		}
		ours2 = next
	}
	proving, verifying, err := ours2.Seal(ctx, srs, evals, beacon2)
	if err != nil {
		t.Fatal(err)
	}
	theirProving, theirVerifying := theirs2.Seal(srs, &theirEvals, beacon2)
	if !bytes.Equal(raw(t, theirProving), raw(t, proving)) || !bytes.Equal(raw(t, theirVerifying), raw(t, verifying)) {
		t.Error("gnark seals phase 2 differently")
	}
}

func written(t *testing.T, w io.WriterTo) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestBeginningsHaveGnarksBytes compares what the first challenges hash.
func TestBeginningsHaveGnarksBytes(t *testing.T) {
	for _, domain := range []int{MinDomain, 4, 8, 32} {
		if !bytes.Equal(NewPhase1(domain).Bytes(), written(t, mpcsetup.NewPhase1(uint64(domain)))) {
			t.Errorf("domain %d: gnark begins phase 1 differently", domain)
		}
	}
}

// TestNothingIsChanged seals and verifies, which in gnark changes the states.
func TestNothingIsChanged(t *testing.T) {
	c := held(t)
	ctx := context.Background()
	before1, before2 := c.phase1[1].Bytes(), c.phase2[1].Bytes()
	after1, after2 := c.phase1[2].Bytes(), c.phase2[2].Bytes()
	srs := cloneSRS(c.srs)
	_, evals, err := NewPhase2(ctx, c.system, c.srs, nil)
	if err != nil {
		t.Fatal(err)
	}

	for _, do := range []func() error{
		func() error { return c.phase1[1].Verify(ctx, c.phase1[2]) },
		func() error { return c.phase2[1].Verify(ctx, c.phase2[2]) },
		func() error { _, err := c.phase1[1].Contribute(ctx, nil, nil); return err },
		func() error { _, err := c.phase2[1].Contribute(ctx, nil, nil); return err },
		func() error { _, err := c.phase1[2].Seal(ctx, beacon1, nil); return err },
		func() error { return CheckSRS(ctx, c.srs) },
		func() error {
			pk, vk, err := c.phase2[2].Seal(ctx, c.srs, c.evals, beacon2)
			if err == nil { // whoever changes the keys changes nothing else
				clear(pk.G1.A)
				clear(pk.G1.B)
				clear(pk.G1.K)
				clear(pk.G1.Z)
				clear(pk.G2.B)
				clear(vk.G1.K)
			}
			return err
		},
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(before1, c.phase1[1].Bytes()) || !bytes.Equal(after1, c.phase1[2].Bytes()) {
		t.Error("a state of phase 1 was changed")
	}
	if !bytes.Equal(before2, c.phase2[1].Bytes()) || !bytes.Equal(after2, c.phase2[2].Bytes()) {
		t.Error("a state of phase 2 was changed")
	}
	if !reflect.DeepEqual(srs, c.srs) {
		t.Error("the SRS was changed")
	}
	if !reflect.DeepEqual(evals, c.evals) {
		t.Error("the evaluations were changed")
	}
}
