package anonymity

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/venue/descriptor"
	"github.com/zkkex/zkkex/venue/venueclient"
)

// someone is a member with fake proofs; all else is real. It is also its own
// source of terms.
type someone struct {
	*office
	*identity
	leak   leak
	prover zkkex.Prover
	tap    *tap
	suites []descriptor.Suite // the first is used for all but one session
	config handshake.ClientConfig
	pool   *session.Pool
	spare  atomic.Pointer[session.Certificate] // admitted beside an open, by who leaks
	errors []string
}

func (o *office) someone(id *identity, l leak) *someone {
	m := &someone{
		office: o, identity: id, leak: l, suites: o.descriptor.Suites, tap: &tap{places: o.places},
		prover: o.provers.Member(fmt.Sprint("member ", id.index)), config: handshake.ClientConfig{Now: o.now},
	}
	if l.member != nil {
		l.member(m)
	}
	return m
}

// Terms implements [session.TermsSource].
func (m *someone) Terms(context.Context, time.Time) ([]session.Terms, error) {
	d, terms := m.descriptor, m.descriptor.Epochs[0]
	return []session.Terms{{
		Scope: d.Scope(terms.Number), Epoch: zkkex.Epoch{Schedule: d.Schedule, Number: terms.Number},
		Limit: terms.Limit, Root: terms.Root, Sequence: terms.Sequence, Generation: d.Generation,
	}}, nil
}

// known is what the member knows of the venue.
func (m *someone) known(suite descriptor.Suite) *handshake.Venue {
	v, err := venueclient.Handshake(m.descriptor, suite)
	m.must(err)
	return v
}

func (m *someone) dialer(suite descriptor.Suite) *handshake.Dialer {
	return &handshake.Dialer{
		Venue: func(context.Context, bool) (*handshake.Venue, []handshake.Address, error) {
			return m.known(suite), []handshake.Address{{Network: "tcp", Place: venueSessions}}, nil
		},
		Dial: m.dial, Config: m.config,
	}
}

// dial makes a connection for a session, and, with one that leaks, admits
// something beside it.
func (m *someone) dial(ctx context.Context, network, address string) (net.Conn, error) {
	raw, err := m.tap.dial(ctx, network, address)
	if c := m.spare.Swap(nil); c != nil && err == nil {
		m.must(m.dialer(m.suites[0]).Admit(ctx, c))
	}
	return raw, err
}

// certificate returns a certificate of a key, or of a new one.
func (m *someone) certificate(key *ecdh.PrivateKey) *session.Certificate {
	var err error
	if key == nil {
		key, err = ecdh.X25519().GenerateKey(rand.Reader)
		m.must(err)
	}
	p, err := m.prover.Prove(m.t.Context(), m.claim(key))
	m.must(err)
	c, err := session.New(p, key)
	m.must(err)
	return c
}

func (m *someone) claim(key *ecdh.PrivateKey) zkkex.Claim {
	terms, err := m.Terms(m.t.Context(), m.now())
	m.must(err)
	return zkkex.Claim{Scope: terms[0].Scope, Epoch: terms[0].Epoch, Limit: terms[0].Limit, Authorization: zkkex.SessionKey([32]byte(key.PublicKey().Bytes()))}
}

// fetch brings the descriptors up to date, from nothing.
func (m *someone) fetch() {
	chain, err := descriptor.NewChain(descriptor.ChainConfig{Identity: m.venue.Identity()})
	m.must(err)
	c, err := venueclient.New(venueclient.Config{URL: "http://venue.example", Dial: m.tap.dial, Now: m.now})
	m.must(err)
	_, err = c.Update(m.t.Context(), chain)
	m.must(err)
	if m.leak.asks != nil {
		client := http.Client{Transport: &http.Transport{DialContext: m.tap.dial, DisableKeepAlives: true}}
		response, err := client.Get("http://venue.example/" + m.leak.asks(m.identity))
		m.must(err)
		m.must(response.Body.Close())
	}
}

// fill opens the pool, with certificates that are admitted ahead.
func (m *someone) fill() {
	var err error
	m.pool, err = session.NewPool(session.PoolConfig{
		Prover: m.prover, Terms: m, Size: 1, Admit: m.dialer(m.suites[0]).Admit, AdmitSpread: 50 * time.Millisecond, Now: m.now,
	})
	m.must(err)
	m.ready()
}

// ready waits until the pool has what it wants, and has it admitted.
func (m *someone) ready() {
	for s := m.pool.State(); s.Ready != 1 || s.Admitted != 1 || s.Making; s = m.pool.State() {
		m.must(m.t.Context().Err())
		time.Sleep(time.Millisecond)
	}
}

// fresh opens a session with a certificate of the pool, and talks.
func (m *someone) fresh() *session.Certificate {
	m.ready()
	c, err := m.pool.Take(m.t.Context())
	m.must(err)
	if m.leak.beside {
		m.spare.Store(m.certificate(nil))
	}
	m.open(m.suites[0], c)
	return c
}

// open opens a session with a certificate, as package member does, and talks.
func (m *someone) open(suite descriptor.Suite, c *session.Certificate) {
	end, err := m.pool.BeginOpen(m.t.Context())
	m.must(err)
	conn, err := m.dialer(suite).Open(m.t.Context(), c, nil)
	m.must(err)
	end()
	m.talk(conn)
	m.hangUp(conn)
}

// talk has some words echoed. It waits for the records that confirm the keys, so
// that they are always on their own.
func (m *someone) talk(c *handshake.Conn) {
	mine := m.tap.sessions()
	for !confirmed(mine) {
		m.must(m.t.Context().Err())
		time.Sleep(time.Millisecond)
	}
	for _, size := range []int{5, 700, 9000} {
		if m.leak.words != nil {
			size += m.leak.words(m.identity)
		}
		_, err := c.Write(make([]byte, size))
		m.must(err)
		_, err = io.ReadFull(c, make([]byte, size))
		m.must(err)
	}
}

// confirmed reports whether both sides have confirmed their keys, with a record, on
// the newest connection.
func confirmed(conns []*tapped) bool {
	for i := len(conns) - 1; i >= 0; i-- {
		c := conns[i]
		c.tap.mu.Lock()
		frames, closed := c.frames(), c.end != 0
		c.tap.mu.Unlock()
		if !closed {
			return hasRecord(frames, true) && hasRecord(frames, false)
		}
	}
	return false
}

func hasRecord(frames []frame, up bool) bool {
	return slices.ContainsFunc(frames, func(f frame) bool { return f.up == up && f.record() })
}

func (m *someone) hangUp(c *handshake.Conn) {
	m.must(c.CloseWrite())
	_, err := io.ReadAll(c)
	m.must(err)
	m.must(c.Close())
	<-c.Done()
}

// live is all that a member does: fetch, admit ahead, open fresh sessions, one
// again, one without admission, one in another suite; and be refused, in every
// way there is.
func (m *someone) live() *view {
	end := m.listen(func(l net.Listener) net.Listener { return m.leak.listener(m, l) })
	m.fetch()
	m.fill()
	m.fresh()
	again := m.fresh()
	m.ready()
	m.open(m.suites[0], again)
	m.open(m.suites[0], m.certificate(nil))
	m.open(m.suites[1], m.certificate(nil))
	m.refusals()
	m.must(m.pool.Close())
	end()
	if m.leak.venue != nil {
		m.leak.venue(m.office, m.identity)
	}
	return &view{tap: m.tap, errors: m.errors, log: m.journal.take(), files: m.kept()}
}
