package main

import (
	"errors"
	"net/url"

	"github.com/rollcall/rollcall/bench/chromium"
	"github.com/rollcall/rollcall/bench/site"
	"github.com/rollcall/rollcall/bench/subject"
)

// start measures the first visit, without people: Rollcall's is its app's, from its server.
func (t *turn) start(b *chromium.Browser, workload string) (err error) {
	origin, end := t.server.origin, nothing
	if t.Name == rollcall {
		var app *subject.Server
		if app, err = t.sites.Start(t.ctx, 0); err != nil {
			return err
		}
		origin, end = "http://"+app.Addr, app.Stop
	}
	if workload == startSlow {
		if origin, end, err = t.slow(origin, end); err != nil {
			return err
		}
	}
	if t.Name == rollcall {
		_, err = t.visit(b, workload, origin, 0, "usable")
	} else {
		err = t.show(b, workload, origin, "shown")
	}
	return errors.Join(err, end())
}

// slow puts a slow link before a server.
func (t *turn) slow(origin string, stop func() error) (through string, end func() error, err error) {
	link, err := linkTo(t.ctx, origin[len("http://"):])
	if err != nil {
		return "", nil, errors.Join(err, stop())
	}
	return link.origin(), func() error { return errors.Join(link.close(), stop()) }, nil
}

// readNames measures the app's first visit to people over a slow link, until the first can
// be read.
func (t *turn) readNames(b *chromium.Browser) error {
	app, err := t.sites.Start(t.ctx, t.people)
	if err != nil {
		return err
	}
	origin, end, err := t.slow("http://"+app.Addr, app.Stop)
	if err != nil {
		return err
	}
	_, err = t.visit(b, startNames, origin, t.people, "rows")
	return errors.Join(err, end())
}

// show measures a contender's page that shows the list.
func (t *turn) show(b *chromium.Browser, workload, origin, database string) error {
	t.doing = workload
	tab, err := b.Open("")
	if err != nil {
		return err
	}
	if workload != startAgain {
		if err := tab.WithoutCache(); err != nil {
			return err
		}
	}
	if err := tab.Go(origin + "/start/" + t.Page + "?database=" + url.QueryEscape(database) + "&" + t.Options); err != nil {
		return err
	}
	if err := tab.Wait(t.patient, "globalThis.usable"); err != nil {
		return err
	}
	usable, err := chromium.Eval[float64](tab, t.patient, "globalThis.usable")
	if err != nil {
		return err
	}
	return errors.Join(t.note(workload, brought{"usable": usable}, nil), tab.Close())
}

// visit measures a visit to the app until the last of what is noted is there.
func (t *turn) visit(b *chromium.Browser, workload, origin string, n int, last string) (*chromium.Tab, error) {
	t.doing = workload
	tab, err := b.Open(site.Watch(n))
	if err != nil {
		return nil, err
	}
	if err := tab.Go(origin); err != nil {
		return nil, err
	}
	if err := tab.Wait(t.patient, "globalThis.seen?."+last); err != nil {
		return nil, err
	}
	figures, err := chromium.Eval[brought](tab, t.patient, `(() => {
		const { button = 0, rows = 0, usable = 0, all = 0, long } = seen;
		return { button, rows, usable, all, long: long.reduce((sum, { duration }) => sum + duration, 0), longest: Math.max(0, ...long.map(({ duration }) => duration)) };
	})()`)
	if err != nil {
		return nil, err
	}
	return tab, t.note(workload, figures, nil)
}

// visitTwice measures the app's first visit to a site with people, and the second one.
func (t *turn) visitTwice(b *chromium.Browser) error {
	app, err := t.sites.Start(t.ctx, t.people)
	if err != nil {
		return err
	}
	origin := "http://" + app.Addr
	tab, err := t.visit(b, startSynced, origin, t.people, "all")
	if err == nil {
		_, err = chromium.Eval[any](tab, t.patient, "navigator.serviceWorker.ready.then(() => null)")
	}
	if err == nil {
		err = tab.Wait(t.patient, `document.querySelector(".status-detail")?.textContent.startsWith("Synced")`)
	}
	if err == nil {
		err = tab.Close()
	}
	if err == nil {
		_, err = t.visit(b, startAgain, origin, t.people, "all")
	}
	return errors.Join(err, app.Stop())
}
