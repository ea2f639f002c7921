package ordergrpc

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/order"
)

// ahead is how many frames are received before they are asked for. Beyond it, flow
// control holds the sender.
const ahead = 16

// call is either end of the method's two streams of messages.
type call interface {
	SendMsg(m any) error
	RecvMsg(m any) error
}

// stream is what both ends have in common. A goroutine of its own receives, since
// nothing but the end of the call interrupts that.
type stream struct {
	call     call
	received chan []byte
	// err is why receiving ended; it is set before received is closed.
	err    error
	closed chan struct{}
	once   sync.Once
	// writing is held while sending.
	writing sync.Mutex
}

func newStream(c call) *stream {
	s := &stream{call: c, received: make(chan []byte, ahead), closed: make(chan struct{})}
	go s.receive()
	return s
}

// receive receives until the call ends. What comes after close is dropped.
func (s *stream) receive() {
	defer close(s.received)
	for {
		var m message
		if s.err = s.call.RecvMsg(&m); s.err != nil {
			return
		}
		select {
		case s.received <- m.b:
		case <-s.closed:
		}
	}
}

// close makes reading and writing fail from now on.
func (s *stream) close() { s.once.Do(func() { close(s.closed) }) }

// next returns the next frame. Unless wait is set, it returns nil when none has
// come.
func (s *stream) next(wait bool) ([]byte, error) {
	if !wait {
		select {
		case b, ok := <-s.received:
			return s.taken(b, ok)
		default:
			return nil, nil
		}
	}
	select {
	case b, ok := <-s.received:
		return s.taken(b, ok)
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

func (s *stream) taken(b []byte, ok bool) ([]byte, error) {
	if ok {
		if b == nil {
			b = []byte{} // an empty frame is one, though not a valid one
		}
		return b, nil
	}
	return nil, readError(s.err)
}

// readError translates gRPC's way to say that a message is too long.
func readError(err error) error {
	if status.Code(err) == codes.ResourceExhausted {
		return &zkkex.ParseError{Format: "frame", Err: fmt.Errorf("expected at most %d bytes: %w", order.MaxFrame, err)}
	}
	return err
}

// write sends frames, each as a message.
func write[F any](s *stream, frames []F, encode func([]byte, F) ([]byte, error)) error {
	encoded := make([][]byte, len(frames))
	for i, f := range frames {
		var err error
		if encoded[i], err = encode(nil, f); err != nil {
			return err
		}
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	for _, b := range encoded {
		select {
		case <-s.closed:
			return net.ErrClosed
		default:
		}
		if err := s.call.SendMsg(&message{b}); err != nil {
			return s.writeError(err)
		}
	}
	return nil
}

// writeError says what ended the call, where gRPC only says that it ended.
func (s *stream) writeError(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the call is over: %w", net.ErrClosed)
	}
	return err
}

// read appends the frames that have come to dst, at least one. An error that is met
// after frames is returned by the next call.
func read[F any](s *stream, pending *error, dst []F, parse func([]byte) (F, error)) ([]F, error) {
	if err := *pending; err != nil {
		*pending = lasting(err)
		return dst, err
	}
	n := len(dst)
	for {
		b, err := s.next(len(dst) == n)
		if b == nil && err == nil {
			return dst, nil
		}
		var f F
		if err == nil {
			f, err = parse(b)
		}
		if err == nil {
			dst = append(dst, f)
			continue
		}
		if len(dst) > n {
			*pending = err
			return dst, nil
		}
		*pending = lasting(err)
		return dst, err
	}
}

// lasting returns the error that reading goes on to return: none after a refusal of
// one request.
func lasting(err error) error {
	var refused *order.RequestError
	if errors.As(err, &refused) {
		return nil
	}
	return err
}
