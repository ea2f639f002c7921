package telemetry

import "sync"

const (
	// maxWord is the longest value of a label, in bytes.
	maxWord = 32
	// maxWords is how many values a label can have.
	maxWords = 64
	// other is the value that stands for all that is none.
	other = "other"
)

// word reports whether a string can be a label's value: letters, - and _. What
// names somebody or something, in hexadecimal or base64 or as an address, has
// digits or is longer.
func word(s string) bool {
	if s == "" || len(s) > maxWord {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// words bounds the values of a label: the first [maxWords] words, and [other] for
// everything else.
type words struct {
	mu   sync.RWMutex
	seen map[string]struct{}
}

func (w *words) bound(s string) string {
	w.mu.RLock()
	_, known := w.seen[s]
	w.mu.RUnlock()
	if known {
		return s
	}
	if !word(s) {
		return other
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.seen[s]; !known && len(w.seen) >= maxWords {
		return other
	}
	if w.seen == nil {
		w.seen = make(map[string]struct{})
	}
	w.seen[s] = struct{}{}
	return s
}

// kinds are the kinds of requests, as a gateway names them.
var kinds = map[string]struct{}{
	"NewOrderSingle":            {},
	"OrderCancelRequest":        {},
	"OrderCancelReplaceRequest": {},
	"OrderMassCancelRequest":    {},
	"OrderStatusRequest":        {},
	"OrderMassStatusRequest":    {},
	"Quote":                     {},
	"QuoteCancel":               {},
	"QuoteRequest":              {},
	"QuoteResponse":             {},
}

func kindOf(s string) string {
	if _, known := kinds[s]; known {
		return s
	}
	return other
}
