package descriptor

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Address is a place where a venue takes first messages.
type Address struct {
	// Network says how: "tcp" for a connection, "http" or "https" for a mailbox
	// that messages are posted to.
	Network string
	// Place is "host:port", and for a mailbox possibly a path after it.
	Place string
}

// String returns network and place with a space between them.
func (a Address) String() string { return a.Network + " " + a.Place }

// maxAddress bounds an address's place, in bytes.
const maxAddress = 512

func (a Address) check() error {
	place := a.Place
	switch a.Network {
	case "tcp":
	case "http", "https":
		host, path, _ := strings.Cut(place, "/")
		if err := checkPath(path); err != nil {
			return err
		}
		place = host
	default:
		return malformed(descriptorFormat, "address with the network %.20q, expected tcp, http or https", a.Network)
	}
	if len(a.Place) > maxAddress {
		return malformed(descriptorFormat, "address of %d bytes, expected at most %d", len(a.Place), maxAddress)
	}
	host, port, err := net.SplitHostPort(place)
	if err != nil || net.JoinHostPort(host, port) != place {
		return malformed(descriptorFormat, "address %q, expected host:port", a.Place)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
		return malformed(descriptorFormat, "address %q, expected a port from 1 to 65535", a.Place)
	}
	return checkHost(host)
}

// checkHost accepts an IP address in its canonical form, or a name of letters
// in lower case, digits, hyphens and dots.
func checkHost(host string) error {
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Zone() != "" || ip.String() != host {
			return malformed(descriptorFormat, "IP address %q, expected the form %s", host, ip.WithZone(""))
		}
		return nil
	}
	if host == "" || strings.ToLower(host) != host {
		return malformed(descriptorFormat, "host %q, expected a name in lower case or an IP address", host)
	}
	for _, c := range []byte(host) {
		if !alphanumeric(c) && c != '-' && c != '.' {
			return malformed(descriptorFormat, "host %q, expected letters, digits, hyphens and dots", host)
		}
	}
	return nil
}

// checkPath accepts what needs no escaping.
func checkPath(path string) error {
	for _, c := range []byte(path) {
		if !alphanumeric(c) && !strings.ContainsRune("-._~/", rune(c)) {
			return malformed(descriptorFormat, "path %q of an address, expected letters, digits and -._~/ alone", path)
		}
	}
	return nil
}
