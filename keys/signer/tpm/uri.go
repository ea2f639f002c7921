package tpm

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/zkkex/zkkex"
)

const (
	defaultDevice = "/dev/tpmrm0"
	// Persistent handles (TPM 2.0 Library, part 2, section 7.4).
	firstPersistent = 0x81000000
	lastPersistent  = 0x81ffffff
	maxValue        = 1024
)

// uri is a parsed URI.
type uri struct {
	handle    uint32
	device    string // an absolute path, or tcp: and an address
	pinSource string // an absolute path, or ""
	noAuth    bool
}

// parseURI reads what stands after "tpm:". It returns an error wrapping
// [zkkex.ErrMalformed].
func parseURI(rest string) (*uri, error) {
	u, err := readURI(rest)
	if err != nil {
		return nil, &zkkex.ParseError{Format: "tpm URI", Err: err}
	}
	return u, nil
}

func readURI(rest string) (*uri, error) {
	number, query, found := strings.Cut(rest, "?")
	digits, hexadecimal := strings.CutPrefix(number, "0x")
	handle, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || !hexadecimal || len(digits) != 8 || handle < firstPersistent || handle > lastPersistent {
		return nil, fmt.Errorf("expected the key's persistent handle, 0x%08x to 0x%08x", firstPersistent, lastPersistent)
	}
	u := &uri{handle: uint32(handle), device: defaultDevice}
	if !found {
		return u, nil
	}
	seen := map[string]bool{}
	for _, pair := range strings.Split(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if seen[name] {
			return nil, fmt.Errorf("%.40q is given twice", name)
		}
		seen[name] = true
		if err := u.set(name, value); err != nil {
			return nil, err
		}
	}
	if u.noAuth && u.pinSource != "" {
		return nil, errors.New("auth=none and pin-source: expected one of them")
	}
	return u, nil
}

func (u *uri) set(name, value string) error {
	if len(value) > maxValue || strings.ContainsAny(value, "%?#= ") {
		return fmt.Errorf("%.40q: expected at most %d bytes without %%, ?, #, = or a space", name, maxValue)
	}
	switch name {
	case "device":
		u.device = value
		return checkDevice(value)
	case "pin-source":
		u.pinSource = value
		if !absolute(value) {
			return errors.New("pin-source: expected an absolute path without . or .. in it")
		}
		return nil
	case "auth":
		u.noAuth = true
		if value != "none" {
			return errors.New("auth: expected none, for a key without authorisation value; a PIN is asked for, or read from the file pin-source")
		}
		return nil
	default:
		return fmt.Errorf("unknown attribute %.40q, expected device, pin-source or auth", name)
	}
}

func checkDevice(device string) error {
	address, tcp := strings.CutPrefix(device, "tcp:")
	if !tcp && !absolute(device) {
		return errors.New("device: expected an absolute path, such as /dev/tpmrm0, or tcp:HOST:PORT")
	}
	if !tcp {
		return nil
	}
	host, port, err := net.SplitHostPort(address)
	if n, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil || n == 0 || host == "" || strconv.FormatUint(n, 10) != port || net.JoinHostPort(host, port) != address {
		return errors.New("device: expected tcp:HOST:PORT")
	}
	return nil
}

func absolute(path string) bool { return filepath.IsAbs(path) && filepath.Clean(path) == path }

// String returns the URI, with its scheme, in one form.
func (u *uri) String() string {
	s := fmt.Sprintf("tpm:0x%08x?device=%s", u.handle, u.device)
	if u.pinSource != "" {
		s += "&pin-source=" + u.pinSource
	}
	if u.noAuth {
		s += "&auth=none"
	}
	return s
}
