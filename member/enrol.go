package member

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/enrolment"
	"github.com/zkkex/zkkex/internal/atomicfile"
)

// EnrolOffline answers a registrar's challenge, which came by any way, with a
// request that can go back by any way: both are public. The challenge must be
// of a registry that the member trusts; otherwise it returns an error wrapping
// [ErrNoRegistry]. The request is kept, so that the status can say that an
// enrolment is pending.
func (m *Member) EnrolOffline(c enrolment.Challenge) (*enrolment.Request, error) {
	if _, err := m.Mirror(c.Registry); err != nil {
		return nil, err
	}
	s, err := m.open()
	if err != nil {
		return nil, err
	}
	r, err := enrolment.New(s, c)
	if err != nil {
		return nil, err
	}
	return r, m.keep(r)
}

// keep records a request before it is sent.
func (m *Member) keep(r enrolment.Application) error {
	if err := os.MkdirAll(filepath.Join(m.dir, enrolmentsName), 0o700); err != nil {
		return err
	}
	text, err := r.MarshalText()
	if err != nil {
		return fmt.Errorf("recording the request: %w", err)
	}
	return atomicfile.Write(m.requestPath(r.Answers().Registry), text, 0o600)
}

// admitted forgets a request that was seen to be admitted; of a device's, it
// remembers what was delegated.
func (m *Member) admitted(id zkkex.RegistryID) error {
	r, err := m.request(id)
	if err != nil {
		return err
	}
	if device, ok := r.(*enrolment.DeviceRequest); ok && device.Delegation != nil {
		if err := m.keepDelegation(id, device); err != nil {
			return err
		}
	}
	return m.forgetRequest(id)
}

// forgetRequest removes the record of a request that was answered.
func (m *Member) forgetRequest(id zkkex.RegistryID) error {
	err := os.Remove(m.requestPath(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// request returns the last request to a registry that was not seen to be
// admitted, or nil.
func (m *Member) request(id zkkex.RegistryID) (enrolment.Application, error) {
	text, err := readBounded(m.requestPath(id), enrolment.MaxRequestText)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return enrolment.Parse(text)
}

func (m *Member) requestPath(id zkkex.RegistryID) string {
	return filepath.Join(m.dir, enrolmentsName, hex.EncodeToString(id[:]))
}
