package handshake

import "fmt"

// Kind is what message 1 asks for.
type Kind uint8

const (
	// Open opens a channel with a certificate that the venue has admitted.
	Open Kind = 1
	// Admit has a certificate admitted. It opens no channel.
	Admit Kind = 2
	// Inline opens a channel with a certificate that comes along.
	Inline Kind = 3
)

// String returns "open", "admit" or "inline".
func (k Kind) String() string {
	switch k {
	case Open:
		return "open"
	case Admit:
		return "admit"
	case Inline:
		return "inline"
	default:
		return fmt.Sprintf("kind-%d", uint8(k))
	}
}

// certificate reports whether a certificate comes along.
func (k Kind) certificate() bool { return k == Admit || k == Inline }

// opens reports whether a channel is opened.
func (k Kind) opens() bool { return k == Open || k == Inline }

func (k Kind) valid() bool { return k >= Open && k <= Inline }
