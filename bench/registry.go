package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/registry/mirror"
	"github.com/zkkex/zkkex/registry/registrar"
)

// Limits for a registry of a million members.
const (
	// registrarMemoryLimit is the memory of an open registry, in bytes per
	// member.
	registrarMemoryLimit = 100
	bulkLimit            = 5 * time.Minute
	openLimit            = 10 * time.Second
	changeLimit          = 10 * time.Millisecond
	followLimit          = 100 * time.Millisecond
)

const (
	// durableBatch is the number of durable operations of a sample.
	durableBatch = 5
	// spareKeys are there for the admissions of one at a time.
	spareKeys = 2048
)

func (r *runner) registry(ctx context.Context) error {
	for _, members := range r.options.registrySizes() {
		if err := r.registryOf(ctx, members); err != nil {
			return err
		}
	}
	return nil
}

// office is a registrar in a folder, with keys to admit, and a member's mirror
// of it over a loopback socket.
type office struct {
	dir       string
	registrar *registrar.Registrar
	members   []*keys.Public
	admitted  int
	revoked   uint64
	server    *http.Server
	mirror    *mirror.Mirror
}

func (r *runner) registryOf(ctx context.Context, members int) (err error) {
	dir, err := os.MkdirTemp(r.options.Dir, "zkkex-bench-*")
	if err != nil {
		return err
	}
	o := &office{dir: dir}
	defer func() { err = errors.Join(err, o.close(), os.RemoveAll(dir)) }()
	r.progress(Registry, "making %d keys", members)
	if o.members, err = makeKeys(ctx, members+spareKeys); err != nil {
		return err
	}
	r.progress(Registry, "%d members on disk", members)
	for _, step := range []func(context.Context, *office, int) error{r.admitAll, r.openRegistry, r.changeRegistry, r.followRegistry} {
		if err := step(ctx, o, members); err != nil {
			return err
		}
	}
	return nil
}

// makeKeys makes real keys on all cores.
func makeKeys(ctx context.Context, n int) ([]*keys.Public, error) {
	out := make([]*keys.Public, n)
	group, ctx := errgroup.WithContext(ctx)
	workers := runtime.GOMAXPROCS(0)
	for worker := range workers {
		group.Go(func() error {
			for i := worker; i < n && ctx.Err() == nil; i += workers {
				secret, err := keys.Generate()
				if err != nil {
					return err
				}
				out[i] = secret.Public()
			}
			return ctx.Err()
		})
	}
	return out, group.Wait()
}

func (r *runner) admitAll(ctx context.Context, o *office, members int) error {
	if err := registrar.Init(o.folder(), "bench.example/members", registry.SmallCapacityBits); err != nil {
		return err
	}
	var err error
	if o.registrar, err = registrar.Open(o.folder()); err != nil {
		return err
	}
	bulk := task{name: "admit all at once, durably", run: func() error {
		_, err := o.registrar.AdmitAll(o.members[:members], time.Now())
		return err
	}}
	s, err := bulk.measure()
	if err != nil {
		return err
	}
	o.admitted = members
	timing := summarise(bulk.name, []sample{s})
	r.report.add(Registry, members, []Timing{timing})
	r.judge(members, timing, bulkLimit)
	_, err = o.registrar.Checkpoint(ctx, time.Now(), nil)
	return err
}

// openRegistry measures opening, and the memory of what is open.
func (r *runner) openRegistry(ctx context.Context, o *office, members int) error {
	reopen := func() (err error) {
		o.registrar, err = registrar.Open(o.folder())
		return err
	}
	timings, err := r.measure(ctx, Registry, members, r.few(), task{name: "open", before: o.closeRegistrar, run: reopen})
	if err != nil {
		return err
	}
	r.judge(members, timings[0], openLimit)
	if err := o.closeRegistrar(); err != nil {
		return err
	}
	before := heap()
	if err := reopen(); err != nil {
		return err
	}
	size := heap() - before
	if members >= large {
		r.report.target(fmt.Sprintf("memory of an open registry of %d, per member", members), float64(size)/float64(members), "bytes", registrarMemoryLimit)
	}
	return nil
}

// changeRegistry measures single durable operations.
func (r *runner) changeRegistry(ctx context.Context, o *office, members int) error {
	timings, err := r.measure(ctx, Registry, members, min(r.options.rounds(), 10),
		task{name: "admit one, durably", batch: durableBatch, run: o.admit},
		task{name: "revoke one, durably", batch: durableBatch, run: o.revoke},
	)
	if err != nil {
		return err
	}
	for _, timing := range timings {
		r.judge(members, timing, changeLimit)
	}
	return nil
}

// followRegistry measures a member that syncs over a loopback socket: all of
// the log, and then what one admission changes.
func (r *runner) followRegistry(ctx context.Context, o *office, members int) error {
	if err := o.serve(ctx); err != nil {
		return err
	}
	first := task{name: "member: first sync", run: func() error {
		_, err := o.mirror.Sync(ctx)
		return err
	}}
	s, err := first.measure()
	if err != nil {
		return err
	}
	r.report.add(Registry, members, []Timing{summarise(first.name, []sample{s})})
	leaf := o.members[members-1].Commitment()
	timings, err := r.measure(ctx, Registry, members, min(r.options.rounds(), 10), task{
		name:   "member: sync after one admission, path",
		before: func() error { return errors.Join(o.admit(), o.publish(ctx)) },
		run: func() error {
			if _, err := o.mirror.Sync(ctx); err != nil {
				return err
			}
			_, _, err := o.mirror.Path(leaf)
			return err
		},
	})
	if err != nil {
		return err
	}
	r.judge(members, timings[0], followLimit)
	return nil
}

// judge adds the target for a large registry. A small one proves nothing.
func (r *runner) judge(members int, t Timing, limit time.Duration) {
	if members >= large {
		r.report.duration(fmt.Sprintf("%s, %d members", t.Name, members), t, limit)
	}
}

func (o *office) folder() string { return filepath.Join(o.dir, "registrar") }

func (o *office) admit() error {
	if o.admitted == len(o.members) {
		return fmt.Errorf("all of %d keys are admitted; measure fewer rounds", len(o.members))
	}
	_, err := o.registrar.Admit(o.members[o.admitted], time.Now())
	o.admitted++
	return err
}

func (o *office) revoke() error {
	_, err := o.registrar.RevokeIndex(o.revoked, time.Now())
	o.revoked++
	return err
}

func (o *office) publish(ctx context.Context) error {
	_, err := o.registrar.Checkpoint(ctx, time.Now(), nil)
	return err
}

// serve publishes, listens on a loopback socket, and opens a mirror of it.
func (o *office) serve(ctx context.Context) error {
	if err := o.publish(ctx); err != nil {
		return err
	}
	queue, err := registrar.OpenQueue(filepath.Join(o.dir, "queue"), o.registrar.ID())
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	o.server = &http.Server{Handler: registrar.NewServer(o.registrar, queue, registrar.ServerConfig{}).Handler()}
	go o.server.Serve(listener) // ends with o.close
	o.mirror, err = mirror.Open(filepath.Join(o.dir, "mirror"), mirror.Config{
		URL:         "http://" + listener.Addr().String(),
		VerifierKey: o.registrar.VerifierKey(),
	})
	return err
}

func (o *office) closeRegistrar() error {
	if o.registrar == nil {
		return nil
	}
	err := o.registrar.Close()
	o.registrar = nil
	return err
}

func (o *office) close() error {
	var errs []error
	if o.server != nil {
		errs = append(errs, o.server.Close())
	}
	if o.mirror != nil {
		errs = append(errs, o.mirror.Close())
	}
	return errors.Join(append(errs, o.closeRegistrar())...)
}
