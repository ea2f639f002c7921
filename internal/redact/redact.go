// Package redact keeps what holds secrets out of formatters, loggers and encoders.
package redact

import (
	"fmt"
	"io"
	"log/slog"
)

// Text is what they get to see.
const Text = "secret(redacted)"

// Silent is embedded where there are secrets. Secrets are also kept behind
// pointers or functions, because formatters do not call methods of unexported
// fields.
type Silent struct{}

// String returns a fixed text that tells nothing about the secrets.
func (Silent) String() string { return Text }

// GoString returns a fixed text that tells nothing about the secrets.
func (Silent) GoString() string { return Text }

// Format writes a fixed text that tells nothing about the secrets, for every
// verb.
func (Silent) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Text) }

// LogValue returns a fixed text that tells nothing about the secrets.
func (Silent) LogValue() slog.Value { return slog.StringValue(Text) }

// MarshalText returns a fixed text that tells nothing about the secrets.
func (Silent) MarshalText() ([]byte, error) { return []byte(Text), nil }

// MarshalJSON returns a fixed text that tells nothing about the secrets.
func (Silent) MarshalJSON() ([]byte, error) { return []byte(`"` + Text + `"`), nil }
