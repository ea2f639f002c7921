package bench

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/setup"
)

// setup makes development parameter sets, on disk.
func (r *runner) setup(ctx context.Context) (err error) {
	r.progress(Setup, "a development parameter set for %v", circuit)
	dir, err := os.MkdirTemp(r.options.Dir, "zkkex-bench-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	target := filepath.Join(dir, circuit.String())
	_, err = r.measure(ctx, Setup, 0, r.few(), task{
		name:   "development parameters",
		before: func() error { return os.RemoveAll(target) },
		run: func() error {
			_, err := setup.WriteDev(ctx, target, circuit, nil)
			return err
		},
	})
	return err
}

// open opens the parameters that come with zkkex.
func (r *runner) open(ctx context.Context) error {
	r.progress(Open, "parameters of %v", circuit)
	set, err := openProving(circuit)
	if err != nil {
		return err
	}
	r.report.count("proving key", len(set.ProvingKey()), "bytes")
	r.report.count("verifying key", len(set.VerifyingKey()), "bytes")
	_, err = r.measure(ctx, Open, 0, r.options.rounds(),
		task{name: "for verifying", run: func() error {
			_, err := openVerifying()
			return err
		}},
		task{name: "for proving", run: func() error {
			set, err := openProving(circuit)
			if err != nil {
				return err
			}
			_, err = prover.Open(set)
			return err
		}},
	)
	return err
}
