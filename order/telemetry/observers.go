package telemetry

import (
	"time"

	"github.com/zkkex/zkkex/order/gateway"
)

// Observers returns an observer that tells all of several, in their order. Without
// any, it tells nobody.
func Observers(all ...gateway.Observer) gateway.Observer { return observers(all) }

type observers []gateway.Observer

func (o observers) Request(kind string) {
	for _, one := range o {
		one.Request(kind)
	}
}

func (o observers) Reject(kind, reason string) {
	for _, one := range o {
		one.Reject(kind, reason)
	}
}

func (o observers) Acknowledged(kind string, after time.Duration) {
	for _, one := range o {
		one.Acknowledged(kind, after)
	}
}

func (o observers) Sessions(attached int) {
	for _, one := range o {
		one.Sessions(attached)
	}
}

func (o observers) Appended(entries int, took time.Duration, err error) {
	for _, one := range o {
		one.Appended(entries, took, err)
	}
}

func (o observers) Ended(reason string) {
	for _, one := range o {
		one.Ended(reason)
	}
}
