package zkkex_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/zkkex/zkkex"
)

func TestEpochAt(t *testing.T) {
	hour := zkkex.Schedule{Origin: 1000, Length: 3600}
	tests := []struct {
		name     string
		schedule zkkex.Schedule
		at       time.Time
		want     uint64
	}{
		{"first instant", hour, time.Unix(1000, 0), 0},
		{"last instant of the first", hour, time.Unix(4599, 999_999_999), 0},
		{"first instant of the second", hour, time.Unix(4600, 0), 1},
		{"today", zkkex.DefaultSchedule(), time.Date(2026, 11, 21, 23, 59, 59, 0, time.UTC), 20778},
		{"another time zone", zkkex.DefaultSchedule(), time.Date(2026, 11, 22, 1, 0, 0, 0, time.FixedZone("", 2*3600)), 20778},
		{"before 1970", zkkex.Schedule{Origin: -3600, Length: 1800}, time.Unix(-1, 0), 1},
		{"origin far back", zkkex.Schedule{Origin: math.MinInt64, Length: math.MaxUint32}, time.Unix(0, 0), 1 << 63 / math.MaxUint32},
	}
	for _, test := range tests {
		e, err := test.schedule.At(test.at)
		if err != nil || e.Number != test.want || e.Schedule != test.schedule {
			t.Errorf("%s: %+v, %v; want number %d", test.name, e, err, test.want)
		}
	}
	for name, s := range map[string]zkkex.Schedule{"no length": {}, "not begun": {Origin: 5000, Length: 1}} {
		if _, err := s.At(time.Unix(4999, 0)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestEpochBoundaries has every epoch begin where the one before ends, and hold
// its boundaries.
func TestEpochBoundaries(t *testing.T) {
	for _, s := range []zkkex.Schedule{zkkex.DefaultSchedule(), {Origin: -7, Length: 1}, {Origin: 99, Length: math.MaxUint32}} {
		for _, n := range []uint64{0, 1, 2, 50} {
			e := zkkex.Epoch{Schedule: s, Number: n}
			start, err := e.Start()
			if err != nil {
				t.Fatal(err)
			}
			end, err := e.End()
			if err != nil {
				t.Fatal(err)
			}
			if got := end.Sub(start); got != time.Duration(s.Length)*time.Second {
				t.Errorf("%+v lasts %v", e, got)
			}
			for at, want := range map[time.Time]uint64{start: n, end.Add(-1): n, end: n + 1} {
				if got, err := s.At(at); err != nil || got.Number != want {
					t.Errorf("%+v: at %v it is %d, %v; want %d", e, at, got.Number, err, want)
				}
			}
		}
	}
}

func TestEpochOutOfRange(t *testing.T) {
	const last = 253402300799 // the last second of the year 9999
	for name, e := range map[string]zkkex.Epoch{
		"no length":           {},
		"number":              {Schedule: zkkex.Schedule{Length: 1}, Number: math.MaxUint64},
		"number times length": {Schedule: zkkex.Schedule{Length: math.MaxUint32}, Number: 1 << 40},
		"origin too early":    {Schedule: zkkex.Schedule{Origin: -last - 1, Length: 1}},
		"origin too late":     {Schedule: zkkex.Schedule{Origin: last + 1, Length: 1}},
		"origin wraps":        {Schedule: zkkex.Schedule{Origin: math.MinInt64, Length: 1}},
		"end too late":        {Schedule: zkkex.Schedule{Origin: last, Length: 1}},
	} {
		if _, err := e.End(); !errors.Is(err, zkkex.ErrMalformed) {
			t.Errorf("%s: %v, want %v", name, err, zkkex.ErrMalformed)
		}
	}
	end, err := zkkex.Epoch{Schedule: zkkex.Schedule{Origin: last - 1, Length: 1}}.End()
	if err != nil || end.Unix() != last {
		t.Errorf("the last epoch ends at %v, %v", end, err)
	}
}
