//go:build e2e

package e2e_test

import (
	"time"

	"github.com/rollcall/rollcall/e2e/harness"
)

// killFirefoxes is killBrowsers with Firefox.
func killFirefoxes(s *series, times int) {
	f := harness.OpenOwnFirefox(s.t)
	open := func() tab {
		x := f.Open(s.site.URL() + "/")
		x.See("heading", "Users")
		s.attach(x)
		return x
	}
	users := open()
	for range times {
		var profile string
		s.killWhileWriting(users, false, func() { profile = f.Kill() })
		start := time.Now()
		f = harness.OpenFirefoxProfile(s.t, profile)
		users = open()
		s.figures.toList = append(s.figures.toList, time.Since(start))
	}
	s.check(users)
}
