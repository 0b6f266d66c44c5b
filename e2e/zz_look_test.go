//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/rollcall/rollcall/e2e/harness"
)

func TestLook(t *testing.T) {
	site := harness.NewSite(t, binary(t))
	for i := range 8 {
		for _, p := range people {
			if i > 0 {
				p.Name, p.Email = fmt.Sprintf("%s %d", p.Name, i), fmt.Sprintf("x%d.%s", i, p.Email)
			}
			site.Add(p)
		}
	}
	users := openUsers(t, harness.OpenBrowser(t), site.URL())
	shot := func(name string) {
		for look, screen := range screens {
			users.Emulate(screen)
			users.WaitAnimations()
			os.WriteFile("/tmp/r/list-"+name+"-"+look+".png", users.Screenshot(), 0o644)
		}
	}
	users.SeeText("96 users")
	harness.Eventually(t, "letters", func() error {
		if !harness.Eval[bool](users.Page, `!!document.querySelector(".letters")`) {
			return fmt.Errorf("none")
		}
		return nil
	})
	shot("all")
	users.Fill("searchbox", "Search users", "ines")
	users.SeeText("8 matches")
	shot("search")
	users.Fill("searchbox", "Search users", "speaks")
	users.SeeText("8 matches")
	shot("bio")
	users.Fill("searchbox", "Search users", "")
	users.Click("button", "Select")
	users.Click("checkbox", "Select Chen Wei")
	users.Click("checkbox", "Select Amara Okafor")
	users.SeeText("2 selected")
	shot("select")
	users.Click("button", "Edit a field")
	users.See("dialog", "Edit a field")
	shot("field")
	users.Click("button", "Cancel")
	users.Click("button", "End selection")
	harness.Eval[bool](users.Page, `(rollcall.tool("palette"), true)`)
	users.See("dialog", "Commands")
	shot("palette")
	users.Press("\x1b")
	harness.Eval[bool](users.Page, `(rollcall.tool("key", "?"), true)`)
	users.See("dialog", "Keyboard shortcuts")
	shot("keys")
}
