package handshake

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted is what every formatter, logger and encoder gets to see.
const redacted = "handshake(redacted)"

// silent is embedded where there are secrets. Secrets are also kept behind
// pointers, because formatters do not call methods of unexported fields.
type silent struct{}

// String returns a fixed text that tells nothing about the secrets.
func (silent) String() string { return redacted }

// GoString returns a fixed text that tells nothing about the secrets.
func (silent) GoString() string { return redacted }

// Format writes a fixed text that tells nothing about the secrets, for every
// verb.
func (silent) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue returns a fixed text that tells nothing about the secrets.
func (silent) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns a fixed text that tells nothing about the secrets.
func (silent) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns a fixed text that tells nothing about the secrets.
func (silent) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
