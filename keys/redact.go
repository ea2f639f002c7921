package keys

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted is what every formatter, logger and encoder gets to see of a secret.
const redacted = "keys.Secret(redacted)"

// The methods below have value receivers, so that a copy of a secret is as
// silent as a pointer to it.

// String returns a fixed text that tells nothing about the secret.
func (s Secret) String() string { return redacted }

// GoString returns a fixed text that tells nothing about the secret.
func (s Secret) GoString() string { return redacted }

// Format writes a fixed text that tells nothing about the secret, for every
// verb.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue returns a fixed text that tells nothing about the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns a fixed text that tells nothing about the secret: only
// [WriteFile] and [WriteUnencryptedFile] write secrets down.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON returns a fixed text that tells nothing about the secret.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
