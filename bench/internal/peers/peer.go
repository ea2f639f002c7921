package peers

import (
	"errors"
	"fmt"
	"io"
	"net"
)

// Peer is one protocol, with the keys of both of its sides. It is safe for
// concurrent use.
type Peer interface {
	// Serve shakes hands as the responder, and answers until the peer closes,
	// which is no error. It does not close conn.
	Serve(conn net.Conn) error
	// Open shakes hands as the initiator, sends one byte, and returns once the
	// answer is there. It does not close conn.
	Open(conn net.Conn) error
}

// ErrAnswer reports an answer that is not the byte that was sent.
var ErrAnswer = errors.New("the answer is not what was sent")

// question is what a client asks.
const question = 0x2a

// Ask sends one byte and waits for its answer. It returns an error wrapping
// [ErrAnswer] if that is another one.
func Ask(rw io.ReadWriter) error {
	if _, err := rw.Write([]byte{question}); err != nil {
		return err
	}
	var answer [1]byte
	if _, err := io.ReadFull(rw, answer[:]); err != nil {
		return err
	}
	return check(answer[:])
}

func check(answer []byte) error {
	if len(answer) != 1 || answer[0] != question {
		return fmt.Errorf("%w: got %x, expected %x", ErrAnswer, answer, question)
	}
	return nil
}

// Answer sends every byte back until the peer closes.
func Answer(rw io.ReadWriter) error {
	var b [1]byte
	for {
		switch _, err := rw.Read(b[:]); {
		case ended(err):
			return nil
		case err != nil:
			return err
		}
		if _, err := rw.Write(b[:]); err != nil {
			return err
		}
	}
}

// ended reports whether the peer has hung up. How politely is not compared.
func ended(err error) bool {
	var broken *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &broken)
}
