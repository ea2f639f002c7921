package fixedge

import (
	"sync"
	"time"

	"github.com/quickfixgo/quickfix"
)

// clientStore is a client's store for the goroutine that sends and the one that
// resends, and the numbers they share: quickfix's own in memory has no lock.
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

func (s *clientStore) NextSenderMsgSeqNum() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.MessageStore.NextSenderMsgSeqNum()
}

func (s *clientStore) NextTargetMsgSeqNum() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.MessageStore.NextTargetMsgSeqNum()
}

func (s *clientStore) IncrNextSenderMsgSeqNum() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.MessageStore.IncrNextSenderMsgSeqNum()
}

func (s *clientStore) IncrNextTargetMsgSeqNum() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.MessageStore.IncrNextTargetMsgSeqNum()
}

func (s *clientStore) Refresh() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.MessageStore.Refresh()
}

func (s *clientStore) Reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.MessageStore.Reset()
}

func (s *clientStore) SetNextSenderMsgSeqNum(next int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.MessageStore.SetNextSenderMsgSeqNum(next)
}

func (s *clientStore) SetNextTargetMsgSeqNum(next int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.MessageStore.SetNextTargetMsgSeqNum(next)
}

func (s *clientStore) CreationTime() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.MessageStore.CreationTime()
}

func (s *clientStore) SetCreationTime(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.MessageStore.SetCreationTime(t)
}
