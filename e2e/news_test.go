//go:build e2e

package e2e_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

// TestOthersChangesComeWithTheirEvent: while the stream is open, nobody asks for them.
func TestOthersChangesComeWithTheirEvent(t *testing.T) {
	everywhere(t, othersChangesComeWithTheirEvent)
}

func othersChangesComeWithTheirEvent(t *testing.T, b browser) {
	site, users := openThreeIn(t, b)
	asked := func() int { return len(site.Proxy.Requests("GET", "/api/v1/changes")) }
	harness.Eventually(t, "the event stream is open", func() error {
		streams := site.Proxy.Requests("GET", "/api/v1/events")
		if len(streams) == 0 || streams[len(streams)-1].Status != http.StatusOK {
			return fmt.Errorf("the requests: %v", streams)
		}
		return nil
	})
	// The stream's opening is a reason to ask; the first change may come before that answer.
	site.Add(harness.Person{Name: "Aaron First", Email: "aaron@example.org"})
	users.hasState("Aaron First", "")
	before := asked()
	for n := range 5 {
		name := fmt.Sprintf("Zed %d", n)
		site.Add(harness.Person{Name: name, Email: fmt.Sprintf("zed%d@example.org", n)})
		users.hasState(name, "")
	}
	if n := asked() - before; n > 1 {
		t.Errorf("for five changes there were %d requests", n)
	}
}
