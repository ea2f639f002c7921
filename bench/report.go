package bench

import (
	"slices"
	"strings"
	"time"
)

// Format names the JSON form of a report. Fields are added under the same name;
// a changed meaning gets a new one.
const Format = "zkkex/v1 benchmark"

// Report is what was measured.
type Report struct {
	Format  string    `json:"format"`
	Started time.Time `json:"started"`
	Quick   bool      `json:"quick"`
	Machine Machine   `json:"machine"`
	// Targets are the figures with a limit, ratios first.
	Targets []Target `json:"targets"`
	// Counts are exact: they are the same on every machine.
	Counts []Count `json:"counts"`
	// Openings are what opening connections took.
	Openings []Opening `json:"openings"`
	// Latencies are the times from an order to its acknowledgement.
	Latencies []Latency `json:"latencies"`
	// Timings are what operations took.
	Timings []Timing `json:"timings"`
	// PeakMemory is the largest resident set of this process, in bytes, or 0
	// where the system does not tell.
	PeakMemory uint64 `json:"peak_memory_bytes"`
}

// Target is a figure with a limit to keep.
type Target struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	// Unit is "ratio" for the ratio of the medians of CPU times in one run,
	// "ratio of wall time", also where the system does not tell CPU time,
	// "ratio of bytes", "seconds", "bytes", "allocations" or "orders".
	Unit string `json:"unit"`
	// Limit is the largest value that meets the target.
	Limit float64 `json:"limit"`
	Met   bool    `json:"met"`
}

// Count is a size or number.
type Count struct {
	Name  string `json:"name"`
	Value uint64 `json:"value"`
	// Unit is "bytes", "constraints", "wires", "pairs", "equations" or "messages".
	Unit string `json:"unit"`
}

// Opening is what opening one connection took, from dialling to the first answer.
type Opening struct {
	Name string `json:"name"`
	// Opens is the number of connections that were opened.
	Opens int `json:"opens"`
	// Median and P99 are wall times in nanoseconds.
	Median int64 `json:"median_ns"`
	P99    int64 `json:"p99_ns"`
	// Sent and Received are what the client's side carried, in bytes, without
	// what TCP adds; the median, where sizes vary.
	Sent     int64 `json:"sent_bytes"`
	Received int64 `json:"received_bytes"`
}

func (o Opening) bytes() int64 { return o.Sent + o.Received }

// Latency is how long the venue took to acknowledge orders that came at a rate.
type Latency struct {
	Part Part   `json:"part"`
	Name string `json:"name"`
	// Rate is the orders of a second, and Orders how many were entered.
	Rate   int `json:"rate"`
	Orders int `json:"orders"`
	// Wall times in nanoseconds, from when an order was due: the median, what 90, 99
	// and 99.9 of a hundred took at most, and the longest.
	P50  int64 `json:"p50_ns"`
	P90  int64 `json:"p90_ns"`
	P99  int64 `json:"p99_ns"`
	P999 int64 `json:"p99_9_ns"`
	Max  int64 `json:"max_ns"`
}

// Timing is what an operation took.
type Timing struct {
	Part Part   `json:"part"`
	Name string `json:"name"`
	// Members is the size of the registry, where there is one.
	Members int `json:"members,omitempty"`
	// Rounds is the number of samples.
	Rounds int `json:"rounds"`
	// Wall and CPU are in nanoseconds per operation. CPU time is that of all
	// threads, and 0 where the system does not tell.
	Wall Spread `json:"wall_ns"`
	CPU  Spread `json:"cpu_ns"`
	// Allocs and Bytes are what an operation allocates on the heap, the
	// median.
	Allocs int64 `json:"allocs"`
	Bytes  int64 `json:"alloc_bytes"`
}

// Spread is the distribution of samples.
type Spread struct {
	Median int64 `json:"median"`
	Min    int64 `json:"min"`
	P90    int64 `json:"p90"`
}

// Missed returns the targets that are not met.
func (r *Report) Missed() []Target {
	var missed []Target
	for _, t := range r.Targets {
		if !t.Met {
			missed = append(missed, t)
		}
	}
	return missed
}

// wallRatio is the unit of ratios of times that a clock on the wall shows.
const wallRatio = "ratio of wall time"

func (r *Report) target(name string, value float64, unit string, limit float64) {
	r.Targets = append(r.Targets, Target{Name: name, Value: value, Unit: unit, Limit: limit, Met: value <= limit})
}

// ratio adds the target that ours takes at most limit times the CPU time of
// theirs.
func (r *Report) ratio(name string, ours, theirs Timing, limit float64) {
	if theirs.CPU.Median > 0 {
		r.target(name, float64(ours.CPU.Median)/float64(theirs.CPU.Median), "ratio", limit)
		return
	}
	r.target(name, float64(ours.Wall.Median)/float64(theirs.Wall.Median), wallRatio, limit)
}

// ratiosFirst puts the targets that hold on any machine before the others.
func (r *Report) ratiosFirst() {
	rank := func(t Target) int {
		if strings.HasPrefix(t.Unit, "ratio") {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(r.Targets, func(a, b Target) int { return rank(a) - rank(b) })
}

// duration adds the target that an operation takes at most limit, by the
// median.
func (r *Report) duration(name string, t Timing, limit time.Duration) {
	r.target(name, time.Duration(t.Wall.Median).Seconds(), "seconds", limit.Seconds())
}

func (r *Report) count(name string, value int, unit string) {
	r.Counts = append(r.Counts, Count{Name: name, Value: uint64(value), Unit: unit})
}

// add appends timings of a part and returns them.
func (r *Report) add(p Part, members int, timings []Timing) {
	for _, t := range timings {
		t.Part, t.Members = p, members
		r.Timings = append(r.Timings, t)
	}
}
