package chromium

import (
	"fmt"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/runtime"
)

// console keeps the last lines of a page's console and its exceptions, to explain a failure.
type console struct {
	mu    sync.Mutex
	lines []string
}

const consoleLines = 5

// onEvent must not block.
func (c *console) onEvent(ev any) {
	switch ev := ev.(type) {
	case *runtime.EventExceptionThrown:
		text := ev.ExceptionDetails.Text
		if e := ev.ExceptionDetails.Exception; e != nil {
			text += " " + e.Description
		}
		c.add(text)
	case *runtime.EventConsoleAPICalled:
		var words []string
		for _, arg := range ev.Args {
			if arg.Description != "" {
				words = append(words, arg.Description)
			} else {
				words = append(words, strings.Trim(string(arg.Value), `"`))
			}
		}
		c.add(strings.Join(words, " "))
	}
}

func (c *console) add(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, fmt.Sprintf("%.200s", line))
	c.lines = c.lines[max(0, len(c.lines)-consoleLines):]
}

// String is for the end of an error's text.
func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.lines) == 0 {
		return ""
	}
	return "; the console says: " + strings.Join(c.lines, " | ")
}
