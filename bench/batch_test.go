package bench

import (
	"testing"

	"github.com/zkkex/zkkex/internal/groth16"
)

// The work of a batch is counted, not timed: n proofs take n + 2 pairs and one
// final exponentiation.
func TestBatchWork(t *testing.T) {
	m, err := newMember()
	if err != nil {
		t.Fatal(err)
	}
	proof, err := m.prove()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{8, 64} {
		work, err := m.batchWork(proof, n)
		if err != nil {
			t.Fatal(err)
		}
		if want := (groth16.Work{Pairs: n + 2, Equations: 1}); work != want {
			t.Errorf("%d proofs take %+v, expected %+v", n, work, want)
		}
	}
}

// What is measured happens: the admissions of a rush are decided in batches.
func TestRushIsBatched(t *testing.T) {
	m, err := newMember()
	if err != nil {
		t.Fatal(err)
	}
	a, err := newDecider(m)
	if err != nil {
		t.Fatal(err)
	}
	defer a.pool.Close()
	if err := a.rush(); err != nil {
		t.Fatal(err)
	}
	if s := a.pool.Stats(); s.Queued != callers*admissionsEach || s.Batched < s.Queued/2 || s.Refused+s.Busy+s.Canceled != 0 {
		t.Errorf("%+v", s)
	}
}

func BenchmarkVerifyBatch64(b *testing.B) {
	m := prepare(b)
	proof, err := m.prove()
	if err != nil {
		b.Fatal(err)
	}
	t := m.batchTask("64", m.claims(proof, 64, 0), 0)
	clock(b)
	for b.Loop() {
		if err := t.run(); err != nil {
			b.Fatal(err)
		}
	}
}
