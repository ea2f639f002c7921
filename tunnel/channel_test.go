package tunnel_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"
)

// channel stands for a real one: its end is a frame of its own, so that a lost
// network is no end of file. It seals nothing.
type channel struct {
	raw *net.TCPConn
	r   *bufio.Reader

	left  int // of the frame being read
	ended bool

	writing    sync.Mutex
	wroteEnd   bool
	writeError error
}

func newChannel(raw net.Conn) *channel {
	return &channel{raw: raw.(*net.TCPConn), r: bufio.NewReader(raw)}
}

func (c *channel) Read(b []byte) (int, error) {
	if c.ended {
		return 0, io.EOF
	}
	if c.left == 0 {
		header, err := c.r.Peek(2)
		if err != nil {
			return 0, truncated(err)
		}
		c.left = int(binary.BigEndian.Uint16(header))
		_, _ = c.r.Discard(2) // just peeked at
		if c.left == 0 {
			c.ended = true
			return 0, io.EOF
		}
	}
	n, err := c.r.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, truncated(err)
}

func truncated(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (c *channel) Write(b []byte) (n int, err error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	for len(b) > 0 {
		part := b[:min(len(b), 16<<10)]
		frame := binary.BigEndian.AppendUint16(nil, uint16(len(part)))
		if _, err := c.raw.Write(append(frame, part...)); err != nil {
			return n, err
		}
		n, b = n+len(part), b[len(part):]
	}
	return n, nil
}

func (c *channel) CloseWrite() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.wroteEnd {
		return c.writeError
	}
	c.wroteEnd = true
	_, c.writeError = c.raw.Write([]byte{0, 0})
	return c.writeError
}

func (c *channel) Abort() error {
	_ = c.raw.SetLinger(0)
	return c.raw.Close()
}

func (c *channel) Close() error {
	_ = c.CloseWrite()
	return c.raw.Close()
}

func (c *channel) LocalAddr() net.Addr                { return c.raw.LocalAddr() }
func (c *channel) RemoteAddr() net.Addr               { return c.raw.RemoteAddr() }
func (c *channel) SetDeadline(t time.Time) error      { return c.raw.SetDeadline(t) }
func (c *channel) SetReadDeadline(t time.Time) error  { return c.raw.SetReadDeadline(t) }
func (c *channel) SetWriteDeadline(t time.Time) error { return c.raw.SetWriteDeadline(t) }

// channelListener accepts channels.
type channelListener struct{ net.Listener }

func (l channelListener) Accept() (net.Conn, error) {
	raw, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newChannel(raw), nil
}
