package server

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/order"
)

func text(t testing.TB, c Config) []byte {
	t.Helper()
	b, err := c.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestConfigIsReadAsWritten(t *testing.T) {
	c := DefaultConfig("../venue")
	c.PostgreSQL, c.Replicas = "host=db1,db2 dbname=orders user=gateway target_session_attrs=read-write", 1
	c.Proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}
	c.Engine, c.Traces, c.TracesSampled = "unix:/run/engine.sock", "127.0.0.1:4317", 1000
	got, err := ParseConfig(text(t, c))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text(t, *got), text(t, c)) {
		t.Fatalf("read %+v", got)
	}
}

func TestConfigRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		says   string
	}{
		"no name":          {func(c *Config) { c.Name = "" }, "name"},
		"capital name":     {func(c *Config) { c.Name = "A" }, "name"},
		"no venue":         {func(c *Config) { c.Venue = "" }, "venue"},
		"no sessions":      {func(c *Config) { c.Sessions = "" }, "sessions"},
		"no port":          {func(c *Config) { c.Admin = "127.0.0.1" }, "admin"},
		"a password":       {func(c *Config) { c.PostgreSQL = "host=db password=secret" }, "PGPASSFILE"},
		"a URL's password": {func(c *Config) { c.PostgreSQL = "postgres://me:secret@db/orders" }, "PGPASSFILE"},
		"replicas alone":   {func(c *Config) { c.Replicas = 1 }, "replicas"},
		"no instruments":   {func(c *Config) { c.Instruments = nil }, "instruments"},
		"no rate":          {func(c *Config) { c.Limits.OrdersPerSecond = 0 }, "orders_per_second"},
		"huge burst":       {func(c *Config) { c.Limits.Burst = 1 << 31 }, "burst"},
		"small burst":      {func(c *Config) { c.Limits.Burst = 1 }, "burst"},
		"long life":        {func(c *Config) { c.Limits.MaxTimeToLive = 2 * order.MaxTimeToLive }, "max_time_to_live_seconds"},
		"long grace":       {func(c *Config) { c.Limits.MaxGrace = time.Hour }, "max_grace_seconds"},
		"traces nowhere":   {func(c *Config) { c.TracesSampled = 10 }, "traces_sampled"},
	} {
		t.Run(name, func(t *testing.T) {
			config := DefaultConfig("venue")
			c.change(&config)
			_, err := config.MarshalText()
			if !errors.Is(err, zkkex.ErrMalformed) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, expected a malformed configuration, and %q named", err, c.says)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Fatalf("the password is in the error: %v", err)
			}
		})
	}
}

func TestConfigOfAnotherFormat(t *testing.T) {
	other := bytes.Replace(text(t, DefaultConfig("venue")), []byte("zkkex/v1"), []byte("zkkex/v9"), 1)
	if _, err := ParseConfig(other); !errors.Is(err, zkkex.ErrUnsupported) {
		t.Fatalf("got %v, expected ErrUnsupported", err)
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add(text(f, DefaultConfig("venue")))
	f.Add([]byte(`{"format": "zkkex/v1 gateway config"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseConfig(b)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) && !errors.Is(err, zkkex.ErrUnsupported) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		if again := text(t, *c); !bytes.Equal(again, b) {
			t.Fatalf("%q was read, and is written %q", b, again)
		}
	})
}

func TestProtocols(t *testing.T) {
	for first, want := range map[string]protocol{
		"8=FI": fix, "PRI ": grpcStyle, "GET ": websocket, "POST": framed, "\x00\x00\x00\x10": framed, "8=FX": framed,
	} {
		if got := protocolOf([sniffed]byte([]byte(first))); got != want {
			t.Errorf("%q is taken for %s, expected %s", first, got, want)
		}
	}
}
