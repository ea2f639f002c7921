package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zkkex/zkkex/bench/internal/peers"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// Limits of opening a channel, in parts of mutual TLS 1.3 with P-256 certificates
// and X25519MLKEM768.
const (
	openTimeLimit     = 0.7
	openAheadLimit    = 0.5
	openPrekeyLimit   = 0.8
	openInlineLimit   = 1.0 // of mutual TLS and a verification together
	openBytesLimit    = 0.8
	prekeyBytesLimit  = 1.0
	inlineCertificate = opensEach // one per open: each is verified for the first time
)

// Names of the openers that others are compared with, or by.
const (
	openAdmitted = "zkkex: admitted"
	openAhead    = "zkkex: admitted, first message made ahead"
	openPrekey   = "zkkex: admitted, with the ML-KEM prekey"
	openInline   = "zkkex: certificate inline, its proof verified"
	openTLS      = "mutual TLS 1.3, P-256"
	verifyOne    = "verify a proof from its bytes"
)

// opening measures what opening a connection takes, until the first answer,
// beside the peers.
func (r *runner) opening(ctx context.Context) (err error) {
	m, err := r.prepared()
	if err != nil {
		return err
	}
	e, err := newExchange(m, r.options.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	openers, err := r.openers(m, e)
	if err != nil {
		return err
	}
	proof, err := m.prove()
	if err != nil {
		return err
	}
	tasks := []task{{name: verifyOne, batch: opensEach, run: func() error { return m.verifying.VerifyProof(m.st, proof) }}}
	for _, o := range openers {
		if err := o.listen(); err != nil {
			return err
		}
		defer o.close()
		if err := o.begin(); err != nil {
			return err
		}
		tasks = append(tasks, o.task())
	}
	r.progress(Handshake, "%d rounds of %d opens, %d protocols", r.options.rounds(), opensEach, len(openers))
	timings, err := r.measure(ctx, Handshake, 0, r.options.rounds(), tasks...)
	if err != nil {
		return err
	}
	for _, o := range openers {
		r.report.Openings = append(r.report.Openings, o.opening())
	}
	r.judgeOpens(timings)
	return nil
}

// begin gets a peer that resumes its first session.
func (o *opener) begin() error {
	t, ok := o.peer.(*peers.TLS)
	if !ok || !t.Resumes() {
		return nil
	}
	return o.connect(func(conn *peers.Counter, _ time.Time) error { return t.Prepare(conn) })
}

// openers returns the protocols, ours first.
func (r *runner) openers(m *member, e *exchange) ([]*opener, error) {
	m.prover.Precompute() // now, not in the background while we measure
	certificates := make([]*session.Certificate, inlineCertificate)
	r.progress(Handshake, "making %d certificates", len(certificates)+1)
	for slot := range certificates {
		var err error
		if certificates[slot], err = e.certificate(m, uint32(slot+1)); err != nil {
			return nil, err
		}
	}
	c, err := e.certificate(m, 0)
	if err != nil {
		return nil, err
	}
	admit := func() error {
		_, err := e.Admit(context.Background(), c.Presentation())
		return err
	}
	same := func() *session.Certificate { return c }
	turn := 0
	fresh := func() *session.Certificate {
		turn++
		return certificates[turn%len(certificates)]
	}

	var out []*opener
	var errs []error
	add := func(name string, p peers.Peer, err error) *opener {
		o := &opener{name: name, peer: p}
		out, errs = append(out, o), append(errs, err)
		return o
	}
	channel := func(name string, suite descriptor.Suite, kind handshake.Kind, next func() *session.Certificate) (*opener, *ours) {
		p, err := newOurs(e, suite, kind, next)
		return add(name, p, err), p
	}
	o, _ := channel(openAdmitted, plainSuite, handshake.Open, same)
	o.before = admit
	o, made := channel(openAhead, plainSuite, handshake.Open, same)
	o.before = func() error { return errors.Join(admit(), made.precompute(opensEach)) }
	o, _ = channel(openPrekey, prekeySuite, handshake.Open, same)
	o.before = admit
	o, _ = channel(openInline, plainSuite, handshake.Inline, fresh)
	o.before = e.forget

	full, err := peers.NewTLS(peers.P256)
	add(openTLS, full, err)
	resuming, err := peers.NewResumingTLS(peers.P256)
	add("mutual TLS 1.3, P-256, resumed", resuming, err)
	edwards, err := peers.NewTLS(peers.Ed25519)
	add("mutual TLS 1.3, Ed25519", edwards, err)
	noise, err := peers.NewNoise()
	add("flynn/noise, IK, no ML-KEM", noise, err)
	ssh, err := peers.NewSSH()
	add("x/crypto/ssh", ssh, err)
	return out, errors.Join(errs...)
}

// judgeOpens adds the targets: CPU time of both sides, wall time until the first
// answer, and bytes.
func (r *runner) judgeOpens(timings []Timing) {
	timed := make(map[string]Timing)
	for _, t := range timings {
		timed[t.Name] = t
	}
	seen := make(map[string]Opening)
	for _, o := range r.report.Openings {
		seen[o.Name] = o
	}
	tls, verify := timed[openTLS], timed[verifyOne]
	both := Timing{CPU: Spread{Median: tls.CPU.Median + verify.CPU.Median}, Wall: Spread{Median: tls.Wall.Median + verify.Wall.Median}}
	for _, c := range []struct {
		name  string
		base  Timing
		words string
		limit float64
	}{
		{openAdmitted, tls, "mutual TLS", openTimeLimit},
		{openAhead, tls, "mutual TLS", openAheadLimit},
		{openPrekey, tls, "mutual TLS", openPrekeyLimit},
		{openInline, both, "mutual TLS and a verification", openInlineLimit},
	} {
		r.report.ratio(fmt.Sprintf("open, %s / %s", c.name, c.words), timed[c.name], c.base, c.limit)
	}
	for _, c := range []struct {
		name        string
		time, bytes float64
	}{
		{openAdmitted, openTimeLimit, openBytesLimit},
		{openAhead, openAheadLimit, openBytesLimit},
		{openPrekey, openPrekeyLimit, prekeyBytesLimit},
	} {
		ours, theirs := seen[c.name], seen[openTLS]
		r.report.target(fmt.Sprintf("open, %s / mutual TLS, until the first answer", c.name), float64(ours.Median)/float64(theirs.Median), "ratio of wall time", c.time)
		r.report.target(fmt.Sprintf("open, %s / mutual TLS, on the wire", c.name), float64(ours.bytes())/float64(theirs.bytes()), "ratio of bytes", c.bytes)
	}
}
