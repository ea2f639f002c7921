package member

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment/enrolclient"
	"github.com/zkkex/zkkex/registry"
	"github.com/zkkex/zkkex/registry/mirror"
)

// ErrOtherRegistry reports that what is at an address is another registry than
// the key says.
var ErrOtherRegistry = errors.New("another registry is there than the key says")

// Recognize asks whether the registry that a key names is at an address: a
// server by a challenge, a folder by its signed checkpoint. It records nothing,
// and is for before [Member.Trust], which believes what it is told.
//
// It returns an error wrapping [ErrOtherRegistry], [zkkex.ErrMalformed], the
// network's or the file's.
func (m *Member) Recognize(ctx context.Context, r Registry) error {
	if err := r.check(); err != nil {
		return err
	}
	if strings.HasPrefix(r.URL, "file:") {
		return m.recognizeFolder(r)
	}
	id, err := r.ID()
	if err != nil {
		return err
	}
	c, err := enrolclient.New(r.URL, m.options.Dial)
	if err != nil {
		return err
	}
	challenge, err := c.Challenge(ctx)
	if err != nil {
		return err
	}
	return sameRegistry(challenge.Registry, id)
}

func (m *Member) recognizeFolder(r Registry) error {
	u, err := url.Parse(r.URL)
	if err != nil || u.Host != "" || u.Path == "" {
		return malformed("registry URL %.80q, expected file:///path/of/the/folder", r.URL)
	}
	path := filepath.Join(filepath.FromSlash(u.Path), "checkpoint")
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("no registry is in the folder: %w", err)
	}
	signed, err := readBounded(path, registry.MaxCheckpoint)
	if err != nil {
		return err
	}
	demands := mirror.Config{VerifierKey: r.VerifierKey, Now: m.options.Now}
	_, err = demands.OpenCheckpoint(signed)
	if errors.Is(err, registry.ErrSignature) {
		return fmt.Errorf("%s: %w: %w", path, ErrOtherRegistry, err)
	}
	return err
}

func sameRegistry(got, want zkkex.RegistryID) error {
	if got != want {
		return fmt.Errorf("%w: the server's challenge is of %v, expected %v", ErrOtherRegistry, got, want)
	}
	return nil
}
