// verify.js checks signatures and proofs in the reader's own browser, with nothing but WebCrypto: nobody has to believe
// the server that shows a page. It speaks no language: its words stand in the page.
(() => {
'use strict'

const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0))
const utf8 = text => new TextEncoder().encode(text)
const hex = b => [...b].map(n => n.toString(16).padStart(2, '0')).join('')
const same = (a, b) => hex(a) === hex(b)
const joined = (...parts) => {
	const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0))
	parts.reduce((at, p) => (out.set(p, at), at + p.length), 0)
	return out
}
const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest('SHA-256', joined(...parts)))

// Nodes of the tree, RFC 6962 2.1.
const leafHash = leaf => sha256([0], leaf)
const nodeHash = (left, right) => sha256([1], left, right)

// rootOf follows an inclusion proof from a leaf up, RFC 9162 2.1.3.2. It throws when the path does not fit the tree.
async function rootOf(leaf, index, size, path) {
	let hash = await leafHash(leaf), node = index, last = size - 1
	for (const next of path) {
		if (last === 0) throw new Error('path')
		if (node % 2 === 1 || node === last) {
			hash = await nodeHash(next, hash)
			while (node % 2 === 0 && node !== 0) { node = Math.floor(node / 2); last = Math.floor(last / 2) }
		} else {
			hash = await nodeHash(hash, next)
		}
		node = Math.floor(node / 2); last = Math.floor(last / 2)
	}
	if (last !== 0) throw new Error('path')
	return hash
}

async function signed(key, signature, message) {
	const public_ = await crypto.subtle.importKey('raw', key, 'Ed25519', false, ['verify'])
	return crypto.subtle.verify('Ed25519', public_, signature, message)
}

// encoded is what is signed of a statement (DSSE v1).
function encoded(envelope) {
	const payload = bytes(envelope.payload)
	return joined(utf8(`DSSEv1 ${utf8(envelope.type).length} ${envelope.type} ${payload.length} `), payload)
}

// opened verifies an envelope and reads its statement; null when the signature is not the key's.
async function opened(envelope, type, key) {
	if (envelope.type !== type || envelope.scheme !== 'ed25519') return null
	return await signed(key, bytes(envelope.signature), encoded(envelope)) ? document_(envelope) : null
}

// document reads trust.json. Whether the root signed it is a check of its own.
const document_ = envelope => JSON.parse(new TextDecoder().decode(bytes(envelope.payload)))

// digestOf names an envelope with its signature: the SHA-256 of its canonical JSON (RFC 8785; its members are ASCII).
const digestOf = async envelope => hex(await sha256(utf8(JSON.stringify(envelope, Object.keys(envelope).sort()))))

// cbor reads an integer, a byte string or a map of both (RFC 8949): all that a COSE_Key holds. It throws at anything else.
function cbor(input) {
	let at = 0
	const next = () => {
		const head = input[at++], major = head >> 5
		let n = head & 31
		if (n > 25) throw new Error('cbor')
		if (n > 23) for (let more = n - 23, left = n = 0; left < more; left++) n = n * 256 + input[at++]
		switch (major) {
		case 0: return n
		case 1: return -1 - n
		case 2: return input.slice(at, at += n)
		case 5: return new Map(Array.from({ length: n }, () => [next(), next()]))
		}
		throw new Error('cbor')
	}
	const read = next()
	if (at !== input.length) throw new Error('cbor')
	return read
}

const url64 = b => btoa(String.fromCharCode(...b)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
const curve = (name, width, hash) => ({
	key: cose => ['raw', joined([4], cose.get(-2), cose.get(-3)), { name: 'ECDSA', namedCurve: name }],
	as: { name: 'ECDSA', hash }, signature: der => raw(der, width),
})
const rsa = (name, hash, saltLength) => ({
	key: cose => ['jwk', { kty: 'RSA', n: url64(cose.get(-1)), e: url64(cose.get(-2)) }, { name, hash }],
	as: { name, saltLength }, signature: s => s,
})

// Signatures of passkeys by their COSE algorithm (RFC 9053, RFC 8812).
const algorithms = {
	'-7': curve('P-256', 32, 'SHA-256'), '-35': curve('P-384', 48, 'SHA-384'), '-36': curve('P-521', 66, 'SHA-512'),
	'-8': { key: cose => ['raw', cose.get(-2), 'Ed25519'], as: 'Ed25519', signature: s => s },
	'-257': rsa('RSASSA-PKCS1-v1_5', 'SHA-256'), '-258': rsa('RSASSA-PKCS1-v1_5', 'SHA-384'), '-259': rsa('RSASSA-PKCS1-v1_5', 'SHA-512'),
	'-37': rsa('RSA-PSS', 'SHA-256', 32), '-38': rsa('RSA-PSS', 'SHA-384', 48), '-39': rsa('RSA-PSS', 'SHA-512', 64),
}

// raw makes the two numbers of an ECDSA signature, each of a width in bytes, from their DER form (RFC 3279 2.2.3).
function raw(der, width) {
	let at = der[1] & 0x80 ? 3 : 2
	const number = () => {
		const value = der.slice(at + 2, at += 2 + der[at + 1])
		const digits = value.slice(Math.max(0, value.length - width))
		return joined(new Uint8Array(width - digits.length), digits)
	}
	return joined(number(), number())
}

// touched tells whether a passkey signed a statement (WebAuthn Level 3, 7.2): for this challenge, at the origin it was
// enrolled at, its owner present and verified. It throws NotSupportedError for an algorithm it does not know.
async function touched(envelope, key, origin) {
	const client = bytes(envelope.client_data), data = bytes(envelope.authenticator_data)
	const said = JSON.parse(new TextDecoder().decode(client))
	const [present, verified, eligible, backed] = [1, 4, 8, 16].map(bit => !!(data[32] & bit))
	const asked = said.type === 'webauthn.get' && said.challenge === url64(await sha256(encoded(envelope))) && said.origin === origin &&
		!said.crossOrigin && !said.topOrigin && same(data.slice(0, 32), await sha256(utf8(new URL(origin).hostname)))
	if (!asked || !present || !verified || backed && !eligible) return false
	const cose = cbor(key), algorithm = algorithms[cose.get(3)]
	if (!algorithm) throw new DOMException('algorithm', 'NotSupportedError')
	const [format, form, name] = algorithm.key(cose)
	const public_ = await crypto.subtle.importKey(format, form, name, false, ['verify'])
	return crypto.subtle.verify(algorithm.as, public_, algorithm.signature(bytes(envelope.signature)), joined(data, await sha256(client)))
}

// cast opens a vote under the key it came with; null when it is not signed with it.
async function cast({ envelope, public_key, origin }) {
	const type = 'application/vnd.sluice.vote.v1+json', key = bytes(public_key)
	if (envelope.scheme !== 'webauthn') return opened(envelope, type, key)
	return envelope.type === type && await touched(envelope, key, origin) ? document_(envelope) : null
}

// keysFor are the keys that serve a purpose at a time; without one, those that are not revoked.
const keysFor = (trust, purpose, at) => trust.keys.filter(k => k.purpose === purpose && (at === undefined ? !k.revoked_at
	: Date.parse(at) >= Date.parse(k.not_before) && Date.parse(at) < Date.parse(k.not_after) && !(Date.parse(at) >= Date.parse(k.revoked_at))))

// keyOf finds the key of an id that serves a purpose at a time; null when there is none.
function keyOf(trust, id, purpose, at) {
	const key = keysFor(trust, purpose, at).find(k => k.id === id)
	return key ? bytes(key.public) : null
}

// checkpoint opens a signed note (C2SP signed-note, tlog-checkpoint) under one of the log's keys: those of the time a
// certificate was issued at, or, for an entry, today's.
async function checkpoint({ proof, certificate }, trust) {
	const note = proof.checkpoint, good = keysFor(trust, 'checkpoint', certificate && document_(certificate).issued)
	const split = note.indexOf('\n\n')
	const text = note.slice(0, split + 1), [origin, size, root] = text.split('\n')
	for (const line of note.slice(split + 2).split('\n')) {
		const [, name, blob] = line.match(/^\u2014 (\S+) (\S+)$/) ?? []
		if (name !== origin) continue
		const signature = bytes(blob).slice(4)
		for (const key of good) {
			if (await signed(bytes(key.public), signature, utf8(text))) return { size: Number(size), root: bytes(root) }
		}
	}
	return null
}

async function provenRoot(data, keys) {
	const proof = data.proof
	const root = await rootOf(bytes(proof.leaf), proof.index, proof.size, proof.hashes.map(bytes))
	return { root, head: await checkpoint(data, keys) }
}

// Each check answers true, false, or null when there is nothing to check it with. A second value is shown beside it.
const checks = {
	async body({ data, about }) { // id, time and SHA-256(salt ‖ body) are those of the leaf, and the id is this page's
		if (data.id !== about) return [false]
		if (!data.salt) return [null]
		const { act, decision, object } = JSON.parse(new TextDecoder().decode(bytes(data.body)))
		const leaf = bytes(data.proof.leaf), at = new DataView(leaf.buffer).getBigInt64(17)
		const sum = await sha256(bytes(data.salt), bytes(data.body))
		return [leaf[0] === 1 && hex(leaf.slice(1, 17)) === data.id.replaceAll('-', '') && Number(at) === data.at && same(leaf.slice(25), sum), [act, object.name, decision].join(' ')]
	},
	async paper({ data }) { // the certificate is the one whose code is on the paper
		const want = location.hash.slice(1)
		const sum = await digestOf(data.certificate)
		return want ? [want === sum, sum] : [null, sum]
	},
	async signature({ data, keys, about }) {
		const claimed = document_(data.certificate)
		const key = keyOf(keys, data.certificate.key, 'certificate', claimed.issued)
		const said = key && await opened(data.certificate, 'application/vnd.sluice.certificate.v1+json', key)
		return [!!said && said.key === data.certificate.key && said.release === about, data.certificate.key]
	},
	async votes({ data }) { // two people approved this product: the votes are those the certificate names, under two keys
		if (!data.votes) return [null]
		const { votes: named, product } = document_(data.certificate)
		const digests = await Promise.all(data.votes.map(async v => 'sha256:' + await digestOf(v.envelope)))
		const told = (await Promise.all(data.votes.map(async v => 'sha256:' + hex(await sha256(bytes(v.public_key)))))).join(' ')
		if (named.length !== 2 || digests.join() !== named.join()) return [false, told]
		const [ours, theirs] = await Promise.all(data.votes.map(cast))
		const approves = (v, seat) => v?.seat === seat && v.decision === 'approve' && v.digest === product
		return [approves(ours, 'operator') && approves(theirs, 'agency') && ours.voter !== theirs.voter &&
			ours.request === theirs.request && data.votes[0].public_key !== data.votes[1].public_key, told]
	},
	async intent({ data }) { // the entry that the certificate names is the one that is proven
		const { trace } = document_(data.certificate)
		const leaf = 'sha256:' + hex(await leafHash(bytes(data.proof.leaf)))
		return [leaf === trace.leaf && trace.index === data.proof.index && trace.size === data.proof.size, leaf]
	},
	async path({ data, keys }) {
		const { root, head } = await provenRoot(data, keys)
		return [!!head && same(root, head.root), 'sha256:' + hex(root)]
	},
	async checkpoint({ data, keys }) {
		const head = await checkpoint(data, keys)
		return [!!head && head.size === data.proof.size, head ? String(head.size) : '']
	},
	async trust({ data, root }) { // under a root key the reader has from elsewhere
		if (!/^[0-9a-f]{64}$/.test(root)) return [null, data.trust.key]
		const key = Uint8Array.from(root.match(/../g), b => parseInt(b, 16))
		return [!!await opened(data.trust, 'application/vnd.sluice.trust.v1+json', key), data.trust.key]
	},
	async recall({ data, keys }) { // no statement takes the product back
		const { release } = document_(data.certificate)
		for (const statement of data.recalls ?? []) {
			const claimed = document_(statement)
			const key = keyOf(keys, statement.key, 'certificate', claimed.issued)
			const said = key && await opened(statement, 'application/vnd.sluice.recall.v1+json', key)
			if (said && said.release === release) return [false, said.recalled]
		}
		return [true]
	},
	async bytes({ data, product }) { // of the file the reader has; it stays in their browser
		if (!product) return [null]
		const sum = 'sha256:' + hex(await sha256(new Uint8Array(await product.arrayBuffer())))
		return [sum === document_(data.certificate).product, sum]
	},
}

const marks = { true: '✓', false: '✗', null: '–' }

function tell(item, held, told) {
	item.className = held === true ? 'ok' : held === false ? 'stop' : 'plain'
	item.querySelector('.mark').textContent = marks[held]
	item.querySelector('.told').textContent = told ?? ''
}

function conclude(section, kind) {
	const verdict = section.querySelector('.verdict')
	verdict.className = 'verdict ' + { holds: 'ok', fails: 'stop' }[kind]
	verdict.textContent = (kind === 'holds' ? '✓ ' : kind === 'fails' ? '✗ ' : '') + section.dataset[kind]
}

async function run(section) {
	if (!globalThis.crypto?.subtle) return conclude(section, 'old')
	conclude(section, 'waits')
	const turn = section.turn = Symbol('run') // what is asked again meanwhile is answered by the last run alone
	const last = () => section.turn === turn
	let data
	try {
		const answer = await fetch(section.dataset.source)
		if (!answer.ok) throw new Error(answer.status)
		data = await answer.json()
	} catch {
		return last() && conclude(section, 'away')
	}
	let all = true
	for (const item of section.querySelectorAll('[data-check]')) {
		const [held, told] = await answered(item.dataset.check, data, section)
		if (!last()) return
		if (held === undefined) return conclude(section, 'old')
		tell(item, held, told)
		all &&= held !== false
	}
	conclude(section, all ? 'holds' : 'fails')
}

// answered runs one check. What cannot be read does not hold; what this browser cannot compute is undefined.
async function answered(check, data, section) {
	try {
		return await checks[check]({
			data, about: section.dataset.about, keys: document_(data.trust), root: section.querySelector('[name=root]').value.trim().toLowerCase(),
			product: section.querySelector('[name=product]')?.files[0],
		})
	} catch (err) {
		return [err.name === 'NotSupportedError' ? undefined : false, '']
	}
}

for (const section of document.querySelectorAll('[data-verify]')) {
	section.querySelector('[data-run]').addEventListener('click', () => run(section))
	for (const input of section.querySelectorAll('input')) input.addEventListener('change', () => run(section))
	if (location.hash || section.dataset.verify !== 'entry') run(section)
}
})()
