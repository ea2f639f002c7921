package record

import "fmt"

// maxExport is the longest exported key, in bytes: 255 HMACs (RFC 5869).
const maxExport = 255 * 32

// Export returns a key of length bytes, at most 8,160, for another use, named by
// a label and a context (as RFC 8446, section 7.5). Both peers get the same key
// at any time, bound to the transcript of the handshake; no other label, context,
// length or channel gives it, and it says nothing about the channel's keys.
// Ratchets do not change it, so it has the secrecy of the first generation, and
// only until [Session.Wipe]. It returns an error wrapping [ErrLength] or
// [ErrWiped].
func (s *Session) Export(label string, context []byte, length int) ([]byte, error) {
	if label == "" {
		return nil, fmt.Errorf("record: exporting: %w: a label has at least 1 byte", ErrLength)
	}
	if length < 1 || length > maxExport {
		return nil, fmt.Errorf("record: exporting: %w: a key has 1 to %d bytes, got %d", ErrLength, maxExport, length)
	}
	s.send.mu.Lock()
	defer s.send.mu.Unlock()
	if s.wiped {
		return nil, fmt.Errorf("record: exporting: %w", ErrWiped)
	}
	return s.exporter.export(label, context, length), nil
}
