package failovertest

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/book"
	"github.com/zkkex/zkkex/order/engine"
	"github.com/zkkex/zkkex/order/engine/enginegrpc"
	"github.com/zkkex/zkkex/order/journal/pebblejournal"
	"github.com/zkkex/zkkex/order/journal/pgjournal"
)

// rounds is how often a gateway, the client or both are killed; ZKKEX_DEEP=1 asks for
// thousands.
func rounds() int {
	if deep() {
		return 2000
	}
	return 16
}

// Gateways and clients are killed at random moments, one or both, with journals of
// either kind. After each, everything goes on; no order is entered twice, none that
// was acknowledged is missing, and reports come once and in order. In the end, the
// orders of a client that does not come back are cancelled.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Run("pebble", func(t *testing.T) {
		t.Parallel()
		dir := filepath.Join(t.TempDir(), "journal")
		if err := pebblejournal.Init(dir); err != nil {
			t.Fatal(err)
		}
		newHunt(t, dir, "a").run()
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		dsn := postgres(t)
		if err := pgjournal.Init(t.Context(), dsn); err != nil {
			t.Fatal(err)
		}
		newHunt(t, dsn, "a", "b").run()
	})
}

// hunt is who is killed, and what is known of them.
type hunt struct {
	t        testing.TB
	dir      string
	journal  string
	book     *book.Book
	engine   *engineLog
	address  string // the engine's
	names    []string
	gateways []*victim
	client   *victim
	secret   [order.SecretSize]byte
	session  order.SessionID
	lives    int64 // of the client
	log      huntLog
	taken    map[string]bool // quantities that the engine has
	looked   int             // reports of the engine that were looked at
}

// victim is a process that is killed.
type victim struct {
	*exec.Cmd
	said *output
}

func newHunt(t testing.TB, journal string, gateways ...string) *hunt {
	t.Helper()
	h := &hunt{t: t, dir: t.TempDir(), journal: journal, names: gateways, taken: map[string]bool{}}
	h.log = huntLog{path: filepath.Join(h.dir, "log"), sent: map[string]bool{}, acked: map[string]string{}}
	rand.Read(h.secret[:]) // never fails
	h.session = order.NewSessionID(1, h.secret[:])
	one := order.Decimal{Mantissa: 1}
	var err error
	h.book, err = book.New([]order.Instrument{{Symbol: "A/B", TickSize: one, LotSize: one, MinQty: one, MaxQty: order.Decimal{Mantissa: 1, Exponent: 10}}},
		book.Options{Events: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	l, err := enginegrpc.Listen("unix:" + filepath.Join(h.dir, "engine"))
	if err != nil {
		t.Fatal(err)
	}
	h.serve(l)
	h.address = "unix:" + l.Addr().String()
	h.engine = follow(t, h.address)
	for range gateways {
		h.gateways = append(h.gateways, nil)
	}
	return h
}

func (h *hunt) serve(l net.Listener) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = enginegrpc.NewServer(enginegrpc.ServerConfig{Engine: h.book}).Serve(ctx, l)
	}()
	h.t.Cleanup(func() { cancel(); <-ended })
}

// start starts a victim, and with wait waits until it says that it is ready.
func (h *hunt) start(wait bool, name string, args ...string) *victim {
	h.t.Helper()
	v := &victim{exec.Command(name, args...), new(output)}
	v.Env, v.Stderr = append(os.Environ(), journalEnv+"="+h.journal), v.said
	out, err := v.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := v.StdinPipe(); err != nil { // see endWithTest
		h.t.Fatal(err)
	}
	if err := v.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		if v.ProcessState == nil {
			h.kill(v)
		}
		if text := v.said.String(); h.t.Failed() {
			h.t.Logf("%v: %v\n%s", v.Args[:2], v.ProcessState, text[max(0, len(text)-2000):])
		}
	})
	if wait {
		if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
			_ = v.Wait()
			h.t.Fatalf("%s %v did not begin: %v\n%s", name, args, v.ProcessState, v.said)
		}
	}
	return v
}

// kill kills a victim, which must not have ended by itself.
func (h *hunt) kill(v *victim) {
	h.t.Helper()
	_ = v.Process.Kill()
	if _ = v.Wait(); v.ProcessState.Exited() {
		h.t.Errorf("%v had ended by itself: %v\n%s", v.Args[:2], v.ProcessState, v.said)
	}
}

func (h *hunt) socket(name string) string { return filepath.Join(h.dir, name) }

func (h *hunt) openGateway(i int) {
	h.t.Helper()
	h.gateways[i] = h.start(true, "victim-gateway", h.names[i], h.address, h.socket(h.names[i]))
}

// openClient starts the next life of the client.
func (h *hunt) openClient(grace time.Duration) {
	h.t.Helper()
	h.lives++
	sockets := make([]string, len(h.names))
	for i, name := range h.names {
		sockets[i] = h.socket(name)
	}
	const mostOrders = 1_000_000
	h.client = h.start(false, "victim-client", strings.Join(sockets, ","), filepath.Join(h.dir, "state"), hex.EncodeToString(h.secret[:]),
		h.log.path, fmt.Sprint(h.lives*mostOrders), grace.String())
}

// run kills as often as it is to.
func (h *hunt) run() {
	h.t.Helper()
	for i := range h.names {
		h.openGateway(i)
	}
	h.openClient(order.MaxGrace)
	h.progress()
	var gateways, clients int
	for n := range rounds() {
		time.Sleep(mathrand.N(60 * time.Millisecond))
		what := mathrand.IntN(2*len(h.names) + 2)
		if what == 0 || what > len(h.names) { // the client, alone or with a gateway
			h.kill(h.client)
			clients++
		}
		if what > 0 {
			i := (what - 1) % (len(h.names) + 1) % len(h.names)
			h.kill(h.gateways[i])
			gateways++
			if mathrand.IntN(2) == 0 {
				h.trade()
			}
			h.openGateway(i)
		}
		if h.client.ProcessState != nil {
			h.openClient(order.MaxGrace)
		}
		h.trade()
		h.progress()
		if h.check(); h.t.Failed() {
			h.t.Fatalf("after %d rounds", n+1)
		}
		if (n+1)%100 == 0 {
			h.t.Logf("%d kills of gateways, %d of the client; %d orders so far", gateways, clients, len(h.taken))
		}
	}
	h.end()
	h.t.Logf("%d kills of gateways, %d of the client: %d orders, each entered once; %d reports, each told once and in order, %d of them again to a client that began anew",
		gateways, clients, len(h.taken), h.looked, h.log.again)
}

// trade sells to whoever buys, as another session of the venue.
func (h *hunt) trade() {
	h.t.Helper()
	var id order.ID
	rand.Read(id[:]) // never fails
	other := order.NewSessionID(1, []byte("another"))
	now := time.Now().Truncate(time.Millisecond)
	err := h.book.Do(context.Background(), []engine.Command{{
		ID: order.NewOrderID(other, id), Session: other, Now: now, Expires: now.Add(time.Minute),
		Request: &order.NewOrderSingle{ClOrdID: id, Symbol: "A/B", Side: order.Sell, OrdType: order.Limit, TimeInForce: order.ImmediateOrCancel,
			OrderQty: order.Decimal{Mantissa: 1, Exponent: 10}, Price: order.Decimal{Mantissa: 91}},
	}})
	if err != nil {
		h.t.Fatal(err)
	}
}

// progress waits until the client was acknowledged an order of its present life.
func (h *hunt) progress() {
	h.t.Helper()
	h.read()
	before := h.log.acks
	await(h.t, "an acknowledgement", func() bool {
		h.read()
		return h.log.acks > before
	})
}

func (h *hunt) read() {
	if err := h.log.read(); err != nil {
		h.t.Fatal(err)
	}
}

// check compares what the client knows with what the engine did.
func (h *hunt) check() {
	h.t.Helper()
	h.read()
	// The engine's events may come later here than the client was told of them.
	await(h.t, "what the client was told, in the engine", func() bool {
		h.look()
		for quantity := range h.log.fresh {
			if !h.taken[quantity] {
				return false
			}
		}
		return h.looked >= len(h.log.told)
	})
	h.log.fresh = nil
	reports := h.engine.reports(h.session)
	for i, exec := range h.log.told {
		if reports[i].ExecID.String() != exec {
			h.t.Errorf("report %d is %s, which is not what the engine reported", i+1, exec)
			return
		}
	}
}

// look takes up what the engine did since.
func (h *hunt) look() {
	reports := h.engine.reports(h.session)
	h.read() // or an order is in the engine, and not in what was read of who sent it
	for ; h.looked < len(reports); h.looked++ {
		r := reports[h.looked]
		if r.ExecType != order.ExecNew {
			continue
		}
		quantity := r.OrderQty.String()
		if h.taken[quantity] || !h.log.sent[quantity] {
			h.t.Errorf("the engine has an order of %s twice, or nobody sent it", quantity)
		}
		h.taken[quantity] = true
	}
}

// end waits until the client has been told everything, and lets it die for good: all
// of its orders are then cancelled.
func (h *hunt) end() {
	h.t.Helper()
	h.kill(h.client)
	h.openClient(100 * time.Millisecond)
	h.progress()
	h.kill(h.client)
	h.kill(h.gateways[0])
	h.openGateway(0)
	await(h.t, "the end of orders whose owner is gone", func() bool { return h.open() == 0 })
	h.openClient(order.MaxGrace)
	h.progress()
	h.enough()
	await(h.t, "all reports", func() bool {
		h.read()
		return len(h.log.told) >= len(h.engine.reports(h.session))
	})
	h.check()
}

// enough has the client enter no more orders, and go on to read.
func (h *hunt) enough() {
	h.t.Helper()
	if err := os.WriteFile(h.log.path+enough, nil, 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// open is how many orders of the session are open in the engine.
func (h *hunt) open() int {
	open := map[order.OrderID]bool{}
	for _, r := range h.engine.reports(h.session) {
		open[r.OrderID] = r.OrdStatus.Open()
	}
	n := 0
	for _, is := range open {
		if is {
			n++
		}
	}
	return n
}

// huntLog is what the client wrote down in all of its lives.
type huntLog struct {
	path  string
	at    int64
	sent  map[string]bool
	acked map[string]string
	fresh map[string]bool // acknowledged since the last check
	acks  int
	told  []string // ExecIDs, by number
	again int
}

// read takes up what was written since. It returns an error for reports that leave a
// gap, or that come again as others.
func (l *huntLog) read() error {
	f, err := os.Open(l.path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Seek(l.at, 0); err != nil {
		return err
	}
	for in := bufio.NewReader(f); ; {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil // the rest is being written
		}
		l.at += int64(len(line))
		if err := l.take(strings.Fields(line)); err != nil {
			return err
		}
	}
}

func (l *huntLog) take(words []string) error {
	switch words[0] {
	case "S":
		l.sent[words[1]] = true
	case "A":
		l.acks++
		if l.fresh == nil {
			l.fresh = map[string]bool{}
		}
		l.fresh[words[1]] = true
		if was, known := l.acked[words[1]]; known && was != words[2] {
			return fmt.Errorf("an order of %s is %s and %s", words[1], was, words[2])
		}
		l.acked[words[1]] = words[2]
	case "R":
		var number int
		if _, err := fmt.Sscan(words[1], &number); err != nil {
			return err
		}
		switch {
		case number == len(l.told)+1:
			l.told = append(l.told, words[2])
		case 1 <= number && number <= len(l.told) && l.told[number-1] == words[2]:
			l.again++
		default:
			return fmt.Errorf("report %d, %s, came after %d of them", number, words[2], len(l.told))
		}
	}
	return nil
}

// Planted faults: what the log must not hold is found.
func TestHuntLog(t *testing.T) {
	for name, lines := range map[string][]string{
		"a gap":            {"R 1 x", "R 3 z"},
		"another report":   {"R 1 x", "R 1 y"},
		"no number":        {"R 0 x"},
		"two acknowledged": {"A 7 x", "A 7 y"},
	} {
		l := huntLog{sent: map[string]bool{}, acked: map[string]string{}}
		var err error
		for _, line := range lines {
			if err == nil {
				err = l.take(strings.Fields(line))
			}
		}
		if err == nil {
			t.Errorf("%s was not found", name)
		}
	}
}
