package venue

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/internal/strictjson"
	"github.com/zkkex/zkkex/registry/registrar"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// configFormat is the value of the configuration's field "format".
const configFormat = "zkkex/v1 venue config"

// maxConfig bounds the configuration's file, in bytes.
const maxConfig = 64 << 10

// configText is the content of config.json.
type configText struct {
	Format      string        `json:"format"`
	Name        string        `json:"name"`
	PostQuantum bool          `json:"post_quantum"`
	Registry    registryText  `json:"registry"`
	Epochs      epochsText    `json:"epochs"`
	ChainID     uint64        `json:"chain_id"`
	Limit       uint32        `json:"limit"`
	MaxOpens    uint32        `json:"max_opens"`
	MaxChannels uint32        `json:"max_channels"`
	MinMembers  uint64        `json:"min_members"`
	Circuits    []circuitText `json:"circuits"`
	Suites      []string      `json:"suites"`
	Padding     [2]uint16     `json:"padding"`
	Rotation    rotationText  `json:"rotation"`
	Sync        seconds       `json:"sync_seconds"`
	Addresses   []string      `json:"addresses"`
	Witnesses   []witnessText `json:"witnesses"`
	Quorum      int           `json:"quorum"`
}

type registryText struct {
	URL         string   `json:"url"`
	VerifierKey string   `json:"verifier_key"`
	Witnesses   []string `json:"witnesses"`
	Quorum      int      `json:"quorum"`
}

type epochsText struct {
	Origin int64  `json:"origin"`
	Length uint32 `json:"length_seconds"`
}

type circuitText struct {
	Circuit string `json:"circuit"`
	Params  string `json:"params"`
}

type rotationText struct {
	Interval    seconds `json:"interval_seconds"`
	Overlap     seconds `json:"overlap_seconds"`
	PrekeyGrace seconds `json:"prekey_grace_seconds"`
}

type witnessText struct {
	URL         string `json:"url"`
	VerifierKey string `json:"verifier_key"`
}

// seconds is a duration in a file. It is bounded, so that it fits one in memory.
type seconds uint32

func (s seconds) duration() time.Duration { return time.Duration(s) * time.Second }

func toSeconds(d time.Duration) seconds { return seconds(d / time.Second) }

// ParseConfig decodes a configuration's file, strictly: it accepts exactly what
// [Config.MarshalText] writes. It returns an error wrapping
// [zkkex.ErrMalformed] or [zkkex.ErrUnsupported].
func ParseConfig(text []byte) (*Config, error) {
	var t configText
	if err := strictjson.Decode(text, maxConfig, &t); err != nil {
		return nil, malformed("%w", err)
	}
	if t.Format != configFormat {
		return nil, fmt.Errorf("%w: a venue's configuration of format %.80q, expected %q", zkkex.ErrUnsupported, t.Format, configFormat)
	}
	c, err := t.config()
	if err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := strictjson.Check(text, c.encode()); err != nil {
		return nil, malformed("%w", err)
	}
	return c, nil
}

// config returns what the fields say.
func (t *configText) config() (*Config, error) {
	c := &Config{
		Name: t.Name, PostQuantum: t.PostQuantum,
		Registry: Registry(t.Registry),
		Schedule: zkkex.Schedule{Origin: t.Epochs.Origin, Length: t.Epochs.Length},
		ChainID:  t.ChainID, Limit: t.Limit, MaxOpens: t.MaxOpens, MaxChannels: t.MaxChannels, MinMembers: t.MinMembers,
		Padding: t.Padding,
		Timing: descriptor.Timing{
			Interval: t.Rotation.Interval.duration(), Overlap: t.Rotation.Overlap.duration(), PrekeyGrace: t.Rotation.PrekeyGrace.duration(),
		},
		SyncInterval: t.Sync.duration(), Quorum: t.Quorum,
	}
	for _, circuit := range t.Circuits {
		parsed, err := circuit.parse()
		if err != nil {
			return nil, err
		}
		c.Circuits = append(c.Circuits, parsed)
	}
	for _, suite := range t.Suites {
		c.Suites = append(c.Suites, descriptor.Suite(suite))
	}
	for _, address := range t.Addresses {
		network, place, _ := strings.Cut(address, " ")
		c.Addresses = append(c.Addresses, descriptor.Address{Network: network, Place: place})
	}
	for _, w := range t.Witnesses {
		c.Witnesses = append(c.Witnesses, registrar.Witness(w))
	}
	return c, nil
}

func (t circuitText) parse() (descriptor.Circuit, error) {
	id, err := zkkex.ParseCircuit(t.Circuit)
	if err != nil {
		return descriptor.Circuit{}, fmt.Errorf("venue's configuration: %w", err)
	}
	out := descriptor.Circuit{ID: id}
	digest, err := hex.DecodeString(t.Params)
	if err != nil || len(digest) != len(out.Params) {
		return descriptor.Circuit{}, malformed("params %.80q of %v, expected the digest of a parameter set in %d hexadecimal digits", t.Params, id, 2*len(out.Params))
	}
	copy(out.Params[:], digest)
	return out, nil
}

// MarshalText returns the configuration as a file: JSON, fields in their order,
// indented by two spaces, ended by a newline. It returns an error wrapping
// [zkkex.ErrMalformed] or [zkkex.ErrUnsupported] if the venue could not work by
// it.
func (c *Config) MarshalText() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	text := c.encode()
	if len(text) > maxConfig {
		return nil, malformed("%d bytes, expected at most %d", len(text), maxConfig)
	}
	return text, nil
}

func (c *Config) encode() []byte {
	t := configText{
		Format: configFormat, Name: c.Name, PostQuantum: c.PostQuantum, Registry: registryText(c.Registry),
		Epochs:  epochsText{c.Schedule.Origin, c.Schedule.Length},
		ChainID: c.ChainID, Limit: c.Limit, MaxOpens: c.MaxOpens, MaxChannels: c.MaxChannels, MinMembers: c.MinMembers,
		Padding:  c.Padding,
		Rotation: rotationText{toSeconds(c.Timing.Interval), toSeconds(c.Timing.Overlap), toSeconds(c.Timing.PrekeyGrace)},
		Sync:     toSeconds(c.SyncInterval), Quorum: c.Quorum,
		Circuits: []circuitText{}, Suites: []string{}, Addresses: []string{}, Witnesses: []witnessText{},
	}
	if t.Registry.Witnesses == nil {
		t.Registry.Witnesses = []string{}
	}
	for _, circuit := range c.Circuits {
		t.Circuits = append(t.Circuits, circuitText{circuit.ID.String(), circuit.Params.String()})
	}
	for _, suite := range c.Suites {
		t.Suites = append(t.Suites, string(suite))
	}
	for _, address := range c.Addresses {
		t.Addresses = append(t.Addresses, address.String())
	}
	for _, w := range c.Witnesses {
		t.Witnesses = append(t.Witnesses, witnessText(w))
	}
	return strictjson.Encode(t)
}

// loadConfig reads a configuration's file.
func loadConfig(path string) (*Config, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, maxConfig+1))
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	c, err := ParseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}
