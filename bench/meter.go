package bench

import (
	"context"
	"runtime"
	"slices"
	"time"
)

// sample is what one operation took. CPU time is that of the whole process, all
// threads and the garbage collector included; it is 0 where the system does not
// tell.
type sample struct {
	wall, cpu     time.Duration
	allocs, bytes uint64
}

// task is an operation to be measured.
type task struct {
	name string
	// batch is how many times a sample runs the operation, 1 if it is 0:
	// several for operations shorter than the clocks can tell.
	batch int
	// each is how many operations one run does, 1 if it is 0.
	each int
	// before runs in front of every sample, unmeasured. It may be nil.
	before func() error
	run    func() error
	// usage, if set, is of another process, whose CPU time and allocations are
	// measured instead of this one's.
	usage func() (usage, error)
}

// measure returns the mean over the task's operations. The heap is collected first,
// so that no task pays for another's garbage.
func (t *task) measure() (sample, error) {
	if t.before != nil {
		if err := t.before(); err != nil {
			return sample{}, err
		}
	}
	batch, n := max(t.batch, 1), max(t.batch, 1)*max(t.each, 1)
	used := t.usage
	if used == nil {
		used = func() (usage, error) { return measureUsage(), nil }
	}
	runtime.GC()
	before, err := used()
	if err != nil {
		return sample{}, err
	}
	start := time.Now()
	for range batch {
		if err := t.run(); err != nil {
			return sample{}, err
		}
	}
	wall := time.Since(start)
	after, err := used()
	if err != nil {
		return sample{}, err
	}
	return sample{
		wall:   wall / time.Duration(n),
		cpu:    (after.CPU - before.CPU) / time.Duration(n),
		allocs: (after.Allocs - before.Allocs) / uint64(n),
		bytes:  (after.Bytes - before.Bytes) / uint64(n),
	}, nil
}

// usage is what a process has used so far: CPU time, and what it has allocated.
type usage struct {
	CPU    time.Duration `json:"cpu_ns"`
	Allocs uint64        `json:"allocs"`
	Bytes  uint64        `json:"bytes"`
}

func measureUsage() usage {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return usage{cpuTime(), stats.Mallocs, stats.TotalAlloc}
}

// interleave measures tasks side by side: each runs once unmeasured, to warm
// up, then every round runs all of them, in one direction and the next time in
// the other, so that neither the machine's mood nor the order favours one.
func interleave(ctx context.Context, rounds int, tasks ...task) ([]Timing, error) {
	samples := make([][]sample, len(tasks))
	for round := range rounds + 1 {
		for i := range tasks {
			if round%2 == 1 {
				i = len(tasks) - 1 - i
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			s, err := tasks[i].measure()
			if err != nil {
				return nil, err
			}
			if round > 0 {
				samples[i] = append(samples[i], s)
			}
		}
	}
	timings := make([]Timing, len(tasks))
	for i := range tasks {
		timings[i] = summarise(tasks[i].name, samples[i])
	}
	return timings, nil
}

func summarise(name string, samples []sample) Timing {
	column := func(of func(sample) int64) Spread {
		values := make([]int64, len(samples))
		for i, s := range samples {
			values[i] = of(s)
		}
		return spread(values)
	}
	return Timing{
		Name:   name,
		Rounds: len(samples),
		Wall:   column(func(s sample) int64 { return s.wall.Nanoseconds() }),
		CPU:    column(func(s sample) int64 { return s.cpu.Nanoseconds() }),
		Allocs: column(func(s sample) int64 { return int64(s.allocs) }).Median,
		Bytes:  column(func(s sample) int64 { return int64(s.bytes) }).Median,
	}
}

// spread returns the median, the minimum and the 90th percentile, by the
// nearest rank. There is at least one value.
func spread(values []int64) Spread {
	return Spread{Median: percentile(values, 50), Min: slices.Min(values), P90: percentile(values, 90)}
}

// percentile returns a percentile by the nearest rank. There is at least one value.
func percentile(values []int64, percent int) int64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(percent*len(sorted)+99)/100-1]
}
