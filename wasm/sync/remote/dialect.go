package remote

import "github.com/rollcall/rollcall/api"

// Dialect says how a backend with plain resources names things, and what it can do. The
// zero value is for a backend that has arrays of rows and nothing else, neither pages nor
// dates nor versions: every pull reads all of it.
//
// Every row is a JSON object with its "id", which the client chooses. Errors are JSON of
// any shape; an error that isn't JSON counts as a captive portal's.
type Dialect struct {
	// Version is the member of a row that counts its changes; its quoted value is the
	// row's strong ETag. A write is then one request, conditional by If-Match. Without it
	// each write first reads the row and compares it with the operation's base. Another
	// client's write to the same field between the two is lost, unless the backend has
	// strong ETags and honours If-Match.
	Version string
	// Updated is the member with the time of the row's last change, RFC 3339. Without
	// Version it is also the version, in microseconds.
	Updated string
	// Created is the member with the time of the row's creation; used with ClientDates.
	Created string
	// ClientDates is for a backend that stores Updated and Created as it receives them.
	// Each write then sets them by the backend's clock (its Date header), and always later
	// than the row's own.
	ClientDates bool
	// LowerIDs is for a backend that returns UUIDs in upper case: ids are read in lower case,
	// as the client makes them. The backend must find them in either.
	LowerIDs bool
	// Replace is for a backend without PATCH: an update puts the whole row.
	Replace bool

	// Rows is the member of a list's answer with the rows, "" when the answer is the
	// array itself.
	Rows string
	// Limit is the parameter for the page size, "" for none.
	Limit string
	// MaxLimit is the highest Limit that the backend honours, 0 for any.
	MaxLimit int
	// Next is the member of a list's answer with the token of the next page.
	Next string
	// Token is the parameter that takes Next's value.
	Token string
	// Page is the parameter for the number of the page, from 1. A row can be missed when
	// another before it is deleted meanwhile; the next listing finds it.
	Page string
	// From is the parameter that lists rows whose id is at or above its value, in the
	// order of ids. Unlike Page it misses nothing.
	From string
	// Listing is the rest of the query for a list of everything.
	Listing string
	// Polling is the rest of the query for a list of changes. They must come oldest first.
	Polling string
	// Since is the parameter that lists rows changed at or after (or only after) its
	// value, an RFC 3339 time in UTC with milliseconds. Without it every pull is a
	// listing of everything.
	Since string
}

// Rollcall is the dialect of Rollcall's own plain resources.
var Rollcall = Dialect{
	Version: "version", Updated: "updatedAt",
	Rows: "users", Limit: "limit", MaxLimit: api.MaxUsers, Next: "nextPageToken", Token: "page_token",
	// By time of change: a row that changes meanwhile moves to the end and can't be
	// missed, as it could in the order of names.
	Listing: "updated_after=1970-01-01T00:00:00Z", Since: "updated_after",
}

// JSONServer is the dialect of the npm package json-server, 0.17. It has no
// clock and no versions of its own.
var JSONServer = Dialect{
	Updated: "updatedAt", Created: "createdAt", ClientDates: true,
	Limit: "_limit", Page: "_page", From: "id_gte", Since: "updatedAt_gte",
	Listing: "_sort=id&_order=asc", Polling: "_sort=updatedAt,id&_order=asc,asc",
}
