// Package race tells tests whether the race detector is built in, which makes them
// some ten times slower. A test that runs on one goroutine, where there is no race to
// be found, then does a share of what it does without it, and not nothing.
package race

// Share returns n without the race detector, and a tenth of n, but at least 1, with it.
func Share(n int) int {
	if Enabled {
		return max(n/10, 1)
	}
	return n
}
