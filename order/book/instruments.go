package book

import (
	"fmt"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/strictjson"
	"github.com/zkkex/zkkex/order"
)

// MaxInstrumentsFile is the most bytes of a file of instruments.
const MaxInstrumentsFile = 256 << 10

// instrumentsFile is a list of instruments in a file. Numbers are as people write
// them.
type instrumentsFile struct {
	Instruments []instrumentEntry `json:"instruments"`
}

type instrumentEntry struct {
	Symbol   string `json:"symbol"`
	TickSize string `json:"tick_size"`
	LotSize  string `json:"lot_size"`
	MinQty   string `json:"min_qty"`
	MaxQty   string `json:"max_qty"`
}

// DefaultInstruments are those of a book that is told of none.
func DefaultInstruments() []order.Instrument {
	unit := func(exponent int32) order.Decimal { return order.Decimal{Mantissa: 1, Exponent: exponent} }
	return []order.Instrument{
		{Symbol: "BTC-USD", TickSize: unit(-2), LotSize: unit(-5), MinQty: unit(-5), MaxQty: unit(3)},
		{Symbol: "ETH-USD", TickSize: unit(-2), LotSize: unit(-4), MinQty: unit(-4), MaxQty: unit(4)},
	}
}

// EncodeInstruments returns the file of a list, as [ParseInstruments] reads it.
func EncodeInstruments(list []order.Instrument) []byte {
	var f instrumentsFile
	for _, i := range list {
		f.Instruments = append(f.Instruments, instrumentEntry{
			i.Symbol, i.TickSize.String(), i.LotSize.String(), i.MinQty.String(), i.MaxQty.String(),
		})
	}
	return strictjson.Encode(f)
}

// ParseInstruments reads a file of instruments: JSON, in the one form that the error
// shows if it is in another. Each is one that [New] takes. Its error wraps
// zkkex.ErrMalformed.
func ParseInstruments(text []byte) ([]order.Instrument, error) {
	list, err := parseInstruments(text)
	if err != nil {
		return nil, &zkkex.ParseError{Format: "file of instruments", Err: err}
	}
	return list, nil
}

func parseInstruments(text []byte) ([]order.Instrument, error) {
	var f instrumentsFile
	if err := strictjson.Decode(text, MaxInstrumentsFile, &f); err != nil {
		return nil, err
	}
	var list []order.Instrument
	for _, e := range f.Instruments {
		i, err := e.parse()
		if err != nil {
			return nil, fmt.Errorf("instrument %q: %w", e.Symbol, err)
		}
		list = append(list, i)
	}
	if err := strictjson.Check(text, EncodeInstruments(list)); err != nil {
		return nil, err
	}
	_, err := New(list, Options{})
	return list, err
}

func (e instrumentEntry) parse() (i order.Instrument, err error) {
	i.Symbol = e.Symbol
	for _, n := range []struct {
		name, text string
		to         *order.Decimal
	}{
		{"tick_size", e.TickSize, &i.TickSize}, {"lot_size", e.LotSize, &i.LotSize},
		{"min_qty", e.MinQty, &i.MinQty}, {"max_qty", e.MaxQty, &i.MaxQty},
	} {
		if *n.to, err = order.ParseDecimal(n.text); err != nil {
			return i, fmt.Errorf("%s: %w", n.name, err)
		}
	}
	return i, nil
}
