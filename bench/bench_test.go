package bench

import (
	"runtime"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/relation"
	"github.com/zkkex/zkkex/prover"
)

// clock adds the CPU time of all threads to a benchmark's output. gnark works
// on several: wall time alone says little on a busy machine.
func clock(b *testing.B) {
	b.ReportAllocs()
	b.ResetTimer()
	start := cpuTime()
	b.Cleanup(func() { b.ReportMetric(float64((cpuTime()-start)/time.Duration(b.N)), "cpu-ns/op") })
}

func prepare(b *testing.B) *member {
	b.Helper()
	m, err := newMember()
	if err != nil {
		b.Fatal(err)
	}
	return m
}

func BenchmarkCompile(b *testing.B) {
	for _, id := range zkkex.Groth16.Circuits() {
		b.Run(id.String(), func(b *testing.B) {
			clock(b)
			var size relation.Size
			for b.Loop() {
				system, err := circuits.Compile(id)
				if err != nil {
					b.Fatal(err)
				}
				size = relation.SizeOf(system)
			}
			b.ReportMetric(float64(size.Constraints), "constraints")
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	clock(b)
	for b.Loop() {
		set, err := openProving(circuit)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := prover.Open(set); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkProve(b *testing.B) {
	m := prepare(b)
	clock(b)
	var size int
	for b.Loop() {
		proof, err := m.prove()
		if err != nil {
			b.Fatal(err)
		}
		size = len(proof)
	}
	b.ReportMetric(float64(size), "proof-bytes")
}

func BenchmarkProveTextbook(b *testing.B) {
	m := prepare(b)
	theirs, err := newTextbookProver(m.st, m.witness)
	if err != nil {
		b.Fatal(err)
	}
	clock(b)
	for b.Loop() {
		if _, err := theirs.prove(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(theirs.system.GetNbConstraints()), "constraints")
}

func BenchmarkVerify(b *testing.B) {
	m := prepare(b)
	proof, err := m.prove()
	if err != nil {
		b.Fatal(err)
	}
	clock(b)
	for b.Loop() {
		if err := m.verifying.VerifyProof(m.st, proof); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyGnark(b *testing.B) {
	m := prepare(b)
	proof, err := m.prove()
	if err != nil {
		b.Fatal(err)
	}
	theirs, err := newGnarkVerifier(m, proof)
	if err != nil {
		b.Fatal(err)
	}
	clock(b)
	for b.Loop() {
		if err := theirs.verify(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTree(b *testing.B) {
	const members = 10_000
	ops := admissions(0, members)
	b.Run("admit-all", func(b *testing.B) {
		clock(b)
		for b.Loop() {
			if _, err := newTree(ops); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, c := range []struct {
		name string
		run  func(*changes) error
	}{{"admit-one", (*changes).admit}, {"path", (*changes).path}} {
		b.Run(c.name, func(b *testing.B) {
			tree, size, err := weigh(ops)
			if err != nil {
				b.Fatal(err)
			}
			changing := &changes{tree: tree, live: members}
			clock(b)
			for b.Loop() {
				if err := c.run(changing); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(size)/members, "bytes/member")
			runtime.KeepAlive(tree)
		})
	}
}
