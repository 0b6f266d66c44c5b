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
		"1 user, same as on the server, 5 minutes ago":                                                {At: at, DeviceRows: 1, ServerRows: 1},
		"1,204 users, same as on the server, 5 minutes ago":                                           {At: at, DeviceRows: 1204, ServerRows: 1204},
		"2 users on the server, 1 user on this device, 5 minutes ago":                                 {At: at, DeviceRows: 1, ServerRows: 2},
		"2 users on the server, 2 users on this device, 1 group with differences, 5 minutes ago":      {At: at, DeviceRows: 2, ServerRows: 2, Mismatched: 1},
		"3,000 users on the server, 2 users on this device, 3 groups with differences, 5 minutes ago": {At: at, DeviceRows: 2, ServerRows: 3000, Mismatched: 3},
	} {
		if got := checkText(c, now); got != want {
			t.Errorf("%+v: %q, want %q", c, got, want)
		}
	}
	for want, r := range map[string]*sync.RepairSummary{
		"none needed":                        nil,
		"3 users in 2 groups, 5 minutes ago": {At: at, Rows: 3, Buckets: 2},
		"1 user in 1 group, 5 minutes ago":   {At: at, Rows: 1, Buckets: 1},
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
	b.untilText("A few seconds ago. Not resolved yet.")
	log.Recovered()
	b.until("the recovery to be saved", func() bool {
		list, err := b.users.Incidents(t.Context())
		return err == nil && len(list) == 1 && !list[0].Recovered.IsZero()
	})
	b.status(sync.Status{Phase: sync.Success, Online: true})
	b.untilText("A few seconds ago. Resolved.")
}
