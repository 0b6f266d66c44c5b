package harness

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
)

// console collects the errors of a page or worker: exceptions, console errors, violations
// of its security policy, and panics of Go. A failed request is no error.
type console struct {
	during  context.Context // the test: what fails after it, as its servers end, is no error
	mu      sync.Mutex
	errors  []string
	lines   []string // everything, for the log of a failed test
	allowed []string
}

// onEvent handles an event of a target. It must not block.
func (c *console) onEvent(ev any) {
	switch ev := ev.(type) {
	case *runtime.EventExceptionThrown:
		text := ev.ExceptionDetails.Text
		if e := ev.ExceptionDetails.Exception; e != nil {
			text += " " + e.Description
		}
		c.note("exception: "+text, true)
	case *runtime.EventConsoleAPICalled:
		var words []string
		for _, arg := range ev.Args {
			word := arg.Description
			if word == "" {
				word = strings.Trim(string(arg.Value), `"`)
			}
			words = append(words, word)
		}
		text := strings.Join(words, " ")
		bad := ev.Type == "error" || ev.Type == "assert" ||
			strings.HasPrefix(text, "panic:") || strings.HasPrefix(text, "fatal error:")
		c.note(fmt.Sprintf("console.%s: %s", ev.Type, text), bad)
	case *log.EventEntryAdded:
		e := ev.Entry
		c.note(fmt.Sprintf("%s %s: %s (%s)", e.Source, e.Level, e.Text, e.URL), e.Level == "error" && e.Source != "network")
	}
}

func (c *console) note(text string, bad bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, text)
	if bad && c.during.Err() == nil {
		c.errors = append(c.errors, text)
	}
}

// allow makes errors that contain this text expected.
func (c *console) allow(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.allowed = append(c.allowed, text)
}

// report fails the test for each unexpected error, once.
func (c *console) report(t testing.TB) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, text := range c.errors {
		if !c.expected(text) {
			t.Errorf("the browser reported: %s", text)
		}
	}
	c.errors = nil
	if t.Failed() && len(c.lines) > 0 {
		t.Logf("console:\n%s", strings.Join(c.lines[max(0, len(c.lines)-60):], "\n"))
		c.lines = nil
	}
}

func (c *console) expected(text string) bool {
	for _, allowed := range c.allowed {
		if strings.Contains(text, allowed) {
			return true
		}
	}
	return false
}
