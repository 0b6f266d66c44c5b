package harness

import (
	_ "embed" // of driver.js
	"encoding/json"
	"fmt"
	"time"
)

//go:embed driver.js
var driverScript string

// Write is a write by a person to one user of the list. Empty fields are not filled.
type Write struct {
	Number int    `json:"number"`
	Kind   string `json:"kind"` // add, edit, delete, or undo of a delete
	Who    string `json:"who"`  // the user's name before; "" for add
	Name   string `json:"name,omitempty"`
	Email  string `json:"email,omitempty"`
	Bio    string `json:"bio,omitempty"`
}

// WriteEvent is a moment of a write: "typed", "pressed" or "acknowledged".
type WriteEvent struct {
	Number int    `json:"number"`
	Moment string `json:"moment"`
}

// decodeEvent notifies of an event of the driver, and ignores any other message.
func decodeEvent(text string, notify func(WriteEvent)) {
	var event WriteEvent
	if json.Unmarshal([]byte(text), &event) == nil && event.Number > 0 {
		notify(event)
	}
}

// InstallDriver installs a script in the page that does the writes of Do. It is faster than
// Click and Fill, which take round trips. After a reload the page needs it again; its events
// still go to the first notify, which must not block.
func (p *Page) InstallDriver(notify func(WriteEvent)) error {
	function := fmt.Sprintf("(notify) => { globalThis.rollcallDriver = (%s)(notify) }", driverScript)
	return p.driver.install(p.ctx, function, func(text string) { decodeEvent(text, notify) })
}

// driverTimeout bounds a write. The driver itself gives up sooner.
const driverTimeout = 90 * time.Second

// Do does a write and returns once the page has acknowledged it. It fails if the page
// does not, or is gone.
func (p *Page) Do(w Write) error { return p.try(driverTimeout, driverCall(w), nil) }

func driverCall(w Write) string {
	text, err := json.Marshal(w)
	if err != nil {
		panic(err) // a struct of texts can be encoded
	}
	return fmt.Sprintf("rollcallDriver(%s)", text)
}
