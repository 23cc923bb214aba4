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

// opened verifies an envelope (DSSE v1) and reads its statement; null when the signature is not the key's.
async function opened(envelope, type, key) {
	const payload = bytes(envelope.payload)
	if (envelope.type !== type || envelope.scheme !== 'ed25519') return null
	const said = utf8(`DSSEv1 ${utf8(type).length} ${type} ${payload.length} `)
	if (!await signed(key, bytes(envelope.signature), joined(said, payload))) return null
	return JSON.parse(new TextDecoder().decode(payload))
}

// document reads trust.json. Whether the root signed it is a check of its own.
const document_ = envelope => JSON.parse(new TextDecoder().decode(bytes(envelope.payload)))

// keyOf finds the key that might serve a purpose at a time.
function keyOf(trust, id, purpose, at) {
	const key = trust.keys.find(k => k.id === id && k.purpose === purpose)
	const when = Date.parse(at)
	if (!key || when < Date.parse(key.not_before) || when >= Date.parse(key.not_after)) return null
	if (key.revoked_at && when >= Date.parse(key.revoked_at)) return null
	return bytes(key.public)
}

// checkpoint opens a signed note (C2SP signed-note, tlog-checkpoint) under any checkpoint key of trust.json.
async function checkpoint(note, trust) {
	const split = note.indexOf('\n\n')
	const text = note.slice(0, split + 1), [origin, size, root] = text.split('\n')
	for (const line of note.slice(split + 2).split('\n')) {
		const [, name, blob] = line.match(/^\u2014 (\S+) (\S+)$/) ?? []
		if (name !== origin) continue
		const signature = bytes(blob).slice(4)
		for (const key of trust.keys.filter(k => k.purpose === 'checkpoint')) {
			if (await signed(bytes(key.public), signature, utf8(text))) return { size: Number(size), root: bytes(root) }
		}
	}
	return null
}

async function provenRoot(data, keys) {
	const proof = data.proof
	const root = await rootOf(bytes(proof.leaf), proof.index, proof.size, proof.hashes.map(bytes))
	return { root, head: await checkpoint(proof.checkpoint, keys) }
}

// Each check answers true, false, or null when there is nothing to check it with. A second value is shown beside it.
const checks = {
	async body({ data }) { // id, time and SHA-256(salt ‖ body) are those of the leaf
		if (!data.salt) return [null]
		const leaf = bytes(data.proof.leaf), at = new DataView(leaf.buffer).getBigInt64(17)
		const sum = await sha256(bytes(data.salt), bytes(data.body))
		return [leaf[0] === 1 && hex(leaf.slice(1, 17)) === data.id.replaceAll('-', '') && Number(at) === data.at && same(leaf.slice(25), sum), hex(sum)]
	},
	async paper({ data }) { // the certificate is the one whose code is on the paper
		const want = location.hash.slice(1)
		const { key, payload, scheme, signature, type } = data.certificate
		const sum = hex(await sha256(utf8(JSON.stringify({ key, payload, scheme, signature, type }))))
		return want ? [want === sum, sum] : [null, sum]
	},
	async signature({ data, keys }) {
		const claimed = document_(data.certificate)
		const key = keyOf(keys, data.certificate.key, 'certificate', claimed.issued)
		const said = key && await opened(data.certificate, 'application/vnd.sluice.certificate.v1+json', key)
		return [!!said && said.key === data.certificate.key, data.certificate.key]
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
		const head = await checkpoint(data.proof.checkpoint, keys)
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
	let data
	try {
		const answer = await fetch(section.dataset.source)
		if (!answer.ok) throw new Error(answer.status)
		data = await answer.json()
	} catch {
		return conclude(section, 'away')
	}
	const given = {
		data, keys: document_(data.trust), root: section.querySelector('[name=root]').value.trim().toLowerCase(),
		product: section.querySelector('[name=product]')?.files[0],
	}
	let all = true
	for (const item of section.querySelectorAll('[data-check]')) {
		let held = false, told = ''
		try {
			[held, told] = await checks[item.dataset.check](given)
		} catch (err) {
			if (err.name === 'NotSupportedError') return conclude(section, 'old')
		}
		tell(item, held, told)
		all &&= held !== false
	}
	conclude(section, all ? 'holds' : 'fails')
}

for (const section of document.querySelectorAll('[data-verify]')) {
	section.querySelector('[data-run]').addEventListener('click', () => run(section))
	for (const input of section.querySelectorAll('input')) input.addEventListener('change', () => run(section))
	if (location.hash || section.dataset.verify === 'certificate') run(section)
}
})()
