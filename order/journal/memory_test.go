package journal_test

import (
	"testing"

	"github.com/zkkex/zkkex/order/journal"
	"github.com/zkkex/zkkex/order/journal/journaltest"
)

func TestMemory(t *testing.T) {
	journaltest.Run(t, func(*testing.T) journaltest.Opener {
		return func() (journal.Store, error) { return journal.NewMemory(), nil }
	})
}
