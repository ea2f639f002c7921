package cli

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex/internal/quiet"
)

// app is one run of the command.
type app struct {
	env Env

	home           string
	json           bool
	quiet          bool
	proxy          string
	passphraseFile string

	started   bool // a command's own code has begun
	stdinUsed string
	waiting   waiting
	stderr    sync.Mutex
}

// Main runs the command line args, without the program's name, and returns the
// exit code. Errors are printed here and nowhere else.
func Main(ctx context.Context, env Env, args []string) (exit int) {
	quiet.Gnark()
	a := &app{env: env}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	// An error can come before --json is parsed.
	a.json = wantsJSON(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return int(ExitYes)
	}
	if !a.started {
		err = a.usage(err)
	}
	if printed := (*printedError)(nil); !errors.As(err, &printed) {
		if a.json {
			err = errors.Join(err, a.emitJSON(nil, err))
		}
		a.explainUnlessJSON(err)
	}
	return int(exitOf(err))
}

func wantsJSON(args []string) bool {
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	return slices.Contains(args, "--json") || slices.Contains(args, "--json=true")
}

// usage makes a usage error of what cobra says about a command line.
func (a *app) usage(err error) error {
	if errors.As(err, new(*usageError)) {
		return err
	}
	return &usageError{err}
}

func (a *app) explainUnlessJSON(err error) {
	if !a.json {
		a.explain(err)
	}
}

// printedError is an error that was printed together with a result.
type printedError struct{ error }

func (e *printedError) Unwrap() error { return e.error }

// run makes a cobra function of a command's own. It prints the result; an
// error that comes with one is printed after it.
func (a *app) run(command func(ctx context.Context, args []string) (result, error)) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.started = true
		r, err := command(cmd.Context(), args)
		if r == nil && err != nil {
			return err
		}
		if emitErr := a.emit(r, err); emitErr != nil {
			if u, ok := r.(unprinted); ok {
				emitErr = u.unprinted(emitErr)
			}
			return errors.Join(err, emitErr)
		}
		if err == nil {
			return nil
		}
		a.explainUnlessJSON(err)
		return &printedError{err}
	}
}

// root returns the command tree.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "zkkex",
		Short: "prove that you own a key in a registry, without saying which",
		Long: strings.TrimSpace(`
zkkex proves that you own a key whose commitment is in a registry, without
saying which key, and lets anyone with the registry's checkpoint verify it.

A proof authorises one thing, such as a file or a session key, and uses up one
of your slots in an epoch: two proofs of one slot are recognised, two slots of
one member are not.`),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE:          a.group,
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.home, "home", "", "your state directory `DIR` (default $ZKKEX_HOME, or zkkex in the user's configuration folder)")
	flags.BoolVar(&a.json, "json", false, "print one JSON object")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "print no progress and no hints on what comes next")
	flags.StringVar(&a.proxy, "proxy", "", "make every connection through the SOCKS5 proxy at `URL`, socks5://host:port")
	flags.StringVar(&a.passphraseFile, "passphrase-file", "", "read the passphrase from the first line of `FILE` (default $ZKKEX_PASSPHRASE_FILE, or the terminal)")
	root.AddGroup(groups...)
	root.SetHelpCommandGroupID(groupOther)
	root.SetCompletionCommandGroupID(groupOther)
	for _, c := range a.commands() {
		root.AddCommand(c)
	}
	root.Version = programVersion()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if short := shorts[c.Name()]; short != "" {
			c.Short = short
		}
	}
	return root
}

// shorts replace what cobra says of its own commands.
var shorts = map[string]string{
	"help":       "show help for a command",
	"completion": "print a script that completes commands in your shell",
}

const (
	groupMember   = "member"
	groupVerifier = "verifier"
	groupRegistry = "registry"
	groupVenue    = "venue"
	groupOther    = "other"
)

var groups = []*cobra.Group{
	{ID: groupMember, Title: "Members:"},
	{ID: groupVerifier, Title: "Verifiers:"},
	{ID: groupVenue, Title: "Venues:"},
	{ID: groupRegistry, Title: "Registrars:"},
	{ID: groupOther, Title: "Everybody:"},
}

// group is what a command does that only has subcommands.
func (a *app) group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return withHint(usagef("%s needs a command", cmd.CommandPath()), "%s --help lists them", cmd.CommandPath())
	}
	err := usagef("no command %q in %s", args[0], cmd.CommandPath())
	cmd.SuggestionsMinimumDistance = 2
	if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
		return withHint(err, "did you mean %s?", strings.Join(similar, " or "))
	}
	return withHint(err, "%s --help lists the commands", cmd.CommandPath())
}
