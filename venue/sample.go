package venue

import (
	"bytes"
	"cmp"
	"crypto/ecdh"
	"crypto/mlkem"
	"sync"
	"time"

	"github.com/zkkex/zkkex/venue/descriptor"
)

// sample returns a descriptor that a configuration leads to, with prekeys of
// which nobody needs the secrets.
func sample(c *Config) (*descriptor.Descriptor, error) {
	begin := time.Unix(c.Schedule.Origin, 0).UTC().Truncate(descriptor.SwitchGrid).Add(descriptor.SwitchGrid)
	epoch, err := c.Schedule.At(begin)
	if err != nil {
		return nil, malformed("%w", err)
	}
	d := &descriptor.Descriptor{
		Number: 1, NotBefore: begin, NotAfter: begin.Add(c.Timing.Interval),
		Schedule: c.Schedule, ChainID: c.ChainID, Registry: c.Registry.VerifierKey,
		MaxOpens: c.MaxOpens, MaxChannels: c.MaxChannels, Padding: c.Padding,
		Circuits: c.Circuits, Suites: c.Suites, Addresses: c.Addresses,
	}
	for i := range d.Epochs {
		d.Epochs[i] = descriptor.EpochTerms{Number: epoch.Number + uint64(i), Limit: c.Limit}
	}
	if d.Prekeys, err = samplePrekeys(); err != nil {
		return nil, err
	}
	d.Prekeys.Expires = d.NotAfter
	return d, nil
}

// samplePrekeys are well-formed.
var samplePrekeys = sync.OnceValues(func() (keys descriptor.Prekeys, err error) {
	private, err := ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		return keys, err
	}
	kem, err := mlkem.NewDecapsulationKey768(make([]byte, mlkem.SeedSize))
	if err != nil {
		return keys, err
	}
	copy(keys.X25519[:], private.PublicKey().Bytes())
	keys.MLKEM768 = kem.EncapsulationKey().Bytes()
	return keys, nil
})

// compareCircuits is the order of circuits in a descriptor.
func compareCircuits(a, b descriptor.Circuit) int {
	return cmp.Or(cmp.Compare(a.ID, b.ID), bytes.Compare(a.Params[:], b.Params[:]))
}
