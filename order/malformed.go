package order

import (
	"fmt"
	"strconv"

	"github.com/zkkex/zkkex"
)

func itoa(n int) string { return strconv.Itoa(n) }

func malformed(format, text string, args ...any) error {
	return &zkkex.ParseError{Format: format, Err: fmt.Errorf(text, args...)}
}
