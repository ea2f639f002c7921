package tpm

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"

	"github.com/google/go-tpm/tpmutil"
)

// A response has a tag, a length and a code; the largest is that of the PC Client
// Platform TPM Profile.
const (
	headerSize  = 10
	maxResponse = 4096
)

// errResponse reports a response that is none.
var errResponse = errors.New("the TPM answers with something that is no response")

// line is a connection to a TPM.
type line interface {
	// Send sends a command and returns the response.
	Send(command []byte) ([]byte, error)
	Close() error
}

// dial connects to the device. When ctx ends, a socket is closed; a character device
// cannot be interrupted.
func dial(ctx context.Context, device string) (line, error) {
	network, address := "unix", device
	if a, tcp := strings.CutPrefix(device, "tcp:"); tcp {
		network, address = "tcp", a
	} else {
		info, err := os.Stat(device)
		if err != nil {
			return nil, err
		}
		switch info.Mode().Type() {
		case fs.ModeDevice | fs.ModeCharDevice:
			return openDevice(device)
		case fs.ModeSocket:
		default:
			return nil, fmt.Errorf("%s is neither a character device nor a socket", device)
		}
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &socket{conn, context.AfterFunc(ctx, func() { _ = conn.Close() })}, nil
}

// file is a character device.
type file struct{ *os.File }

func openDevice(path string) (line, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%w: add the user to the group of the file, often tss", err)
	}
	if err != nil {
		return nil, err
	}
	return file{f}, nil
}

// Send sends a command.
func (f file) Send(command []byte) ([]byte, error) { return tpmutil.RunCommandRaw(f.File, command) }

// socket is a stream of commands and responses.
type socket struct {
	net.Conn
	stop func() bool
}

// Send sends a command.
func (s *socket) Send(command []byte) ([]byte, error) {
	if _, err := s.Write(command); err != nil {
		return nil, err
	}
	response := make([]byte, headerSize)
	if _, err := io.ReadFull(s, response); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(response[2:])
	if size < headerSize || size > maxResponse {
		return nil, fmt.Errorf("%w: it says that it has %d bytes, expected %d to %d", errResponse, size, headerSize, maxResponse)
	}
	response = append(response, make([]byte, size-headerSize)...)
	if _, err := io.ReadFull(s, response[headerSize:]); err != nil {
		return nil, err
	}
	return response, nil
}

// Close ends the connection.
func (s *socket) Close() error {
	s.stop()
	return s.Conn.Close()
}
