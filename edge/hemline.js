/*! Hemline, MIT: see docs/snippet.md */
(() => {
	"use strict";
	const set = document.currentScript?.dataset ?? {};
	const api = (set.api ?? "") + "/v1/";
	window.hemline ??= {};
	const quiet = navigator.globalPrivacyControl;
	const credentials = quiet ? "omit" : "include";
	const post = (path, body, more) => fetch(api + path, { method: "POST", credentials, body, ...more });
	const emit = (name, detail) => document.dispatchEvent(new CustomEvent("hemline:" + name, { detail }));

	let [queue, timer, pause] = [[], 0, 1];

	async function flush() {
		timer = clearTimeout(timer);
		const events = queue.splice(0);
		if (!events[0]) return;
		const body = JSON.stringify({ events });
		if (document.hidden && navigator.sendBeacon(api + "events", body)) return;
		const answer = await post("events", body, { keepalive: true }).catch(() => {});
		const status = answer?.status ?? 503;
		if (status < 500 && status !== 429) return (pause = 1);
		queue = [...events, ...queue].slice(-99);
		timer ||= setTimeout(flush, (pause = Math.min(pause * 2, 64)) * 1000);
	}

	const send = (hemline.send = (type, fields) => {
		if (quiet) return;
		const event = { id: crypto.randomUUID(), type, time: Date.now(), ...fields };
		queue.push(event);
		emit("sent", event);
		if (type !== "exposure") flush();
		else timer ||= setTimeout(flush, 300);
	});

	// Seen: half of it or of a window, for a second.
	const cardsOf = (slot) => [...slot.querySelectorAll("[data-item]")];
	const eyes = new IntersectionObserver(look, { threshold: [0, 0.25, 0.5, 1] });

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
		if (!target.told) return eyes.observe(target);
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

	// No address that runs.
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
		addEventListener("resize", () => (slot.style.minHeight = ""), { once: true });
		slot.token = token;
		const cards = cardsOf(slot);
		for (const card of cards.length ? cards : slot.children) eyes.observe(card);
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

	addEventListener("click", clicked, true);
	addEventListener("auxclick", clicked, true);
	document.addEventListener("visibilitychange", () => document.hidden && flush());
	customElements.define("hem-slot", HemSlot);
	if (set.item) send("view", { item: set.item });
})();
