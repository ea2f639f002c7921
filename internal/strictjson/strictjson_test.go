package strictjson

import "testing"

type sample struct {
	Name string `json:"name"`
	List []int  `json:"list"`
}

const form = "{\n  \"name\": \"a<b\",\n  \"list\": [\n    1\n  ]\n}\n"

func TestOneForm(t *testing.T) {
	for text, ok := range map[string]bool{
		form:                        true,
		form + "\n":                 false,
		form + "{}":                 false,
		`{"name":"a<b","list":[1]}`: false,
		"{\n  \"list\": [\n    1\n  ],\n  \"name\": \"a<b\"\n}\n":                     false, // another order
		"{\n  \"name\": \"a\\u003cb\",\n  \"list\": [\n    1\n  ]\n}\n":               false, // a needless escape
		"{\n  \"Name\": \"a<b\",\n  \"list\": [\n    1\n  ]\n}\n":                     false, // another case
		"{\n  \"name\": \"x\",\n  \"name\": \"a<b\",\n  \"list\": [\n    1\n  ]\n}\n": false, // twice
		"{\n  \"name\": \"a<b\",\n  \"list\": [\n    1\n  ],\n  \"more\": 1\n}\n":     false,
	} {
		var v sample
		err := Decode([]byte(text), 200, &v)
		if err == nil {
			err = Check([]byte(text), Encode(v))
		}
		if (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := Decode([]byte(form), len(form)-1, new(sample)); err == nil {
		t.Error("a text that is too long was decoded")
	}
}
