package order

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/zkkex/zkkex"
)

func TestJSONComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawClientFrame(t)
		text, err := AppendClientFrameJSON([]byte("x"), c)
		if err != nil || !json.Valid(text[1:]) {
			t.Fatalf("%s: %v", text, err)
		}
		if back, err := ParseClientFrameJSON(text[1:]); err != nil || !reflect.DeepEqual(back, c) {
			t.Fatalf("%s\ncame back as %+v: %v", text[1:], back, err)
		}
		v := drawVenueFrame(t)
		if text, err = AppendVenueFrameJSON(nil, v); err != nil || !json.Valid(text) {
			t.Fatalf("%s: %v", text, err)
		}
		if back, err := ParseVenueFrameJSON(text); err != nil || !reflect.DeepEqual(normal(back), normal(v)) {
			t.Fatalf("%s\ncame back as %+v: %v", text, back, err)
		}
	})
}

// goodJSON is an order, as a script may write it.
const goodJSON = ` {"NewOrderSingle": {"Symbol": "ACME", "Side": "1", "OrdType": "2", "TimeInForce": "6", "TimeToLive": 5000,
	"Price": "101.250", "OrderQty": "50", "ClOrdID": "000102030405060708090a0b0c0d0e0f", "OwnerKey": "0000000000000000000000000000000000000000000000000000000000000001"},
	"SeqNo": 1}
`

func TestJSONIsStrict(t *testing.T) {
	if f, err := ParseClientFrameJSON([]byte(goodJSON)); err != nil || f.Request.(*NewOrderSingle).Price != (Decimal{10125, -2}) {
		t.Fatalf("the order itself: %+v, %v", f, err)
	}
	with := func(old, new string) string { return strings.Replace(goodJSON, old, new, 1) }
	for name, tc := range map[string]struct{ text, says string }{
		"empty":                {"", "expected an object"},
		"no JSON":              {"order", "expected an object"},
		"array":                {"[]", "expected an object"},
		"null":                 {"null", "expected an object"},
		"empty object":         {"{}", "expected one message"},
		"cut":                  {goodJSON[:len(goodJSON)-3], "EOF"},
		"something behind":     {goodJSON + "{}", "something follows"},
		"not UTF-8":            {with("ACME", "\xff"), "UTF-8"},
		"too long":             {goodJSON + strings.Repeat(" ", MaxFrame), "at most 65536 bytes"},
		"deep":                 {strings.Repeat(`{"a":`, 10000), "EOF"},
		"no SeqNo":             {with(`"SeqNo": 1`, `"SeqNo": 0`), "a request has no SeqNo"},
		"SeqNo as a string":    {with(`"SeqNo": 1`, `"SeqNo": "1"`), "SeqNo: expected a whole number"},
		"SeqNo negative":       {with(`"SeqNo": 1`, `"SeqNo": -1`), "SeqNo: expected a whole number"},
		"SeqNo beyond 2^53":    {with(`"SeqNo": 1`, `"SeqNo": 9007199254740992`), "SeqNo: expected a whole number from 0 to 9007199254740991"},
		"two messages":         {with(`"SeqNo"`, `"Sequence": {}, "SeqNo"`), "expected one message"},
		"SeqNo twice":          {with(`"SeqNo"`, `"SeqNo": 1, "SeqNo"`), `member "SeqNo" is there twice`},
		"unknown member":       {with(`"Symbol"`, `"Account": "me", "Symbol"`), `member "Account" is unknown`},
		"member twice":         {with(`"Side": "1"`, `"Side": "1", "Side": "2"`), `member "Side" is there twice`},
		"another case":         {with(`"Side"`, `"side"`), `member "side" is unknown`},
		"number for a price":   {with(`"101.250"`, `101.250`), "Price (44): expected a string"},
		"price in e notation":  {with(`"101.250"`, `"1e2"`), "expected digits such as 101.25"},
		"price NaN":            {with(`"101.250"`, `"NaN"`), "expected digits such as 101.25"},
		"price with a comma":   {with(`"101.250"`, `"101,25"`), "expected digits such as 101.25"},
		"price null":           {with(`"101.250"`, `null`), "expected a string"},
		"price of 41 digits":   {with(`"101.250"`, `"`+strings.Repeat("1", 41)+`"`), "expected 40 at most"},
		"number for a side":    {with(`"1"`, `1`), "Side (54): expected a string"},
		"short ID":             {with(`000102`, `01`), "ClOrdID (11): expected 32 hexadecimal digits"},
		"ID in capitals":       {with(`0a0b`, `0A0B`), "ClOrdID (11): expected lower-case"},
		"ID of zeros":          {with(`000102030405060708090a0b0c0d0e0f`, strings.Repeat("0", 32)), "a field that is 0 is left out"},
		"time with a fraction": {with(`5000`, `5000.0`), "TimeToLive: expected a whole number"},
		"time with exponent":   {with(`5000`, `5e3`), "TimeToLive: expected a whole number"},
		"time of 33 bits":      {with(`5000`, `4294967296`), "TimeToLive: expected a whole number from 0 to 4294967295"},
		"message is no object": {`{"SeqNo":1,"NewOrderSingle":[]}`, "NewOrderSingle: expected an object"},
		"a venue's message":    {`{"EstablishmentAck":{}}`, "a request has no SeqNo"},
		"session with SeqNo":   {`{"SeqNo":1,"Sequence":{}}`, "Sequence has a SeqNo"},
		"flag as a string":     {`{"Establish":{"KeepAlive":1000,"KeepOrders":"true"}}`, "KeepOrders: expected true or false"},
		"list as a string":     {`{"Establish":{"KeepAlive":1000,"Quotes":"A"}}`, "Quotes: expected an array"},
		"list of numbers":      {`{"Establish":{"KeepAlive":1000,"Quotes":[1]}}`, "Quotes: expected a string"},
		"too many symbols":     {`{"Establish":{"KeepAlive":1000,"Quotes":["A"` + strings.Repeat(`,"A"`, 64) + `]}}`, "Establish: Quotes has more than 64"},
		"unknown in a list":    {`{"SeqNo":1,"Quote":{"Bids":[{"Px":"1"}]}}`, `Bids, entry 1: member "Px" is unknown`},
	} {
		_, err := ParseClientFrameJSON([]byte(tc.text))
		malformedAs(t, name, err, tc.says)
	}
	for name, tc := range map[string]struct{ text, says string }{
		"unknown message":     {`{"Number":1,"Fill":{}}`, `message "Fill" is not known`},
		"session with Number": {`{"Number":1,"Sequence":{}}`, "Sequence has a Number"},
		"no type":             {`{"Number":1,"ExecutionReport":{"ClOrdID":"000102030405060708090a0b0c0d0e0f","OrdStatus":"0"}}`, "ExecType (150) is missing"},
		"unknown reason":      {`{"BusinessMessageReject":{"BusinessRejectReason":7}}`, `unknown value "7"`},
		"large reason":        {`{"BusinessMessageReject":{"BusinessRejectReason":65536}}`, `unknown value "65536"`},
	} {
		_, err := ParseVenueFrameJSON([]byte(tc.text))
		malformedAs(t, name, err, tc.says)
	}
}

// What is well formed and not valid is refused by a report, with its SeqNo.
func TestBadRequestsInJSON(t *testing.T) {
	with := func(old, new string) string { return strings.Replace(goodJSON, old, new, 1) }
	for name, tc := range map[string]struct {
		text   string
		reason any
	}{
		"unknown side":     {with(`"Side": "1"`, `"Side": "9"`), BusinessUnsupported},
		"long side":        {with(`"Side": "1"`, `"Side": "BUY"`), BusinessUnsupported},
		"empty side":       {with(`"Side": "1"`, `"Side": ""`), BusinessUnsupported},
		"strange side":     {with(`"Side": "1"`, `"Side": "\u0000"`), BusinessUnsupported},
		"unknown message":  {with(`NewOrderSingle`, `NewOrderList`), BusinessUnsupported},
		"no side":          {with(`"Side": "1",`, ``), BusinessMissingField},
		"quantity 0":       {with(`"50"`, `"0"`), RejIncorrectQuantity},
		"quantity -50":     {with(`"50"`, `"-50"`), RejIncorrectQuantity},
		"quantity of 1e13": {with(`"50"`, `"10000000000000"`), RejIncorrectQuantity},
		"quantity of 2^63": {with(`"50"`, `"9223372036854775808"`), RejIncorrectQuantity},
		"price of 1e-13":   {with(`"101.250"`, `"0.0000000000001"`), RejInvalidPriceIncrement},
		"symbol":           {with(`ACME`, `acme`), RejUnknownSymbol},
		"17 bids":          {`{"SeqNo":1,"Quote":{"QuoteID":"000102030405060708090a0b0c0d0e0f","Symbol":"A","Bids":[{}` + strings.Repeat(`,{}`, 16) + `]}}`, QuoteExceedsLimit},
	} {
		_, err := ParseClientFrameJSON([]byte(tc.text))
		var refused *RequestError
		if tc.reason == nil {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if !errors.As(err, &refused) || refused.SeqNo != 1 || reasonOf(refused.Reject) != tc.reason {
			t.Errorf("%s: %v, expected the reason %v", name, err, tc.reason)
			continue
		}
		if _, err := AppendVenueFrameJSON(nil, VenueFrame{Report: Numbered{Report: refused.Reject}}); err != nil {
			t.Errorf("%s: the refusal cannot be sent: %v", name, err)
		}
	}
}

// Numbers that JSON readers would round are not written.
func TestJSONNumbersAreExact(t *testing.T) {
	for _, f := range []VenueFrame{{Report: Numbered{Number: 1 << 53, Report: &BusinessMessageReject{}}}, {Session: &Sequence{NextSeqNo: 1 << 60}}} {
		if b, err := AppendVenueFrameJSON(nil, f); !errors.Is(err, errJSONNumber) || len(b) != 0 {
			t.Errorf("%s: %v", b, err)
		}
	}
}

func FuzzParseClientFrameJSON(f *testing.F) {
	f.Add([]byte(goodJSON))
	f.Add([]byte(`{"Establish":{"KeepAlive":1000,"KeepOrders":true,"Quotes":["A"]}}`))
	f.Add([]byte(`{"SeqNo":3,"Quote":{"QuoteID":"000102030405060708090a0b0c0d0e0f","Symbol":"A","TimeToLive":1,"Bids":[{"Price":"1","Size":"2"}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		frame, err := ParseClientFrameJSON(text)
		if err != nil {
			var refused *RequestError
			if !errors.Is(err, zkkex.ErrMalformed) && !errors.As(err, &refused) {
				t.Fatalf("an error without a type: %v", err)
			}
			return
		}
		one, err := AppendClientFrameJSON(nil, frame)
		if err != nil {
			t.Fatalf("%s was accepted, and cannot be written: %v", text, err)
		}
		back, err := ParseClientFrameJSON(one)
		if err != nil || !reflect.DeepEqual(withoutEmpty(back), withoutEmpty(frame)) {
			t.Fatalf("%s\nwas written as\n%s\nwhich is %+v: %v", text, one, back, err)
		}
	})
}

// withoutEmpty makes empty lists nil.
func withoutEmpty(f ClientFrame) ClientFrame {
	if e, ok := f.Session.(*Establish); ok && len(e.Quotes) == 0 {
		e.Quotes = nil
	}
	return f
}

func FuzzParseVenueFrameJSON(f *testing.F) {
	for _, v := range []VenueFrame{
		{Report: Numbered{Number: 3, Report: sampleReport()}},
		{Report: Numbered{Report: &BusinessMessageReject{Text: `a "quoted\" text <é>`}}},
		{Session: &Terminate{Text: "bye", Code: RejectDraining}},
	} {
		if b, err := AppendVenueFrameJSON(nil, v); err == nil {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		frame, err := ParseVenueFrameJSON(text)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) {
				t.Fatalf("an error without a type: %v", err)
			}
			return
		}
		one, err := AppendVenueFrameJSON(nil, frame)
		if err != nil {
			t.Fatalf("%s was accepted, and cannot be written: %v", text, err)
		}
		back, err := ParseVenueFrameJSON(one)
		if err != nil || !reflect.DeepEqual(normal(back), normal(frame)) {
			t.Fatalf("%s\nwas written as\n%s\nwhich is %+v: %v", text, one, back, err)
		}
	})
}
