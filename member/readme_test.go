package member_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/keys"
	"github.com/zkkex/zkkex/member"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/gateway"
	"github.com/zkkex/zkkex/order/journal"
	"github.com/zkkex/zkkex/prover"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/registry/mirror"
	"github.com/zkkex/zkkex/setup/dev"
	"github.com/zkkex/zkkex/setup/params"
	"github.com/zkkex/zkkex/slots"
	"github.com/zkkex/zkkex/venue"
	"github.com/zkkex/zkkex/venue/descriptor"
	"github.com/zkkex/zkkex/verifier"
	"github.com/zkkex/zkkex/verifier/spent"
)

// send opens a session that no other can be linked to, and sends an order in it.
func send(ctx context.Context, home string, id descriptor.VenueID, order []byte, o member.Options) error {
	m, err := member.Open(home, o)
	if err != nil {
		return err
	}
	defer m.Close()
	v, err := m.OpenVenue(id, member.VenueOptions{})
	if err != nil {
		return err
	}
	defer v.Close()
	s, err := v.Fresh(ctx) // after a sync, if one is needed; who stays calls v.Run
	if err != nil {
		return err
	}
	_, err = s.Write(order)
	return errors.Join(err, s.Close())
}

// buy enters an order in a session that no other can be linked to, and waits until it
// is filled, or is not. A connection that breaks is made anew: the order is entered
// once, and each report comes once.
func buy(ctx context.Context, v *member.Venue, quantity, price order.Decimal) (order.OrderState, error) {
	c, err := v.Orders(ctx, order.Config{})
	if err != nil {
		return order.OrderState{}, err
	}
	entered, err := c.Submit(ctx, order.NewOrderSingle{
		Symbol: "A/B", Side: order.Buy, OrdType: order.Limit, OrderQty: quantity, Price: price,
		TimeInForce: order.GoodTillDate, TimeToLive: time.Minute,
	})
	if errors.Is(err, order.ErrUnknownOutcome) { // ctx ended: the order may be in the book
		return entered.State(), errors.Join(err, c.Close()) // Close lets its grace cancel it
	}
	if err != nil { // errors.Is(err, order.ErrHalted), order.ErrThrottled, ...: nothing was done
		return order.OrderState{}, errors.Join(err, c.Finish(ctx))
	}
	state, err := entered.Closed(ctx)             // or c.Next(ctx), for each report in turn
	return state, errors.Join(err, c.Finish(ctx)) // cancels whatever is open
}

// serve takes sessions of members that it cannot name, until ctx ends.
func serve(ctx context.Context, dir, address string, o venue.Options, handle func(net.Conn)) error {
	v, err := venue.Open(dir, o)
	if err != nil {
		return err
	}
	defer v.Close()
	l, err := v.Listen("tcp", address)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { l.Close() })()
	go v.Run(ctx)
	for {
		c, err := l.Accept()
		if err != nil {
			return errors.Join(err, l.Close())
		}
		go handle(c) // a *handshake.Conn: who it is, as far as that can be known
	}
}

// prove proves that a member of the one registry in home authorises an order.
func prove(ctx context.Context, home string, order io.Reader, o member.Options) (*zkkex.Presentation, error) {
	m, err := member.Open(home, o)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	id, err := m.Find("registry.example/members")
	if err != nil {
		return nil, err
	}
	if _, err := m.Sync(ctx, id); err != nil {
		return nil, err
	}
	message, err := zkkex.Message(order)
	if err != nil {
		return nil, err
	}
	claim, err := m.NamedClaim(id, "rfq.example", zkkex.DefaultSchedule(), 10, message)
	if err != nil {
		return nil, err
	}
	return m.Prove(ctx, id, claim)
}

// newVerifier accepts ten orders per member and day, each once. It opens the
// store that spent.Init made in dir, once.
func newVerifier(roots *mirror.Mirror, set *params.Verifying, dir string) (*verifier.Verifier, error) {
	store, err := spent.OpenDir(dir)
	if err != nil {
		return nil, err
	}
	return verifier.New(verifier.Config{
		Params:     []*params.Verifying{set},
		Registry:   roots.Registry(),
		Roots:      roots.Roots().Grace(90*time.Minute, registry.DefaultMaxAge),
		Scope:      verifier.NamedScope{Name: "rfq.example", Epochs: zkkex.DefaultSchedule()},
		Limit:      10,
		Spent:      store,
		MinMembers: 1000,
	})
}

// decide reads a presentation and the order it is said to authorise.
func decide(ctx context.Context, v *verifier.Verifier, text []byte, order io.Reader) error {
	p, err := zkkex.ParsePresentationText(text)
	if err != nil {
		return err
	}
	message, err := zkkex.Message(order)
	if err != nil {
		return err
	}
	_, err = v.Verify(ctx, p, message)
	return err // nil: yes; errors.Is(err, zkkex.ErrRejected): no; else: undecided
}

// The code of the README is among the code above, and it does what it says.
func TestReadme(t *testing.T) {
	ctx := context.Background()
	office := newRegistrar()
	defer office.close()
	home := filepath.Join(office.temp, "home")
	options := member.Options{Params: devParams}
	enrol(t, office, home, options)

	p, err := prove(ctx, home, strings.NewReader("buy 3 at 100"), options)
	if err != nil {
		t.Fatal(err)
	}
	text, err := p.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	if err := spent.Init(filepath.Join(office.temp, "desk", "spent")); err != nil {
		t.Fatal(err)
	}
	if err := decideOnce(t, office, text, 1000); !rejectedAs(err, zkkex.TooFewMembers) {
		t.Errorf("one member is fewer than 1000: %v", err)
	}
	for _, want := range []zkkex.Reason{"", zkkex.SlotUsed} {
		if err := decideOnce(t, office, text, 1); !rejectedAs(err, want) {
			t.Errorf("got %v, expected %q", err, want)
		}
	}
}

func TestReadmeVenue(t *testing.T) {
	office := newRegistrar()
	defer office.close()
	home := filepath.Join(office.temp, "home")
	options := member.Options{Params: devParams}
	enrol(t, office, home, options)
	place := newVenue(office)
	id := place.trustedBy(home, options)

	ctx, cancel := context.WithCancel(t.Context())
	orders, served := make(chan string, 1), make(chan error, 1)
	go func() {
		served <- serve(ctx, place.dir, place.address, place.options, func(c net.Conn) {
			defer c.Close()
			order, err := io.ReadAll(c)
			if err != nil {
				t.Error(err)
			}
			orders <- string(order)
		})
	}()
	place.wait()
	if err := send(ctx, home, id, []byte("buy 3 at 100"), options); err != nil {
		t.Fatal(err)
	}
	if got := <-orders; got != "buy 3 at 100" {
		t.Errorf("the venue got %q", got)
	}
	cancel()
	if err := <-served; !errors.Is(err, net.ErrClosed) {
		t.Errorf("serve ended with %v; want ErrClosed", err)
	}
}

// announced is a book that tells when the first order comes.
type announced struct {
	*book.Book
	once  sync.Once
	first chan struct{}
}

func (a *announced) Do(ctx context.Context, commands []engine.Command) error {
	a.once.Do(func() { close(a.first) })
	return a.Book.Do(ctx, commands)
}

func TestReadmeOrders(t *testing.T) {
	office := newRegistrar()
	defer office.close()
	home := filepath.Join(office.temp, "home")
	options := member.Options{Params: devParams}
	enrol(t, office, home, options)
	place := newVenue(office)
	id := place.trustedBy(home, options)
	one := order.Decimal{Mantissa: 1}
	simple, err := book.New([]order.Instrument{{Symbol: "A/B", TickSize: one, LotSize: one, MinQty: one, MaxQty: one}}, book.Options{})
	if err != nil {
		t.Fatal(err)
	}
	entered := &announced{Book: simple, first: make(chan struct{})}
	desk, err := gateway.Open(t.Context(), gateway.Config{Engine: entered, Store: journal.NewMemory(), Name: "desk"})
	if err != nil {
		t.Fatal(err)
	}
	defer desk.Close()
	ctx, cancel := context.WithCancel(t.Context())
	served, taken := make(chan error, 1), make(chan error, 1)
	go func() {
		served <- serve(ctx, place.dir, place.address, place.options, func(c net.Conn) {
			channel := c.(*handshake.Conn)
			binding, err := channel.Export(order.BindingLabel, nil, 32)
			if err != nil {
				t.Error(err)
				return
			}
			state := channel.ConnectionState()
			taken <- desk.Serve(ctx, order.NewStream(c), gateway.Peer{
				Session: order.NewSessionID(state.Epoch.Number, state.Statement.Nullifier[:]), Binding: [32]byte(binding),
			})
		})
	}()
	place.wait()
	m, err := member.Open(home, options)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	v, err := m.OpenVenue(id, member.VenueOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	short, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		<-entered.first
		time.AfterFunc(2*time.Second, stop) // the acknowledgement is on its way
	}()
	// Nobody sells: the order waits until ctx ends.
	if state, err := buy(short, v, one, order.Decimal{Mantissa: 101}); !errors.Is(err, context.Canceled) || state.Status != order.StatusNew {
		t.Errorf("%+v, %v", state, err)
	}
	<-taken
	if _, err := buy(ctx, v, order.Decimal{Mantissa: 2}, one); !errors.Is(err, order.ErrInvalid) {
		t.Errorf("more than the venue takes: %v", err)
	}
	cancel()
	if err := <-served; !errors.Is(err, net.ErrClosed) {
		t.Errorf("serve ended with %v; want ErrClosed", err)
	}
}

func TestReadmeHasThisCode(t *testing.T) {
	source, err := os.ReadFile("readme_test.go")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(readme), "```go\n")
	if len(blocks) < 3 {
		t.Fatalf("README.md has %d blocks of Go, expected 2 or more", len(blocks)-1)
	}
	for _, block := range blocks[1:] {
		code, _, _ := strings.Cut(block, "```")
		for function := range strings.SplitSeq(code, "\n\n") {
			if !strings.Contains(string(source), strings.TrimSpace(function)) {
				t.Errorf("README.md has code that no test runs:\n%s", function)
			}
		}
	}
}

// All proofs in a registry come from one holder, so that the second is cheap.
func TestOneHolderPerRegistry(t *testing.T) {
	office := newRegistrar()
	defer office.close()
	home := filepath.Join(office.temp, "home")
	options := member.Options{Params: devParams}
	enrol(t, office, home, options)
	m, err := member.Open(home, options)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	id, err := m.Find("registry.example/members")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Sync(context.Background(), id); err != nil {
		t.Fatal(err)
	}
	first, err := m.Prover(id)
	if err != nil {
		t.Fatal(err)
	}
	second, err := m.Prover(id)
	if err != nil {
		t.Fatal(err)
	}
	if first != second {
		t.Error("two holders for one registry")
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	claim, err := m.NamedClaim(id, "x", zkkex.DefaultSchedule(), 1, zkkex.SessionKey([32]byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Prove(context.Background(), claim); !errors.Is(err, prover.ErrClosed) {
		t.Errorf("a holder outlives its member: %v", err)
	}
}

func enrol(t *testing.T, office *exportingRegistrar, home string, o member.Options) {
	t.Helper()
	secret, err := keys.Generate()
	if err != nil {
		t.Fatal(err)
	}
	if err := member.CreateWithUnencryptedKey(home, secret, slots.Range{}, time.Now()); err != nil {
		t.Fatal(err)
	}
	m, err := member.Open(home, o)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := m.Trust(member.Registry{URL: office.url, VerifierKey: office.key}); err != nil {
		t.Fatal(err)
	}
	request, err := m.EnrolOffline(office.challenge())
	if err != nil {
		t.Fatal(err)
	}
	office.admit(request)
}

// decideOnce is one run of a verifier with a folder that it keeps, demanding a
// number of members: the registry of this test has one.
func decideOnce(t *testing.T, office *exportingRegistrar, text []byte, minMembers uint64) error {
	t.Helper()
	desk := filepath.Join(office.temp, "desk")
	if err := os.MkdirAll(desk, 0o700); err != nil {
		t.Fatal(err)
	}
	roots, err := mirror.Open(filepath.Join(desk, "mirror"), mirror.Config{URL: office.url, VerifierKey: office.key})
	if err != nil {
		t.Fatal(err)
	}
	defer roots.Close()
	if _, err := roots.Sync(context.Background()); err != nil {
		t.Fatal(err)
	}
	fsys, err := dev.FS(zkkex.BabyJubjub20)
	if err != nil {
		t.Fatal(err)
	}
	set, err := params.OpenVerifying(fsys, params.Accept{Dev: true})
	if err != nil {
		t.Fatal(err)
	}
	v, err := newVerifier(roots, set, filepath.Join(desk, "spent"))
	if err != nil {
		t.Fatal(err)
	}
	if minMembers < 1000 {
		v = forFewMembers(t, roots, set, filepath.Join(desk, "spent"))
	}
	return decide(context.Background(), v, text, strings.NewReader("buy 3 at 100"))
}

// forFewMembers is newVerifier, without the demand for members.
func forFewMembers(t *testing.T, roots *mirror.Mirror, set *params.Verifying, dir string) *verifier.Verifier {
	t.Helper()
	store, err := spent.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	v, err := verifier.New(verifier.Config{
		Params:   []*params.Verifying{set},
		Registry: roots.Registry(),
		Roots:    roots.Roots().Newest(registry.DefaultMaxAge),
		Scope:    verifier.NamedScope{Name: "rfq.example", Epochs: zkkex.DefaultSchedule()},
		Limit:    10,
		Spent:    store,
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func rejectedAs(err error, want zkkex.Reason) bool {
	var rejected *zkkex.RejectError
	if !errors.As(err, &rejected) {
		return want == "" && err == nil
	}
	return rejected.Reason == want
}
