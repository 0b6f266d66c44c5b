//go:build e2e

package e2e_test

import (
	"flag"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rollcall/rollcall/e2e/harness"
)

var (
	sigkills = flag.Int("kills", 3, "how often TestKills kills the browser")
	endings  = flag.Int("ends", 3, "how often TestKills kills each of tab, dedicated worker and service worker")
	foxkills = flag.Int("foxkills", 1, "how often TestKills kills Firefox")
	seed     = flag.Uint64("seed", 1, "the seed of the writes and moments of TestKills")
)

// perSeries is the number of kills with one profile and one server.
const perSeries = 10

// TestKills kills browsers, tabs and workers while a person writes and the engine syncs.
// Afterwards the device must have everything the page had acknowledged. At the end of a
// series each operation must have taken effect at the server once, and device and server
// must agree. Repeat a series that failed by
//
//	go test -tags e2e ./e2e -run TestKills/KIND/SERIES -kills N -ends N -foxkills N -seed N
func TestKills(t *testing.T) {
	t.Parallel()
	for _, k := range []struct {
		name  string
		times *int
		run   func(*series, int)
	}{
		{"browser", sigkills, killBrowsers},
		{"tab", endings, endTabs},
		{"worker", endings, endWorkers},
		{"serviceworker", endings, endServiceWorkers},
		{"firefox", foxkills, killFirefoxes},
	} {
		t.Run(k.name, func(t *testing.T) {
			f := &figures{moments: map[moment]int{}}
			for first := 0; first < *k.times; first += perSeries {
				n := min(perSeries, *k.times-first)
				t.Run(fmt.Sprintf("series %d", first/perSeries), func(t *testing.T) { k.run(newSeries(t, k.name, f), n) })
			}
			t.Log(f)
		})
	}
}

// figures are the counts and times of all series of a kind.
type figures struct {
	kills, acknowledged, operations int
	kept, undone                    int // pending writes that were found saved, and not
	moments                         map[moment]int
	toList                          []time.Duration
}

func (f *figures) String() string {
	slices.Sort(f.toList)
	median := time.Duration(0)
	if n := len(f.toList); n > 0 {
		median = f.toList[n/2].Round(time.Millisecond)
	}
	return fmt.Sprintf("%d kills at %v; %d writes acknowledged, %d operations sent; of the pending writes %d were saved and %d not; the list was back after %v (median)",
		f.kills, f.moments, f.acknowledged, f.operations, f.kept, f.undone, median)
}

// series is a number of kills with one profile and one server.
type series struct {
	t            *testing.T
	site         *harness.Site
	people       *expectations
	others       map[string]fields
	ids          map[string]string // of the others
	random       *rand.Rand        // of the kills
	killPoints   killPoints
	othersRandom *rand.Rand // of the writes of others
	trigger      *trigger
	figures      *figures
	number       int       // of the kill
	killPoint    killPoint // of the kill
	wrote        int       // by others
	killed       atomic.Bool
}

func newSeries(t *testing.T, kind string, f *figures) *series {
	t.Helper()
	// Each has its own source, since different goroutines use them.
	source := func(what string) *rand.Rand {
		h := fnv.New64a()
		_, _ = h.Write([]byte(t.Name() + what)) // never fails
		return rand.New(rand.NewPCG(*seed, h.Sum64()))
	}
	s := &series{
		t: t, site: harness.NewSite(t, binary(t)), people: newExpectations(source("people")), figures: f,
		random: source("kills"), killPoints: killPoints{random: source("aims"), moments: allMoments}, othersRandom: source("others"), trigger: &trigger{},
		others: map[string]fields{}, ids: map[string]string{},
	}
	slow := &network{random: source("network"), next: s.trigger.step}
	s.site.Proxy.Intercept(slow.step)
	t.Cleanup(func() {
		s.people.count(s.figures)
		if t.Failed() {
			t.Logf("failed at kill %d of %s, seed %d, aimed at %+v", s.number, kind, *seed, s.killPoint)
			t.Logf("what was written:\n%s", s.people.story())
			for _, r := range s.site.Proxy.Requests(http.MethodPost, "/api/v1/operations") {
				t.Logf("sent: %s", r.Body)
			}
		}
	})
	return s
}

// observe handles an event of the driver.
func (s *series) observe(event harness.WriteEvent) {
	s.people.observe(event)
	s.trigger.observe(event)
}

// open opens the list in a tab of Chromium, checks the device, and installs the driver.
func (s *series) open(b *harness.Browser) directory {
	s.t.Helper()
	d := openOffline(s.t, b, s.site.URL())
	s.attach(d.Page)
	return d
}

// attach checks the device and the list of a new tab, and installs the driver.
func (s *series) attach(t tab) {
	s.t.Helper()
	if err := s.checkDevice(t); err != nil {
		d, _ := readDevice(t) // it was read before
		s.t.Fatalf("the device: %v\nit has %+v", err, d)
	}
	harness.Eventually(s.t, "the list is there", func() error { return s.checkList(t) })
	if err := t.InstallDriver(s.observe); err != nil {
		s.t.Fatalf("installing the driver: %v", err)
	}
}

// killWhileWriting writes in a tab, and calls kill at a kill point. The tab may end with it,
// unless it survives.
func (s *series) killWhileWriting(t tab, survives bool, kill func()) {
	s.t.Helper()
	s.killAt(s.killPoints.next(), func() func() { return s.writes(t, survives) }, kill)
}

// writes writes in a tab as fast as possible until end is called. Others write now and then,
// so that there is something to pull.
func (s *series) writes(t tab, survives bool) (end func()) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := s.write(t); err != nil {
				if survives || !s.killed.Load() {
					s.t.Errorf("a write failed: %v", err)
				}
				return
			}
			s.othersWrite()
		}
	}()
	return func() {
		close(stop)
		<-done
	}
}

// write does one write.
func (s *series) write(t tab) error {
	w := s.people.begin()
	if err := t.Do(w); err != nil {
		return fmt.Errorf("%+v: %w", w, err)
	}
	s.people.observe(harness.WriteEvent{Number: w.Number, Moment: string(acknowledged)})
	return nil
}

// othersWrite changes one of the others' users at the server, now and then.
func (s *series) othersWrite() {
	if s.othersRandom.IntN(3) > 0 {
		return
	}
	s.wrote++
	name := fmt.Sprintf("%s %d", othersPrefix, s.othersRandom.IntN(4))
	f := fields{name, fmt.Sprintf("other-%d@example.net", s.wrote), fmt.Sprintf("Change %d", s.wrote)}
	if id := s.ids[name]; id == "" {
		s.ids[name] = s.site.Add(harness.Person{Name: f.Name, Email: f.Email, Bio: f.Bio})
	} else {
		s.site.Change(id, map[string]string{"email": f.Email, "bio": f.Bio})
	}
	s.others[name] = f
}

// killAt calls begin, kills at the kill point, and calls end.
func (s *series) killAt(a killPoint, begin func() (end func()), kill func()) {
	s.t.Helper()
	s.number++
	s.killPoint = a
	s.figures.kills++
	s.figures.moments[a.moment]++
	if s.random.IntN(4) == 0 {
		s.site.Proxy.CutAnswers(1, isBatch)
	}
	s.killed.Store(false)
	due := s.trigger.arm(a)
	end := begin()
	s.trigger.reach(anytime)
	select {
	case <-due:
	case <-time.After(harness.Timeout):
		s.t.Errorf("%+v was not reached", a)
	}
	s.killed.Store(true)
	kill()
	s.trigger.release()
	end()
	s.site.Proxy.CutAnswers(0, nil)
	if s.t.Failed() {
		s.t.FailNow()
	}
}

// killBrowsers kills all processes of the browser, and restarts it on the same profile.
func killBrowsers(s *series, times int) {
	b := harness.OpenBrowser(s.t)
	users := s.open(b)
	for range times {
		var profile string
		s.killWhileWriting(users, false, func() { profile = b.Kill() })
		start := time.Now()
		b = harness.OpenProfile(s.t, profile)
		users = s.open(b)
		s.figures.toList = append(s.figures.toList, time.Since(start))
	}
	s.check(users)
}

// endTabs crashes or closes one of two tabs, the writing one or the other, and opens a new
// one. One of the two leads.
func endTabs(s *series, times int) {
	b := harness.OpenBrowser(s.t)
	tabs := []directory{s.open(b), s.open(b)}
	for range times {
		writer, victim := s.random.IntN(2), s.random.IntN(2)
		end := tabs[victim].Crash
		if s.random.IntN(2) == 0 {
			end = tabs[victim].Discard
		}
		tabs[writer].Front()
		s.killWhileWriting(tabs[writer], writer != victim, end)
		start := time.Now()
		tabs[victim] = s.open(b)
		s.figures.toList = append(s.figures.toList, time.Since(start))
	}
	s.check(tabs[0], tabs[1])
}

// endWorkers terminates the dedicated worker of the tab that writes.
func endWorkers(s *series, times int) {
	b := harness.OpenBrowser(s.t)
	start := time.Now()
	users := directory{b.OpenTerminable(s.site.URL() + "/"), s.t}
	for range times {
		users.See("heading", "Users")
		s.attach(users)
		s.figures.toList = append(s.figures.toList, time.Since(start))
		b.WaitWorkers(s.site.URL(), 1)
		s.killWhileWriting(users, true, func() {
			if n := users.TerminateWorkers(); n != 1 {
				s.t.Errorf("%d workers were terminated", n)
			}
		})
		start = time.Now()
		users.Reload()
	}
	s.check(users)
}

// endServiceWorkers stops the service worker that syncs while no tab is open.
func endServiceWorkers(s *series, times int) {
	b := harness.OpenBrowser(s.t)
	registrations := b.Registrations()
	users := s.open(b)
	users.WaitOfflineReady()
	s.killPoints.moments = syncingMoments
	for range times {
		s.site.Proxy.RefuseAPI(true)
		for range 1 + s.random.IntN(6) {
			if err := s.write(users); err != nil {
				s.t.Fatal(err)
			}
		}
		users.Discard()
		a := s.killPoints.next()
		a.nth = 1 // one event may do only one round
		s.killAt(a, func() func() {
			s.site.Proxy.RefuseAPI(false)
			registrations.Sync(s.site.URL(), syncTag)
			return func() {}
		}, registrations.StopAll)
		s.delivered(registrations)
		start := time.Now()
		users = s.open(b)
		s.figures.toList = append(s.figures.toList, time.Since(start))
	}
	s.check(users)
}

// firing is how often the browser fires a sync event while work remains.
const firing = 3 * time.Second

// delivered waits until the service worker has delivered everything.
func (s *series) delivered(r *harness.Registrations) {
	s.t.Helper()
	var fired time.Time
	harness.EventuallyWithin(s.t, convergence, "the service worker delivers", func() error {
		if time.Since(fired) > firing {
			fired = time.Now()
			r.Sync(s.site.URL(), syncTag)
		}
		found := map[string]fields{}
		for _, row := range s.site.Rows() {
			if !strings.HasPrefix(row.Name, othersPrefix) {
				found[row.Name] = fields{row.Name, row.Email, row.Bio}
			}
		}
		if want := s.people.now(); !maps.Equal(found, want) {
			return fmt.Errorf("the server differs: %s", difference(found, want))
		}
		return nil
	})
}
