package sync

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rollcall/rollcall/api"
)

func TestClassify(t *testing.T) {
	const problem = `{"title":"no","status":400,"code":"invalid"}`
	tests := []struct {
		name   string
		status int
		ctype  string
		body   string
		retry  string
		want   ErrorKind
		good   bool
	}{
		{"ok", 200, "application/json; charset=utf-8", `{}`, "", 0, true},
		{"captive portal", 200, "text/html", `<html>`, "", NoAnswer, false},
		{"redirect", 302, "text/html", ``, "", NoAnswer, false},
		{"refused", 422, "application/problem+json", problem, "", Refused, false},
		{"somebody else's 404", 404, "text/html", `not found`, "", NoAnswer, false},
		{"somebody else's 403", 403, "text/html", ``, "", NoAnswer, false},
		{"unauthorized", 401, "text/plain", ``, "", SignedOut, false},
		{"timeout", 408, "", ``, "", Unavailable, false},
		{"too early", 425, "", ``, "", Unavailable, false},
		{"slow down", 429, "", ``, "7", Unavailable, false},
		{"too large", 413, "", ``, "", TooLarge, false},
		{"gone", 410, "application/problem+json", `{"title":"old","code":"resync"}`, "", Resync, false},
		{"a proxy's gone", 410, "text/html", ``, "", NoAnswer, false},
		{"broken", 500, "", ``, "", ServerError, false},
		{"bad gateway", 502, "text/html", ``, "", Unavailable, false},
		{"unavailable", 503, "application/problem+json", problem, "120", Unavailable, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := Classify(Response{Status: tt.status, Body: []byte(tt.body),
				Header: map[string]string{"content-type": tt.ctype, "retry-after": tt.retry}})
			if (o == nil) != tt.good {
				t.Fatalf("error %v", o)
			}
			if o == nil {
				return
			}
			if o.Kind != tt.want {
				t.Errorf("kind %d, want %d (%v)", o.Kind, tt.want, o)
			}
			if o.Error() == "" {
				t.Error("no reason for a person")
			}
			if want := map[string]time.Duration{"": 0, "7": 7 * time.Second, "120": 2 * time.Minute}[tt.retry]; o.RetryAfter != want {
				t.Errorf("retry after %v, want %v", o.RetryAfter, want)
			}
		})
	}
}

func TestBackoffIsBounded(t *testing.T) {
	for n := range 70 {
		for _, random := range []float64{0, 0.5, 0.999999} {
			if d := Backoff(n, random); d < MinBackoff || d > MaxBackoff {
				t.Fatalf("backoff %d is %v", n, d)
			}
		}
	}
	if a, b := Backoff(3, 0.9), Backoff(6, 0.9); a >= b {
		t.Errorf("backoff does not grow: %v, %v", a, b)
	}
}

func TestRetryAfter(t *testing.T) {
	const sent = "Thu, 01 Oct 2026 12:00:00 GMT"
	for _, c := range []struct {
		text, date string
		want       time.Duration
	}{
		{"", sent, 0},
		{"0", sent, 0},
		{"100", "", 100 * time.Second},
		{"300", "", MaxRetryAfter},
		{"301", "", DoubtfulRetry},
		{"86400", "", DoubtfulRetry},
		{"99999999999999999999", "", DoubtfulRetry},
		{"-1", "", DoubtfulRetry},
		{"soon", "", DoubtfulRetry},
		{"Thu, 01 Oct 2026 12:02:00 GMT", sent, 2 * time.Minute},
		{"Thu, 01 Oct 2026 11:00:00 GMT", sent, 0},
		{"Fri, 02 Oct 2026 12:00:00 GMT", sent, DoubtfulRetry},
		{"Thu, 01 Oct 2026 12:02:00 GMT", "", DoubtfulRetry}, // against which clock?
	} {
		if got := retryAfter(Response{Header: map[string]string{"retry-after": c.text, "date": c.date}}); got != c.want {
			t.Errorf("%q at %q: got %v, want %v", c.text, c.date, got, c.want)
		}
	}
}

// The operator has a flag to set; what was written on the device waits for that.
func TestARequestThatTheServerDoesNotTakeFromHereRejectsNothing(t *testing.T) {
	for _, code := range []api.Code{api.CodeUnknownHost, api.CodeCrossSite} {
		body := fmt.Sprintf(`{"title":"No","status":%d,"code":%q}`, code.Status(), code)
		failed := Classify(Response{Status: code.Status(), Header: map[string]string{"content-type": "application/problem+json"}, Body: []byte(body)})
		if failed == nil || failed.Kind != Unavailable || failed.Problem.Code != code {
			t.Errorf("%s: %+v", code, failed)
		}
	}
}

// A portal in front of the server, whose sign-in has ended, answers in one of these ways.
func TestPortalsAskToSignIn(t *testing.T) {
	for _, c := range []struct {
		status int
		media  string
		want   api.Code
	}{
		{200, "text/html; charset=utf-8", api.CodeSignIn},
		{302, "", api.CodeSignIn}, {303, "text/html", api.CodeSignIn}, {307, "text/plain", api.CodeSignIn},
		{401, "text/html", api.CodeSignIn}, {401, "", api.CodeSignIn}, {401, "application/json", api.CodeSignIn},
		{403, "text/html", api.CodeSignIn}, {511, "text/html", api.CodeSignIn},
		{200, "text/plain", api.CodeUnavailable}, {403, "application/json", api.CodeUnavailable},
		{404, "text/html", api.CodeUnavailable}, {502, "text/html", api.CodeUnavailable},
	} {
		failed := Classify(Response{Status: c.status, Header: map[string]string{"content-type": c.media}, Body: []byte("{}")})
		if failed == nil || failed.Problem.Code != c.want {
			t.Errorf("%d %q: got %+v", c.status, c.media, failed)
		}
	}
}

// TestWhatOnlyAPersonCanMend: the service worker tries nothing of it again.
func TestWhatOnlyAPersonCanMend(t *testing.T) {
	answer := func(status int, media, body string) error {
		return fmt.Errorf("push: %w", Classify(Response{Status: status, Header: map[string]string{"content-type": media}, Body: []byte(body)}))
	}
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"no error":        {nil, false},
		"no network":      {NoAnswerError(errors.New("no network")), false},
		"signed out":      {answer(401, "application/problem+json", `{"title":"Sign in to sync","status":401,"code":"sign_in"}`), true},
		"disabled":        {answer(401, "application/problem+json", `{"title":"Disabled","status":401,"code":"account_disabled"}`), true},
		"a proxy's page":  {answer(401, "text/html", "<h1>Sign in</h1>"), true},
		"a portal's page": {answer(200, "text/html", "<h1>Welcome</h1>"), false}, // it may let go by itself
		"too old":         {answer(400, "application/problem+json", `{"title":"Too old","status":400,"code":"client_too_old"}`), true},
		"busy":            {answer(503, "", ""), false},
	} {
		if got := NeedsPerson(c.err); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
