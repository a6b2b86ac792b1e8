// Your data: what is known of whoever looks, what it may be used for, signing in, being forgotten.
// Each control is one call of the account API, and shows what that answered. It runs before hemline.js.
"use strict";
{
  const one = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const make = (tag, fields, ...children) => {
    const node = Object.assign(document.createElement(tag), fields);
    node.append(...children);
    return node;
  };
  const moment = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
  const time = (ms) => (ms ? moment.format(ms) : "never");
  const many = (count, what, whats = `${what}s`) => `${count} ${count === 1 ? what : whats}`;
  const list = (node, texts) => node.replaceChildren(...texts.map((text) => make("li", { textContent: text })));
  const say = (text) => (one("[data-said]").textContent = text);

  async function call(method, path, body) {
    const headers = body && { "content-type": "application/json" };
    const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
    const found = await response.json().catch(() => ({}));
    if (response.ok) return found;
    throw Object.assign(new Error(found.detail ?? `answer ${response.status}`), found, { status: response.status });
  }

  // ---- One thing at a time; what goes wrong is said, and the page shows again what is true.
  let busy = false;
  async function doing(work) {
    if (busy) return;
    busy = true;
    one("[data-trouble]").hidden = true;
    try {
      await work();
    } catch (error) {
      trouble(error.message);
    }
    await refresh().catch((error) => trouble(error.message));
    showRow();
    busy = false;
  }

  function trouble(text) {
    const node = one("[data-trouble]");
    node.textContent = `That did not work: ${text}`;
    node.hidden = false;
  }

  // ---- What is known
  let known = null;
  let unasked = false; // an event was sent, and still nobody is known
  let titles = {};

  async function read() {
    try {
      return await call("GET", "/v1/me");
    } catch (error) {
      if (error.status !== 401) throw error;
      // A session that the API does not take (its key was changed) ends here; without one, nobody is known.
      if (error.field === "Authorization") await call("DELETE", "/session");
      return null;
    }
  }

  async function refresh() {
    known = await read();
    drawWho();
    drawPurposes();
    drawKnown();
  }

  const user = () => (known?.subject.startsWith("u:") ? known.subject.slice(2) : "");
  const nameOf = (id) => one(`[data-sign-in="${CSS.escape(id)}"]`)?.dataset.name ?? id;

  function drawWho() {
    const name = user() && nameOf(user());
    const devices = known?.links.visitors?.length ?? 0;
    const who = name
      ? [make("strong", { textContent: name }), `, signed in. ${devices ? `You are known on ${many(devices, "device")}.` : ""}`]
      : [known ? "A visitor without a name: this browser has a random number, and we know nothing else." : "Nobody. This browser has no number, and nothing is kept of it."];
    one("[data-who]").replaceChildren(...who);
    one("[data-people]").hidden = Boolean(name);
    one("[data-sign-out]").hidden = !name;
  }

  function drawPurposes() {
    const opted = navigator.globalPrivacyControl;
    one("[data-signal]").hidden = !opted;
    for (const box of all("[data-purpose]")) {
      const told = known?.consent.purposes[box.dataset.purpose];
      box.checked = Boolean(told?.allowed) && !opted;
      box.disabled = Boolean(opted) || !(known || unasked);
      one(`[data-why="${box.dataset.purpose}"]`).textContent = told ? `${sentence(told.because)}.` : "";
    }
  }

  const sentence = (text) => text[0].toUpperCase() + text.slice(1);

  const VERBS = {
    view: "Looked at",
    click: "Opened",
    rate: "Rated",
    share: "Shared",
    wishlist: "Wished for",
    add_to_cart: "Put in the basket",
    purchase: "Bought",
    exposure: "Shown",
    message_clicked: "Opened from a message",
  };

  function drawKnown() {
    const actions = known?.profile.actions ?? {};
    for (const kind of all("[data-kind]")) drawKind(kind, actions[kind.dataset.kind] ?? []);
    const count = Object.values(actions).flat().length;
    const days = Object.values(known?.events.days ?? {});
    const lines = days.flat().length;
    one("[data-known]").textContent = count ? "This is what the rows are made from, the newest first." : "Nothing that a row could be made from.";
    const facts = known && {
      "First seen": time(known.profile.first_seen),
      "Last seen": time(known.profile.last_seen),
      "You last decided": time(known.consent.said_at),
      "In the archive": `${many(lines, "event")} on ${many(days.length, "day")}${known.events.complete ? "" : ", and more"}`,
    };
    one("[data-facts]").replaceChildren(...Object.entries(facts ?? {}).map(fact));
    list(one("[data-never]"), (known?.not_kept ?? []).map(sentence));
    one("[data-download]").hidden = !known;
    one("[data-forget]").disabled = !known;
    const who = user() ? `${nameOf(user())}, on every device` : "this browser";
    const kept = `${many(count, "action")} and ${many(lines, "event")} of ${who}`;
    one("[data-forgettable]").textContent = known ? `${sentence(kept)}: gone at once, everywhere.` : "Nothing is kept of you.";
    one("[data-ask-text]").textContent = `This erases ${kept}.`;
  }

  const fact = ([name, value]) => make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: value }));

  function drawKind(node, actions) {
    node.querySelector("[data-count]").textContent = actions.length;
    node.querySelector("[data-none]").hidden = actions.length > 0;
    node.querySelector("[data-acts]").replaceChildren(...actions.map(drawAct));
  }

  function drawAct({ type, items, time: at }) {
    const ids = Object.keys(items);
    const faces = ids.slice(0, 4).map((id) => make("img", { src: `/pictures/${encodeURIComponent(id)}.svg`, alt: "", loading: "lazy" }));
    const named = (id) => make("a", { href: `/item/${encodeURIComponent(id)}`, textContent: titles[id] ?? id });
    const what = ids.flatMap((id, at) => [at ? " · " : "", named(id), items[id] > 1 ? ` × ${items[id]}` : ""]);
    const when = make("time", { dateTime: new Date(at).toISOString(), textContent: time(at) });
    return make(
      "li",
      { className: "act" },
      make("span", { className: "act__faces" }, ...faces),
      make("span", { className: "act__what" }, ...what),
      make("span", { className: "act__when" }, `${VERBS[type] ?? type}, `, when),
    );
  }

  // ---- What the shop shows now: asked for again, and put in place of the old row when it is there.
  const row = one("#for-you");
  const pristine = row.cloneNode(true);
  let current = row;
  let waits = null;

  function showRow() {
    waits?.remove();
    const next = (waits = pristine.cloneNode(true));
    next.hidden = true;
    next.removeAttribute("id");
    current.after(next);
  }

  document.addEventListener("hemline:shown", ({ detail: { error, fragments } }) => {
    if (waits) {
      const same = waits.textContent === current.textContent;
      current.remove();
      Object.assign(waits, { hidden: false, id: "for-you" }).classList.toggle("pair--fresh", !same);
      [current, waits] = [waits, null];
    }
    const personal = !error && fragments["for-you"]?.rung === "model";
    one("[data-now]").dataset.now = personal ? "personal" : "shared";
    one("[data-now-text]").textContent = personal ? "Chosen for you" : "Not made from what you did";
  });

  // ---- What people do here
  function state(box) {
    const { purpose } = box.dataset;
    const title = one(`label[for="${box.id}"]`).textContent;
    doing(async () => {
      const { purposes } = await call("PUT", "/v1/me/consent", { purposes: { [purpose]: box.checked } });
      say(`${title}: ${purposes[purpose] ? "on" : "off"}.`);
    });
  }

  function signIn({ signIn: id, name }) {
    doing(async () => {
      await call("PUT", "/session", { user: id });
      const { merged } = await call("POST", "/v1/identify");
      forgotten(false);
      say(merged ? `Signed in. What this browser knew is ${name}'s now.` : "Signed in.");
    }).then(() => one("[data-sign-out]").focus());
  }

  function signOut() {
    doing(async () => {
      await call("DELETE", "/session");
      say("Signed out.");
    }).then(() => one("[data-sign-in]").focus());
  }

  function forgotten(yes) {
    one("[data-before]").hidden = yes;
    one("[data-after]").hidden = !yes;
  }

  function forget() {
    one("[data-ask]").close();
    doing(async () => {
      const { erased, people, follows } = await call("DELETE", "/v1/me");
      await call("DELETE", "/session");
      try {
        localStorage.removeItem("tt-basket");
      } catch {} // forbidden storage holds no basket
      dispatchEvent(new StorageEvent("storage", { key: "tt-basket" }));
      const { settled_at, ...later } = follows;
      const devices = people > 1 ? [`on ${many(people - 1, "device")} and your account`] : [];
      list(one("[data-erased]"), [...erased, ...devices, "the basket in this browser"].map(sentence));
      const told = Object.entries(later).map(([what, when]) => `${sentence(what)}: ${when}`);
      list(one("[data-follows]"), [...told, `Everything on its way has run out: ${time(settled_at)}`]);
      forgotten(true);
      one("[data-after]").focus();
      say("You are forgotten.");
    });
  }

  for (const box of all("[data-purpose]")) box.addEventListener("change", () => (busy ? (box.checked = !box.checked) : state(box)));
  for (const button of all("[data-sign-in]")) button.addEventListener("click", () => signIn(button.dataset));
  one("[data-sign-out]").addEventListener("click", signOut);
  one("[data-forget]").addEventListener("click", () => one("[data-ask]").showModal());
  one("[data-ask-no]").addEventListener("click", () => one("[data-ask]").close());
  one("[data-ask-yes]").addEventListener("click", forget);
  // Who looks is nobody until their first event was taken; or until they choose, where silence is a no.
  document.addEventListener("hemline:sent", () => known || setTimeout(() => known || busy || look(true), 900));

  async function start() {
    titles = await call("GET", "/titles.json").catch(() => ({}));
    await look(false);
  }

  async function look(sent) {
    unasked = sent;
    await refresh().catch((error) => trouble(error.message));
  }
  start();
}
