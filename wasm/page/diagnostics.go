//go:build js && wasm

package page

import (
	"cmp"
	"context"
	"strconv"
	"syscall/js"

	"github.com/rollcall/rollcall/app"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
)

// diagnostics is app.Diagnostics.
type diagnostics struct {
	store  repository.Store
	leader *sync.Leader
	users  *directory.Collection
}

func (d diagnostics) Diagnostics(ctx context.Context) []app.Diagnostic {
	status := d.users.Status()
	lines := []app.Diagnostic{
		{Name: "Version", Value: shell().Get("version").String()},
		{Name: "Leading tab", Value: either(d.leader.Leading(), "yes", "no")},
		{Name: "Sync workers started here", Value: strconv.FormatInt(d.leader.Starts(), 10)},
		{Name: "Last sync ran in", Value: orNone(status.Host)},
		{Name: "Server answered lately", Value: either(status.Online, "yes", "no")},
		{Name: "Event stream", Value: either(status.Stream, "open", "closed")},
		{Name: "Service worker", Value: serviceWorker()},
	}
	if why := d.leader.Failure(); why != "" {
		lines = append(lines, app.Diagnostic{Name: "Last worker failure", Value: why})
	}
	if m, err := d.store.Meta(ctx, sync.MetaClient, sync.MetaSkew, sync.MetaCursor); err == nil {
		lines = append(lines,
			app.Diagnostic{Name: "Client", Value: orNone(m[sync.MetaClient])},
			app.Diagnostic{Name: "Clock difference", Value: orNone(m[sync.MetaSkew]) + " ms"},
			app.Diagnostic{Name: "Cursor", Value: orNone(m[sync.MetaCursor])})
	}
	return lines
}

func either(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}

func orNone(s string) string { return cmp.Or(s, "none") }

func serviceWorker() string {
	container := js.Global().Get("navigator").Get("serviceWorker")
	if !container.Truthy() {
		return "not offered"
	}
	if c := container.Get("controller"); c.Truthy() {
		return c.Get("state").String()
	}
	return "does not control this page"
}
