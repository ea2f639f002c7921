package demo

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"time"

	"github.com/zkkex/zkkex/order"
)

// evidence is what there is about one order.
type evidence struct {
	trader  *trader
	order   order.OrderState
	session order.SessionID
	secret  [order.SecretSize]byte
	owner   [32]byte

	disk disk

	wire     *wire
	from, to time.Time
	network  []byte
	wires    int
}

// watchOrder has the taker enter the order that is looked at from three sides.
func (p *play) watchOrder(ctx context.Context) error {
	bob := p.traders[taker]
	w, err := p.relay.of(bob.line.last())
	if err != nil {
		return err
	}
	secret, err := bob.OrderSecret()
	if err != nil {
		return err
	}
	p.seen = &evidence{trader: bob, session: bob.desk.State().Session, secret: secret.Reveal(), wire: w}
	p.seen.from = time.Now()
	o, err := bob.desk.Submit(ctx, limited(order.Buy, "1.25", "62345.67"))
	if err != nil {
		return err
	}
	p.seen.to = time.Now()
	p.seen.order, p.seen.owner = o.State(), secret.OwnerKey(o.ID())
	return nil
}

// compare shows one order as trader, venue and network know it.
func (p *play) compare(context.Context) error {
	s, seen := p.story, p.seen
	s.title("One order, seen from three sides")
	s.text("The trader's side is what its own program has. The venue's is decoded from the files that the stopped gateway left: who was let in, and the journal of orders. The network's is decoded from what the relay recorded. What everybody downloads is public, and left out: the list of members, and the venue's terms.")
	carried := p.relay.recording()
	seen.network, seen.wires = carried.bytes(), len(carried)
	if err := carried.save(p.path("network")); err != nil {
		return err
	}
	if p.options.plant != nil {
		p.options.plant(seen)
	}
	if err := p.look(); err != nil {
		return err
	}
	p.showViews()
	return p.searchViews()
}

// look fills in the views.
func (p *play) look() (err error) {
	seen, v := p.seen, &p.story.report.Views
	if v.Trader, err = seen.trader.view(seen); err != nil {
		return err
	}
	if v.Venue, err = seen.disk.view(seen.session); err != nil {
		return err
	}
	v.Venue.Members = p.story.report.Members
	if v.Trader.Nullifier != v.Venue.Nullifier || v.Trader.OwnerKey != v.Venue.OwnerKey || v.Trader.Order != v.Venue.Order {
		return fmt.Errorf("%w: the trader's order is %+v, the venue's %+v", ErrUnexpected, v.Trader, v.Venue)
	}
	n := &v.Network
	n.Connections, n.Bytes = seen.wires, len(seen.network)
	n.From, n.To = seen.wire.from, p.relay.address()
	if n.Hello, n.Records, err = seen.wire.between(seen.from, seen.to); err != nil {
		return err
	}
	if len(n.Records) < 2 {
		return fmt.Errorf("%w: the relay has %d records of an order and its answer", ErrUnexpected, len(n.Records))
	}
	return nil
}

func (t *trader) view(seen *evidence) (traderView, error) {
	status, err := t.Status(t.registry)
	if err != nil {
		return traderView{}, err
	}
	all, err := t.at.Nullifiers()
	if err != nil {
		return traderView{}, err
	}
	public := t.Public()
	key, commitment := public.Bytes(), public.Commitment()
	v := traderView{
		Name: t.name, PublicKey: hex.EncodeToString(key[:]), Commitment: commitment.String(), Leaf: status.Index,
		Session: hex.EncodeToString(seen.session.ID[:]), OwnerKey: hex.EncodeToString(seen.owner[:]),
		Order: terms{
			ID: seen.order.ID.String(), Symbol: seen.order.Symbol, Side: sideName(seen.order.Side),
			Quantity: seen.order.OrderQty.String(), Price: seen.order.Price.String(),
		},
	}
	for _, n := range all {
		if order.NewSessionID(seen.session.Epoch, n[:]) == seen.session {
			v.Nullifier = n.String()
		}
	}
	return v, nil
}

func (d *disk) view(s order.SessionID) (venueView, error) {
	r, err := d.admitted(s)
	if err != nil {
		return venueView{}, err
	}
	if len(d.orders) != 1 {
		return venueView{}, fmt.Errorf("%w: the journal has %d orders of the one ID", ErrUnexpected, len(d.orders))
	}
	o := d.orders[0]
	last, ok := o.Report.(*order.ExecutionReport)
	if !ok || o.Session != s {
		return venueView{}, fmt.Errorf("%w: the journal has %+v for the order", ErrUnexpected, o)
	}
	return venueView{
		Admissions: len(d.admissions), Nullifier: r.Statement.Nullifier.String(), Session: hex.EncodeToString(o.Session.ID[:]),
		Reports: d.reports, OrderID: o.ID.String(), OwnerKey: hex.EncodeToString(o.OwnerKey[:]),
		Order: terms{
			ID: o.ClOrdID.String(), Symbol: o.Symbol, Side: sideName(last.Side),
			Quantity: last.OrderQty.String(), Price: last.Price.String(),
		},
	}, nil
}

func sideName(s order.Side) string {
	if s == order.Buy {
		return "buy"
	}
	return "sell"
}

// The widths of the table's columns.
var columns = [4]int{11, 25, 25, 24}

func (p *play) showViews() {
	s, v := p.story, &p.story.report.Views
	n := &v.Network
	host, _, _ := net.SplitHostPort(n.From)
	what := func(t terms) string { return fmt.Sprintf("%s %s %s at %s", t.Side, t.Quantity, t.Symbol, t.Price) }
	s.row(true, "", "the trader knows", "the venue saw", "the network saw")
	for _, r := range [][4]string{
		{"who", v.Trader.Name + ", entry " + fmt.Sprint(v.Trader.Leaf), fmt.Sprintf("one of %s members", grouped(v.Venue.Members)), "an address: " + host},
		{"key", start(v.Trader.PublicKey), "-", "-"},
		{"in the list", start(v.Trader.Commitment) + " (a commitment to the key)", "-", "-"},
		{"let in as", start(v.Trader.Nullifier), start(v.Venue.Nullifier) + " (a nullifier: this session, once)", fmt.Sprintf("%d and %d bytes, as for everybody", n.Hello[0], n.Hello[1])},
		{"session", start(v.Trader.Session), start(v.Venue.Session), "one connection"},
		{"order", what(v.Trader.Order), what(v.Venue.Order), sizes(n.Records)},
		{"called", start(v.Trader.Order.ID), start(v.Venue.Order.ID), "-"},
		{"own key", start(v.Trader.OwnerKey), start(v.Venue.OwnerKey) + " (its public half)", "-"},
	} {
		s.row(false, r[:]...)
	}
	s.gap()
	s.text("What a bare connection always shows is where it comes from, when something is sent, and how long it is. Traders who mind connect through a proxy, and pad.")
}

func sizes(records []record) string {
	text := ""
	for i, r := range records {
		if i > 0 {
			text += ", "
		}
		way := "back"
		if r.ToVenue {
			way = "there"
		}
		text += fmt.Sprintf("%d bytes %s", r.Bytes, way)
	}
	return text
}

// start is the beginning of hexadecimal digits.
func start(digits string) string { return digits[:min(len(digits), 12)] + "..." }

// row writes a row of the table, in as many lines as it takes.
func (s *story) row(head bool, cells ...string) {
	lines := make([][]string, len(cells))
	most := 0
	for i, c := range cells {
		lines[i] = wrap(c, columns[i])
		most = max(most, len(lines[i]))
	}
	for k := range most {
		text := ""
		for i := range cells {
			cell := ""
			if k < len(lines[i]) {
				cell = lines[i][k]
			}
			text += fmt.Sprintf("%-*s ", columns[i], cell)
		}
		if text = string(bytes.TrimRight([]byte(text), " ")); head {
			text = s.paint(bold, text)
		}
		s.line("%s", text)
	}
}

// searchViews searches the venue's disk for the trader, and the network's recording
// for anything.
func (p *play) searchViews() error {
	s, seen := p.story, p.seen
	who := append(identity(seen.trader.secret), needle{"order secret", seen.secret[:]})
	// What must be there shows that this is the right place to search.
	v := &s.report.Views.Venue
	for _, there := range []struct{ what, digits string }{
		{"nullifier", v.Nullifier}, {"order's ID", v.Order.ID}, {"order's own key", v.OwnerKey},
	} {
		b, err := hex.DecodeString(there.digits)
		if err != nil {
			return err
		}
		if !bytes.Contains(seen.disk.entries, b) {
			return fmt.Errorf("%w: the venue's files do not hold the %s", ErrUnexpected, there.what)
		}
	}
	venue := append(append([]byte(nil), seen.disk.files...), seen.disk.entries...)
	found, err := searchFor("the venue's disk", venue, who)
	if err != nil {
		return err
	}
	s.report.Searches = append(s.report.Searches, found)
	s.accepted("%s bytes of the venue's disk: neither key, nor commitment, nor secret of %s is in it", grouped(found.Bytes), seen.trader.name)
	all, err := seen.plaintext(who)
	if err != nil {
		return err
	}
	if found, err = searchFor("the network", seen.network, all); err != nil {
		return err
	}
	s.report.Searches = append(s.report.Searches, found)
	s.accepted("%s bytes on %d connections: none of that, nor symbol, price, order, pseudonym or any ID", grouped(found.Bytes), seen.wires)
	s.accepted("the same searches find all that is planted, %d of %[1]d times: they would have found it", s.report.Searches[0].Planted+found.Planted)
	return nil
}

// plaintext is what the network must not see of the order, beside who.
func (seen *evidence) plaintext(who []needle) ([]needle, error) {
	o := limited(order.Buy, "1.25", "62345.67")
	o.ClOrdID, o.OwnerKey = seen.order.ID, seen.owner
	message, err := order.AppendRequest(nil, &o)
	if err != nil {
		return nil, err
	}
	r, err := seen.disk.admitted(seen.session)
	if err != nil {
		return nil, err
	}
	st := &r.Statement
	return append(who,
		needle{"order as it was sent", message},
		needle{"symbol", []byte(symbol)},
		needle{"price", []byte("62345.67")},
		needle{"order's ID", seen.order.ID[:]},
		needle{"venue's name for the order", seen.order.OrderID[:]},
		needle{"order's own key", seen.owner[:]},
		needle{"session's name", seen.session.ID[:]},
		needle{"nullifier", st.Nullifier[:]},
		needle{"statement's binding", st.Binding[:]},
		needle{"session key", r.Key[:]},
	), nil
}
