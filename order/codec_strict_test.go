package order

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/order/orderpb"
)

// Pieces of encodings.
func varintField(n protowire.Number, v uint64) string {
	return string(protowire.AppendVarint(protowire.AppendTag(nil, n, protowire.VarintType), v))
}

func bytesField(n protowire.Number, b string) string {
	return string(protowire.AppendString(protowire.AppendTag(nil, n, protowire.BytesType), b))
}

// orderParts are the encoded fields of an order, by their order.
var orderParts = []string{
	bytesField(1, "0123456789abcdef"), bytesField(2, "ACME"), varintField(3, 1), varintField(4, 2), varintField(5, 6), varintField(6, 6),
	bytesField(7, varintField(1, 30)+varintField(2, 2)), bytesField(8, varintField(1, 20250)+varintField(2, 3)),
	varintField(9, 30000), bytesField(10, strings.Repeat("k", 32)),
}

// changed returns the order with one part replaced.
func changed(i int, part string) string {
	parts := append([]string(nil), orderParts...)
	parts[i-1] = part
	return bytesField(1, strings.Join(parts, ""))
}

func TestRequestIsStrict(t *testing.T) {
	whole := bytesField(1, strings.Join(orderParts, ""))
	if _, err := ParseRequest([]byte(whole)); err != nil {
		t.Fatalf("the order itself: %v", err)
	}
	long := func(v uint64) string { // not the shortest form of v below 128
		return string([]byte{byte(v) | 0x80, 0})
	}
	for name, tc := range map[string]struct{ b, says string }{
		"empty":                               {"", "expected a message"},
		"trailing byte":                       {whole + "\x00", "1 bytes follow the message"},
		"two messages":                        {whole + whole, "bytes follow the message"},
		"cut":                                 {whole[:len(whole)-1], "its length is"},
		"length too long":                     {"\x0a\xff\xff\xff\xff\x0f", "its length is 4294967295 bytes"},
		"length of 64 bits":                   {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "its length is"},
		"length over 64 bits":                 {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "64 bits"},
		"length in a long form":               {"\x0a" + long(0x10) + strings.Repeat("x", 16), "shortest form"},
		"message too long":                    {bytesField(1, strings.Repeat("x", MaxMessage)), "at most 8192 bytes"},
		"a number for a message":              {varintField(1, 5), "expected a message"},
		"unknown field":                       {changed(10, orderParts[9]+varintField(11, 1)), "a field is unknown"},
		"field twice":                         {changed(3, varintField(3, 1)+varintField(3, 1)), "repeated or out of order"},
		"fields out of order":                 {changed(3, varintField(4, 2)+varintField(3, 1)), "out of order"},
		"wrong wire type":                     {changed(3, bytesField(3, "1")), "of another type"},
		"group":                               {changed(3, "\x1b\x1c"), "of another type"},
		"fixed32":                             {changed(3, "\x1d\x01\x00\x00\x00"), "of another type"},
		"long tag":                            {changed(3, long(3<<3)+"\x01"), "a field is unknown"},
		"ID of 15 bytes":                      {changed(1, bytesField(1, "0123456789abcde")), "ClOrdID (11): expected 16 bytes, got 15"},
		"ID of 17 bytes":                      {changed(1, bytesField(1, "0123456789abcdefg")), "ClOrdID (11): expected 16 bytes, got 17"},
		"ID of zeros":                         {changed(1, bytesField(1, strings.Repeat("\x00", 16))), "a field that is 0 is left out"},
		"empty symbol":                        {changed(2, bytesField(2, "")), "a field that is 0 is left out"},
		"enumeration in a long form":          {changed(3, "\x18"+long(1)), "shortest form"},
		"enumeration of 0":                    {changed(3, varintField(3, 0)), "a field that is 0 is left out"},
		"cut number":                          {changed(9, "\x48"+strings.Repeat("\xff", 10)), "64 bits"},
		"decimal of nothing":                  {changed(7, bytesField(7, "")), "a field that is 0 is left out"},
		"decimal with mantissa 0":             {changed(7, bytesField(7, varintField(1, 0)+varintField(2, 2))), "a field that is 0 is left out"},
		"decimal with another field":          {changed(7, bytesField(7, varintField(1, 30)+varintField(3, 1))), "a field is unknown"},
		"exponent over 32 bits":               {changed(7, bytesField(7, varintField(1, 30)+varintField(2, 1<<32))), "an exponent of 32 bits"},
		"negative enumeration's time to live": {changed(9, varintField(9, 1<<32)), "milliseconds in 32 bits"},
		"key of 33 bytes":                     {changed(10, bytesField(10, strings.Repeat("k", 33))), "expected 32 bytes, got 33"},
	} {
		r, err := ParseRequest([]byte(tc.b))
		malformedAs(t, name, err, tc.says)
		if r != nil {
			t.Errorf("%s: a request beside the error", name)
		}
	}
}

// Of these, protobuf's own decoder accepts all, which is why there is another one.
func TestProtobufItselfIsNotStrict(t *testing.T) {
	for name, b := range map[string]string{
		"unknown field":       changed(10, orderParts[9]+varintField(11, 1)),
		"field twice":         changed(3, varintField(3, 1)+varintField(3, 1)),
		"fields out of order": changed(3, varintField(4, 2)+varintField(3, 1)),
		"long form":           changed(3, "\x18\x81\x00"),
	} {
		if err := proto.Unmarshal([]byte(b), new(orderpb.Request)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReportIsStrict(t *testing.T) {
	whole, err := AppendReport(nil, sampleReport())
	if err != nil {
		t.Fatal(err)
	}
	message, _ := protowire.ConsumeBytes(whole[1:])
	inner := string(message)
	report := func(fields string) string { return bytesField(1, fields) }
	if _, err := ParseReport([]byte(report(inner))); err != nil {
		t.Fatalf("the report itself: %v", err)
	}
	id := bytesField(2, "0123456789abcdef")
	for name, tc := range map[string]struct{ b, says string }{
		"empty":               {"", "expected a message"},
		"unknown kind":        {bytesField(31, "x"), "message 31 is not known here"},
		"trailing byte":       {report(inner) + "x", "1 bytes follow"},
		"unknown field":       {report(inner + bytesField(22, "x")), "a field is unknown"},
		"no ClOrdID":          {report(varintField(6, 1)), "ClOrdID (11) is missing"},
		"unknown type":        {report(id + varintField(5, 2)), `ExecType (150) has the unknown value "2"`},
		"type beyond letters": {report(id + varintField(5, 36)), `ExecType (150) has the unknown value "36"`},
		"negative type":       {report(id + varintField(5, 1<<64-1)), "ExecType (150) has the unknown value"},
		"explicit new":        {report(id + varintField(5, 0)), "a field that is 0 is left out"},
		"unknown reason":      {report(id + varintField(18, 12)), `OrdRejReason (103) has the unknown value "12"`},
		"large reason":        {report(id + varintField(18, 1<<20)), "OrdRejReason (103) has the unknown value"},
		"not canonical":       {report(id + bytesField(11, varintField(1, 20))), "Price (44): number is not canonical"},
		"exponent too large":  {report(id + bytesField(11, varintField(1, 2)+varintField(2, 26))), "Price (44): number is out of range"},
		"negative":            {report(id + bytesField(11, varintField(1, 1))), "Price (44) is -1"},
		"time beyond 9999":    {report(id + varintField(16, maxTime+1)), "TransactTime (60): expected milliseconds"},
		"flag of 2":           {report(id + varintField(19, 2)), "LastRptRequested (912): expected 1"},
		"text with newline":   {report(id + bytesField(21, "a\nb")), "Text (58): expected no control characters"},
		"text not UTF-8":      {report(id + bytesField(21, "\xff")), "Text (58): expected at most 256 bytes of UTF-8"},
		"long text":           {report(id + bytesField(21, strings.Repeat("x", 257))), "Text (58): expected at most 256 bytes"},
		"bad symbol":          {report(id + bytesField(7, "acme")), `Symbol (55): "acme" is none`},
		"long ladder":         {bytesField(6, bytesField(1, "0123456789abcdef")+bytesField(2, "0123456789abcdef")+bytesField(3, "A")+strings.Repeat(bytesField(4, ""), 17)), "Bids has more than 16 entries"},
		"empty level":         {bytesField(6, bytesField(1, "0123456789abcdef")+bytesField(2, "0123456789abcdef")+bytesField(3, "A")+bytesField(4, "")), "expected more than 0"},
	} {
		_, err := ParseReport([]byte(tc.b))
		malformedAs(t, name, err, tc.says)
	}
}

func TestFramesAreStrict(t *testing.T) {
	request := strings.Join([]string{bytesField(5, bytesField(1, "0123456789abcdef"))}, "")
	establish := bytesField(3, varintField(2, 1000))
	for name, tc := range map[string]struct{ b, says string }{
		"empty":                    {"", "expected a message"},
		"SeqNo alone":              {varintField(1, 1), "has no number"},
		"request without SeqNo":    {bytesField(2, request), "expected a SeqNo"},
		"SeqNo 0":                  {varintField(1, 0) + bytesField(2, request), "a field that is 0 is left out"},
		"SeqNo behind":             {bytesField(2, request) + varintField(1, 1), "expected a SeqNo"},
		"session with SeqNo":       {varintField(1, 1) + establish, "has no number"},
		"request and session":      {varintField(1, 1) + bytesField(2, request) + establish, "and nothing else"},
		"two session messages":     {establish + bytesField(4, ""), "follow the message"},
		"unknown session message":  {bytesField(31, ""), "message 31 is not known here"},
		"no KeepAlive":             {bytesField(3, ""), "KeepAlive is missing"},
		"too many symbols":         {bytesField(3, varintField(2, 1000)+strings.Repeat(bytesField(5, "A"), 65)), "Quotes has more than 64"},
		"bad symbol":               {bytesField(3, varintField(2, 1000)+bytesField(5, "a")), `"a" is none`},
		"retransmit of nothing":    {bytesField(5, ""), "FromReport is missing"},
		"retransmit of too many":   {bytesField(5, varintField(1, 1)+varintField(2, 1<<32)), "expected 32 bits"},
		"unknown code":             {bytesField(6, varintField(1, 11)), "Code has the unknown value"},
		"grace of more than a day": {bytesField(3, varintField(2, 1000)+varintField(3, 86400001)), "Grace is"},
	} {
		_, err := ParseClientFrame([]byte(tc.b))
		malformedAs(t, name, err, tc.says)
	}
	for name, tc := range map[string]struct{ b, says string }{
		"empty":               {"", "expected a message"},
		"session with Number": {varintField(1, 1) + bytesField(5, ""), "has no number"},
		"report and session":  {bytesField(2, "") + bytesField(5, ""), "nothing else"},
		"empty report":        {bytesField(2, ""), "expected a message"},
		"a client's message":  {bytesField(3, varintField(2, 1000)), "EstablishmentAck: Session is missing"},
	} {
		_, err := ParseVenueFrame([]byte(tc.b))
		malformedAs(t, name, err, tc.says)
	}
}

// checkRequestBytes is what holds for any bytes: they are refused with a type, or
// they are the one encoding, for protobuf's own code as well.
func checkRequestBytes(t *testing.T, b []byte) {
	r, err := ParseRequest(b)
	var refused *RequestError
	switch {
	case errors.As(err, &refused):
		if _, err := AppendReport(nil, refused.Reject); err != nil {
			t.Fatalf("refused with what cannot be encoded: %v", err)
		}
		return
	case err != nil:
		if !errors.Is(err, zkkex.ErrMalformed) {
			t.Fatalf("an error without a type: %v", err)
		}
		return
	}
	again, err := AppendRequest(nil, r)
	if err != nil || !bytes.Equal(again, b) {
		t.Fatalf("%x\nwas accepted, and is encoded as\n%x (%v)", b, again, err)
	}
	sameInProtobuf(t, new(orderpb.Request), b)
}

func sameInProtobuf(t *testing.T, m proto.Message, b []byte) {
	if err := proto.Unmarshal(b, m); err != nil {
		t.Fatalf("%x was accepted, and protobuf refuses it: %v", b, err)
	}
	again, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil || !bytes.Equal(again, b) {
		t.Fatalf("%x\nis for protobuf\n%x (%v)", b, again, err)
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add([]byte(bytesField(1, strings.Join(orderParts, ""))))
	f.Add([]byte(changed(3, varintField(3, 9))))
	f.Add([]byte(bytesField(1, orderParts[0]+bytesField(2, "acme")+varintField(3, 32)+varintField(4, 35)+strings.Join(orderParts[4:], ""))))
	f.Add([]byte(bytesField(7, bytesField(1, "0123456789abcdef")+bytesField(2, "A")+bytesField(4, bytesField(1, varintField(1, 2))+bytesField(2, varintField(1, 2)))+varintField(6, 5))))
	f.Add([]byte(bytesField(2, bytesField(1, "0123456789abcdef")+bytesField(2, "0123456789abcdeg")+bytesField(3, strings.Repeat("p", 64)))))
	f.Fuzz(func(t *testing.T, b []byte) { checkRequestBytes(t, b) })
}

func FuzzParseReport(f *testing.F) {
	if b, err := AppendReport(nil, sampleReport()); err == nil {
		f.Add(b)
	}
	f.Add([]byte(bytesField(7, bytesField(3, "text"))))
	f.Add([]byte(bytesField(6, bytesField(1, "0123456789abcdef")+bytesField(2, "0123456789abcdef")+bytesField(3, "A")+bytesField(4, bytesField(1, varintField(1, 2))+bytesField(2, varintField(1, 2))))))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseReport(b)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) {
				t.Fatalf("an error without a type: %v", err)
			}
			return
		}
		again, err := AppendReport(nil, r)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x\nwas accepted, and is encoded as\n%x (%v)", b, again, err)
		}
		sameInProtobuf(t, new(orderpb.Report), b)
	})
}

func FuzzParseClientFrame(f *testing.F) {
	f.Add([]byte(varintField(1, 7) + bytesField(2, bytesField(1, strings.Join(orderParts, "")))))
	f.Add([]byte(bytesField(3, varintField(1, 5)+varintField(2, 1000)+bytesField(5, "A"))))
	f.Add([]byte(bytesField(6, varintField(1, 9)+varintField(2, 1))))
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := ParseClientFrame(b)
		if err != nil {
			var refused *RequestError
			if !errors.Is(err, zkkex.ErrMalformed) && !errors.As(err, &refused) {
				t.Fatalf("an error without a type: %v", err)
			}
			return
		}
		again, err := AppendClientFrame(nil, frame)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x\nwas accepted, and is encoded as\n%x (%v)", b, again, err)
		}
		sameInProtobuf(t, new(orderpb.ClientFrame), b)
	})
}

func FuzzParseVenueFrame(f *testing.F) {
	for _, v := range []VenueFrame{
		{Report: Numbered{Number: 3, Report: sampleReport()}},
		{Session: &NotApplied{FromSeqNo: 3, Count: 1}},
		{Session: &Terminate{Text: "bye"}},
	} {
		if b, err := AppendVenueFrame(nil, v); err == nil {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := ParseVenueFrame(b)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) {
				t.Fatalf("an error without a type: %v", err)
			}
			return
		}
		again, err := AppendVenueFrame(nil, frame)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x\nwas accepted, and is encoded as\n%x (%v)", b, again, err)
		}
		sameInProtobuf(t, new(orderpb.VenueFrame), b)
	})
}

// FuzzStream gives a venue any bytes behind the preamble: frames come out, and one
// typed error, which stays.
func FuzzStream(f *testing.F) {
	frame := varintField(1, 7) + bytesField(2, bytesField(1, strings.Join(orderParts, "")))
	f.Add(append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...))
	f.Add([]byte("\x00\x00\x00\x02\x22\x00\x00\x00\x00\x01\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := NewStream(&bytesConn{Reader: *bytes.NewReader(append([]byte(Preamble), b...))})
		for range len(b) + 2 {
			frames, err := s.ReadRequests(nil)
			if err == nil && len(frames) == 0 {
				t.Fatal("neither a frame nor an error")
			}
			var refused *RequestError
			if err == nil || errors.As(err, &refused) {
				continue
			}
			if _, again := s.ReadRequests(nil); again != err {
				t.Fatalf("after %v: %v", err, again)
			}
			return
		}
		t.Fatal("more frames than bytes")
	})
}

// bytesConn is a connection that reads from memory.
type bytesConn struct {
	net.Conn
	bytes.Reader
}

func (c *bytesConn) Read(b []byte) (int, error) { return c.Reader.Read(b) }

// writeConn is a connection that writes to memory.
type writeConn struct {
	net.Conn
	out *bytes.Buffer
}

func (c *writeConn) Write(b []byte) (int, error) { return c.out.Write(b) }
