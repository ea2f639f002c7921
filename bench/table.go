package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// WriteTable writes the report as text, ratios first. It returns the error of
// w.
func (r *Report) WriteTable(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	r.writeMachine(out)
	r.writeTargets(out)
	r.writeOpenings(out)
	r.writeLatencies(out)
	r.writeTimings(out)
	r.writeCounts(out)
	return out.Flush()
}

func (r *Report) writeMachine(w io.Writer) {
	m := &r.Machine
	cpu := m.CPU
	if cpu == "" {
		cpu = "unknown processor"
	}
	fmt.Fprintf(w, "%s, %d cores (%d used), %s of memory, %s/%s\n", cpu, m.Cores, m.Procs, formatBytes(float64(m.Memory)), m.OS, m.Arch)
	fmt.Fprintf(w, "%s, gnark %s, gnark-crypto %s, %s\n", m.Go, m.Gnark, m.GnarkCrypto, r.Started.Format(time.RFC3339))
	if r.Quick {
		fmt.Fprintln(w, "A quick run: few rounds, rough figures.")
	}
}

func (r *Report) writeTargets(w io.Writer) {
	if len(r.Targets) == 0 {
		return
	}
	fmt.Fprint(w, "\nTarget\tmeasured\tlimit\t\n")
	for _, t := range r.Targets {
		verdict := "met"
		if !t.Met {
			verdict = "MISSED"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", t.Name, formatValue(t.Value, t.Unit), formatValue(t.Limit, t.Unit), verdict)
	}
}

func (r *Report) writeOpenings(w io.Writer) {
	if len(r.Openings) > 0 {
		fmt.Fprint(w, "\nUntil the first answer\tmedian\tp99\tsent\treceived\topens\n")
	}
	for _, o := range r.Openings {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\n", o.Name, formatTime(o.Median), formatTime(o.P99),
			formatBytes(float64(o.Sent)), formatBytes(float64(o.Received)), o.Opens)
	}
}

func (r *Report) writeLatencies(w io.Writer) {
	if len(r.Latencies) > 0 {
		fmt.Fprint(w, "\nOrder to acknowledgement\tp50\tp90\tp99\tp99.9\tlongest\torders/s\torders\n")
	}
	for _, l := range r.Latencies {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\n", l.Name, formatTime(l.P50), formatTime(l.P90),
			formatTime(l.P99), formatTime(l.P999), formatTime(l.Max), l.Rate, l.Orders)
	}
}

func (r *Report) writeTimings(w io.Writer) {
	part := Part("")
	for _, t := range r.Timings {
		if t.Part != part {
			part = t.Part
			fmt.Fprintf(w, "\n%s\twall\tfastest\tp90\tCPU\tallocations\tbytes\trounds\n", part)
		}
		name := t.Name
		if t.Members > 0 {
			name = fmt.Sprintf("%s, %d members", t.Name, t.Members)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\n", name, formatTime(t.Wall.Median), formatTime(t.Wall.Min),
			formatTime(t.Wall.P90), formatTime(t.CPU.Median), formatCount(t.Allocs), formatBytes(float64(t.Bytes)), t.Rounds)
	}
}

func (r *Report) writeCounts(w io.Writer) {
	if len(r.Counts) > 0 {
		fmt.Fprint(w, "\nSize\t\n")
	}
	for _, c := range r.Counts {
		fmt.Fprintf(w, "%s\t%d %s\n", c.Name, c.Value, c.Unit)
	}
	if r.PeakMemory > 0 {
		fmt.Fprintf(w, "peak memory of this run\t%s\n", formatBytes(float64(r.PeakMemory)))
	}
}

func formatValue(v float64, unit string) string {
	switch unit {
	case "seconds":
		return formatTime(int64(v * float64(time.Second)))
	case "bytes":
		return formatBytes(v)
	case "allocations", "orders":
		return fmt.Sprintf("%.0f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// formatTime writes nanoseconds with three digits. 0 is what the system does
// not tell.
func formatTime(ns int64) string {
	switch d := time.Duration(ns); {
	case ns == 0:
		return "-"
	case d < time.Microsecond:
		return fmt.Sprintf("%d ns", ns)
	case d < time.Millisecond:
		return fmt.Sprintf("%.3g us", float64(ns)/1e3)
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", float64(ns)/1e6)
	default:
		return fmt.Sprintf("%.3g s", float64(ns)/1e9)
	}
}

func formatBytes(v float64) string {
	switch {
	case v == 0:
		return "-"
	case v < 1<<10:
		return fmt.Sprintf("%.3g B", v)
	case v < 1<<20:
		return fmt.Sprintf("%.3g KiB", v/(1<<10))
	case v < 1<<30:
		return fmt.Sprintf("%.3g MiB", v/(1<<20))
	default:
		return fmt.Sprintf("%.3g GiB", v/(1<<30))
	}
}

func formatCount(n int64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}
