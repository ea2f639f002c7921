package member

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/zkkex/zkkex"
)

func venueSample(t testing.TB) []byte { return sampleNumber(t, 1) }

func TestVenueSpecificationSample(t *testing.T) {
	text := venueSample(t)
	v, err := parseVenue(text)
	if err != nil {
		t.Fatal(err)
	}
	id, err := v.ID()
	if err != nil || v.Name() != "venue.example" || id.String() != "c6d478c2e319827dc3258ccdf2a8a9fe14fb5594c9f0d55d6e2241d2644d8bba" {
		t.Errorf("%s, %v, %v", v.Name(), id, err)
	}
	if v.Quorum != 1 || v.MinMembers != 100 || v.RequirePrekey {
		t.Errorf("%+v", v)
	}
	if again := encodeVenue(*v); !bytes.Equal(again, text) {
		t.Errorf("encoded:\n%s", again)
	}
}

// Each text is wrong for one reason, which the error names.
func TestVenueConfigIsStrict(t *testing.T) {
	good := string(venueSample(t))
	const witness = `"witness.example+f0f1bf83+BDQQDYodufyvBb/JEl+LlaDNLiKd+2SUFwTvZzY9CQ3B"`
	for name, c := range map[string]struct {
		old, new string
		want     error
		says     string
	}{
		"format":           {"zkkex/v1 member venue", "zkkex/v2 member venue", zkkex.ErrUnsupported, `expected "zkkex/v1 member venue"`},
		"unknown field":    {`"quorum"`, `"quorums"`, zkkex.ErrMalformed, "unknown field"},
		"field twice":      {`"quorum": 1,`, "\"quorum\": 1,\n  \"quorum\": 1,", zkkex.ErrMalformed, "one accepted form"},
		"other case":       {`"url"`, `"URL"`, zkkex.ErrMalformed, "one accepted form"},
		"white space":      {`  "url"`, `   "url"`, zkkex.ErrMalformed, "one accepted form"},
		"no final newline": {"false\n}\n", "false\n}", zkkex.ErrMalformed, "one accepted form"},
		"something after":  {"false\n}\n", "false\n}\n{}\n", zkkex.ErrMalformed, "one accepted form"},
		"null":             {"[\n    " + witness + "\n  ]", "null", zkkex.ErrMalformed, "a quorum of 1, expected 0 to 0"},
		"scheme":           {"https://venue.example", "ftp://venue.example", zkkex.ErrMalformed, "begins with https://"},
		"user in address":  {"https://venue.example", "https://me@venue.example", zkkex.ErrMalformed, "scheme, host and path alone"},
		"query in address": {"https://venue.example", "https://venue.example?who=me", zkkex.ErrMalformed, "scheme, host and path alone"},
		"long address":     {"https://venue.example", "https://" + strings.Repeat("a", MaxURL), zkkex.ErrMalformed, "at most 1024"},
		"identity":         {"b5cf86a5", "b5cf86a6", zkkex.ErrMalformed, "venue key"},
		"identity's form":  {"wJ/d\"", "wJ/e\"", zkkex.ErrMalformed, "venue key"},
		"witness":          {"witness.example+f0f1bf83", "witness.example+f0f1bf84", zkkex.ErrMalformed, "witness"},
		"long witness":     {"witness.example+", strings.Repeat("w", maxWitnessKey) + "+", zkkex.ErrMalformed, "at most 512"},
		"many witnesses":   {witness, strings.Repeat(witness+",", MaxWitnesses) + witness, zkkex.ErrMalformed, "33 witnesses, expected at most 32"},
		"quorum":           {`"quorum": 1`, `"quorum": 2`, zkkex.ErrMalformed, "a quorum of 2, expected 0 to 1"},
		"negative quorum":  {`"quorum": 1`, `"quorum": -1`, zkkex.ErrMalformed, "a quorum of -1"},
		"negative members": {`"min_members": 100`, `"min_members": -1`, zkkex.ErrMalformed, "cannot unmarshal"},
		"too long":         {good, good + strings.Repeat(" ", maxVenueConfig), zkkex.ErrMalformed, "at most 65536 bytes"},
		"empty":            {good, "", zkkex.ErrMalformed, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(good, c.old) {
				t.Fatalf("the sample has no %q", c.old)
			}
			_, err := parseVenue([]byte(strings.Replace(good, c.old, c.new, 1)))
			if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("%v; want %v with %q", err, c.want, c.says)
			}
		})
	}
}

// What is accepted is in the one accepted form.
func FuzzParseVenue(f *testing.F) {
	good := venueSample(f)
	f.Add(good)
	f.Add([]byte("{}\n"))
	f.Add(bytes.Replace(good, []byte("https://venue.example"), []byte("file:///srv/venue"), 1))
	f.Add(bytes.Replace(good, []byte("false"), []byte("true"), 1))
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := parseVenue(text)
		if err != nil {
			if !errors.Is(err, zkkex.ErrMalformed) && !errors.Is(err, zkkex.ErrUnsupported) {
				t.Errorf("an error of no type: %v", err)
			}
			return
		}
		if again := encodeVenue(*v); !bytes.Equal(again, text) {
			t.Errorf("%q was accepted, which is\n%s", text, again)
		}
	})
}
