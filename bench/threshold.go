package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/keys/envelope"
	"github.com/zkkex/zkkex/threshold"
)

// threshold signs with groups over a relay on the loopback interface: the request, the
// two rounds of RFC 9591 and the verified signature, with everybody's files and syncs.
func (r *runner) threshold(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp(r.options.Dir, "zkkex-bench-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	for _, size := range []struct{ signers, participants int }{{2, 3}, {7, 10}} {
		name := fmt.Sprintf("%d of %d", size.signers, size.participants)
		r.progress(Threshold, "making a group, %s", name)
		if err := r.groupOf(ctx, filepath.Join(dir, name), name, size.signers, size.participants); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// groupOf makes a group, and measures its signatures while its participants serve.
func (r *runner) groupOf(ctx context.Context, dir, name string, signers, participants int) error {
	setup, paths := &threshold.Setup{Threshold: signers}, make([]string, participants)
	for i := range paths {
		paths[i] = filepath.Join(dir, fmt.Sprintf("p%d", i+1))
		m, err := threshold.Init(paths[i], fmt.Sprintf("p%d", i+1))
		if err != nil {
			return err
		}
		setup.Participants = append(setup.Participants, m)
	}
	meeting := filepath.Join(dir, "relay")
	if err := os.Mkdir(meeting, 0o700); err != nil {
		return err
	}
	folder, err := threshold.NewFolder(meeting)
	if err != nil {
		return err
	}
	relay := httptest.NewServer(threshold.NewRelay(setup, folder))
	defer relay.Close()
	group, err := generate(ctx, setup, paths, relay.URL)
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(ctx)
	var servers sync.WaitGroup
	defer servers.Wait()
	defer stop()
	for _, d := range group[1:] {
		servers.Go(func() { _ = d.Serve(serving, agree, ignore) }) // ends with its context
	}
	return r.signatures(ctx, name, group[0])
}

func agree(context.Context, *threshold.Request) error { return nil }
func ignore(string)                                   {}

// generate has all participants make the key.
func generate(ctx context.Context, setup *threshold.Setup, paths []string, place string) ([]*threshold.Dir, error) {
	dirs := make([]*threshold.Dir, len(paths))
	all, ctx := errgroup.WithContext(ctx)
	for i, path := range paths {
		if err := threshold.Join(path, setup, place); err != nil {
			return nil, err
		}
		d, err := threshold.Open(path)
		if err != nil {
			return nil, err
		}
		dirs[i] = d
		all.Go(func() error {
			_, err := d.Generate(ctx, ignore)
			return err
		})
	}
	return dirs, all.Wait()
}

// signatures measures whole signings, of what a registrar is shown.
func (r *runner) signatures(ctx context.Context, name string, d *threshold.Dir) error {
	m := &envelope.Message{
		Purpose: envelope.Delegation, Registry: zkkex.RegistryID{1}, Delegate: filler(1),
		Until: time.Now().Add(time.Hour).Unix(), Expiry: time.Now().Add(time.Hour).Unix(),
	}
	r.progress(Threshold, "signing, %s, %d rounds", name, r.options.rounds())
	_, err := r.measure(ctx, Threshold, 0, r.options.rounds(), task{name: "FROST signature, " + name + ", over a relay", run: func() error {
		_, err := d.Sign(ctx, m, ignore)
		return err
	}})
	return err
}
