package cli

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
)

// lineHandler prints a server's log by the rules of output: what goes wrong as
// warnings, the rest as notes.
type lineHandler struct {
	app   *app
	attrs []slog.Attr
}

// Enabled implements [slog.Handler].
func (h *lineHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

// Handle implements [slog.Handler].
func (h *lineHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	add := func(a slog.Attr) bool {
		fmt.Fprintf(&b, ", %s %v", a.Key, a.Value)
		return true
	}
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	if r.Level >= slog.LevelWarn {
		h.app.warnf("%s", b.String())
	} else {
		h.app.notef("%s", b.String())
	}
	return nil
}

// WithAttrs implements [slog.Handler].
func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &lineHandler{app: h.app, attrs: append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)}
}

// WithGroup implements [slog.Handler]. Groups are not shown.
func (h *lineHandler) WithGroup(string) slog.Handler { return h }

// logger returns the log of a server.
func (a *app) logger() *slog.Logger { return slog.New(&lineHandler{app: a}) }
