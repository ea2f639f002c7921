package handshake

// recent is a map of bounded size that forgets the older half of its keys when it
// is full. It is not safe for concurrent use.
type recent[K comparable, V any] struct {
	half         int // how many keys one half has
	young, older map[K]V
}

func newRecent[K comparable, V any](capacity int) *recent[K, V] {
	return &recent[K, V]{half: max(capacity/2, 1), young: make(map[K]V)}
}

func (r *recent[K, V]) get(k K) (V, bool) {
	if v, ok := r.young[k]; ok {
		return v, true
	}
	v, ok := r.older[k]
	return v, ok
}

// put stores v among the younger.
func (r *recent[K, V]) put(k K, v V) {
	if _, there := r.young[k]; !there && len(r.young) >= r.half {
		r.young, r.older = make(map[K]V), r.young
	}
	r.young[k] = v
}

func (r *recent[K, V]) len() int { return len(r.young) + len(r.older) }
