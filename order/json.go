package order

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// AppendClientFrameJSON appends a frame as a JSON object to b, see
// docs/spec/order-json.md. The errors are those of [AppendClientFrame].
func AppendClientFrameJSON(b []byte, f ClientFrame) ([]byte, error) {
	if _, err := AppendClientFrame(nil, f); err != nil {
		return b, err
	}
	var body any = f.Request
	if f.Request == nil {
		body = f.Session
	}
	return appendJSON(b, "SeqNo", f.SeqNo, body)
}

// AppendVenueFrameJSON appends a frame as a JSON object to b. The errors are those
// of [AppendVenueFrame].
func AppendVenueFrameJSON(b []byte, f VenueFrame) ([]byte, error) {
	if _, err := AppendVenueFrame(nil, f); err != nil {
		return b, err
	}
	var body any = f.Report.Report
	if f.Report.Report == nil {
		body = f.Session
	}
	return appendJSON(b, "Number", f.Report.Number, body)
}

// appendJSON appends an object with a number, unless it is 0, and a message under
// its name.
func appendJSON(b []byte, counter string, n uint64, body any) ([]byte, error) {
	w := jsonWriter{b: append(b, '{')}
	w.number(field{name: counter}, n)
	w.name(nameOf(body))
	w.object(body.(message))
	if w.err != nil {
		return b, w.err
	}
	return append(w.b, '}'), nil
}

// ParseClientFrameJSON reads a frame from a JSON object. Members can come in any
// order and with white space between, and a member that is 0 can be left out; one
// that is unknown or comes twice is refused. The errors are those of
// [ParseClientFrame].
func ParseClientFrameJSON(b []byte) (ClientFrame, error) {
	n, name, body, err := splitJSON(b, "SeqNo")
	if err != nil {
		return ClientFrame{}, malformed("client frame", "%w", err)
	}
	if k, ok := kindNamed(clientKinds, name); ok && n == 0 {
		m, err := sessionJSON(k, body)
		if err != nil {
			return ClientFrame{}, malformed("client frame", "%w", err)
		}
		return ClientFrame{Session: m}, nil
	} else if ok {
		return ClientFrame{}, malformed("client frame", "%s has a SeqNo, which only requests have", name)
	}
	if n == 0 {
		return ClientFrame{}, malformed("client frame", "a request has no SeqNo: they count from 1 on")
	}
	request, err := requestJSON(name, body)
	if err != nil {
		return ClientFrame{}, numbered(err, n)
	}
	return ClientFrame{SeqNo: n, Request: request}, nil
}

// requestJSON reads a request. Its error is a *RequestError for one that is not
// valid.
func requestJSON(name string, body []byte) (Request, error) {
	k, ok := kindNamed(requestKinds, name)
	if !ok {
		text := fmt.Sprintf("message %.40q is not known here", name)
		return nil, &RequestError{Reject: &BusinessMessageReject{BusinessRejectReason: BusinessUnsupported, Text: text}}
	}
	r := jsonReader{}
	m := k.make()
	if err := r.object(body, m); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	request := m.(Request)
	if r.fault != nil {
		return nil, &RequestError{Reject: r.fault.reject(request)}
	}
	if refused := CheckRequest(request); refused != nil {
		return nil, &RequestError{Reject: refused}
	}
	return request, nil
}

// ParseVenueFrameJSON reads a frame from a JSON object. Its error is as of
// [ParseVenueFrame].
func ParseVenueFrameJSON(b []byte) (VenueFrame, error) {
	f, err := venueFrameJSON(b)
	if err != nil {
		return VenueFrame{}, malformed("venue frame", "%w", err)
	}
	return f, nil
}

func venueFrameJSON(b []byte) (VenueFrame, error) {
	n, name, body, err := splitJSON(b, "Number")
	if err != nil {
		return VenueFrame{}, err
	}
	if k, ok := kindNamed(reportKinds, name); ok {
		m, err := validJSON(k, body)
		if err != nil {
			return VenueFrame{}, err
		}
		return VenueFrame{Report: Numbered{Number: n, Report: m.(Report)}}, nil
	}
	k, ok := kindNamed(venueKinds, name)
	if !ok {
		return VenueFrame{}, fmt.Errorf("message %q is not known here", name)
	}
	if n != 0 {
		return VenueFrame{}, fmt.Errorf("%s has a Number, which only reports have", name)
	}
	m, err := sessionJSON(k, body)
	return VenueFrame{Session: m}, err
}

func sessionJSON(k kind, body []byte) (SessionMessage, error) {
	m, err := validJSON(k, body)
	if err != nil {
		return nil, err
	}
	return m.(SessionMessage), nil
}

// validJSON reads a message, and checks it.
func validJSON(k kind, body []byte) (message, error) {
	r := jsonReader{}
	m := k.make()
	if err := r.object(body, m); err != nil {
		return nil, fmt.Errorf("%s: %w", k.name, err)
	}
	if r.fault == nil {
		r.fault = checkMessage(m)
	}
	if r.fault != nil {
		return nil, fmt.Errorf("%s: %s", k.name, r.fault.text)
	}
	return m, nil
}

// splitJSON reads a frame's number and the one message in it.
func splitJSON(b []byte, counter string) (n uint64, name string, body []byte, err error) {
	if len(b) > MaxFrame || !utf8.Valid(b) {
		return 0, "", nil, fmt.Errorf("expected at most %d bytes of UTF-8", MaxFrame)
	}
	members, err := readObject(b)
	if err != nil {
		return 0, "", nil, err
	}
	r := jsonReader{members: members}
	n = r.number(field{name: counter}, maxJSONNumber)
	if r.err != nil {
		return 0, "", nil, r.err
	}
	if len(members) != 1 {
		return 0, "", nil, errors.New("expected one message, and beside it at most " + strconv.Quote(counter))
	}
	for name, body = range members {
	}
	return n, name, body, nil
}

func kindNamed(kinds []kind, name string) (kind, bool) {
	for _, k := range kinds {
		if k.name == name {
			return k, true
		}
	}
	return kind{}, false
}
