// Behind the page: what the fragments API answered, slot by slot, and which events were sent.
// For the curious; everything it shows came over the wire in the open. Text only.
"use strict";
{
  const KEY = "tt-panel";
  const make = (tag, className, ...children) => {
    const node = Object.assign(document.createElement(tag), { className });
    node.append(...children.filter((child) => child || child === 0));
    return node;
  };
  const remembered = () => {
    try {
      return localStorage.getItem(KEY) === "open";
    } catch {
      return false;
    }
  };
  const remember = (open) => {
    try {
      localStorage.setItem(KEY, open ? "open" : "closed");
    } catch {}
  };

  const answer = make("div", "panel__answer", make("p", "panel__soft", "Waiting for the fragments…"));
  const events = make("ol", "panel__events");
  const title = make("h2", "panel__title", "Behind the page");
  const close = make("button", "panel__close", "×");
  const body = make("div", "panel__body", answer, make("h3", "panel__head", "Events sent"), events);
  const panel = make("aside", "panel", make("div", "panel__top", title, close), body);
  const toggle = make("button", "panel-toggle", "Behind the page");
  panel.id = "panel";
  panel.setAttribute("aria-label", "Behind the page");
  close.type = toggle.type = "button";
  close.setAttribute("aria-label", "Close the panel");
  toggle.setAttribute("aria-controls", "panel");

  function show(open) {
    panel.inert = !open; // closed: off the tab order, out of the accessibility tree
    document.documentElement.classList.toggle("panel-open", open);
    toggle.setAttribute("aria-expanded", String(open));
    remember(open);
  }

  const fact = (name, value) => value && make("div", "panel__fact", make("dt", "", name), make("dd", "", value));
  const badge = (kind, text) => make("span", `badge badge--${kind}`, text);

  function drawSlot([name, fragment]) {
    const { rung, scope, items, variant, sections } = fragment;
    const head = make("h3", "panel__slot", make("code", "", name), badge(rung, rung), badge(scope, scope));
    const rows = (items ?? []).map((item) =>
      make("li", "", make("span", "", item.title), item.reason && make("span", "panel__why", item.reason)),
    );
    const said = variant ? `Variant ${variant.name}` : sections ? sections.join(" → ") : "";
    return make(
      "section",
      "panel__section",
      head,
      rows.length ? make("ol", "panel__items", ...rows) : make("p", "panel__soft", said || "Nothing to show here."),
    );
  }

  function drawAnswer({ detail: { error, edition, fragments, headers } }) {
    if (error) {
      const why = error.name === "TimeoutError" ? "no answer in time" : String(error.message ?? error);
      answer.replaceChildren(make("p", "panel__soft", `The page kept its own markup: ${why}.`));
      return;
    }
    const timing = performance.getEntriesByType("resource").findLast((entry) => entry.name.endsWith("/v1/fragments"));
    const took = timing && `${Math.round(timing.duration)} ms in the browser`;
    const facts = make(
      "dl",
      "panel__facts",
      fact("Request", "POST /v1/fragments"),
      fact("Took", took),
      fact("Server", headers.get("server-timing")),
      fact("Cache", headers.get("cache-control")),
      fact("Vary", headers.get("vary")),
      fact("ETag", headers.get("etag")),
      fact("Edition", edition),
    );
    answer.replaceChildren(facts, ...Object.entries(fragments).map(drawSlot));
  }

  function drawEvent({ detail: { type, item, slot, lines, time } }) {
    const about = item ?? (lines ? `${lines.length} ${lines.length === 1 ? "item" : "items"}` : "");
    const where = slot ? ` in ${slot}` : "";
    const clock = new Date(time).toLocaleTimeString("en-GB");
    const row = make("li", "", make("code", "", type), make("span", "", `${about}${where}`), make("time", "", clock));
    events.prepend(row);
    while (events.children.length > 12) events.lastChild.remove();
  }

  toggle.addEventListener("click", () => {
    show(panel.inert);
    if (!panel.inert) close.focus();
  });
  close.addEventListener("click", () => (show(false), toggle.focus()));
  panel.addEventListener("keydown", (event) => event.key === "Escape" && close.click());
  document.addEventListener("hemline:shown", drawAnswer);
  document.addEventListener("hemline:sent", drawEvent);
  document.body.append(toggle, panel);
  show(remembered());
}
