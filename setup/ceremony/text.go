package ceremony

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// checkText returns an error unless text is 1 to most runes that print: no
// control characters, and nothing that turns the direction of text or joins it
// invisibly, so that a name looks the same to everyone who reads it.
func checkText(text string, most int) error {
	switch n := utf8.RuneCountInString(text); {
	case !utf8.ValidString(text):
		return errors.New("not UTF-8")
	case n < 1 || n > most:
		return fmt.Errorf("%d characters, expected 1 to %d", n, most)
	case strings.TrimSpace(text) != text:
		return errors.New("a space at the beginning or end")
	}
	for i, r := range text {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("character %U at byte %d does not print: expected letters, marks, digits, punctuation, symbols and spaces", r, i)
		}
	}
	return nil
}

// checkDate returns an error unless t is in UTC, in whole seconds, and has four
// digits of a year.
func checkDate(t time.Time) error {
	if t.Nanosecond() != 0 || t.Location() != time.UTC {
		return errors.New("expected whole seconds in UTC")
	}
	if t.Year() < 2000 || t.Year() > 9999 {
		return fmt.Errorf("year %d, expected 2000 to 9999", t.Year())
	}
	return nil
}
