package venue

import (
	"context"
	"slices"

	"github.com/zkkex/zkkex/admission"
)

// Ban refuses a pseudonym of an epoch until that is over, at this gateway from now
// on, and at all others that share its store of admissions within two seconds, and
// ends its channels there. Other pseudonyms of the same member are not known, and go
// on. It returns [ErrClosed], and the errors of [admission.Gate.Ban].
//
// A session that was renewed into another epoch has another pseudonym there: ban
// that one.
func (v *Venue) Ban(ctx context.Context, epoch uint64, p admission.Pseudonym) error {
	decides, err := v.gate.open()
	if err != nil {
		return err
	}
	if err := decides.Ban(ctx, epoch, p); err != nil {
		return err
	}
	v.checkChannels()
	return nil
}

// checkChannels ends the channels that may not live, at all listeners.
func (v *Venue) checkChannels() {
	v.responds.mu.Lock()
	listeners := slices.Clone(v.responds.listeners)
	v.responds.mu.Unlock()
	for _, l := range listeners {
		l.Check()
	}
}

// refreshBans takes in what other gateways have banned.
func (g *gate) refreshBans(ctx context.Context) (fresh bool, err error) {
	decides := g.decides.Load()
	if decides == nil {
		return false, nil
	}
	return decides.RefreshBans(ctx)
}
