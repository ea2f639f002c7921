package failovertest

import (
	"crypto/rand"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quickfixgo/quickfix"
	"github.com/quickfixgo/quickfix/config"

	"github.com/zkkex/zkkex/order"
)

// Tags and message types of FIX 4.4 that a trader uses.
const (
	tagClOrdID      quickfix.Tag = 11
	tagExecID       quickfix.Tag = 17
	tagMsgSeqNum    quickfix.Tag = 34
	tagMsgType      quickfix.Tag = 35
	tagNewSeqNo     quickfix.Tag = 36
	tagOrderID      quickfix.Tag = 37
	tagOrderQty     quickfix.Tag = 38
	tagOrdType      quickfix.Tag = 40
	tagPrice        quickfix.Tag = 44
	tagSide         quickfix.Tag = 54
	tagSymbol       quickfix.Tag = 55
	tagTimeInForce  quickfix.Tag = 59
	tagTransactTime quickfix.Tag = 60
	tagPossResend   quickfix.Tag = 97
	tagResetSeqNum  quickfix.Tag = 141
	tagExecType     quickfix.Tag = 150
	tagPassword     quickfix.Tag = 554

	tagBusinessRejectRefID  quickfix.Tag = 379
	tagBusinessRejectReason quickfix.Tag = 380
	// notAvailable is the reason of a venue that cannot now.
	notAvailable = "4"

	kindLogon          = "A"
	kindOrder          = "D"
	kindReport         = "8"
	kindSequenceReset  = "4"
	kindBusinessReject = "j"
)

// trader is a FIX client with a real engine, as any firm has: it knows nothing of
// zkkex, connects to a local port, and sends orders steadily.
type trader struct {
	t         testing.TB
	id        quickfix.SessionID
	password  string
	store     quickfix.MessageStore
	initiator *quickfix.Initiator

	mu   sync.Mutex
	sent []time.Time // the order n+1 was sent at sent[n]
	// answered has when the first report on each came, and entered the venue's names.
	answered []time.Time
	slowest  time.Duration
	entered  map[string]string
	reports  []fixReport // each message of the venue once, as FIX delivers it
	// repeated are answers to what the client's engine sent again, marked as such.
	repeated []fixReport
	numbers  map[int]bool
	highest  int
	logons   []time.Time
	refused  map[string]bool // ClOrdIDs that were not done: the venue could not
	strange  []string        // what a venue does not say
	said     []string        // the last of what was said, for a test that fails
}

// fixReport is an ExecutionReport.
type fixReport struct{ clOrdID, orderID, execID, execType string }

// newTrader connects a client to an address, and waits until it has logged on.
func newTrader(t testing.TB, address string) *trader {
	t.Helper()
	c := &trader{t: t, password: rand.Text(), entered: map[string]string{}, refused: map[string]bool{}, numbers: map[int]bool{},
		id: quickfix.SessionID{BeginString: quickfix.BeginStringFIX44, SenderCompID: rand.Text()[:16], TargetCompID: "VENUE"}}
	var err error
	if c.store, err = quickfix.NewMemoryStoreFactory().Create(c.id); err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	s := quickfix.NewSessionSettings()
	for k, v := range map[string]string{
		config.BeginString: c.id.BeginString, config.SenderCompID: c.id.SenderCompID, config.TargetCompID: c.id.TargetCompID,
		config.HeartBtInt: "20", config.ReconnectInterval: "50ms", config.SocketConnectHost: host, config.SocketConnectPort: port,
	} {
		s.Set(k, v)
	}
	settings := quickfix.NewSettings()
	if _, err := settings.AddSession(s); err != nil {
		t.Fatal(err)
	}
	if c.initiator, err = quickfix.NewInitiator(c, c, settings, fixLogs{c}); err != nil {
		t.Fatal(err)
	}
	if err := c.initiator.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.initiator.Stop()
		if c.mu.Lock(); t.Failed() {
			t.Logf("%d orders, %d answered; not understood: %q; the last of FIX:\n%s", len(c.sent), len(c.entered), c.strange, strings.Join(c.said, "\n"))
		}
		c.mu.Unlock()
	})
	c.awaitLogon(1)
	return c
}

// order sends an order of one lot at 100, and returns its name.
func (c *trader) order(side, timeInForce string) {
	c.t.Helper()
	c.mu.Lock()
	name := fmt.Sprint(len(c.sent) + 1)
	c.sent = append(c.sent, time.Now())
	c.mu.Unlock()
	m := quickfix.NewMessage()
	m.Header.SetString(tagMsgType, kindOrder)
	for tag, value := range map[quickfix.Tag]string{
		tagClOrdID: name, tagSymbol: "BTC-USD", tagSide: side, tagOrderQty: "1", tagOrdType: "2", tagPrice: "100",
		tagTimeInForce: timeInForce, tagTransactTime: time.Now().UTC().Format("20060102-15:04:05.000"),
	} {
		m.Body.SetString(tag, value)
	}
	if err := quickfix.SendToTarget(m, c.id); err != nil {
		c.t.Error(err)
	}
}

// mostWaiting is how many orders of a trader wait for an answer before it sends no
// other: what piles up while nothing is answered is worked off afterwards also on a
// machine that is busy with something else.
const mostWaiting = 500

// waiting is how many orders were not answered.
func (c *trader) waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.sent) - len(c.entered) - len(c.refused)
}

// trade sends orders until stop, whatever becomes of the connection.
func (c *trader) trade(stop <-chan struct{}, every time.Duration, side, timeInForce string) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			if c.waiting() < mostWaiting {
				c.order(side, timeInForce)
			}
		}
	}
}

func (c *trader) awaitLogon(n int) time.Time {
	c.t.Helper()
	await(c.t, fmt.Sprintf("logon %d", n), func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.logons) >= n
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.logons[n-1]
}

// sentSoFar is how many orders were sent.
func (c *trader) sentSoFar() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.sent)
}

// sentBefore is how many orders were sent before a time.
func (c *trader) sentBefore(at time.Time) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, _ := slices.BinarySearchFunc(c.sent, at, time.Time.Compare)
	return n
}

// awaitAnswers waits for a report on the nth order, or on the first after it that the
// venue did not refuse, and returns when it came.
func (c *trader) awaitAnswers(n int) (at time.Time) {
	c.t.Helper()
	await(c.t, fmt.Sprintf("an answer to order %d", n), func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		at = c.firstAnswer(n)
		return !at.IsZero()
	})
	return at
}

// firstAnswer returns when the nth order was answered, or the first after it that was
// not refused; zero if it was not. The caller holds the lock.
func (c *trader) firstAnswer(n int) time.Time {
	for c.refused[strconv.Itoa(n)] {
		n++
	}
	if n > len(c.answered) {
		return time.Time{}
	}
	return c.answered[n-1]
}

// An order that was refused is not waited for, and one before it that was not is.
func TestFirstAnswer(t *testing.T) {
	second, fourth := time.Unix(2, 0), time.Unix(4, 0)
	c := &trader{answered: []time.Time{{}, second, {}, fourth}, refused: map[string]bool{"1": true, "5": true}}
	for n, want := range map[int]time.Time{1: second, 2: second, 3: {}, 4: fourth, 5: {}, 6: {}} {
		if got := c.firstAnswer(n); !got.Equal(want) {
			t.Errorf("order %d was answered at %v, expected %v", n, got, want)
		}
	}
}

// check demands that what the client sent was done once, and that it was told of all
// of it once, in order, in messages without a gap.
func (c *trader) check(who string, l *engineLog) {
	c.t.Helper()
	await(c.t, who+": an answer to every order", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.entered)+len(c.refused) == len(c.sent)
	})
	session := c.session(l)
	await(c.t, who+": all reports", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.reports) >= len(l.reports(session))
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if entered := l.once(c.t, who, session); entered != len(c.entered) {
		c.t.Errorf("%s: %d orders were entered, and the engine has %d", who, len(c.entered), entered)
	}
	events := l.reports(session)
	if len(events) != len(c.reports) {
		c.t.Errorf("%s: the engine made %d reports, and %d came", who, len(events), len(c.reports))
	}
	for i := range min(len(events), len(c.reports)) {
		if e, r := events[i], c.reports[i]; e.ExecID.String() != r.execID || e.OrderID.String() != r.orderID {
			c.t.Errorf("%s: report %d is %+v, expected %+v", who, i, r, e)
			break
		}
	}
	told := map[string]bool{}
	for _, r := range c.reports {
		told[r.execID] = true
	}
	for _, r := range c.repeated {
		if !told[r.execID] {
			c.t.Errorf("%s: %+v came as a repetition alone", who, r)
		}
	}
	for n := 1; n <= c.highest; n++ {
		if !c.numbers[n] {
			c.t.Errorf("%s: the venue's message %d of %d never came", who, n, c.highest)
		}
	}
	for _, text := range c.strange {
		c.t.Errorf("%s: %s", who, text)
	}
}

// session asks the engine's log whose the client's orders are.
func (c *trader) session(l *engineLog) order.SessionID {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	id, err := order.ParseOrderID(c.reports[0].orderID)
	if err != nil {
		c.t.Fatal(err)
	}
	session, known := l.owner(id)
	if !known {
		c.t.Fatalf("the engine has no order %s", id)
	}
	return session
}

// The rest is what quickfix calls.

func (c *trader) OnCreate(quickfix.SessionID) {}
func (c *trader) OnLogon(quickfix.SessionID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.logons = append(c.logons, time.Now())
}
func (c *trader) OnLogout(quickfix.SessionID) {}

func (c *trader) ToAdmin(m *quickfix.Message, _ quickfix.SessionID) {
	if m.IsMsgTypeOf(kindLogon) {
		m.Body.SetString(tagPassword, c.password)
	}
}
func (c *trader) ToApp(*quickfix.Message, quickfix.SessionID) error { return nil }
func (c *trader) FromAdmin(*quickfix.Message, quickfix.SessionID) quickfix.MessageRejectError {
	return nil
}

func (c *trader) FromApp(m *quickfix.Message, _ quickfix.SessionID) quickfix.MessageRejectError {
	c.mu.Lock()
	defer c.mu.Unlock()
	if reason, _ := m.Body.GetString(tagBusinessRejectReason); m.IsMsgTypeOf(kindBusinessReject) && reason == notAvailable {
		name, err := m.Body.GetString(tagBusinessRejectRefID)
		if err != nil {
			return err
		}
		if c.entered[name] != "" {
			c.strange = append(c.strange, "an order was entered, and then refused: "+name)
		}
		c.refused[name] = true
		return nil
	}
	if !m.IsMsgTypeOf(kindReport) {
		c.strange = append(c.strange, "a message that is no report: "+strings.ReplaceAll(m.String(), "\x01", "|"))
		return nil
	}
	var r fixReport
	for tag, into := range map[quickfix.Tag]*string{tagClOrdID: &r.clOrdID, tagOrderID: &r.orderID, tagExecID: &r.execID, tagExecType: &r.execType} {
		var err quickfix.MessageRejectError
		if *into, err = m.Body.GetString(tag); err != nil {
			return err
		}
	}
	if r.execType == string(rune(order.ExecRejected)) {
		c.strange = append(c.strange, "an order was refused: "+strings.ReplaceAll(m.String(), "\x01", "|"))
	}
	if was, known := c.entered[r.clOrdID]; known && was != r.orderID {
		c.strange = append(c.strange, fmt.Sprintf("order %s is %s, and %s", r.clOrdID, was, r.orderID))
	}
	if n, err := strconv.Atoi(r.clOrdID); err == nil && 0 < n && n <= len(c.sent) && c.entered[r.clOrdID] == "" {
		now := time.Now()
		c.answered = append(c.answered, make([]time.Time, max(0, n-len(c.answered)))...)
		c.answered[n-1] = now
		c.slowest = max(c.slowest, now.Sub(c.sent[n-1]))
	}
	if c.refused[r.clOrdID] {
		c.strange = append(c.strange, "an order was refused, and then entered: "+r.clOrdID)
	}
	c.entered[r.clOrdID] = r.orderID
	if again, _ := m.Header.GetString(tagPossResend); again == "Y" {
		c.repeated = append(c.repeated, r)
		return nil
	}
	c.reports = append(c.reports, r)
	return nil
}

// Create gives quickfix the store, which outlives connections.
func (c *trader) Create(quickfix.SessionID) (quickfix.MessageStore, error) { return c.store, nil }

// fixLogs are told every message that comes, also those that quickfix drops.
type fixLogs struct{ c *trader }

func (l fixLogs) Create() (quickfix.Log, error)                             { return l, nil }
func (l fixLogs) CreateSessionLog(quickfix.SessionID) (quickfix.Log, error) { return l, nil }
func (l fixLogs) OnOutgoing(b []byte)                                       { l.c.note("out", string(b)) }
func (l fixLogs) OnEvent(text string)                                       { l.c.note("", text) }
func (l fixLogs) OnEventf(text string, args ...any)                         { l.c.note("", fmt.Sprintf(text, args...)) }

// note keeps the last of what was said.
func (c *trader) note(way, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	const kept = 100
	line := fmt.Sprintf("%s %3s %.160s", time.Now().Format("15:04:05.000"), way, strings.ReplaceAll(text, "\x01", "|"))
	c.said = append(c.said[max(0, len(c.said)-kept+1):], line)
}

func (l fixLogs) OnIncoming(b []byte) {
	l.c.note("in", string(b))
	fields := map[quickfix.Tag]string{}
	for _, f := range strings.Split(string(b), "\x01") {
		tag, value, _ := strings.Cut(f, "=")
		if n, err := strconv.Atoi(tag); err == nil {
			fields[quickfix.Tag(n)] = value
		}
	}
	number, err := strconv.Atoi(fields[tagMsgSeqNum])
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	if err != nil || fields[tagResetSeqNum] == "Y" {
		l.c.strange = append(l.c.strange, fmt.Sprintf("a message that begins numbers anew: %q", b))
	}
	past := number + 1
	if fields[tagMsgType] == kindSequenceReset {
		past, _ = strconv.Atoi(fields[tagNewSeqNo])
	}
	for n := number; n < past; n++ {
		l.c.numbers[n] = true
		l.c.highest = max(l.c.highest, n)
	}
}
