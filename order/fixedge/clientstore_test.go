package fixedge

import (
	"sync"

	"github.com/quickfixgo/quickfix"
)

// clientStore is a client's store for the goroutine that sends and the one that
// resends: quickfix's own in memory has no lock.
type clientStore struct {
	quickfix.MessageStore
	mu sync.Mutex
}

func (s *clientStore) SaveMessage(number int, message []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.MessageStore.SaveMessage(number, message)
}

func (s *clientStore) SaveMessageAndIncrNextSenderMsgSeqNum(number int, message []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.MessageStore.SaveMessageAndIncrNextSenderMsgSeqNum(number, message)
}

func (s *clientStore) GetMessages(first, last int) ([][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.MessageStore.GetMessages(first, last)
}

func (s *clientStore) IterateMessages(first, last int, f func([]byte) error) error {
	all, err := s.GetMessages(first, last)
	if err != nil {
		return err
	}
	for _, m := range all {
		if err := f(m); err != nil {
			return err
		}
	}
	return nil
}
