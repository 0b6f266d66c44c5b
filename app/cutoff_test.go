package app

import (
	"strings"
	"testing"
)

func TestAnImportThatWasCutOffIsToldOf(t *testing.T) {
	const want = "The import of many.csv ended early: 120 of 500 users were saved. Import the file again to go on."
	b := openPrepared(t, "/import", func(d *device) { d.cutOff = CutOff{File: "many.csv", Made: 120, Of: 500} })
	b.settle()
	if strings.Contains(text(b.root), want) {
		t.Error("the page for files says it twice")
	}
	b.visit("/")
	b.untilText(want)
	b.visit("/sync")
	b.settle()
	told := 0
	for _, toast := range b.root.s.toasts {
		if toast.text == want {
			told++
		}
	}
	if told != 1 {
		t.Errorf("it is told %d times", told)
	}
	b.click("Continue")
	if b.wentTo != "/import" {
		t.Errorf("it went to %q", b.wentTo)
	}
	b.visit("/import")
	b.visit("/")
	b.untilText(want) // nothing has been imported meanwhile
	b.click("Not now")
	b.visit("/import")
	b.visit("/")
	b.settle()
	if strings.Contains(text(b.root), want) {
		t.Error("it tells of it again, though it was dismissed")
	}
}
