package venue

import (
	"context"
	"errors"
	"fmt"

	"github.com/zkkex/zkkex/handshake"
	"github.com/zkkex/zkkex/venue/descriptor"
)

// Keys returns the keys of a descriptor, for the first messages that name it. It
// implements [handshake.KeySource]. The error wraps
// [handshake.ErrUnknownDescriptor] if the number was never issued, its prekeys
// have expired, or a greater generation has ended it.
func (v *Venue) Keys(number uint64) (*handshake.Keys, error) {
	v.followTo(number)
	private, err := v.store.Prekeys(number, v.now())
	if errors.Is(err, descriptor.ErrUnknownNumber) || errors.Is(err, descriptor.ErrPrekeysExpired) {
		return nil, fmt.Errorf("%w: %w", handshake.ErrUnknownDescriptor, err)
	}
	if err != nil {
		return nil, err
	}
	signed, err := v.store.ByNumber(number)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", handshake.ErrUnknownDescriptor, err)
	}
	// One that raises the generation begins when it is issued, and the others end.
	if now := v.store.Latest().Generation; signed.Generation != now {
		return nil, fmt.Errorf("%w: descriptor %d is of generation %d, and now is %d", handshake.ErrUnknownDescriptor, number, signed.Generation, now)
	}
	if keys, ok := v.cached.Load(number); ok {
		return keys.(*handshake.Keys), nil
	}
	keys, _ := v.cached.LoadOrStore(number, responderKeys(signed, private))
	return keys.(*handshake.Keys), nil
}

func responderKeys(d *descriptor.Signed, private *descriptor.PrivatePrekeys) *handshake.Keys {
	keys := &handshake.Keys{
		ID: d.Venue, Number: d.Number, Digest: d.Digest(),
		Static: private.X25519(), Prekey: private.MLKEM768(),
		Padding: d.Padding, MaxOpens: d.MaxOpens, MaxChannels: d.MaxChannels,
	}
	for _, suite := range d.Suites {
		keys.Suites = append(keys.Suites, string(suite))
	}
	return keys
}

// unshare destroys what was swept where it is shared, too.
func (v *Venue) unshare() error {
	v.issuing.Lock()
	defer v.issuing.Unlock()
	return v.shareNew(context.Background())
}

// sweep destroys private prekeys that are over, on the disk and in memory.
func (v *Venue) sweep() error {
	destroyed, err := v.store.Sweep(v.now())
	if err == nil && !v.Follows() {
		err = v.unshare()
	}
	v.cached.Range(func(number, _ any) bool {
		if _, err := v.store.Prekeys(number.(uint64), v.now()); err != nil {
			v.cached.Delete(number)
		}
		return true
	})
	if destroyed > 0 {
		v.log.Info("prekeys destroyed", "descriptors", destroyed)
	}
	return err
}
