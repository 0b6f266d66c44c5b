package api

import "net/url"

// The paths of the protocol; docs/openapi.yaml describes what each answers. A path in
// braces is a pattern of net/http's ServeMux.
const (
	// PathPrefix is of everything that answers programs rather than people.
	PathPrefix = "/api/"

	PathUsers      = "/api/v1/users"
	PathUser       = "/api/v1/users/{id}"
	PathOperations = "/api/v1/operations"
	PathChanges    = "/api/v1/changes"
	PathBuckets    = "/api/v1/buckets"
	PathBucket     = "/api/v1/buckets/{bucket}"
	PathEvents     = "/api/v1/events"

	PathHealth  = "/healthz"
	PathReady   = "/readyz"
	PathMetrics = "/metrics"
)

// ItemPath is the path of one item of a collection, such as PathUsers.
func ItemPath(collection, id string) string { return collection + "/" + url.PathEscape(id) }
