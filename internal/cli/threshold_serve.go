package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/spf13/cobra"

	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/threshold"
)

func (a *app) thresholdServeCommand() *cobra.Command {
	var all, certificates bool
	c := &cobra.Command{
		Use:   "serve DIR",
		Short: "answer requests for signatures, each after a yes on the terminal",
		Long: `Serve answers requests for the group's signature with the part of the key in
DIR. It shows who asks and what is signed, and waits for a yes on the terminal.
With --approve-all it signs whatever members of the group ask for: then the
group is as safe as the least safe machine of those who may ask.

What it signs are delegations and entries into registries, whose meaning it
shows. Single proofs are refused unless --certificates is given: their meaning
is hidden in a hash, so that whoever asks could have anything signed in their
place, a delegation too.

Nonces are in memory alone and are used once: a process that is killed is asked
again when it is back.`,
		Example: `  zkkex threshold serve ./alice`,
		Args:    arguments(1, 1, "the folder DIR"),
	}
	c.Flags().BoolVar(&certificates, "certificates", false, "also sign for single proofs, whose meaning cannot be shown")
	c.Flags().BoolVar(&all, "approve-all", false, "sign whatever a member of the group asks for")
	c.RunE = a.run(func(ctx context.Context, args []string) (result, error) {
		d, err := a.openGroup(args[0])
		if err != nil {
			return nil, err
		}
		r, err := a.thresholdStatus(args[0])
		if err != nil {
			return nil, err
		}
		if all {
			a.warnf("--approve-all: whoever has the key of a member that may ask has this signer, too")
		}
		if err := a.emit(r, nil); err != nil {
			return nil, err
		}
		a.notef("waiting for requests, until it is interrupted")
		return nil, unlessDone(ctx, d.Serve(ctx, a.approval(all, certificates), func(text string) { a.notef("%s", text) }))
	})
	return c
}

// errBlind is the answer to a request whose meaning cannot be shown.
var errBlind = errors.New("this signer signs for no single proofs: it runs without --certificates")

// errDeclined is a no on the terminal.
var errDeclined = errors.New("the person at the signer said no")

// approval returns what decides about requests.
func (a *app) approval(all, certificates bool) func(context.Context, *threshold.Request) error {
	return func(ctx context.Context, r *threshold.Request) error {
		a.doneWaiting()
		a.notef("%v", r)
		if r.Message.Purpose == envelope.Certificate && !certificates {
			return errBlind
		}
		if all {
			return nil
		}
		answer, err := a.env.ReadPassword(ctx, "Sign? Type yes, which is not shown: ")
		if errors.Is(err, ErrNoTerminal) {
			return withHint(err, "run it on a terminal, or with --approve-all")
		}
		if err != nil {
			return err
		}
		if answer != "yes" {
			return errDeclined
		}
		return nil
	}
}

func (a *app) thresholdRelayCommand() *cobra.Command {
	var listen, folder string
	c := &cobra.Command{
		Use:   "relay SETUP",
		Short: "serve a meeting place of a group over HTTP",
		Long: `Relay serves a folder in which the members of a group leave messages for each
other. It is not trusted: it stores nothing but what a member has signed, and
what is secret is sealed. It can hold messages back, and then nothing comes
about. Put TLS in front of it if others shall not see when the group signs.`,
		Example: `  zkkex threshold relay setup --listen 127.0.0.1:9460 --folder ./relay`,
		Args:    arguments(1, 1, "the file SETUP"),
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:9460", "`ADDRESS` to serve on; port 0 takes a free one")
	c.Flags().StringVar(&folder, "folder", "relay", "keep messages in `DIR`, which is made if it is not there")
	c.RunE = a.run(func(ctx context.Context, args []string) (result, error) {
		s, err := a.readSetup(args[0])
		if err != nil {
			return nil, err
		}
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, err
		}
		board, err := threshold.NewFolder(folder)
		if err != nil {
			return nil, err
		}
		l, err := net.Listen("tcp", listen)
		if err != nil {
			return nil, fmt.Errorf("--listen %s: %w", listen, err)
		}
		if err := a.emit(relayServing{"http://" + l.Addr().String()}, nil); err != nil {
			return nil, errors.Join(err, l.Close())
		}
		return nil, publish(ctx, l, threshold.NewRelay(s, board))
	})
	return c
}

// relayServing is where a relay is, printed when it begins.
type relayServing struct {
	URL string `json:"url"`
}

func (r relayServing) text() string { return r.URL + "\n" }
