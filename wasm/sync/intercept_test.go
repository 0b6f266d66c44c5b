package sync_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall/rollcall/api"
	"github.com/rollcall/rollcall/sim/testbed"
	"github.com/rollcall/rollcall/wasm/directory"
	"github.com/rollcall/rollcall/wasm/repository"
	"github.com/rollcall/rollcall/wasm/sync"
	"github.com/rollcall/rollcall/wasm/sync/remote"
)

// page is what stands between a device and the server answers with: a page for people.
func page(status int, header ...string) func() (*sync.Response, error) {
	return func() (*sync.Response, error) {
		h := map[string]string{"content-type": "text/html"}
		for i := 0; i+1 < len(header); i += 2 {
			h[header[i]] = header[i+1]
		}
		return &sync.Response{Status: status, Header: h, Body: []byte("<html>Blocked")}, nil
	}
}

// document is what a program stands there with: JSON of its own.
func document(status int, body string) func() (*sync.Response, error) {
	return func() (*sync.Response, error) {
		return &sync.Response{Status: status, Header: map[string]string{"content-type": "application/json"}, Body: []byte(body)}, nil
	}
}

func reset() (*sync.Response, error) { return nil, errors.New("connection reset") }

// filter is something on the way that answers bodies with "=cmd" in them.
func filter(answer func() (*sync.Response, error)) func(sync.Request) (*sync.Response, error) {
	return func(r sync.Request) (*sync.Response, error) {
		if bytes.Contains(r.Body, []byte("=cmd")) {
			return answer()
		}
		return nil, nil
	}
}

// rounds does n rounds, of which some may fail.
func rounds(a *testbed.Device, n int) (last error) {
	for range n {
		_, last = a.Engine.Round(context.Background(), sync.Timer)
	}
	return last
}

func TestAFilterHoldsUpNothingButWhatItRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		answer func() (*sync.Response, error)
		after  int // rounds
	}{
		"forbidden": {page(403), sync.MaxRefusals}, "not acceptable": {page(406), sync.MaxRefusals},
		"bad request": {page(400), sync.MaxRefusals}, "media type": {page(415), sync.MaxRefusals},
		"legal reasons": {page(451), sync.MaxRefusals}, "not implemented": {page(501), sync.MaxRefusals},
		"not found": {page(404), sync.MaxRefusals}, "method": {page(405), sync.MaxRefusals},
		"a page": {page(200), sync.MaxRefusals}, "a redirect": {page(302), sync.MaxRefusals},
		"too large": {page(413), 1}, "a gateway's error": {page(502), sync.MaxSilences},
		"reset": {reset, sync.MaxSilences},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			w := testbed.New(t)
			a, b := w.Device(), w.Device()
			for i := range 20 {
				a.Add(fmt.Sprintf("User%02d", i))
				if i == 13 {
					_, err := a.Create(ctx, testbed.Patch("Calc", "calc@example.org", "=cmd|' /C calc'!A0"))
					a.OK(err)
				}
			}
			b.Add("Zoe")
			b.Sync()
			a.Intercept(filter(c.answer))
			err := rounds(a, 1)
			if users := w.Users(); len(users) != 21 || !strings.Contains(a.Line(), "Zoe()") {
				t.Fatalf("after a round the server has %d users, the device %s", len(users), a.Line())
			}
			if c.after > 1 && (err == nil || !strings.Contains(err.Error(), "between this device and the server")) {
				t.Errorf("the round ended with %v", err)
			}
			if err := rounds(a, c.after-1); err != nil {
				t.Errorf("the last round: %v", err)
			}
			ops, err := a.NeedsAttention(ctx, 5)
			a.OK(err)
			if len(ops) != 1 || !strings.Contains(string(ops[0].Data), "=cmd") || !strings.Contains(ops[0].LastError.Error(), "on the way") && ops[0].LastError.Code != sync.CodeIntercepted {
				t.Fatalf("needs attention: %+v", ops)
			}
			a.Intercept(nil)
			a.OK(a.Retry(ctx, ops[0]))
			a.Sync()
			if counts, err := a.Counts(ctx); err != nil || counts.Waiting+counts.Rejected != 0 {
				t.Errorf("left: %+v, %v", counts, err)
			}
		})
	}
}

func TestSilenceCountsAsNoRefusal(t *testing.T) {
	ctx := context.Background()
	a := testbed.New(t).Device()
	_, err := a.Create(ctx, testbed.Patch("Calc", "calc@example.org", "=cmd|' /C calc'!A0"))
	a.OK(err)
	refusing := page(403)
	for i, answer := range []func() (*sync.Response, error){refusing, reset, refusing, refusing} {
		a.Intercept(filter(answer))
		_ = rounds(a, 1)
		ops, err := a.NeedsAttention(ctx, 5)
		a.OK(err)
		if want := i / 3; len(ops) != want {
			t.Fatalf("after round %d, %d operations need attention, want %d", i+1, len(ops), want)
		}
	}
}

// A portal, or a network that is gone, answers everything alike: no operation is at fault.
func TestAPortalRejectsNothing(t *testing.T) {
	for name, answer := range map[string]func() (*sync.Response, error){
		"forbidden": page(403), "a page": page(200), "a redirect": page(302), "gateway": page(502), "gone": reset,
		"login required": page(511), "moved": page(301), "moved for good": page(308), "nothing": page(204), "too large": page(413),
		"broken": page(500), "empty JSON": document(200, `{}`), "null": document(200, `null`), "a list": document(200, `[]`),
		"queued": document(202, `{"status":"queued"}`), "cut off": document(200, `{"results":[{"id":"0199`),
		"denied": document(403, `{"code":"ACCESS_DENIED","message":"no"}`), "no route": document(404, `{"code":"not_found"}`),
		"unprocessable": document(422, `{"code":"invalid"}`), "too large, in JSON": document(413, `{"message":"too large"}`),
	} {
		for reach, stops := range map[string]func(sync.Request) bool{
			"everything": func(sync.Request) bool { return true },
			"writes":     func(r sync.Request) bool { return r.Method != "GET" },
		} {
			t.Run(name+" to "+reach, func(t *testing.T) {
				a := testbed.New(t).Device()
				a.Add("Ann")
				a.Add("Bo")
				a.Intercept(func(r sync.Request) (*sync.Response, error) {
					if stops(r) {
						return answer()
					}
					return nil, nil
				})
				for range 2 * sync.MaxSilences {
					if _, err := a.Engine.Round(context.Background(), sync.Manual); err == nil {
						t.Error("nothing was said of it")
					}
				}
				a.Shows("Ann() pending; Bo() pending")
				a.Intercept(nil)
				a.Sync()
				a.Shows("Ann(); Bo()")
			})
		}
	}
}

func TestReadsGoOnWhereWritesAreStopped(t *testing.T) {
	w := testbed.New(t)
	a, b := w.Device(), w.Device()
	a.Add("Ann")
	b.Add("Zoe")
	b.Sync()
	a.Intercept(func(r sync.Request) (*sync.Response, error) {
		if r.Method == "POST" {
			return page(403)()
		}
		return nil, nil
	})
	_, err := a.Engine.Round(context.Background(), sync.Timer)
	var failed *sync.RequestError
	if !errors.As(err, &failed) || failed.Problem.Code != sync.CodeIntercepted || failed.Kind == sync.NoAnswer {
		t.Errorf("the round ended with %v", err)
	}
	a.Shows("Ann() pending; Zoe()")
}

// A suspect that the person corrects is sent like any other.
func TestAnEditedSuspectGetsThrough(t *testing.T) {
	ctx := context.Background()
	a := testbed.New(t).Device()
	written, err := a.Create(ctx, testbed.Patch("Calc", "calc@example.org", "=cmd"))
	a.OK(err)
	a.Intercept(filter(page(403)))
	if rounds(a, 1) == nil {
		t.Error("nothing was said of it")
	}
	bio := "harmless"
	a.Wrote(a.Update(ctx, written.ID, api.UserPatch{Bio: &bio}))
	_ = rounds(a, sync.MaxRefusals)
	page, err := a.List(ctx, repository.Query{Limit: 5})
	a.OK(err)
	if page.Records.Len() != 1 || page.Records.At(0).Value.Bio != bio || page.Records.At(0).State != "" {
		t.Errorf("the list: %+v", page.Records)
	}
}

// A cache that heeds no header answers each address with the first copy it has seen.
func TestACacheOnTheWayHidesNothing(t *testing.T) {
	w := testbed.New(t)
	numbers := 0
	a := w.DeviceOn(func(http sync.HTTP) sync.Remote {
		return &remote.Server{HTTP: http, Paths: directory.Paths, Fresh: func() string { numbers++; return fmt.Sprint(numbers) }}
	})
	copies := map[string]sync.Response{}
	a.Intercept(func(r sync.Request) (*sync.Response, error) {
		if r.Method != "GET" {
			return nil, nil
		}
		if _, ok := copies[r.Path]; !ok {
			copies[r.Path] = w.Serve(t.Context(), r)
		}
		answer := copies[r.Path]
		return &answer, nil
	})
	b := w.Device()
	for _, name := range []string{"Ann", "Bo", "Cy"} {
		b.Add(name)
		b.Sync()
		a.Sync()
		if !strings.Contains(a.Line(), name) {
			t.Errorf("after %s was added: %s", name, a.Line())
		}
	}
	if _, err := (&remote.Server{HTTP: a, Paths: directory.Paths, Fresh: func() string { return "x" }}).Fetch(t.Context(), userRef(w.Users()[0].ID)); err != nil {
		t.Errorf("fetching a user: %v", err)
	}
}
