package order

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"reflect"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/domain"
	"github.com/zkkex/zkkex/order/orderpb"
)

// protoFiller is a visitor that fills the generated code's message with a
// message's fields, found by number and name.
type protoFiller struct {
	t interface{ Fatalf(string, ...any) }
	m protoreflect.Message
}

func (p protoFiller) descriptor(f field) protoreflect.FieldDescriptor {
	d := p.m.Descriptor().Fields().ByNumber(protoreflect.FieldNumber(f.number))
	if d == nil || string(d.Name()) != f.name {
		p.t.Fatalf("order.proto has no field %d %s in %s", f.number, f.name, p.m.Descriptor().Name())
	}
	return d
}

func (p protoFiller) set(f field, v protoreflect.Value) { p.m.Set(p.descriptor(f), v) }

func (p protoFiller) bytes(f field, b []byte) {
	if !isZero(b) {
		p.set(f, protoreflect.ValueOfBytes(bytes.Clone(b)))
	}
}

func (p protoFiller) proof(f field, v *Proof)   { p.bytes(f, v[:]) }
func (p protoFiller) symbol(f field, s *string) { p.set(f, protoreflect.ValueOfString(*s)) }
func (p protoFiller) text(f field, s *string)   { p.set(f, protoreflect.ValueOfString(*s)) }

func (p protoFiller) symbols(f field, s *[]string, most int) {
	l := p.m.Mutable(p.descriptor(f)).List()
	for _, v := range *s {
		l.Append(protoreflect.ValueOfString(v))
	}
}

func (p protoFiller) char(f field, c *byte, known string) {
	if *c == 0 {
		return
	}
	n := protoreflect.EnumNumber(bytes.IndexByte([]byte("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"), *c))
	p.enum(f, n)
}

func (p protoFiller) code(f field, c *uint16, known []uint16) {
	p.enum(f, protoreflect.EnumNumber(*c))
}

func (p protoFiller) enum(f field, n protoreflect.EnumNumber) {
	if p.descriptor(f).Enum().Values().ByNumber(n) == nil {
		p.t.Fatalf("order.proto has no value %d of %s", n, f.name)
	}
	p.set(f, protoreflect.ValueOfEnum(n))
}

func (p protoFiller) count(f field, n *uint64) { p.set(f, protoreflect.ValueOfUint64(*n)) }
func (p protoFiller) small(f field, n *uint32) { p.set(f, protoreflect.ValueOfUint32(*n)) }
func (p protoFiller) flag(f field, b *bool)    { p.set(f, protoreflect.ValueOfBool(*b)) }

func (p protoFiller) quantity(f field, d *Decimal) { p.price(f, d) }
func (p protoFiller) price(f field, d *Decimal) {
	if *d != (Decimal{}) {
		m := &orderpb.Decimal{Mantissa: d.Mantissa, Exponent: d.Exponent}
		p.set(f, protoreflect.ValueOfMessage(m.ProtoReflect()))
	}
}

func (p protoFiller) duration(f field, d *time.Duration) {
	p.set(f, protoreflect.ValueOfUint32(uint32(d.Milliseconds())))
}

func (p protoFiller) time(f field, t *time.Time) {
	if !t.IsZero() {
		p.set(f, protoreflect.ValueOfUint64(uint64(t.UnixMilli())))
	}
}

func (p protoFiller) list(f field, l list) {
	into := p.m.Mutable(p.descriptor(f)).List()
	for i := range l.len() {
		item := into.NewElement()
		l.at(i).fields(protoFiller{p.t, item.Message()})
		into.Append(item)
	}
}

// within returns a filler of the message in a oneof.
func (p protoFiller) within(name string) protoFiller {
	d := p.m.Descriptor().Fields().ByName(protoreflect.Name(name))
	if d == nil {
		p.t.Fatalf("order.proto has no field %s in %s", name, p.m.Descriptor().Name())
	}
	return protoFiller{p.t, p.m.Mutable(d).Message()}
}

func marshalled(t *rapid.T, m proto.Message) []byte {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestClientFramesAreWhatProtobufWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawClientFrame(t)
		got, err := AppendClientFrame([]byte("x"), f)
		if err != nil {
			t.Fatal(err)
		}
		pb := &orderpb.ClientFrame{SeqNo: f.SeqNo}
		filler := protoFiller{t, pb.ProtoReflect()}
		if f.Request != nil {
			f.Request.(message).fields(filler.within("Request").within(nameOf(f.Request)))
		} else {
			f.Session.(message).fields(filler.within(nameOf(f.Session)))
		}
		if want := marshalled(t, pb); !bytes.Equal(got[1:], want) {
			t.Fatalf("encoded\n%x, protobuf writes\n%x", got[1:], want)
		}
		back, err := ParseClientFrame(got[1:])
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(back, f) {
			t.Fatalf("came back as %+v, was %+v", back, f)
		}
	})
}

func TestVenueFramesAreWhatProtobufWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawVenueFrame(t)
		got, err := AppendVenueFrame(nil, f)
		if err != nil {
			t.Fatal(err)
		}
		pb := &orderpb.VenueFrame{Number: f.Report.Number}
		filler := protoFiller{t, pb.ProtoReflect()}
		if r := f.Report.Report; r != nil {
			r.(message).fields(filler.within("Report").within(nameOf(r)))
		} else {
			f.Session.(message).fields(filler.within(nameOf(f.Session)))
		}
		if want := marshalled(t, pb); !bytes.Equal(got, want) {
			t.Fatalf("encoded\n%x, protobuf writes\n%x", got, want)
		}
		back, err := ParseVenueFrame(got)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(normal(back), normal(f)) {
			t.Fatalf("came back as %+v, was %+v", back, f)
		}
	})
}

// normal makes empty lists nil.
func normal(f VenueFrame) VenueFrame {
	switch r := f.Report.Report.(type) {
	case *QuoteReport:
		q := *r
		if len(q.Bids) == 0 {
			q.Bids = nil
		}
		if len(q.Offers) == 0 {
			q.Offers = nil
		}
		f.Report.Report = &q
	}
	if a, ok := f.Session.(*EstablishmentAck); ok && len(a.Instruments) == 0 {
		b := *a
		b.Instruments = nil
		f.Session = &b
	}
	return f
}

// Every message and field of order.proto is one of this package, by name and
// number, and the other way round.
func TestSchemaIsComplete(t *testing.T) {
	file := orderpb.File_order_orderpb_order_proto
	frames := map[string][]kind{
		"Request": requestKinds, "Report": reportKinds,
		"ClientFrame": append([]kind{{1, "SeqNo", nil}, {2, "Request", nil}}, clientKinds...),
		"VenueFrame":  append([]kind{{1, "Number", nil}, {2, "Report", nil}}, venueKinds...),
	}
	for name, kinds := range frames {
		d := file.Messages().ByName(protoreflect.Name(name)).Fields()
		if d.Len() != len(kinds) {
			t.Errorf("%s has %d fields in order.proto, and %d here", name, d.Len(), len(kinds))
		}
		for _, k := range kinds {
			if f := d.ByName(protoreflect.Name(k.name)); f == nil || int(f.Number()) != k.number {
				t.Errorf("%s.%s is not number %d in order.proto", name, k.name, k.number)
			}
			if k.make != nil {
				checkSchema(t, file.Messages().ByName(protoreflect.Name(k.name)), k.make())
			}
		}
	}
	checkSchema(t, file.Messages().ByName("QuoteLevel"), &QuoteLevel{})
	checkSchema(t, file.Messages().ByName("Instrument"), &Instrument{})
}

func checkSchema(t *testing.T, d protoreflect.MessageDescriptor, m message) {
	c := &fieldCounter{}
	m.fields(c)
	if d.Fields().Len() != len(c.seen) {
		t.Errorf("%s has %d fields in order.proto, and %d here", d.Name(), d.Fields().Len(), len(c.seen))
	}
	for i, f := range c.seen {
		if i > 0 && f.number <= c.seen[i-1].number {
			t.Errorf("%s.%s is out of order", d.Name(), f.name)
		}
		if p := d.Fields().ByNumber(protoreflect.FieldNumber(f.number)); p == nil || string(p.Name()) != f.name {
			t.Errorf("%s.%s is not number %d in order.proto", d.Name(), f.name, f.number)
		}
	}
}

// fieldCounter is a visitor that keeps the fields.
type fieldCounter struct{ seen []field }

func (c *fieldCounter) add(f field) { c.seen = append(c.seen, f) }

func (c *fieldCounter) bytes(f field, _ []byte)             { c.add(f) }
func (c *fieldCounter) proof(f field, _ *Proof)             { c.add(f) }
func (c *fieldCounter) symbol(f field, _ *string)           { c.add(f) }
func (c *fieldCounter) symbols(f field, _ *[]string, _ int) { c.add(f) }
func (c *fieldCounter) text(f field, _ *string)             { c.add(f) }
func (c *fieldCounter) char(f field, _ *byte, _ string)     { c.add(f) }
func (c *fieldCounter) code(f field, _ *uint16, _ []uint16) { c.add(f) }
func (c *fieldCounter) count(f field, _ *uint64)            { c.add(f) }
func (c *fieldCounter) small(f field, _ *uint32)            { c.add(f) }
func (c *fieldCounter) flag(f field, _ *bool)               { c.add(f) }
func (c *fieldCounter) quantity(f field, _ *Decimal)        { c.add(f) }
func (c *fieldCounter) price(f field, _ *Decimal)           { c.add(f) }
func (c *fieldCounter) duration(f field, _ *time.Duration)  { c.add(f) }
func (c *fieldCounter) time(f field, _ *time.Time)          { c.add(f) }
func (c *fieldCounter) list(f field, _ list)                { c.add(f) }

// A digest is of everything but the proof, and of the kind as well.
func TestRequestDigest(t *testing.T) {
	a := &OrderCancelRequest{ClOrdID: ID{1}, OrigClOrdID: ID{2}}
	want := domain.Hash(domain.OrderRequest, mustAppend(t, a))
	if got := RequestDigest(a); got != want {
		t.Errorf("digest %x, expected %x", got, want)
	}
	proven := *a
	proven.Proof = Proof{9}
	if RequestDigest(&proven) != want {
		t.Error("the proof is in the digest")
	}
	other := *a
	other.OrigClOrdID = ID{3}
	status := &OrderStatusRequest{ID: ID{1}, ClOrdID: ID{2}}
	quote := &QuoteCancel{ID: ID{1}, QuoteID: ID{2}}
	seen := map[[sha256.Size]byte]bool{want: true}
	for _, r := range []Request{&other, status, quote} {
		if d := RequestDigest(r); seen[d] {
			t.Errorf("%T has a digest that another request has", r)
		} else {
			seen[d] = true
		}
	}
}

func mustAppend(t testing.TB, r Request) []byte {
	t.Helper()
	b, err := AppendRequest(nil, r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What cannot be parsed cannot be encoded either.
func TestInvalidIsNotEncoded(t *testing.T) {
	var refused *RequestError
	if _, err := AppendRequest(nil, &NewOrderSingle{ClOrdID: ID{1}}); !errors.As(err, &refused) {
		t.Errorf("an order without a symbol: %v", err)
	}
	for name, r := range map[string]Report{
		"unknown type":      &ExecutionReport{ClOrdID: ID{1}, ExecType: 'Z', OrdStatus: StatusNew},
		"no type":           &ExecutionReport{ClOrdID: ID{1}, OrdStatus: StatusNew},
		"not canonical":     &ExecutionReport{ClOrdID: ID{1}, ExecType: ExecNew, OrdStatus: StatusNew, Price: Decimal{10, 0}},
		"microseconds":      &ExecutionReport{ClOrdID: ID{1}, ExecType: ExecNew, OrdStatus: StatusNew, TransactTime: time.UnixMicro(1001)},
		"text with newline": &BusinessMessageReject{Text: "a\nb"},
		"long text":         &BusinessMessageReject{Text: string(bytes.Repeat([]byte("x"), MaxText+1))},
		"no UTF-8":          &BusinessMessageReject{Text: "\xff"},
		"long ladder":       &QuoteReport{QuoteReqID: ID{1}, QuoteID: OrderID{1}, Symbol: "A", Bids: make([]QuoteLevel, MaxLadder+1)},
		"nil":               nil,
	} {
		if b, err := AppendReport(nil, r); err == nil || len(b) != 0 {
			t.Errorf("%s was encoded: %x", name, b)
		}
	}
	for name, f := range map[string]ClientFrame{
		"nothing":                 {},
		"a request without SeqNo": {Request: &OrderMassStatusRequest{ID: ID{1}}},
		"both":                    {SeqNo: 1, Request: &OrderMassStatusRequest{ID: ID{1}}, Session: &Sequence{}},
		"session with SeqNo":      {SeqNo: 1, Session: &Sequence{}},
		"a venue's message":       {Session: &NotApplied{FromSeqNo: 1, Count: 1}},
		"no KeepAlive":            {Session: &Establish{}},
	} {
		if b, err := AppendClientFrame(nil, f); err == nil || len(b) != 0 {
			t.Errorf("%s was encoded: %x", name, b)
		}
	}
}

// malformedAs checks that an error is of bytes that are no message, and says why.
func malformedAs(t *testing.T, name string, err error, why string) {
	t.Helper()
	if !errors.Is(err, zkkex.ErrMalformed) {
		t.Errorf("%s: %v, expected an error that is ErrMalformed", name, err)
		return
	}
	if !bytes.Contains([]byte(err.Error()), []byte(why)) {
		t.Errorf("%s: %q does not say %q", name, err, why)
	}
}
