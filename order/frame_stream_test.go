package order_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/streamtest"
	"github.com/zkkex/zkkex/internal/venuetest"
	"github.com/zkkex/zkkex/order"
)

func listenTCP(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// acceptStream serves the first connection of a listener with framed messages.
func acceptStream(t *testing.T, l net.Listener, serve streamtest.Serve) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		s := order.NewStream(conn)
		_ = serve(t.Context(), s)
		_ = s.Close()
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
}

func TestFramedStreamOverTCP(t *testing.T) {
	streamtest.Run(t, func(t *testing.T, serve streamtest.Serve) order.ClientStream {
		l := listenTCP(t)
		acceptStream(t, l, serve)
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		return order.NewClientStream(conn)
	})
}

func TestFramedStreamOverChannel(t *testing.T) {
	v := venuetest.New(t.Name())
	streamtest.Run(t, func(t *testing.T, serve streamtest.Serve) order.ClientStream {
		inner := listenTCP(t)
		l := v.Listen(inner)
		acceptStream(t, l, serve)
		dialer := v.Dialer("tcp", inner.Addr().String())
		conn, err := dialer.Open(t.Context(), v.Member(t.Name()).Certificate(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return order.NewClientStream(conn)
	})
}

// pieces is a connection whose reads return what it was given, piece by piece, and
// that counts writes.
type pieces struct {
	net.Conn
	in     []string
	writes int
	out    []byte
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.in) == 0 || p.in[0] == "" {
		return 0, io.EOF
	}
	n := copy(b, p.in[0])
	if p.in[0] = p.in[0][n:]; p.in[0] == "" {
		p.in = p.in[1:]
	}
	return n, nil
}

func (p *pieces) Write(b []byte) (int, error) {
	p.writes++
	p.out = append(p.out, b...)
	return len(b), nil
}

func framed(t *testing.T, frames ...order.ClientFrame) string {
	t.Helper()
	p := &pieces{}
	if err := order.NewClientStream(p).WriteRequests(frames); err != nil {
		t.Fatal(err)
	}
	if p.writes != 1 {
		t.Errorf("%d writes for one batch", p.writes)
	}
	return string(p.out)
}

// body returns the framing of a frame that may be no message.
func framedBody(b string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(b)))) + b
}

// Frames that came together are returned together; and in whatever pieces bytes
// come, the frames are the same.
func TestFramesInPieces(t *testing.T) {
	var frames []order.ClientFrame
	for i := range uint64(500) {
		frames = append(frames, streamtest.Order(i+1))
	}
	text := framed(t, frames...)
	for _, size := range []int{1, 3, 7, 100, 4096, len(text)} {
		p := &pieces{}
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			p.in, rest = append(p.in, rest[:n]), rest[n:]
		}
		s := order.NewStream(p)
		var got []order.ClientFrame
		calls := 0
		for len(got) < len(frames) {
			var err error
			if got, err = s.ReadRequests(got); err != nil {
				t.Fatalf("pieces of %d: after %d frames: %v", size, len(got), err)
			}
			calls++
		}
		for i, f := range got {
			if f.SeqNo != uint64(i+1) {
				t.Fatalf("pieces of %d: frame %d has SeqNo %d", size, i+1, f.SeqNo)
			}
		}
		if size == len(text) && calls > 4 {
			t.Errorf("%d reads for what came at once", calls)
		}
		if _, err := s.ReadRequests(nil); !errors.Is(err, io.EOF) || errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("pieces of %d: at the end: %v", size, err)
		}
	}
}

// A request that is not valid is refused, between those before and after it.
func TestRefusalInTheMiddle(t *testing.T) {
	first, last := streamtest.Order(1), streamtest.Order(3)
	unknown := "\x08\x02\x12\x04\xfa\x01\x01\x00" // SeqNo 2, a request of kind 31
	text := framed(t, first) + framedBody(unknown) + framed(t, last)[len(order.Preamble):]
	s := order.NewStream(&pieces{in: []string{text}})
	got, err := s.ReadRequests(nil)
	if err != nil || len(got) != 1 || got[0].SeqNo != 1 {
		t.Fatalf("before: %v, %v", got, err)
	}
	_, err = s.ReadRequests(nil)
	var refused *order.RequestError
	if !errors.As(err, &refused) || refused.SeqNo != 2 {
		t.Fatalf("the refusal: %v", err)
	}
	if r, ok := refused.Reject.(*order.BusinessMessageReject); !ok || r.BusinessRejectReason != order.BusinessUnsupported {
		t.Errorf("refused with %+v", refused.Reject)
	}
	got, err = s.ReadRequests(nil)
	if err != nil || len(got) != 1 || got[0].SeqNo != 3 {
		t.Errorf("after: %v, %v", got, err)
	}
}

// What is no frame ends the stream, after the frames before it.
func TestBadFrames(t *testing.T) {
	good := framed(t, streamtest.Order(1))
	for name, tc := range map[string]struct{ text, says string }{
		"length 0":     {good + "\x00\x00\x00\x00", "its length is 0"},
		"length 64k+1": {good + "\x00\x01\x00\x01x", "its length is 65537"},
		"length 4G":    {good + "\xff\xff\xff\xff", "its length is 4294967295"},
		"cut":          {good + "\x00\x00\x00\x05ab", "the connection ended within it"},
		"cut length":   {good + "\x00\x00", "the connection ended within it"},
		"no message":   {good + framedBody("\xff"), "expected a message"},
	} {
		s := order.NewStream(&pieces{in: []string{tc.text}})
		got, err := s.ReadRequests(nil)
		if err != nil || len(got) != 1 {
			t.Errorf("%s: the frame before: %v, %v", name, got, err)
		}
		for range 2 {
			_, err = s.ReadRequests(nil)
			if !errors.Is(err, zkkex.ErrMalformed) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s: %v, expected ErrMalformed with %q", name, err, tc.says)
			}
		}
	}
}

func TestPreamble(t *testing.T) {
	good := framed(t, streamtest.Order(1))
	for name, tc := range map[string]struct {
		text string
		want error
	}{
		"another version":  {"zkkex/o2" + good[8:], zkkex.ErrUnsupported},
		"another protocol": {"GET / HT" + good[8:], zkkex.ErrMalformed},
		"none":             {good[8:], zkkex.ErrMalformed},
		"cut":              {"zkkex", zkkex.ErrMalformed},
		"nothing":          {"", io.EOF},
	} {
		_, err := order.NewStream(&pieces{in: []string{tc.text}}).ReadRequests(nil)
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, expected %v", name, err, tc.want)
		}
	}
}

// The longest frame passes, and no longer one is written.
func TestLongestFrame(t *testing.T) {
	ack := streamtest.Ack()
	ack.Instruments = nil
	number := order.Decimal{Mantissa: 1<<62 + 1, Exponent: order.MinExponent}
	for range order.MaxInstruments {
		ack.Instruments = append(ack.Instruments, order.Instrument{
			Symbol: strings.Repeat("X", order.MaxSymbol), TickSize: number, LotSize: number, MinQty: number, MaxQty: number,
		})
	}
	b, err := order.AppendVenueFrame(nil, order.VenueFrame{Session: ack})
	if err != nil || len(b) > order.MaxFrame || len(b) < order.MaxFrame*3/4 {
		t.Fatalf("the longest EstablishmentAck has %d bytes: %v", len(b), err)
	}
	p := &pieces{}
	if err := order.NewStream(p).WriteReports([]order.VenueFrame{{Session: ack}, {Session: ack}}); err != nil {
		t.Fatal(err)
	}
	got, err := order.NewClientStream(&pieces{in: []string{string(p.out)}}).ReadReports(nil)
	if err != nil || len(got) == 0 {
		t.Errorf("%d frames: %v", len(got), err)
	}
}

// A client that sends bytes that the venue cannot read is told so, on any end.
func TestClientReadsRubbish(t *testing.T) {
	s := order.NewClientStream(&pieces{in: []string{framedBody("\x08\x01")}})
	for range 2 {
		if _, err := s.ReadReports(nil); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("got %v, expected ErrMalformed", err)
		}
	}
}
