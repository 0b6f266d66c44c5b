package api

import "time"

// Session says who a device is to the server.
type Session struct {
	// Open says that the server has no accounts: whoever reaches it reads and writes.
	Open    bool      `json:"open"`
	Account *Identity `json:"account"` // nil if nobody has signed in
	// Provider is where people sign in as well; empty for none. See PathProvider.
	Provider string `json:"provider,omitempty"`
}

// Identity is an account as others see it. Role is viewer, editor or admin.
type Identity struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	DisplayName string `json:"displayName"`
	Role        string `json:"role"`
}

// SignIn starts a session: with a name and a password, or with a link that an admin has made,
// whose account then gets the password.
type SignIn struct {
	Name     string `json:"name,omitempty"`
	Password string `json:"password"`
	Link     string `json:"link,omitempty"`
	Device   string `json:"device,omitempty"` // what the list of sessions calls it
}

// Passkey is a passkey as its owner sees it.
type Passkey struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Created time.Time `json:"createdAt"`
}

// Account is an account as admins see it.
type Account struct {
	Identity
	Disabled bool      `json:"disabled"`
	Invited  bool      `json:"invited"` // nobody can sign in to it yet
	Created  time.Time `json:"createdAt"`
	Seen     time.Time `json:"seenAt,omitzero"`
}

// Grant is a session or a token as its owner and admins see it. Kind is session or token.
type Grant struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	Name    string    `json:"name"`
	Role    string    `json:"role,omitempty"`
	Current bool      `json:"current"` // the one of this request
	Created time.Time `json:"createdAt"`
	Seen    time.Time `json:"seenAt"`
	Ends    time.Time `json:"endsAt"`
	Secret  string    `json:"secret,omitempty"` // of a new one, this once
}

// Link is a new link with its account. Path is where the app takes it.
type Link struct {
	Account Account   `json:"account"`
	Link    string    `json:"link"`
	Path    string    `json:"path"`
	Ends    time.Time `json:"endsAt"`
}

// Undone counts the people whom an account had changed.
type Undone struct {
	Undone int `json:"undone"` // who are as before the account's first change
	Kept   int `json:"kept"`   // whom others have changed since, or without texts to go back to
	Failed int `json:"failed"` // such as those whose email another has by now
}
