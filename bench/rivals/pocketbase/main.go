// Command pocketbase is PocketBase with its default settings and one collection, people;
// `serve --dir=DIR` serves it on a free port and says on which. The collection has what a user of Rollcall has: a name, an email that is unique without regard to case,
// a bio and two times. Anybody may list and create. The batch API is on and takes 100
// requests, which by default it is not and does not.
package main

import (
	"fmt"
	"net"
	"os"

	"github.com/pocketbase/pocketbase"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/types"
)

// batch is how many requests a batch may have.
const batch = 100

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "pocketbase:", err)
		os.Exit(1)
	}
}

func run() error {
	app := pocketbase.NewWithConfig(pocketbase.Config{HideStartBanner: true})
	app.OnServe().BindFunc(func(e *core.ServeEvent) error {
		if err := prepare(e.App); err != nil {
			return fmt.Errorf("prepare PocketBase: %w", err)
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		e.Listener = l
		e.InstallerFunc = nil // opens a browser
		if _, err := fmt.Printf("listening on http://%s\n", l.Addr()); err != nil {
			return err
		}
		return e.Next()
	})
	return app.Start()
}

// prepare makes the collection and allows batches.
func prepare(app core.App) error {
	settings := app.Settings()
	settings.Batch.Enabled, settings.Batch.MaxRequests = true, batch
	if err := app.Save(settings); err != nil {
		return fmt.Errorf("allow batches: %w", err)
	}
	people := core.NewBaseCollection("people")
	people.ListRule, people.ViewRule, people.CreateRule = types.Pointer(""), types.Pointer(""), types.Pointer("")
	people.Fields.Add(
		&core.TextField{Name: "name", Required: true, Max: 200},
		&core.EmailField{Name: "email", Required: true},
		&core.TextField{Name: "bio", Max: 2000},
		&core.AutodateField{Name: "createdAt", OnCreate: true},
		&core.AutodateField{Name: "updatedAt", OnCreate: true, OnUpdate: true},
	)
	people.AddIndex("people_email", true, "email COLLATE NOCASE", "")
	if err := app.Save(people); err != nil {
		return fmt.Errorf("make the collection: %w", err)
	}
	return nil
}
