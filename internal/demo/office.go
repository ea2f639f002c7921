package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/zkkex/zkkex/enrolment"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/registry/registrar"
)

// office is the registrar, with its server.
type office struct {
	registrar *registrar.Registrar
	queue     *registrar.Queue
	server    *registrar.Server
	url       string
	stop      context.CancelFunc
	serving   errgroup.Group
}

// openRegistry makes a registry, fills it, and serves it.
func (p *play) openRegistry(ctx context.Context) error {
	dir := p.path("registrar")
	if err := registrar.InitSchedule(dir, "registry.example", registry.SmallCapacityBits, p.schedule); err != nil {
		return err
	}
	r, err := registrar.Open(dir)
	if err != nil {
		return err
	}
	p.office = &office{registrar: r}
	if p.office.queue, err = registrar.OpenQueue(p.path("registrar-queue"), r.ID()); err != nil {
		return err
	}
	if err := p.fillRegistry(ctx); err != nil {
		return err
	}
	return p.office.serve(ctx)
}

// fillRegistry has the crowd made, checked and admitted.
func (p *play) fillRegistry(ctx context.Context) error {
	s, o := p.story, p.office
	challenger, challenge, err := o.challenge()
	if err != nil {
		return err
	}
	requests := make([][]byte, p.crowd)
	if err := s.timed(fmt.Sprintf("%s members make keys, and ask for admission", grouped(p.crowd)), func() error {
		return each(ctx, p.crowd, func(i int) (err error) {
			requests[i], err = request(challenge)
			return err
		})
	}); err != nil {
		return err
	}
	members := make([]*keys.Public, p.crowd)
	if err := s.timed("the registrar checks that each owns the key", func() error {
		return each(ctx, p.crowd, func(i int) (err error) {
			members[i], err = o.check(challenger, requests[i])
			return err
		})
	}); err != nil {
		return err
	}
	return s.timed("the registrar admits them, and writes it to disk", func() error {
		_, err := o.registrar.AdmitAll(members, time.Now())
		return err
	})
}

// challenge issues a challenge for the crowd, as a registrar does for requests
// that come by hand.
func (o *office) challenge() (*enrolment.Challenger, enrolment.Challenge, error) {
	var key [32]byte
	rand.Read(key[:])
	challenger := enrolment.NewChallenger(o.registrar.ID(), key)
	challenge, err := challenger.Issue(time.Now(), time.Hour)
	return challenger, challenge, err
}

// request is what somebody of the crowd sends.
func request(c enrolment.Challenge) ([]byte, error) {
	secret, err := keys.Generate()
	if err != nil {
		return nil, err
	}
	defer secret.Wipe()
	r, err := enrolment.New(secret, c)
	if err != nil {
		return nil, err
	}
	return r.MarshalText()
}

// check is what the registrar does with it.
func (o *office) check(challenger *enrolment.Challenger, text []byte) (*keys.Public, error) {
	r, err := enrolment.ParseRequest(text)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if err := challenger.Check(r.Challenge, now); err != nil {
		return nil, err
	}
	if _, err := r.Verify(o.registrar.ID(), now); err != nil {
		return nil, err
	}
	return r.Public()
}

// serve publishes, and serves on a loopback socket until close.
func (o *office) serve(ctx context.Context) error {
	o.server = registrar.NewServer(o.registrar, o.queue, registrar.ServerConfig{})
	if _, err := o.server.Publish(ctx); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	o.url = "http://" + listener.Addr().String()
	ctx, o.stop = context.WithCancel(ctx)
	o.serving.Go(func() error { return o.server.Serve(ctx, listener) })
	return nil
}

func (o *office) close() error {
	var err error
	if o.stop != nil {
		o.stop()
		err = o.serving.Wait()
	}
	return errors.Join(err, o.registrar.Close())
}

// each calls f for 0 to n-1, on all cores. It returns the first error.
func each(ctx context.Context, n int, f func(i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	workers := runtime.GOMAXPROCS(0)
	for worker := range workers {
		group.Go(func() error {
			for i := worker; i < n; i += workers {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := f(i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// approveAll approves what waits in the queue, and publishes.
func (o *office) approveAll(ctx context.Context) error {
	waiting, err := o.queue.List()
	if err != nil {
		return err
	}
	for _, entry := range waiting {
		if err := o.queue.Approve(entry.ID); err != nil {
			return err
		}
	}
	_, err = o.server.Publish(ctx)
	return err
}
