package venue

import "github.com/zkkex/zkkex/venue/descriptor"

// Descriptor returns a signed descriptor by its number, the newest one for 0. It
// returns an error wrapping [descriptor.ErrUnknownNumber].
func (v *Venue) Descriptor(number uint64) (*descriptor.Signed, error) {
	if number != 0 {
		return v.store.ByNumber(number)
	}
	if newest := v.store.Latest(); newest != nil {
		return newest, nil
	}
	return nil, descriptor.ErrUnknownNumber
}
