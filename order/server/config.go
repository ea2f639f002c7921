package server

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/strictjson"
	"github.com/zkkex/zkkex/order"
	"github.com/zkkex/zkkex/order/gateway"
)

// configFormat is the value of the configuration's field "format".
const configFormat = "zkkex/v1 gateway config"

// Bounds of a configuration.
const (
	// MaxConfig bounds the configuration's file, in bytes.
	MaxConfig = 256 << 10
	// MaxName is the longest name of a gateway, in bytes.
	MaxName = 32
	// MaxInstruments is the most instruments that a configuration lists.
	MaxInstruments = order.MaxInstruments
)

// maxRate bounds rates and bursts, in requests per second.
const maxRate = 1_000_000

// maxProxies is the most address ranges of a configuration.
const maxProxies = 32

// Config is what an operator decides about one gateway.
type Config struct {
	// Name tells this gateway from the others that share its journal: 1 to
	// [MaxName] of a to z, 0 to 9, and -
	Name string
	// Venue is the folder of the venue, relative to the gateway's own. With Follow,
	// another gateway issues descriptors and this one takes them from the folder.
	Venue  string
	Follow bool
	// Share, unless empty, is a folder in which this gateway puts what gateways on
	// other machines need that follow it. On this machine, they can follow Venue.
	Share string
	// Sessions is where members connect, Publish where they fetch descriptors, and
	// Admin where health and metrics are shown. The last two can be empty.
	Sessions, Publish, Admin string
	// Proxies are where connections of many members come from that are not to be
	// bounded as one member's: a haproxy in front of several gateways, which bounds
	// them itself. See venue.Proxied.
	Proxies []netip.Prefix
	// PostgreSQL is the connection string of a journal and of admissions that
	// several gateways share; empty is for a journal in the gateway's folder, and
	// admissions in the venue's. It holds no password: those belong in a file that
	// only the gateway's user reads, which PGPASSFILE names.
	PostgreSQL string
	// Replicas is how many synchronous standbys the server must have.
	Replicas int
	// Engine is where the venue's matching engine answers, unix:/path or HOST:PORT;
	// empty is for the simple book in the gateway's process, for trials.
	Engine string
	// EngineTLS names files for an engine that is not on this machine.
	EngineTLS TLS
	// Instruments are what the simple book trades. An engine has its own.
	Instruments []order.Instrument
	// FIX, JSON and GRPC say which transports beside the framed one are served.
	FIX, JSON, GRPC bool
	// Limits are the budgets of a session; those that gateway.json does not name are
	// the defaults.
	Limits gateway.Limits
	// Drain is how long sessions that are there may go on when the gateway is
	// stopped. Whole seconds.
	Drain time.Duration
	// Traces is the address of an OpenTelemetry collector (OTLP over gRPC), and
	// TracesSampled one in how many requests is traced. Empty is for none.
	Traces        string
	TracesSampled int
}

// TLS names files in PEM form, relative to the gateway's folder.
type TLS struct {
	CA          string `json:"ca"`
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
}

// DefaultConfig returns the configuration of a gateway beside a venue's folder.
func DefaultConfig(venue string) Config {
	return Config{
		Name: "a", Venue: venue,
		Sessions: "127.0.0.1:9440", Publish: "127.0.0.1:9441", Admin: "127.0.0.1:9442",
		Instruments: DefaultInstruments(),
		FIX:         true, JSON: true, GRPC: true,
		Limits: gateway.DefaultLimits(), Drain: 20 * time.Second,
	}
}

// DefaultInstruments are for trials.
func DefaultInstruments() []order.Instrument {
	cent := order.Decimal{Mantissa: 1, Exponent: -2}
	lot := order.Decimal{Mantissa: 1, Exponent: -4}
	most := order.Decimal{Mantissa: 1, Exponent: 4}
	return []order.Instrument{
		{Symbol: "BTC-USD", TickSize: cent, LotSize: lot, MinQty: lot, MaxQty: most},
		{Symbol: "ETH-USD", TickSize: cent, LotSize: lot, MinQty: lot, MaxQty: most},
	}
}

// configText is the content of gateway.json.
type configText struct {
	Format        string           `json:"format"`
	Name          string           `json:"name"`
	Venue         string           `json:"venue"`
	Follow        bool             `json:"follow"`
	Share         string           `json:"share"`
	Sessions      string           `json:"sessions"`
	Publish       string           `json:"publish"`
	Admin         string           `json:"admin"`
	Proxies       []string         `json:"proxies"`
	PostgreSQL    string           `json:"postgresql"`
	Replicas      int              `json:"replicas"`
	Engine        string           `json:"engine"`
	EngineTLS     TLS              `json:"engine_tls"`
	Instruments   []instrumentText `json:"instruments"`
	FIX           bool             `json:"fix"`
	JSON          bool             `json:"json"`
	GRPC          bool             `json:"grpc"`
	Limits        limitsText       `json:"limits"`
	Drain         uint32           `json:"drain_seconds"`
	Traces        string           `json:"traces"`
	TracesSampled int              `json:"traces_sampled"`
}

type instrumentText struct {
	Symbol   string `json:"symbol"`
	TickSize string `json:"tick_size"`
	LotSize  string `json:"lot_size"`
	MinQty   string `json:"min_qty"`
	MaxQty   string `json:"max_qty"`
}

type limitsText struct {
	OrdersPerSecond uint32 `json:"orders_per_second"`
	Burst           uint32 `json:"burst"`
	MaxOpenOrders   uint32 `json:"max_open_orders"`
	MaxRequests     uint64 `json:"max_requests"`
	MaxTimeToLive   uint32 `json:"max_time_to_live_seconds"`
	MaxGrace        uint32 `json:"max_grace_seconds"`
	KeepOrders      bool   `json:"keep_orders"`
	MaxSessions     int    `json:"max_sessions"`
}

func (t *limitsText) limits() gateway.Limits {
	l := gateway.DefaultLimits()
	l.OrdersPerSecond, l.Burst, l.MaxOpenOrders, l.MaxRequests = t.OrdersPerSecond, t.Burst, t.MaxOpenOrders, t.MaxRequests
	l.MaxTimeToLive, l.MaxGrace = seconds(t.MaxTimeToLive), seconds(t.MaxGrace)
	l.NoKeepOrders, l.MaxSessions = !t.KeepOrders, t.MaxSessions
	return l
}

// ParseConfig decodes a configuration's file, strictly: it accepts exactly what
// [Config.MarshalText] writes. It returns an error wrapping [zkkex.ErrMalformed]
// or [zkkex.ErrUnsupported].
func ParseConfig(text []byte) (*Config, error) {
	var t configText
	if err := strictjson.Decode(text, MaxConfig, &t); err != nil {
		return nil, malformed("%w", err)
	}
	if t.Format != configFormat {
		return nil, fmt.Errorf("%w: a gateway's configuration of format %.80q, expected %q", zkkex.ErrUnsupported, t.Format, configFormat)
	}
	c, err := t.config()
	if err != nil {
		return nil, err
	}
	form, err := c.MarshalText()
	if err != nil {
		return nil, err
	}
	if err := strictjson.Check(text, form); err != nil {
		return nil, malformed("%w", err)
	}
	return c, nil
}

// MarshalText returns the configuration's file. It returns an error wrapping
// [zkkex.ErrMalformed] for a configuration that is out of bounds.
func (c *Config) MarshalText() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	return strictjson.Encode(c.text()), nil
}

func (t *configText) config() (*Config, error) {
	c := &Config{
		Name: t.Name, Venue: t.Venue, Follow: t.Follow, Share: t.Share, Sessions: t.Sessions, Publish: t.Publish, Admin: t.Admin,
		PostgreSQL: t.PostgreSQL, Replicas: t.Replicas, Engine: t.Engine, EngineTLS: t.EngineTLS,
		FIX: t.FIX, JSON: t.JSON, GRPC: t.GRPC,
		Limits: t.Limits.limits(),
		Drain:  seconds(t.Drain), Traces: t.Traces, TracesSampled: t.TracesSampled,
	}
	for _, text := range t.Proxies {
		p, err := netip.ParsePrefix(text)
		if err != nil || p.Masked() != p {
			return nil, malformed("proxies: %.60q: expected an address range such as 10.0.0.1/32", text)
		}
		c.Proxies = append(c.Proxies, p)
	}
	for _, i := range t.Instruments {
		in, err := i.instrument()
		if err != nil {
			return nil, err
		}
		c.Instruments = append(c.Instruments, in)
	}
	return c, nil
}

func (c *Config) text() *configText {
	t := &configText{
		Format: configFormat, Name: c.Name, Venue: c.Venue, Follow: c.Follow, Share: c.Share, Sessions: c.Sessions, Publish: c.Publish, Admin: c.Admin,
		PostgreSQL: c.PostgreSQL, Replicas: c.Replicas, Engine: c.Engine, EngineTLS: c.EngineTLS,
		FIX: c.FIX, JSON: c.JSON, GRPC: c.GRPC,
		Limits: limitsText{
			OrdersPerSecond: c.Limits.OrdersPerSecond, Burst: c.Limits.Burst, MaxOpenOrders: c.Limits.MaxOpenOrders,
			MaxRequests: c.Limits.MaxRequests, MaxTimeToLive: uint32(c.Limits.MaxTimeToLive / time.Second),
			MaxGrace: uint32(c.Limits.MaxGrace / time.Second), KeepOrders: !c.Limits.NoKeepOrders,
			MaxSessions: c.Limits.MaxSessions,
		},
		Drain: uint32(c.Drain / time.Second), Traces: c.Traces, TracesSampled: c.TracesSampled,
		Instruments: []instrumentText{}, Proxies: []string{},
	}
	for _, p := range c.Proxies {
		t.Proxies = append(t.Proxies, p.String())
	}
	for _, i := range c.Instruments {
		t.Instruments = append(t.Instruments, instrumentText{
			Symbol: i.Symbol, TickSize: i.TickSize.String(), LotSize: i.LotSize.String(),
			MinQty: i.MinQty.String(), MaxQty: i.MaxQty.String(),
		})
	}
	return t
}

func (i *instrumentText) instrument() (order.Instrument, error) {
	out := order.Instrument{Symbol: i.Symbol}
	for _, f := range []struct {
		name string
		from string
		to   *order.Decimal
	}{{"tick_size", i.TickSize, &out.TickSize}, {"lot_size", i.LotSize, &out.LotSize}, {"min_qty", i.MinQty, &out.MinQty}, {"max_qty", i.MaxQty, &out.MaxQty}} {
		d, err := order.ParseDecimal(f.from)
		if err != nil {
			return order.Instrument{}, malformed("%s of instrument %.40q: %w", f.name, i.Symbol, err)
		}
		*f.to = d
	}
	return out, nil
}

// check returns an error for what no gateway could run with.
func (c *Config) check() error {
	if c.Name == "" || len(c.Name) > MaxName || strings.Trim(c.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return malformed("name %.40q: expected 1 to %d of a to z, 0 to 9 and -", c.Name, MaxName)
	}
	if c.Venue == "" {
		return malformed("venue: expected the venue's folder")
	}
	if c.Follow && (c.Share != "" || c.PostgreSQL == "") {
		return malformed("follow: a gateway that follows shares nothing itself, and needs postgresql: admissions are the venue's, not the gateway's")
	}
	for _, a := range []struct {
		field, place string
		needed       bool
	}{{"sessions", c.Sessions, true}, {"publish", c.Publish, false}, {"admin", c.Admin, false}} {
		if err := checkPlace(a.field, a.place, a.needed); err != nil {
			return err
		}
	}
	if len(c.Proxies) > maxProxies {
		return malformed("%d proxies: expected %d at most", len(c.Proxies), maxProxies)
	}
	if c.Replicas < 0 || c.Replicas > 16 || c.Replicas > 0 && c.PostgreSQL == "" {
		return malformed("replicas %d: expected 0 to 16, and above 0 only with postgresql", c.Replicas)
	}
	if strings.Contains(strings.ToLower(c.PostgreSQL), "password") || strings.Contains(c.PostgreSQL, "://") && strings.Contains(userinfo(c.PostgreSQL), ":") {
		return malformed("postgresql: a password in it; put it in the file that PGPASSFILE names")
	}
	if c.Engine == "" && (len(c.Instruments) == 0 || len(c.Instruments) > MaxInstruments) {
		return malformed("%d instruments: expected 1 to %d, or an engine that has its own", len(c.Instruments), MaxInstruments)
	}
	return c.checkLimits()
}

func (c *Config) checkLimits() error {
	l := c.Limits
	for _, b := range []struct {
		field string
		ok    bool
		want  string
	}{
		{"orders_per_second", l.OrdersPerSecond >= 1 && l.OrdersPerSecond <= maxRate, "1 to 1000000"},
		{"burst", l.Burst >= l.OrdersPerSecond && l.Burst <= maxRate, "at least orders_per_second, and at most 1000000"},
		{"max_open_orders", l.MaxOpenOrders >= 1, "at least 1"},
		{"max_requests", l.MaxRequests >= 1, "at least 1"},
		{"max_time_to_live_seconds", l.MaxTimeToLive >= time.Second && l.MaxTimeToLive <= order.MaxTimeToLive, "1 to 86400"},
		{"max_grace_seconds", l.MaxGrace >= time.Second && l.MaxGrace <= order.MaxGrace, "1 to 600"},
		{"max_sessions", l.MaxSessions >= 1 && l.MaxSessions <= 1<<20, "1 to 1048576"},
		{"drain_seconds", c.Drain >= 0 && c.Drain <= time.Hour, "0 to 3600"},
		{"traces_sampled", c.TracesSampled >= 0 && (c.TracesSampled > 0) == (c.Traces != ""), "above 0 with traces, and 0 without"},
	} {
		if !b.ok {
			return malformed("%s: expected %s", b.field, b.want)
		}
	}
	return nil
}

func checkPlace(field, place string, needed bool) error {
	if place == "" && !needed {
		return nil
	}
	if _, port, err := net.SplitHostPort(place); err != nil || port == "" {
		return malformed("%s %.80q: expected HOST:PORT", field, place)
	}
	return nil
}

// userinfo is what stands before the last @ of an address, and after its scheme.
func userinfo(dsn string) string {
	_, rest, _ := strings.Cut(dsn, "://")
	rest, _, _ = strings.Cut(rest, "/")
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		return rest[:at]
	}
	return ""
}

func seconds(n uint32) time.Duration { return time.Duration(n) * time.Second }

func malformed(text string, args ...any) error {
	return &zkkex.ParseError{Format: "gateway's configuration", Err: fmt.Errorf(text, args...)}
}
