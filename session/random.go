package session

import (
	"crypto/rand"
	"math/big"
	"time"
)

// below returns a uniform number below n, which is at least 1, from the
// system's generator: moments and choices that others see must not follow from
// one another.
func below(n int64) int64 {
	v, err := rand.Int(rand.Reader, big.NewInt(n))
	if err != nil {
		panic(err) // the system's generator does not fail
	}
	return v.Int64()
}

// moment returns a uniform time from from on, before to; from itself if to is
// no later. It is a wall clock's time: timers stand still while a machine sleeps.
func moment(from, to time.Time) time.Time {
	from = from.Round(0)
	if d := to.Sub(from); d > 0 {
		return from.Add(time.Duration(below(int64(d))))
	}
	return from
}

// backoff returns how long to wait after the n-th failure in a row, from 1: the
// first delay doubled each time, up to most, and half more or less of that.
func backoff(n int, first, most time.Duration) time.Duration {
	d := first
	for ; n > 1 && d < most; n-- {
		d *= 2
	}
	d = min(d, most)
	return d/2 + time.Duration(below(int64(d)))
}
