package chromium

import (
	"errors"
	"path"
	"strings"

	"github.com/chromedp/cdproto/cdp"
)

// Profile is where a page's main thread was, as the browser's sampling profiler tells.
type Profile struct {
	Nodes []struct {
		ID        int64 `json:"id"`
		CallFrame struct {
			Function string `json:"functionName"`
			URL      string `json:"url"`
		} `json:"callFrame"`
	} `json:"nodes"`
	Samples    []int64 `json:"samples"`    // ids of nodes
	TimeDeltas []int64 `json:"timeDeltas"` // microseconds since the sample before
}

// Profiled runs something under the profiler.
func (t *Tab) Profiled(run func() error) (Profile, error) {
	if err := t.call("Profiler.enable", cdp.Empty{}); err != nil {
		return Profile{}, err
	}
	if err := t.call("Profiler.start", cdp.Empty{}); err != nil {
		return Profile{}, err
	}
	var stopped struct {
		Profile Profile `json:"profile"`
	}
	err := run()
	return stopped.Profile, errors.Join(err, t.ask("Profiler.stop", cdp.Empty{}, &stopped))
}

// Places are the milliseconds that a profile saw in each Go package, each script, each of the
// browser's functions that these call, and, in brackets, what the browser does otherwise:
// (idle) waits, for the storage or the network.
func (p *Profile) Places() map[string]float64 {
	places := map[int64]string{}
	for _, n := range p.Nodes {
		places[n.ID] = placeOf(n.CallFrame.Function, n.CallFrame.URL)
	}
	took := map[string]float64{}
	for i, id := range p.Samples {
		if i+1 < len(p.TimeDeltas) { // a sample lasts until the next one
			took[places[id]] += float64(p.TimeDeltas[i+1]) / 1000
		}
	}
	return took
}

// placeOf returns the package of a Go function, in whose names the linker writes _ for most
// signs, the name of a script, or that of a function of the browser.
func placeOf(function, url string) string {
	switch {
	case strings.HasPrefix(function, "("):
		return function
	case url == "":
		return function + " (browser)"
	case !strings.Contains(url, ".wasm") && !strings.HasPrefix(url, "wasm:"):
		return path.Base(url)
	}
	name := strings.TrimPrefix(function, "github.com_rollcall_rollcall_")
	domain := ""
	for _, d := range []string{"github.com_", "golang.org_"} {
		if rest, ok := strings.CutPrefix(name, d); ok {
			domain, name = d, rest
		}
	}
	name, _, _ = strings.Cut(name, ".")
	return strings.ReplaceAll(domain+name, "_", "/")
}
