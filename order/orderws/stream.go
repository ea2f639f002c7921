package orderws

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/coder/websocket"

	"github.com/zkkex/zkkex"
	"github.com/zkkex/zkkex/order"
)

// stream is what both ends have in common.
type stream struct {
	ctx  context.Context
	conn *websocket.Conn
	// err is an error after which nothing is read any more.
	err error
}

func newStream(ctx context.Context, conn *websocket.Conn) *stream {
	conn.SetReadLimit(order.MaxFrame)
	return &stream{ctx: ctx, conn: conn}
}

// read appends the next frame to dst.
func read[F any](s *stream, dst []F, parse func([]byte) (F, error)) ([]F, error) {
	if s.err != nil {
		return dst, s.err
	}
	kind, b, err := s.conn.Read(s.ctx)
	if err != nil {
		s.err = readError(err)
		return dst, s.err
	}
	if kind != websocket.MessageText {
		s.err = &zkkex.ParseError{Format: "frame", Err: errors.New("expected a text message, got a binary one")}
		return dst, s.err
	}
	f, err := parse(b)
	if err != nil {
		s.err = lasting(err)
		return dst, err
	}
	return append(dst, f), nil
}

// readError tells an end in good order from others: a peer that closes says so.
func readError(err error) error {
	switch websocket.CloseStatus(err) {
	case websocket.StatusNormalClosure, websocket.StatusGoingAway, websocket.StatusNoStatusRcvd:
		return io.EOF
	}
	switch {
	case errors.Is(err, websocket.ErrMessageTooBig):
		return &zkkex.ParseError{Format: "frame", Err: fmt.Errorf("expected at most %d bytes: %w", order.MaxFrame, err)}
	case errors.Is(err, io.EOF), errors.Is(err, context.Canceled): // HTTP's end may be noticed first
		return fmt.Errorf("%w: the connection ended without a close", io.ErrUnexpectedEOF)
	}
	return err
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

// write writes frames, each as a message.
func write[F any](s *stream, frames []F, encode func([]byte, F) ([]byte, error)) error {
	encoded := make([][]byte, len(frames))
	for i, f := range frames {
		var err error
		if encoded[i], err = encode(nil, f); err != nil {
			return err
		}
		if len(encoded[i]) > order.MaxFrame {
			return fmt.Errorf("a frame has %d bytes, expected at most %d", len(encoded[i]), order.MaxFrame)
		}
	}
	for _, b := range encoded {
		if err := s.conn.Write(s.ctx, websocket.MessageText, b); err != nil {
			return err
		}
	}
	return nil
}

// Close does the closing handshake, after what was written. It gives up on a peer
// that does not answer within seconds.
func (s *stream) Close() error {
	return s.conn.Close(websocket.StatusNormalClosure, "")
}
