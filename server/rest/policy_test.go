package rest

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// TestTheContractHasEveryRoute: nothing is served that it does not describe.
func TestTheContractHasEveryRoute(t *testing.T) {
	contract, err := openapi3.NewLoader().LoadFromFile("../../docs/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var served, described []string
	for path, all := range new(server).routes() {
		for method := range all {
			served = append(served, method+" "+path)
		}
	}
	for path, item := range contract.Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	slices.Sort(served)
	slices.Sort(described)
	if !slices.Equal(served, described) {
		t.Errorf("served are\n%s\ndescribed are\n%s", strings.Join(served, "\n"), strings.Join(described, "\n"))
	}
}

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
