package handshake

import "fmt"

// Load bounds what strangers can make a responder do. Fields that are 0 get the
// value of [DefaultLoad].
type Load struct {
	// Rate is how many first messages per second one address may send in the long
	// run, Burst how many at once. An IPv6 /64 counts as one address.
	Rate  float64
	Burst int
	// Sources is of how many addresses that is kept. Those that sent least
	// recently are forgotten first.
	Sources int
	// HalfOpen is how many first messages are looked at, at a time.
	HalfOpen int
	// UnderLoad is from how many on cookies are asked for.
	UnderLoad int
	// Seen is how many ephemeral keys are remembered per descriptor, so that
	// replays are dropped cheaply.
	Seen int
}

// DefaultLoad returns the bounds that stand for fields that are 0.
func DefaultLoad() Load {
	return Load{Rate: 50, Burst: 100, Sources: 1 << 16, HalfOpen: 1024, UnderLoad: 64, Seen: 1 << 17}
}

// withDefaults fills what is 0 in, and refuses what makes no sense.
func (l Load) withDefaults() (Load, error) {
	d := DefaultLoad()
	if l.Rate == 0 {
		l.Rate = d.Rate
	}
	for _, field := range []struct {
		name      string
		of        *int
		byDefault int
	}{
		{"Burst", &l.Burst, d.Burst},
		{"Sources", &l.Sources, d.Sources},
		{"HalfOpen", &l.HalfOpen, d.HalfOpen},
		{"UnderLoad", &l.UnderLoad, d.UnderLoad},
		{"Seen", &l.Seen, d.Seen},
	} {
		if *field.of == 0 {
			*field.of = field.byDefault
		}
		if *field.of < 1 {
			return l, fmt.Errorf("handshake: %w: Load.%s is %d, expected at least 1", ErrConfig, field.name, *field.of)
		}
	}
	if !(l.Rate > 0) {
		return l, fmt.Errorf("handshake: %w: Load.Rate is %v, expected more than 0", ErrConfig, l.Rate)
	}
	return l, nil
}
