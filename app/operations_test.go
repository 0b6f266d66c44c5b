package app

import (
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/wasm/queue"
	"github.com/rollcall/rollcall/wasm/sync"
)

func TestOperationText(t *testing.T) {
	ann := []byte(`{"name":"Ann Lee","email":"ann@example.org"}`)
	for _, c := range []struct {
		o    queue.Operation
		want string
	}{
		{queue.Operation{Type: api.Create, Data: ann}, "Add Ann Lee"},
		{queue.Operation{Type: api.Update, Base: ann, Data: []byte(`{"bio":"x","name":"Ann Li"}`)}, "Change name and bio of Ann Lee"},
		{queue.Operation{Type: api.Delete, Base: ann}, "Delete Ann Lee"},
		{queue.Operation{Type: api.Delete}, "Delete a user"},
		{queue.Operation{Type: api.Update, Data: []byte(`broken`)}, "Change nothing of a user"},
	} {
		if got := operationText(c.o); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestProgressText(t *testing.T) {
	for _, c := range []struct {
		o    queue.Operation
		want string
	}{
		{queue.Operation{State: queue.Queued}, "Waiting to be sent."},
		{queue.Operation{State: queue.Sending}, "Sent, but not answered. It will be sent again."},
		{queue.Operation{State: queue.Waiting}, "Waiting to be sent again."},
		{queue.Operation{State: queue.Waiting, NextAttemptAt: noon.Add(12 * time.Second)}, "Next try in 12 seconds."},
		{queue.Operation{State: queue.Rejected}, "The server rejected it."},
		{queue.Operation{State: queue.Rejected, LastError: &api.Problem{Code: sync.CodeIntercepted}}, "It does not reach the server."},
	} {
		if got := progressText(c.o, syncState{now: noon}); got != c.want {
			t.Errorf("%s: got %q, want %q", c.o.State, got, c.want)
		}
	}
	syncing := syncState{reach: sync.ReachOnline, status: sync.Status{Phase: sync.Syncing, At: noon}, now: noon}
	offline, idle, silent := syncing, syncing, syncing
	offline.reach, idle.status.Phase, silent.now = sync.ReachOffline, sync.Failed, noon.Add(time.Hour)
	signedOut := idle
	signedOut.status.Problem = &api.Problem{Code: api.CodeSignIn}
	for want, states := range map[string][]syncState{
		"Sending now.":                                   {syncing},
		"Waiting for you to sign in.":                    {signedOut},
		"Sent, but not answered. It will be sent again.": {offline, idle, silent},
	} {
		for i, s := range states {
			if got := progressText(queue.Operation{State: queue.Sending}, s); got != want {
				t.Errorf("%d: got %q, want %q", i, got, want)
			}
		}
	}
	if got := progressText(queue.Operation{State: queue.Rejected}, signedOut); got != "The server rejected it." {
		t.Errorf("of a refused change it says %q", got)
	}
}
