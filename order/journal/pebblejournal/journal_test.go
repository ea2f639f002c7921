package pebblejournal_test

import (
	"testing"

	"github.com/zkkex/zkkex/order/journal"
	"github.com/zkkex/zkkex/order/journal/journaltest"
	"github.com/zkkex/zkkex/order/journal/pebblejournal"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestConformance(t *testing.T) {
	journaltest.Run(t, func(t *testing.T) journaltest.Opener {
		path := t.TempDir()
		must(t, pebblejournal.Init(path))
		return func() (journal.Store, error) { return pebblejournal.Open(path) }
	}, journaltest.Durable)
}
