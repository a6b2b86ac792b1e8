/*! Hemline alerts, MIT: opens <hem-slot hidden> at its moment, see docs/snippet.md */
(() => {
	"use strict";
	const touch = matchMedia("(pointer: coarse)").matches;
	let now = null; // the alert that is open: one at a time
	let before = null;

	function open(slot) {
		if (now || slot.past) return;
		[now, before, slot.past] = [slot, document.activeElement, true];
		const close = document.createElement("button");
		Object.assign(close, { type: "button", className: "hem-close", textContent: "×" });
		close.setAttribute("aria-label", slot.dataset.close ?? "Close");
		close.addEventListener("click", () => shut(true));
		slot.firstElementChild.append(close);
		slot.setAttribute("role", "status");
		slot.hidden = false;
		// Screen readers announce a change inside an existing live region; the focus stays.
		requestAnimationFrame(() => slot.replaceChildren(...slot.childNodes));
	}

	function shut(dismissed) {
		const slot = now;
		const back = slot.contains(document.activeElement);
		slot.hidden = true;
		now = null;
		if (back) before?.focus?.();
		if (dismissed) window.hemline.send("dismiss", { slot: slot.name, token: slot.token });
	}

	const on = (target, names, run) => names.split(" ").forEach((name) => target.addEventListener(name, run, { passive: true }));

	function exit(go) {
		on(document, "mouseout", ({ relatedTarget, clientY }) => !relatedTarget && clientY <= 0 && go());
		if (!touch) return;
		let [left, top, at] = [false, scrollY, performance.now()];
		on(document, "visibilitychange", () => (document.hidden ? (left = true) : left && go()));
		on(window, "scroll", ({ timeStamp }) => {
			// Fast upward scroll: over 2 px/ms.
			if (top - scrollY > 2 * Math.max(timeStamp - at, 8)) go();
			[top, at] = [scrollY, timeStamp];
		});
	}

	// Calls `run` after `wait` ms in view without a break; returns a restart. `run` returns what to run next time.
	function after(wait, run) {
		let timer;
		const again = () => {
			clearTimeout(timer);
			if (run && !document.hidden) timer = setTimeout(() => (run = run()), wait);
		};
		on(document, "visibilitychange", again);
		again();
		return again;
	}

	function arm(slot, { at, seconds }) {
		const go = () => (open(slot), !slot.past && go);
		const again = after(seconds * 1000, at === "exit" ? () => exit(go) : go);
		if (at === "idle") on(window, "pointermove pointerdown keydown scroll", again);
	}

	document.addEventListener("hemline:shown", ({ detail }) => {
		for (const slot of document.querySelectorAll("hem-slot[hidden]")) {
			const opens = detail.fragments?.[slot.name]?.opens;
			if (!opens || !slot.token || slot.armed) continue;
			slot.armed = true;
			arm(slot, opens);
		}
	});
	addEventListener("keydown", ({ key }) => now && key === "Escape" && shut(true));
	addEventListener("click", ({ target }) => now?.contains(target) && target.closest("a[href]") && shut(false));
})();
