// The shop's own script: the basket (kept in this browser), and the word to those who come back.
// It runs before hemline.js and tells it what lies in the basket. No inline handlers, text only.
"use strict";
{
  const KEY = "tt-basket";
  // By its name: where storage is forbidden, reading the member already throws.
  const kept = (store, key, otherwise) => {
    try {
      return JSON.parse(window[store].getItem(key)) ?? otherwise;
    } catch {
      return otherwise; // blocked or broken storage: an empty basket, not a broken shop
    }
  };
  const keep = (store, key, value) => {
    try {
      window[store].setItem(key, JSON.stringify(value));
    } catch {}
  };
  const money = new Intl.NumberFormat("en-GB", { style: "currency", currency: "GBP" });
  const one = (selector) => document.querySelector(selector);
  const say = (text) => (one("[data-cart-said]").textContent = text);
  const make = (tag, fields, ...children) => {
    const node = Object.assign(document.createElement(tag), fields);
    node.append(...children);
    return node;
  };

  let basket = kept("localStorage", KEY, []);
  const hemline = (window.hemline ??= {});

  function changed(next) {
    basket = next;
    keep("localStorage", KEY, basket);
    draw();
  }

  function add({ cartAdd: id, title, price, image, url }) {
    const there = basket.find((line) => line.id === id);
    const others = basket.filter((line) => line.id !== id);
    changed([...others, { id, title, price: +price, image, url, quantity: (there?.quantity ?? 0) + 1 }]);
    say(`${title} is in your basket.`);
  }

  function order() {
    const lines = basket.map(({ id, quantity, price }) => ({ item: id, quantity, price }));
    hemline.send("purchase", { lines, currency: "GBP", value: total() });
    changed([]);
    say("Thank you. Your order is on its way, in our imagination.");
  }

  const total = () => Math.round(basket.reduce((sum, line) => sum + line.price * line.quantity, 0) * 100) / 100;

  function draw() {
    hemline.cart = basket.map((line) => line.id);
    const count = basket.reduce((sum, line) => sum + line.quantity, 0);
    const badge = one("[data-cart-count]");
    badge.textContent = count;
    badge.hidden = !count;
    const list = one("[data-cart-lines]");
    if (!list) return;
    list.replaceChildren(...basket.map(drawLine));
    one("[data-cart-empty]").hidden = count > 0;
    one("[data-cart-sum]").hidden = !count;
    one("[data-cart-total]").textContent = money.format(total());
  }

  function drawLine(line) {
    const remove = make("button", { type: "button", textContent: "Remove" });
    remove.setAttribute("aria-label", `Remove ${line.title}`);
    remove.addEventListener("click", () => {
      hemline.send?.("remove", { item: line.id });
      changed(basket.filter((other) => other.id !== line.id));
    });
    const title = make("a", { href: line.url, textContent: line.title });
    const price = make("span", { textContent: `${line.quantity} × ${money.format(line.price)}` });
    const image = make("img", { src: line.image, alt: "" });
    return make("li", { className: "basket__line" }, image, title, price, remove);
  }

  // ---- The alert for returning visitors can be sent away, for this visit.
  function closable() {
    const alert = one("[name=welcome-back] .hem-alert");
    if (!alert) return;
    const notice = alert.closest(".notice");
    const close = make("button", { type: "button", className: "notice__close", textContent: "×" });
    close.setAttribute("aria-label", "Close");
    const away = () => {
      notice.hidden = true;
      keep("sessionStorage", "tt-greeted", true);
    };
    close.addEventListener("click", away);
    alert.querySelector(".hem-cta")?.addEventListener("click", away);
    alert.append(close);
  }

  const notice = one(".notice");
  if (notice) notice.hidden = kept("sessionStorage", "tt-greeted", false);
  one("[data-cart-add]")?.addEventListener("click", (event) => add(event.currentTarget.dataset));
  one("[data-cart-order]")?.addEventListener("click", order);
  document.addEventListener("hemline:shown", closable);
  addEventListener("storage", (event) => event.key === KEY && ((basket = kept("localStorage", KEY, [])), draw()));
  draw();
}
