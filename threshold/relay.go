package threshold

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// The protocol of a relay: POST /v1/TOPIC leaves a message, and
// GET /v1/TOPIC/RUN/PLACE returns the one in a place, counted from 0 in a run of the
// relay; it waits a while for one, and answers 204 if none came. A relay that was
// started again answers 410 with its new run in the header, and the reader begins
// again with the run's place 0.
const (
	runHeader  = "Zkkex-Run"
	relayWait  = 20 * time.Second
	waitHeader = "Zkkex-Wait"
	// maxPlace bounds the number of messages of a topic in a run.
	maxPlace = 1 << 30
)

// Relay serves a folder of messages to members over HTTP. It is not trusted: what
// it stores is signed, and sealed where it is secret. It stores nothing but what a
// key of the setup has signed.
type Relay struct {
	setup  *Setup
	folder *Folder
	run    string

	mu      sync.Mutex
	topics  map[string]*relayTopic
	changed chan struct{} // closed with the next message
}

// relayTopic is the order in which the relay found a topic's messages.
type relayTopic struct {
	folder   *Folder
	name     string
	mu       sync.Mutex
	found    []string // names of messages
	follower *folderFollower
}

// NewRelay returns a relay for the members of a setup.
func NewRelay(s *Setup, folder *Folder) *Relay {
	return &Relay{setup: s, folder: folder, run: rand.Text(), topics: make(map[string]*relayTopic), changed: make(chan struct{})}
}

// ServeHTTP answers the relay's two requests.
func (r *Relay) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/{topic}", r.post)
	mux.HandleFunc("GET /v1/{topic}/{run}/{place}", r.get)
	mux.ServeHTTP(w, request)
}

func (r *Relay) post(w http.ResponseWriter, request *http.Request) {
	b, err := io.ReadAll(http.MaxBytesReader(w, request.Body, MaxMessage))
	if err != nil {
		http.Error(w, "expected a message of at most "+strconv.Itoa(MaxMessage)+" bytes", http.StatusRequestEntityTooLarge)
		return
	}
	topic := request.PathValue("topic")
	m, err := r.setup.open(b)
	if err != nil {
		http.Error(w, "expected a message signed by a member", http.StatusForbidden)
		return
	}
	if !r.belongs(m, topic) {
		http.Error(w, "the message does not belong under this topic", http.StatusBadRequest)
		return
	}
	switch err := r.folder.Post(request.Context(), topic, b); {
	case errors.Is(err, ErrFull):
		http.Error(w, ErrFull.Error(), http.StatusInsufficientStorage)
	case err != nil:
		http.Error(w, "the relay cannot store the message", http.StatusInternalServerError)
	default:
		r.wake()
		w.WriteHeader(http.StatusNoContent)
	}
}

// wake lets all readers look again.
func (r *Relay) wake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.changed)
	r.changed = make(chan struct{})
}

// change returns what is closed with the next message.
func (r *Relay) change() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

// belongs reports whether a message is under the topic that its kind and context say.
func (r *Relay) belongs(m *message, topic string) bool {
	switch {
	case m.kind == kindRequest:
		return topic == requestsTopic(r.setup)
	case m.kind <= kindAbort:
		return topic == dealTopic(m.context)
	default:
		return topic == sessionTopic(m.context)
	}
}

// topic returns the state of a topic, or nil if nobody has left a message there:
// readers alone make none.
func (r *Relay) topic(name string) (*relayTopic, error) {
	if err := checkTopic(name); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.topics[name]
	if t == nil && r.folder.has(name) {
		t = &relayTopic{folder: r.folder, name: name, follower: r.folder.Follow(name).(*folderFollower)}
		r.topics[name] = t
	}
	return t, nil
}

func (r *Relay) get(w http.ResponseWriter, request *http.Request) {
	w.Header().Set(runHeader, r.run)
	if request.PathValue("run") != r.run {
		http.Error(w, "another run of the relay", http.StatusGone)
		return
	}
	place, err := parseNumber(request.PathValue("place"), maxPlace)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	wait := relayWait
	if request.Header.Get(waitHeader) == "no" {
		wait = 0
	}
	name := request.PathValue("topic")
	if err := checkTopic(name); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	b, err := r.at(request.Context(), name, place, wait)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		http.Error(w, "the message was removed", http.StatusNotFound)
	case err != nil:
		http.Error(w, "the relay cannot read its messages", http.StatusInternalServerError)
	case b == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Write(b)
	}
}

// relayPoll is how often a relay looks for messages that others put into its folder.
const relayPoll = 500 * time.Millisecond

// at returns the message in a place, or nil if none comes in time. Its error wraps
// [fs.ErrNotExist] if it was removed.
func (r *Relay) at(ctx context.Context, name string, place int, wait time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		change := r.change()
		t, err := r.topic(name)
		if err != nil {
			return nil, err
		}
		if t != nil {
			if b, err := t.look(place); b != nil || err != nil {
				return b, err
			}
		}
		select {
		case <-ctx.Done():
			return nil, nil
		case <-change:
		case <-time.After(relayPoll):
		}
	}
}

// look returns the message in a place, or nil if there is none yet.
func (t *relayTopic) look(place int) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.found) <= place {
		b, err := t.follower.Next(context.Background(), false)
		if b == nil || err != nil {
			return nil, err
		}
		t.found = append(t.found, nameOf(b))
	}
	return t.folder.message(t.name, t.found[place])
}
