package bench

import (
	"context"
	"fmt"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark/backend/groth16/bn254/mpcsetup"
	cs "github.com/consensys/gnark/constraint/bn254"
	"github.com/consensys/gnark/frontend"
	"github.com/consensys/gnark/frontend/cs/r1cs"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/circuits"
	"github.com/zkkex/zkkex/internal/mpc"
	"github.com/zkkex/zkkex/internal/relation"
)

// Domains of ceremonies by their logarithm, where it is not a circuit of ours.
const (
	quickDomain = 8
	deepDomain  = 16
)

// beginLimit is the share of gnark's CPU time that beginning phase 2 may take.
const beginLimit = 0.80

// ceremony measures the mathematics of ceremonies, without files.
func (r *runner) ceremony(ctx context.Context) error {
	held, err := r.ceremonies()
	if err != nil {
		return err
	}
	for _, c := range held {
		c.runner, c.size, c.beacon = r, relation.SizeOf(c.system), []byte("a public value")
		c.domain = mpc.Domain(c.size)
		r.progress(Ceremony, "a domain of %d", c.domain)
		if err := c.measure(ctx); err != nil {
			return err
		}
	}
	return nil
}

// ceremonies returns those to hold: for a circuit of each size, for a small one
// instead in a quick run, and for a large one in a deep run.
func (r *runner) ceremonies() ([]*ceremony, error) {
	if r.options.Quick {
		system, err := compileSquares(quickDomain)
		return []*ceremony{{system: system}}, err
	}
	var held []*ceremony
	for _, id := range []zkkex.CircuitID{zkkex.BabyJubjub20, zkkex.BabyJubjub32} { // one of each size
		system, err := circuits.Compile(id)
		if err != nil {
			return nil, err
		}
		held = append(held, &ceremony{system: system, judged: true})
	}
	if r.options.Deep {
		system, err := compileSquares(deepDomain)
		if err != nil {
			return nil, err
		}
		held = append(held, &ceremony{system: system})
	}
	return held, nil
}

// squares squares a secret again and again, until its constraints fill a domain.
type squares struct {
	Result frontend.Variable `gnark:",public"`
	Secret frontend.Variable
	times  int
}

func (c *squares) Define(api frontend.API) error {
	x := c.Secret
	for range c.times {
		x = api.Mul(x, api.Add(x, 1))
	}
	api.AssertIsEqual(x, c.Result)
	return nil
}

func compileSquares(domainBits int) (*cs.R1CS, error) {
	c := &squares{times: 1<<domainBits - 1}
	compiled, err := frontend.Compile(ecc.BN254.ScalarField(), r1cs.NewBuilder, c)
	if err != nil {
		return nil, err
	}
	system, ok := compiled.(*cs.R1CS)
	if !ok {
		return nil, fmt.Errorf("compiled to a %T", compiled)
	}
	return system, nil
}

// ceremony is one of a circuit, with one contribution a phase.
type ceremony struct {
	*runner
	system *cs.R1CS
	// judged: the circuit is one of ours, which the limits are for.
	judged bool
	size   relation.Size
	domain int
	beacon []byte

	begin1, next1 *mpc.Phase1
	srs           *mpc.SRS
	begin2, next2 *mpc.Phase2
	evals         *mpc.Evaluations
}

// task names an operation.
func (c *ceremony) task(name string, run func() error) task {
	return task{name: fmt.Sprintf("domain of %d: %s", c.domain, name), run: run}
}

func (c *ceremony) measure(ctx context.Context) error {
	c.report.count(fmt.Sprintf("contribution to phase 1, domain of %d", c.domain), mpc.Phase1Size(c.domain), "bytes")
	c.report.count(fmt.Sprintf("contribution to phase 2, domain of %d", c.domain), mpc.Phase2Size(c.size), "bytes")
	if err := c.phase1(ctx); err != nil {
		return err
	}
	if err := c.beginning(ctx); err != nil {
		return err
	}
	return c.phase2(ctx)
}

// phase1 measures, and leaves a contribution and the SRS.
func (c *ceremony) phase1(ctx context.Context) (err error) {
	c.begin1 = mpc.NewPhase1(c.domain)
	if c.next1, err = c.begin1.Contribute(ctx, nil, nil); err != nil {
		return err
	}
	payload := c.next1.Bytes()
	_, err = c.runner.measure(ctx, Ceremony, 0, c.few(),
		c.task("phase 1, contribute", func() error {
			_, err := c.begin1.Contribute(ctx, nil, nil)
			return err
		}),
		c.task("phase 1, parse", func() error {
			_, err := mpc.ParsePhase1(payload, c.domain)
			return err
		}),
		c.task("phase 1, verify", func() error { return c.begin1.Verify(ctx, c.next1) }),
		c.task("phase 1, seal", func() (err error) {
			c.srs, err = c.next1.Seal(ctx, c.beacon, nil)
			return err
		}),
		c.task("check an SRS", func() error { return mpc.CheckSRS(ctx, c.srs) }),
	)
	return err
}

// beginning measures where phase 2 begins, beside gnark, and leaves it. It takes
// the longest of all, and is measured once.
func (c *ceremony) beginning(ctx context.Context) error {
	timings, err := c.runner.measure(ctx, Ceremony, 0, 1,
		c.task("phase 2, begin", func() (err error) {
			c.begin2, c.evals, err = mpc.NewPhase2(ctx, c.system, c.srs, nil)
			return err
		}),
		c.task("phase 2, begin, gnark alone", func() error {
			new(mpcsetup.Phase2).Initialize(c.system, c.srs)
			return nil
		}),
	)
	if err != nil || !c.judged {
		return err
	}
	c.report.ratio(fmt.Sprintf("begin phase 2, domain of %d / gnark alone", c.domain), timings[0], timings[1], beginLimit)
	return nil
}

// phase2 measures from there.
func (c *ceremony) phase2(ctx context.Context) (err error) {
	if c.next2, err = c.begin2.Contribute(ctx, nil, nil); err != nil {
		return err
	}
	payload := c.next2.Bytes()
	_, err = c.runner.measure(ctx, Ceremony, 0, c.few(),
		c.task("phase 2, contribute", func() error {
			_, err := c.begin2.Contribute(ctx, nil, nil)
			return err
		}),
		c.task("phase 2, parse", func() error {
			_, err := mpc.ParsePhase2(payload, c.size)
			return err
		}),
		c.task("phase 2, verify", func() error { return c.begin2.Verify(ctx, c.next2) }),
		c.task("phase 2, seal", func() error {
			_, _, err := c.next2.Seal(ctx, c.srs, c.evals, c.beacon)
			return err
		}),
	)
	return err
}
