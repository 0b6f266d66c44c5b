package sim

// accountRoles are what a scenario about accounts uses: the slots of one device that show one
// account's data, and of those that it shows once another has signed in.
type accountRoles struct {
	roles
	account, other       int
	theirTab, theirHost  Who // once other has signed in
	nobodysTab, ownHost2 Who
}

// accountScenarios, each with what it provokes.
var accountScenarios = []func(accountRoles) scenario{
	// A session ends while a batch is under way.
	func(c accountRoles) scenario {
		return scenario{
			{Step: Step{Verb: Update, Who: c.tab, Entity: c.entity, N: c.fields}},
			{Step: Step{Verb: Round, Who: c.host}, until: sending},
			{Step: Step{Verb: Revoke, Who: c.tab, N: int64(c.account)}},
			{Step: Step{Verb: Run, Who: c.host}},
			{Step: Step{Verb: Login, Who: c.tab2, N: int64(c.account)}},
			{Step: Step{Verb: Round, Who: c.host, N: 1}},
		}
	},
	// Somebody else signs in, and what worked for the one before goes on.
	func(c accountRoles) scenario {
		return scenario{
			{Step: Step{Verb: Update, Who: c.tab, Entity: c.entity, N: c.fields}},
			{Step: Step{Verb: Expire, Who: c.tab, N: int64(c.account)}},
			{Step: Step{Verb: Login, Who: c.tab, N: int64(c.other)}},
			{Step: Step{Verb: Round, Who: c.host2, N: 1}, until: sending},
			{Step: Step{Verb: Update, Who: c.theirTab, Entity: c.entity, N: c.fields}},
			{Step: Step{Verb: Round, Who: c.theirHost, N: 1}},
			{Step: Step{Verb: Round, Who: c.ownHost2, N: 6}},
			{Step: Step{Verb: Expire, Who: c.tab, N: int64(c.other)}},
			{Step: Step{Verb: Login, Who: c.theirTab, N: int64(c.account)}},
			{Step: Step{Verb: Round, Who: c.host, N: 1}},
		}
	},
	// A role changes under a queue, and back.
	func(c accountRoles) scenario {
		return scenario{
			{Step: Step{Verb: Create, Who: c.tab, Entity: -1}},
			{Step: Step{Verb: Update, Who: c.tab, Entity: c.entity, N: c.fields}},
			{Step: Step{Verb: Role, Who: c.tab, N: int64(2 * c.account)}},
			{Step: Step{Verb: Round, Who: c.host, N: 1}},
			{Step: Step{Verb: Role, Who: c.tab, N: int64(2*c.account + 1)}},
			{Step: Step{Verb: Retry, Who: c.tab}},
			{Step: Step{Verb: Round, Who: c.host2, N: 1}},
		}
	},
	// An account is disabled with a queue, and enabled again.
	func(c accountRoles) scenario {
		return scenario{
			{Step: Step{Verb: Update, Who: c.tab, Entity: c.entity, N: c.fields}},
			{Step: Step{Verb: Disable, Who: c.tab, N: int64(2 * c.account)}},
			{Step: Step{Verb: Round, Who: c.host, N: 1}},
			{Step: Step{Verb: Create, Who: c.tab, Entity: -1}},
			{Step: Step{Verb: Round, Who: c.host2, N: 6}},
			{Step: Step{Verb: Disable, Who: c.tab, N: int64(2*c.account + 1)}},
			{Step: Step{Verb: Login, Who: c.tab, N: int64(c.account)}},
			{Step: Step{Verb: Round, Who: c.host, N: 1}},
		}
	},
	// Somebody signs out with unsent work, in each way, while another tab goes on.
	func(c accountRoles) scenario { return c.leaving(keepIt) },
	func(c accountRoles) scenario { return c.leaving(discardIt) },
	// Nobody's work is taken over, which is cut off, and asked about again.
	func(c accountRoles) scenario {
		return scenario{
			{Step: Step{Verb: Create, Who: c.nobodysTab, Entity: -1}},
			{Step: Step{Verb: Close, Who: c.tab}},
			{Step: Step{Verb: Login, Who: c.nobodysTab, N: int64(c.other)}},
			{Step: Step{Verb: Greet, Who: c.theirTab}},
			{Step: Step{Verb: Claim, Who: c.theirTab}, until: writing},
			{Step: Step{Verb: Run, Who: c.theirTab}, until: reading},
			{Step: Step{Verb: Round, Who: c.theirHost, N: 1}},
			{Step: Step{Verb: Kill, Who: c.theirTab}},
			{Step: Step{Verb: Greet, Who: c.theirTab}},
			{Step: Step{Verb: Claim, Who: c.theirTab}},
			{Step: Step{Verb: Round, Who: c.theirHost, N: 1}},
		}
	},
}

func (c accountRoles) leaving(choice int64) scenario {
	return scenario{
		{Step: Step{Verb: Update, Who: c.tab, Entity: c.entity, N: c.fields}},
		{Step: Step{Verb: Logout, Who: c.tab, N: choice}, until: answering},
		{Step: Step{Verb: Create, Who: c.tab2, Entity: -1}},
		{Step: Step{Verb: Run, Who: c.tab}},
		{Step: Step{Verb: Round, Who: c.ownHost2, N: 6}},
		{Step: Step{Verb: Login, Who: c.nobodysTab, N: int64(c.account)}},
		{Step: Step{Verb: Round, Who: c.host, N: 1}},
	}
}

// beginAccounts starts a random scenario about accounts on a device.
func (g *generator) beginAccounts(d *device) {
	a, other := d.shown(), 1+g.own.IntN(len(d.browsers)-1)
	theirs, tabs := other*accountStride+d.place, d.config.Tabs
	c := accountRoles{
		roles: roles{
			tab: Who{a.number, tab, 0}, tab2: Who{a.number, tab, tabs - 1}, host: Who{a.number, host, 0}, host2: Who{a.number, host, 1},
			entity: g.entity(a), fields: setBio + 1000*emailBits,
		},
		account: a.account, other: other, theirTab: Who{theirs, tab, 0}, theirHost: Who{theirs, host, 0},
		nobodysTab: Who{d.place, tab, 0}, ownHost2: Who{a.number, host, 1},
	}
	i := g.own.IntN(len(accountScenarios))
	if a.account == nobody && g.own.IntN(2) == 0 {
		i = len(accountScenarios) - 1 // the one about nobody's work
	}
	g.start(accountScenarios[i](c))
}
