//go:build !unix

package slots

import "os"

// placeOf tells nothing, so that every place is the same.
func placeOf(*os.File) (place, error) { return place{}, nil }
