/*! Hemline, MIT: see docs/snippet.md */
(() => {
	"use strict";
	const set = document.currentScript?.dataset ?? {};
	const api = (set.api ?? "") + "/v1/";
	window.hemline ??= {};
	const quiet = navigator.globalPrivacyControl;
	const credentials = quiet ? "omit" : "include";
	const post = (path, body, more) => fetch(api + path, { method: "POST", credentials, body, ...more });
	const once = (target, name, run) => target.addEventListener(name, run, { once: true });
	const emit = (name, detail) => document.dispatchEvent(new CustomEvent("hemline:" + name, { detail }));

	// Browsers allow 64 KiB of keepalive bodies: two batches fit.
	const [OUTLIVES, BATCH, QUEUE] = [6e4, 3e4, 99];
	let [queue, busy, most, pause, timer, clock] = [[], 0, QUEUE, 1, 0, 0];

	const bodyOf = (batch) => `{"events":[${batch.map(({ text }) => text)}]}`;
	const drop = (lines, reason) => emit("dropped", { events: lines.map(({ event }) => event), reason });

	// The events that fit one batch, at least one.
	function take() {
		let [at, size] = [0, 0];
		while (at < most && queue[at] && (!at || size + queue[at].size < BATCH)) size += queue[at++].size;
		return Object.assign(queue.splice(0, at), { size });
	}

	function keep(lines) {
		queue.unshift(...lines);
		while (queue[QUEUE]) {
			const at = queue.findIndex(({ event }) => event.type === "exposure");
			drop(queue.splice(Math.max(at, 0), 1), "queue");
		}
	}

	// Retries until stored; one request at a time.
	async function flush() {
		timer = clearTimeout(timer);
		if (busy || !queue[0]) return;
		const batch = (busy = take());
		// Other scripts may use up the 64 KiB: retry without.
		const keepalive = (batch.outlives = pause < 2 && batch.size < OUTLIVES);
		const signal = AbortSignal.timeout(3e4);
		// Leaving the page fails this fetch: wait, or leave() sends the batch twice.
		const failed = () => new Promise((done) => setTimeout(done, 100));
		const answer = await post("events", bodyOf(batch), { keepalive, signal }).catch(failed);
		const status = answer?.status ?? 503;
		const each = status === 400 && (await answer.text().catch(String)).includes('"rejected"');
		if (busy !== batch) return;
		busy = 0;
		if (status > 499 || status === 429) {
			keep(batch);
			clearTimeout(timer);
			timer = setTimeout(flush, (pause = Math.min(pause * 2, 64)) * (500 + Math.random() * 500));
			return;
		}
		if ((status === 413 || status === 400) && batch[1] && !each) {
			// Refused as a whole: halve it.
			most = batch.length >> 1;
			keep(batch);
		} else {
			[most, pause] = [QUEUE, 1];
			if (status > 399) drop(batch, status);
		}
		flush();
	}

	// Waits for no answer: the page may never come back.
	function leave() {
		document.querySelectorAll("hem-slot").forEach(report);
		if (busy && !busy.outlives) [queue, busy] = [[...busy, ...queue], 0];
		const all = [...queue];
		let batch = [];
		while (queue[0] && navigator.sendBeacon(api + "events", bodyOf((batch = take())))) batch = [];
		keep(batch);
		// After failures keep a copy.
		if (pause < 2) return flush();
		queue = all;
		timer ||= setTimeout(flush, pause * 1000);
	}

	const send = (hemline.send = (type, fields) => {
		if (quiet) return;
		// Prerendered: not visited yet.
		if (document.prerendering) return once(document, "prerenderingchange", () => send(type, fields));
		// Monotonic, so that an exposure precedes its click.
		clock = Math.max(clock, Date.now());
		const event = { id: crypto.randomUUID(), type, time: clock, ...fields };
		const text = JSON.stringify(event);
		queue.push({ event, text, size: new Blob([text]).size });
		keep([]);
		emit("sent", event);
		if (timer && pause > 1) return;
		if (type !== "exposure") flush();
		else timer ||= setTimeout(flush, 300);
	});

	// Seen: half of it or of a window, for a second.
	const cardsOf = (slot) => [...slot.querySelectorAll("[data-item]")];
	const eyes = new IntersectionObserver(look, { threshold: [0, 0.25, 0.5, 1] });

	function watch(card) {
		card.told = false;
		card.look = clearTimeout(card.look);
		eyes.unobserve(card);
		eyes.observe(card);
	}

	function look(entries) {
		for (const { target, intersectionRatio: ratio, intersectionRect: box } of entries) {
			if (ratio < 0.5 && box.height < innerHeight / 2) target.look = clearTimeout(target.look);
			else target.look ??= setTimeout(confirm, 1000, target);
		}
	}

	function confirm(target) {
		eyes.unobserve(target);
		target.look = clearTimeout(target.look);
		target.told = !document.hidden;
		if (!target.told) return watch(target);
		const slot = target.closest("hem-slot");
		if (!slot) return;
		if (!slot.seen) setTimeout(report, 50, slot);
		(slot.seen ??= new Set()).add(target);
	}

	function report(slot) {
		const { name, token, seen } = slot;
		if (!seen) return;
		const cards = cardsOf(slot);
		const lines = cards.filter((card) => seen.has(card)).map((card) => ({ item: card.dataset.item }));
		const position = cards.findIndex((card) => seen.has(card)) + 1;
		slot.seen = null;
		send("exposure", { slot: name, token, ...(position && { lines, properties: { position } }) });
	}

	// No URL that runs code.
	const TAGS = /^(A|BR|BUTTON|DATA|DIV|EM|H[1-6]|IMG|LI|OL|P|SECTION|SPAN|STRONG|UL)$/;
	const NAMES = /^(alt|class|height|href|lang|loading|role|src|title|value|width|(data|aria)-[\w-]+)$/;
	const ADDRESS = /^(https?:|mailto:|tel:|[/#?]|[^:]*$)/i;

	function clean(html) {
		const { body } = new DOMParser().parseFromString(html, "text/html");
		for (const node of body.querySelectorAll("*")) {
			if (!TAGS.test(node.tagName)) node.remove();
			for (const { name, value } of [...node.attributes])
				if (!NAMES.test(name) || (/^(href|src)$/.test(name) && !ADDRESS.test(value))) node.removeAttribute(name);
		}
		return body;
	}

	let waiting = [];

	class HemSlot extends HTMLElement {
		connectedCallback() {
			if (this.name) return;
			this.name = this.getAttribute("name");
			if (this.name && waiting.push(this) === 1) queueMicrotask(load);
		}
	}

	async function load() {
		const slots = waiting.splice(0, 20);
		waiting[0] && load();
		const { type, item, category } = set;
		const page = { type, item, category, url: location.pathname + location.search };
		page.cart = [hemline.cart ?? []].flat().map(String);
		const wants = {};
		for (const slot of slots) wants[slot.name] = { name: slot.name, limit: Math.min(cardsOf(slot).length, 50) || undefined };
		try {
			const body = JSON.stringify({ page, slots: Object.values(wants), format: "html" });
			const response = await post("fragments", body, { signal: AbortSignal.timeout(+set.timeout || 800) });
			if (!response.ok) throw response.status;
			const { edition, fragments } = await response.json();
			const fresh = slots.filter((slot) => fragments[slot.name]?.html?.trim?.());
			const bodies = fresh.map((slot) => clean(fragments[slot.name].html));
			await decoded(bodies);
			fresh.forEach((slot, at) => swap(slot, fragments[slot.name].token, bodies[at]));
			emit("shown", { edition, fragments, headers: response.headers });
		} catch (error) {
			emit("shown", { error });
		}
	}

	function decoded(bodies) {
		const images = bodies.flatMap((body) => [...body.querySelectorAll("img")]);
		const ready = images.map(({ src }) => Object.assign(new Image(), { src }).decode());
		return Promise.race([Promise.allSettled(ready), new Promise((done) => setTimeout(done, 200))]);
	}

	function swap(slot, token, body) {
		if (!body.firstElementChild || slot.contains(document.activeElement)) return;
		const tall = () => slot.getBoundingClientRect().height;
		const height = tall();
		slot.replaceChildren(...body.childNodes);
		if (tall() < height) slot.style.minHeight = height + "px";
		once(window, "resize", () => (slot.style.minHeight = ""));
		slot.token = token;
		const cards = cardsOf(slot);
		for (const card of cards.length ? cards : slot.children) watch(card);
	}

	function clicked({ target, button }) {
		const marked = target.closest("[data-hem-event]");
		const item = target.closest("[data-item]")?.dataset.item;
		const slot = target.closest("a[href]")?.closest("hem-slot");
		if (button > 1) return;
		if (marked) send(marked.dataset.hemEvent, { item });
		else if (slot?.token) {
			const card = target.closest("[data-item], hem-slot > *");
			if (!card.told) confirm(card);
			report(slot);
			send("click", { item, slot: slot.name, token: slot.token });
		}
	}

	function turned() {
		document.querySelectorAll("hem-slot *").forEach((card) => card.told === false && watch(card));
		if (document.hidden) leave();
	}

	const view = () => set.item && send("view", { item: set.item });
	addEventListener("click", clicked, true);
	addEventListener("auxclick", clicked, true);
	addEventListener("online", flush);
	addEventListener("pagehide", leave);
	// Restored from the back/forward cache.
	addEventListener("pageshow", ({ persisted }) => persisted && view());
	document.addEventListener("visibilitychange", turned);
	customElements.define("hem-slot", HemSlot);
	view();
})();
