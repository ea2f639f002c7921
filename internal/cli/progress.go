package cli

import "time"

// slow is how long something takes before a person wants to know what it is.
const slow = time.Second

// progress says what is being done if it is not done within a second. The
// function it returns ends the waiting.
func (a *app) progress(msg string, args ...any) (done func()) {
	timer := time.AfterFunc(slow, func() { a.notef(msg+" ...", args...) })
	return func() { timer.Stop() }
}
