package member_test

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/zkkex/zkkex/enrolment"
	"github.com/zkkex/zkkex/registry/registrar"
)

// exportingRegistrar is a registrar that publishes to a folder.
type exportingRegistrar struct {
	temp, url, key string
	registrar      *registrar.Registrar
	queue          *registrar.Queue
}

func newRegistrar() *exportingRegistrar {
	temp, err := os.MkdirTemp("", "zkkex-example-")
	check(err)
	dir := filepath.Join(temp, "registrar")
	check(registrar.Init(dir, "registry.example/members", 20))
	r, err := registrar.Open(dir)
	check(err)
	queue, err := registrar.OpenQueue(filepath.Join(dir, "queue"), r.ID())
	check(err)
	url := "file://" + filepath.ToSlash(filepath.Join(temp, "exported"))
	return &exportingRegistrar{temp: temp, url: url, key: r.VerifierKey(), registrar: r, queue: queue}
}

func (r *exportingRegistrar) challenge() enrolment.Challenge {
	c, err := r.queue.Challenge(time.Now(), time.Hour)
	check(err)
	return c
}

func (r *exportingRegistrar) admit(request *enrolment.Request) {
	_, err := request.Verify(r.registrar.ID(), time.Now())
	check(err)
	public, err := request.Public()
	check(err)
	_, err = r.registrar.Admit(public, time.Now())
	check(err)
	_, err = r.registrar.Checkpoint(context.Background(), time.Now(), nil)
	check(err)
	_, err = r.registrar.Export(filepath.Join(r.temp, "exported"))
	check(err)
}

func (r *exportingRegistrar) close() {
	check(r.registrar.Close())
	check(os.RemoveAll(r.temp))
}
