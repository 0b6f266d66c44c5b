//go:build js && wasm

package page

import (
	"cmp"
	"context"
	"strconv"
	"syscall/js"

	"github.com/rollcall/rollcall/app"
	"github.com/rollcall/rollcall/wasm/browser"
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
		{Name: tr("Version"), Value: shell().Get("version").String()},
		{Name: tr("Leading tab"), Value: either(d.leader.Leading(), tr("yes"), tr("no"))},
		{Name: tr("Sync workers started here"), Value: strconv.FormatInt(d.leader.Starts(), 10)},
		{Name: tr("Last sync ran in"), Value: orNone(status.Host)},
		{Name: tr("Server answered recently"), Value: either(status.Online, tr("yes"), tr("no"))},
		{Name: tr("Event stream"), Value: either(status.Stream, tr("open"), tr("closed"))},
		{Name: tr("Service worker"), Value: serviceWorker()},
	}
	lines = append(lines, lacks()...)
	if why := d.leader.Failure(); why != "" {
		lines = append(lines, app.Diagnostic{Name: tr("Last worker failure"), Value: why})
	}
	if m, err := d.store.Meta(ctx, sync.MetaClient, sync.MetaSkew, sync.MetaCursor); err == nil {
		lines = append(lines,
			app.Diagnostic{Name: tr("Client"), Value: orNone(m[sync.MetaClient])},
			app.Diagnostic{Name: tr("Clock difference"), Value: tr("{0} ms", orNone(m[sync.MetaSkew]))},
			app.Diagnostic{Name: tr("Cursor"), Value: orNone(m[sync.MetaCursor])})
	}
	return lines
}

// lacks says what the browser does without, and what follows.
func lacks() []app.Diagnostic {
	var lines []app.Diagnostic
	if !browser.HasLocks() {
		lines = append(lines, app.Diagnostic{Name: tr("Locks between tabs"), Value: tr("not offered, so each open tab syncs by itself")})
	}
	if !js.Global().Get("EventSource").Truthy() {
		lines = append(lines, app.Diagnostic{Name: tr("Event streams"), Value: tr("not offered, so changes of others arrive up to half a minute late")})
	}
	if js.Global().Get("BroadcastChannel").Get("standsIn").Truthy() {
		lines = append(lines, app.Diagnostic{Name: tr("Messages between tabs"), Value: tr("not offered, so they take a detour")})
	}
	return lines
}

func either(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}

func orNone(s string) string { return cmp.Or(s, tr("none")) }

func serviceWorker() string {
	container := js.Global().Get("navigator").Get("serviceWorker")
	if !container.Truthy() {
		return tr("not offered")
	}
	if c := container.Get("controller"); c.Truthy() {
		return c.Get("state").String()
	}
	return tr("does not control this page")
}
