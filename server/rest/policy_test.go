package rest

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestTheServiceWorkersCopiesHaveTheServersPolicy: the page that the service worker
// makes itself, when the cache is damaged, must not be less protected.
func TestTheServiceWorkersCopiesHaveTheServersPolicy(t *testing.T) {
	script, err := os.ReadFile("../../web/sw.js")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?s)const policy = (.*?);\n`).FindSubmatch(script)
	if m == nil {
		t.Fatal("the service worker has no policy")
	}
	got := strings.Join(regexp.MustCompile(`"\s*\+\s*"`).Split(string(m[1]), -1), "")
	if got = strings.Trim(got, `"`); got != contentPolicy {
		t.Errorf("the service worker's policy is %q, the server's %q", got, contentPolicy)
	}
}
