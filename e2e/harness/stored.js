// stored reads the device's database, whose log and base package replica describes, into
// records of the five stores that it had before there was a log: users, confirmed,
// operations, conflicts and meta. It does not check sums.
async (db) => {
	const settle = (r) => new Promise((ok, no) => { r.onsuccess = () => ok(r.result); r.onerror = () => no(r.error); });
	const tx = db.transaction(["log", "base"]);
	const [log, keys, texts] = await Promise.all([
		settle(tx.objectStore("log").getAll()), settle(tx.objectStore("base").getAllKeys()), settle(tx.objectStore("base").getAll())]);
	const base = new Map(keys.map((key, i) => [key, texts[i]]));
	const unescape = (field) => field.replace(/\x1b(.)/g, (_, c) => String.fromCharCode(c.charCodeAt(0) - 64));
	const lines = (text) => (text ?? "").split("\n").filter(Boolean).map((line) => line.split("\t").slice(0, -1).map(unescape));
	const instant = (text) => (text === "" ? "0001-01-01T00:00:00Z" : new Date(Number(text.split(".")[0]) * 1000).toISOString().replace("000Z", `${text.split(".")[1].padStart(9, "0")}Z`));
	const row = (type, id, sortName, version, stamp, syncedAt, generation, document) => ({
		type, id, sortName, search: sortName, version: Number(version), stamp, syncedAt: instant(syncedAt), generation: Number(generation), document, isDirty: false, state: "" });
	const key = (type, id) => JSON.stringify([type, id]);
	const rows = new Map(), pending = new Map(), reviewed = new Map(), meta = new Map();
	for (const name of keys.filter((k) => /^list\/[^/]+$/.test(k))) {
		for (const [kind, number] of lines(base.get(name))) {
			if (kind !== "l") continue;
			for (const [, id, ...rest] of lines(base.get(`${name}/${number}`))) {
				const [sort, version, stamp, syncedAt, document] = rest;
				rows.set(key(name.slice(5), id), row(name.slice(5), id, sort, version, stamp, syncedAt, 1, document));
			}
		}
	}
	const state = lines(base.get("state/a")), until = Number(state[0]?.[2] ?? 0);
	const fold = ([kind, ...f], counts) => {
		const entity = () => pending.get(key(f[0], f[1]));
		if (kind === "w") rows.set(key(f[0], f[3]), row(f[0], f[3], f[4], f[5], f[6], f[7], f[2], f[8]));
		else if (kind === "r") rows.set(key(f[0], f[1]), row(f[0], f[1], ...f.slice(3)));
		else if (kind === "d") rows.delete(key(f[0], f[1]));
		else if (!counts) return;
		else if (kind === "m") meta.set(f[0], f[1]);
		else if (kind === "f") meta.set("#fence", Number(f[0]));
		else if (kind === "g") meta.set("#generation", Number(f[0]));
		else if (kind === "e") pending.set(key(f[0], f[1]), { type: f[0], id: f[1], operations: [], conflicts: [] });
		else if (kind === "x") pending.delete(key(f[0], f[1]));
		else if (kind === "c") entity().row = row(f[0], f[1], "", f[2], f[3], f[4], 1, f[5]);
		else if (kind === "q") {
			const { ref: { type, id }, state, nextAttemptAt } = JSON.parse(f[1]);
			const { operations } = pending.get(key(type, id));
			const standing = state === "rejected" ? state : operations.length === 0 ? "" : undefined;
			operations.push({ type, id, seq: Number(f[0]), state, nextAttemptAt: nextAttemptAt.startsWith("0001") ? "" : nextAttemptAt, ...(standing === undefined ? {} : { standing }), text: f[1] });
		} else if (kind === "a") {
			const [first] = pending.get(key(f[0], f[1])).operations;
			first.state = "sending";
			first.text = JSON.stringify({ ...JSON.parse(first.text), state: "sending" });
		} else if (kind === "k" || kind === "v") {
			const c = JSON.parse(f[0]), at = Date.parse(c.at) * 1000;
			const record = { ...c.ref, conflict: c.id, at, reviewed: kind === "v", standing: [kind === "v" ? 0 : 1, at], text: f[0] };
			if (kind === "v") reviewed.set(c.id, record);
			else pending.get(key(c.ref.type, c.ref.id)).conflicts.push(record);
		}
	};
	for (const line of state) fold(line, true);
	for (const { seq, text } of log) for (const line of lines(text)) fold(line, seq > until);
	const out = { users: [...rows.values()], confirmed: [], operations: [], conflicts: [...reviewed.values()], meta: [...meta] };
	for (const { type, id, row: confirmed, operations, conflicts } of pending.values()) {
		out.operations.push(...operations);
		out.conflicts.push(...conflicts);
		let document = confirmed ? JSON.parse(confirmed.document) : null;
		for (const { text, state } of operations) {
			const o = JSON.parse(text);
			if (o.type !== "delete") document = { id, ...document, ...o.data };
			else if (state !== "rejected") document = null;
		}
		const shown = operations.some((o) => o.state === "rejected") ? "attention" : operations.length > 0 ? "pending" : "conflict";
		if (confirmed && operations.length > 0) out.confirmed.push({ ...confirmed, sortName: undefined, search: undefined });
		if (document) {
			const name = (document.name ?? "").toLowerCase();
			const view = operations.length > 0 ? JSON.stringify(document) : confirmed.document;
			out.users.push({ ...(confirmed ?? row(type, id, name, 0, "", "", 1, "")), sortName: name, search: name, document: view, isDirty: operations.length > 0, state: shown });
		}
	}
	out.operations.sort((a, b) => a.seq - b.seq);
	return out;
}
