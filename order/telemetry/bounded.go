package telemetry

import (
	"errors"
	"fmt"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// ErrLabel reports a metric that is not exported, because one of its labels could
// name somebody, or can have any number of values.
var ErrLabel = errors.New("metric with a label that is not allowed")

// allowed are the labels that may be exported, with the values of those that are not
// words.
var allowed = map[string]func(string) bool{
	"kind":     word,
	"reason":   word,
	"result":   word,
	"what":     word,
	"state":    word,
	"quantile": func(s string) bool { return slices.Contains([]string{"0", "0.25", "0.5", "0.75", "1"}, s) }, // of the Go runtime's pauses
	"version":  func(s string) bool { return len(s) <= maxWord },                                             // of Go
}

// Bounded returns a gatherer that leaves out every metric family in which a label is
// none of a few, has a value that is no word, or makes more than 4,096 series. Its
// error then wraps [ErrLabel] and names the family, never the value.
func Bounded(g prometheus.Gatherer) prometheus.Gatherer {
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		all, err := g.Gather()
		errs := []error{err}
		fit := slices.DeleteFunc(all, func(f *dto.MetricFamily) bool {
			err := check(f)
			errs = append(errs, err)
			return err != nil
		})
		return fit, errors.Join(errs...)
	})
}

// maxSeries is how many series a metric can have: those of two labels.
const maxSeries = maxWords * maxWords

func check(f *dto.MetricFamily) error {
	if n := len(f.GetMetric()); n > maxSeries {
		return fmt.Errorf("%w: %s has %d series, expected at most %d", ErrLabel, f.GetName(), n, maxSeries)
	}
	for _, m := range f.GetMetric() {
		for _, l := range m.GetLabel() {
			fits := allowed[l.GetName()]
			if fits == nil {
				return fmt.Errorf("%w: %s has the label %.40q", ErrLabel, f.GetName(), l.GetName())
			}
			if !fits(l.GetValue()) {
				return fmt.Errorf("%w: %s has a value of the label %s that is no word", ErrLabel, f.GetName(), l.GetName())
			}
		}
	}
	return nil
}
