package api

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
