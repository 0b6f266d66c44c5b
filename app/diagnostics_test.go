package app

import (
	"testing"
	"time"

	"github.com/rollcall/rollcall/wasm/sync"
)

func TestCheckText(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	at := now.Add(-5 * time.Minute)
	for want, c := range map[string]sync.Check{
		"not yet": {},
		"1 user, same as on the server, 5 minutes ago":                                             {At: at, DeviceRows: 1, ServerRows: 1},
		"1,204 users, same as on the server, 5 minutes ago":                                        {At: at, DeviceRows: 1204, ServerRows: 1204},
		"Users on the server: 2, on this device: 1, 5 minutes ago":                                 {At: at, DeviceRows: 1, ServerRows: 2},
		"Users on the server: 2, on this device: 2, groups with differences: 1, 5 minutes ago":     {At: at, DeviceRows: 2, ServerRows: 2, Mismatched: 1},
		"Users on the server: 3,000, on this device: 2, groups with differences: 3, 5 minutes ago": {At: at, DeviceRows: 2, ServerRows: 3000, Mismatched: 3},
	} {
		if got := checkText(c, now); got != want {
			t.Errorf("%+v: %q, want %q", c, got, want)
		}
	}
	for want, r := range map[string]*sync.RepairSummary{
		"none needed":                        nil,
		"Users: 3, groups: 2, 5 minutes ago": {At: at, Rows: 3, Buckets: 2},
		"Users: 1, groups: 1, 5 minutes ago": {At: at, Rows: 1, Buckets: 1},
	} {
		if got := repairText(r, now); got != want {
			t.Errorf("%+v: %q, want %q", r, got, want)
		}
	}
}

func TestIncidentsAreUnderDiagnostics(t *testing.T) {
	b := open(t, "/")
	log := &sync.IncidentLog{Store: b.store, Writer: sync.ByPage, Now: time.Now}
	log.Note("The sync worker fell silent and was replaced")
	b.until("the incident to be saved", func() bool {
		list, err := b.users.Incidents(t.Context())
		return err == nil && len(list) == 1
	})
	b.visit("/sync")
	b.untilText("The sync worker fell silent and was replaced")
	b.untilText("Happened a few seconds ago. Not resolved yet.")
	log.Recovered()
	b.until("the recovery to be saved", func() bool {
		list, err := b.users.Incidents(t.Context())
		return err == nil && len(list) == 1 && !list[0].Recovered.IsZero()
	})
	b.status(sync.Status{Phase: sync.Success, Online: true})
	b.untilText("Happened a few seconds ago. Resolved.")
}
