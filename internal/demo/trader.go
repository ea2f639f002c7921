package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment/enrolclient"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/member"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/session"
	"github.com/zkkex/zkkex/slots"
)

// names are those of the traders, in order.
var names = []string{"alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"}

// Parts in the story: who makes markets, who takes them, and who overreaches.
const (
	maker    = 0
	taker    = 1
	offender = 2
)

// trader is a member who trades.
type trader struct {
	*member.Member
	name     string
	registry zkkex.RegistryID
	secret   *keys.Secret // for attacks and for the search; the folder has its own
	line     line
	at       *member.Venue
	desk     *desk
	desks    []*desk
}

// line is how a trader connects; it remembers from where.
type line struct {
	relay string // its address

	mu   sync.Mutex
	from string
	to   string // in place of the relay, if set
}

// dial connects, through the relay to the venue and directly elsewhere.
func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	l.mu.Lock()
	to := l.to
	l.mu.Unlock()
	relayed := address == l.relay
	if relayed && to != "" {
		address = to
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil && relayed {
		l.mu.Lock()
		l.from = conn.LocalAddr().String()
		l.mu.Unlock()
	}
	return conn, err
}

// last returns the address that the last connection to the venue came from.
func (l *line) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.from
}

// direct leaves the relay out from now on.
func (l *line) direct(to string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.to = to
}

// recruit makes a trader's folder, and has the trader ask for admission.
func (p *play) recruit(ctx context.Context, name string) error {
	secret, err := keys.Generate()
	if err != nil {
		return err
	}
	t := &trader{name: name, secret: secret, line: line{relay: p.relay.address()}}
	dir := p.path(name)
	if err := member.CreateWithUnencryptedKey(dir, secret, slots.Range{}, time.Now()); err != nil {
		return err
	}
	if t.Member, err = member.Open(dir, member.Options{Params: p.proving, Dial: t.line.dial}); err != nil {
		return err
	}
	p.traders = append(p.traders, t)
	if t.registry, err = t.Trust(member.Registry{
		URL: p.office.url, VerifierKey: p.office.registrar.VerifierKey(), MinMembers: uint64(p.crowd),
	}); err != nil {
		return err
	}
	outcome, err := t.Enrol(ctx, t.registry)
	if err != nil {
		return err
	}
	if outcome.State != enrolclient.Pending {
		return fmt.Errorf("%w: %s's request is %s before anybody decided", ErrUnexpected, name, outcome.State)
	}
	return nil
}

// join has the trader trust the venue, by the identity that it gave out.
func (t *trader) join(ctx context.Context, h *house) error {
	id, err := t.TrustVenue(member.VenueConfig{URL: h.url(), Identity: h.identity.String()})
	if err != nil {
		return err
	}
	if t.at, err = t.OpenVenue(id, member.VenueOptions{Ahead: session.NoneAhead}); err != nil {
		return err
	}
	return t.at.Sync(ctx)
}

// open begins a session of orders that nobody can link to others of the trader's.
func (t *trader) open(ctx context.Context) error {
	c, err := t.at.Orders(ctx, order.Config{
		Quotes: []string{symbol}, KeepOrders: true, ResendWithin: time.Minute,
	})
	if err != nil {
		return err
	}
	t.desk = &desk{Client: c, name: t.name}
	t.desks = append(t.desks, t.desk)
	return nil
}

func (t *trader) close() error {
	for _, d := range t.desks {
		_ = d.Close()
	}
	var err error
	if t.at != nil {
		err = t.at.Close()
	}
	t.secret.Wipe()
	return errors.Join(err, t.Member.Close())
}

// desk is a session of orders whose reports are counted: each comes once, in order.
type desk struct {
	*order.Client
	name string
	read uint64
}

// next returns the next report, and fails if one was lost or came twice.
func (d *desk) next(ctx context.Context) (order.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := d.Next(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s waits for a report: %w", d.name, err)
	}
	return r.Report, d.count(r.Number)
}

// count takes the number of a report; 0 is for what has none.
func (d *desk) count(number uint64) error {
	if number != 0 && number != d.read+1 {
		return fmt.Errorf("%w: %s's report %d came after %d", ErrUnexpected, d.name, number, d.read)
	}
	d.read = max(d.read, number)
	return nil
}

// await reads reports until one fits.
func await[R order.Report](ctx context.Context, d *desk, fits func(R) bool) (R, error) {
	for {
		r, err := d.next(ctx)
		if err != nil {
			var none R
			return none, err
		}
		if found, ok := r.(R); ok && fits(found) {
			return found, nil
		}
	}
}
