package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"time"

	"github.com/zkkex/zkkex/internal/quiet"
	"github.com/zkkex/zkkex/prover"
)

// coldLimit is how much longer, in seconds, opening parameters and proving for
// the first time may take than a proof does.
const coldLimit = 1.0

// ColdStart is what a fresh process measured about itself.
type ColdStart struct {
	// Open and Prove are the wall times, in nanoseconds, of opening the
	// parameters and of the first proof.
	Open  int64 `json:"open_ns"`
	Prove int64 `json:"prove_ns"`
	// PeakMemory is the largest resident set, in bytes, or 0 where the system
	// does not tell.
	PeakMemory uint64 `json:"peak_memory_bytes"`
}

// RunCold opens the parameters and proves once, and writes a [ColdStart] as
// JSON to w. It is for a process that has done nothing else before; see
// [Options.Cold].
func RunCold(ctx context.Context, w io.Writer) error {
	quiet.Gnark()
	start := time.Now()
	set, err := openProving(circuit)
	if err != nil {
		return err
	}
	p, err := prover.Open(set)
	if err != nil {
		return err
	}
	opened := time.Since(start)
	st, witness, err := newStatement()
	if err != nil {
		return err
	}
	start = time.Now()
	if _, err := p.Prove(ctx, st, witness); err != nil {
		return err
	}
	proved := time.Since(start)
	return json.NewEncoder(w).Encode(ColdStart{
		Open: opened.Nanoseconds(), Prove: proved.Nanoseconds(), PeakMemory: peakMemory(),
	})
}

// cold measures fresh processes, and compares with a warm proof.
func (r *runner) cold(ctx context.Context) error {
	m, err := r.prepared()
	if err != nil {
		return err
	}
	rounds := min(r.options.rounds(), 10)
	r.progress(Cold, "%d fresh processes", rounds)
	warm := task{run: func() error {
		_, err := m.prove()
		return err
	}}
	var open, first, proofs []sample
	var peak []int64
	for range rounds {
		c, err := r.startCold(ctx)
		if err != nil {
			return err
		}
		open = append(open, sample{wall: time.Duration(c.Open)})
		first = append(first, sample{wall: time.Duration(c.Prove)})
		peak = append(peak, int64(c.PeakMemory))
		s, err := warm.measure()
		if err != nil {
			return err
		}
		proofs = append(proofs, s)
	}
	timings := []Timing{summarise("open for proving, fresh process", open), summarise("first proof, fresh process", first)}
	r.report.add(Cold, 0, timings)
	beyond := timings[0].Wall.Median + timings[1].Wall.Median - summarise("", proofs).Wall.Median
	r.report.target("open and first proof in a fresh process, beyond a proof", time.Duration(beyond).Seconds(), "seconds", coldLimit)
	if p := spread(peak).Median; p > 0 {
		r.report.count("peak memory of a fresh process that proves", int(p), "bytes")
	}
	return nil
}

func (r *runner) startCold(ctx context.Context) (*ColdStart, error) {
	var stderr bytes.Buffer
	child := exec.CommandContext(ctx, r.options.Cold[0], r.options.Cold[1:]...)
	child.Stderr = &stderr
	out, err := child.Output()
	if err != nil {
		return nil, fmt.Errorf("%v: %w: %s", r.options.Cold, err, bytes.TrimSpace(stderr.Bytes()))
	}
	var c ColdStart
	if err := json.Unmarshal(out, &c); err != nil {
		return nil, fmt.Errorf("%v: expected one JSON object on standard output: %w", r.options.Cold, err)
	}
	return &c, nil
}
