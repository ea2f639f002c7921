// Package strictjson reads configuration files in the one form that it writes:
// fields in their order, indented by two spaces, no escapes that are not needed,
// ended by a newline.
package strictjson

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Decode decodes text of at most so many bytes into v. It refuses unknown fields,
// and leaves it to [Check] to refuse what Encode would write otherwise.
func Decode(text []byte, most int, v any) error {
	if len(text) > most {
		return fmt.Errorf("expected at most %d bytes, got more", most)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode(v)
}

// Check returns an error that shows the one accepted form, unless text is in it.
// The form is what Encode writes of what was decoded.
func Check(text, form []byte) error {
	if !bytes.Equal(text, form) {
		return fmt.Errorf("not in the one accepted form, which is:\n%s", form)
	}
	return nil
}

// Encode returns the one form of v, a struct of strings, numbers and lists of them.
func Encode(v any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		panic("zkkex: internal error: " + err.Error()) // strings and numbers encode
	}
	return out.Bytes()
}
