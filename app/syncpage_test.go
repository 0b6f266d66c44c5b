package app

import (
	"testing"

	"github.com/rollcall/rollcall/wasm/queue"
)

func TestDamagedChangesAreToldAndRemoved(t *testing.T) {
	b := open(t, "/")
	if err := b.store.SetMeta(t.Context(), map[string]string{queue.MetaDamaged: "q\t1\t{half\nq\t2\t{half"}); err != nil {
		t.Fatal(err)
	}
	b.visit("/sync")
	b.untilText("This device's storage has damaged 2 changes made here.")
	b.click("Remove damaged changes")
	b.untilGone("Damaged changes")
	if n, err := b.users.Damaged(t.Context()); n != 0 || err != nil {
		t.Errorf("%d are left, %v", n, err)
	}
}
