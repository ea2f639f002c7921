package cli

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex/bench"
)

func (a *app) benchCommand() *cobra.Command {
	var o benchOptions
	c := &cobra.Command{
		Use:     "bench [PART...]",
		GroupID: groupOther,
		Short:   "measure this machine: proving, verifying, channels, registries",
		Long: `Bench measures what zkkex does on this machine, beside a textbook circuit,
gnark's own verifier and mutual TLS 1.3 in the same run. It takes some minutes;
with --quick, less, and its ratios are rough.

Parts: ` + partNames() + `.`,
		Example: `  zkkex bench --quick
  zkkex bench prove verify --json`,
	}
	c.Flags().BoolVar(&o.quick, "quick", false, "small registries and few rounds")
	c.Flags().BoolVar(&o.deep, "deep", false, "a ceremony of a domain of 2^16 as well, which takes many minutes; ZKKEX_DEEP=1 asks for it too")
	c.Flags().IntVar(&o.rounds, "rounds", 0, "number of measured rounds (default 20, or 3 with --quick)")
	c.Flags().StringVar(&o.dir, "dir", "", "make temporary folders in `DIR`: the disk decides how fast admissions are")
	c.Flags().StringVar(&o.postgresql, "postgresql", "", "measure orders that PostgreSQL records as well: `CONNECTION` string of a role that can make databases")
	c.RunE = a.run(func(ctx context.Context, args []string) (result, error) { return a.bench(ctx, &o, args) })
	c.AddCommand(a.benchColdCommand(), a.benchIdleCommand(), a.benchGatewayCommand())
	return c
}

type benchOptions struct {
	quick  bool
	deep   bool
	rounds int
	dir    string
	// postgresql is a connection string.
	postgresql string
}

func partNames() string {
	var names []string
	for _, p := range bench.Parts() {
		names = append(names, string(p))
	}
	return strings.Join(names, ", ")
}

func (a *app) bench(ctx context.Context, o *benchOptions, args []string) (result, error) {
	options := bench.Options{
		Rounds: o.rounds, Quick: o.quick, Deep: o.deep || a.env.Getenv("ZKKEX_DEEP") == "1", Dir: o.dir, PostgreSQL: o.postgresql,
		Progress: func(p bench.Part, what string) { a.notef("measuring %s: %s", p, what) },
	}
	for _, arg := range args {
		p, err := bench.ParsePart(arg)
		if err != nil {
			return nil, &usageError{err}
		}
		options.Parts = append(options.Parts, p)
	}
	if self, err := os.Executable(); err == nil {
		options.Cold = []string{self, "bench", "cold-start"}
		options.Idle = []string{self, "bench", "idle-venue"}
		options.Gateway = []string{self, "bench", "gateway"}
	}
	report, err := bench.Run(ctx, options)
	if err != nil {
		return nil, err
	}
	return &benchResult{report}, nil
}

// benchColdCommand is what the benchmark runs as a fresh process.
func (a *app) benchColdCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "cold-start",
		Hidden: true,
		Args:   noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a.started = true
			return bench.RunCold(cmd.Context(), a.env.Stdout)
		},
	}
}

// benchIdleCommand is the other process of the benchmark of idle channels.
func (a *app) benchIdleCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "idle-venue",
		Hidden: true,
		Args:   noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a.started = true
			return bench.RunIdle(cmd.Context(), a.env.Stdin, a.env.Stdout)
		},
	}
}

// benchGatewayCommand is the other process of the benchmarks of orders.
func (a *app) benchGatewayCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "gateway",
		Hidden: true,
		Args:   noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a.started = true
			return bench.RunOrders(cmd.Context(), a.env.Stdin, a.env.Stdout)
		},
	}
}

type benchResult struct{ *bench.Report }

func (r *benchResult) text() string {
	var b strings.Builder
	_ = r.WriteTable(&b) // a builder takes every write
	return b.String()
}
