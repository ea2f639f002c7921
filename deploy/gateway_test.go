package deploy

import (
	"bytes"
	"encoding/json"
	"net"
	"regexp"
	"strings"
	"testing"

	"github.com/zkkex/zkkex/order/server"
)

// The example is a configuration that a gateway takes, at the places that
// haproxy.cfg looks at, and in the folder that the unit names.
func TestGatewayConfig(t *testing.T) {
	text := read(t, "gateway.json")
	c, err := server.ParseConfig(text)
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != "a" || c.Follow || c.Share == "" || c.PostgreSQL == "" || c.Engine == "" || c.Replicas == 0 {
		t.Errorf("%+v: expected the gateway that issues, on a shared and replicated journal, with an engine of its own", c)
	}
	if strings.HasPrefix(c.Venue, "/") {
		t.Errorf("venue %s, expected a folder beside the gateway's", c.Venue)
	}
	proxy := read(t, "haproxy.cfg")
	for _, place := range []string{c.Sessions, c.Publish} {
		_, port, err := net.SplitHostPort(c.Admin)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(proxy, []byte("server a "+place+" port "+port+"\n")) {
			t.Errorf("haproxy.cfg does not send to %s, or does not ask at port %s", place, port)
		}
	}
	// The follower's is the same but for its own places, and that it follows.
	c.Name, c.Follow, c.Share = "b", true, ""
	if _, err := c.MarshalText(); err != nil {
		t.Errorf("as a follower: %v", err)
	}
	for _, secret := range []string{"password", "passwd", "PRIVATE"} {
		if strings.Contains(strings.ToLower(string(text)), strings.ToLower(secret)) {
			t.Errorf("the example holds a %s", secret)
		}
	}
	var any map[string]json.RawMessage
	if err := json.Unmarshal(text, &any); err != nil || !regexp.MustCompile(`^"zkkex/v1 gateway config"$`).Match(any["format"]) {
		t.Errorf("%v, format %s", err, any["format"])
	}
}
